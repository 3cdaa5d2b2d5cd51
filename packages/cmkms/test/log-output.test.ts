/**
 * Standard output in the hands of a reader that is slow, stuck, gone, or a full disk: as real processes.
 *
 * Owns    the promise that a heartbeat never waits for a log line, and an exit neither.
 * Never   measures time: a chain of timers that is counted shows that the loop turns.
 * Proof   with the thread pool in the place of the event loop, "a stuck reader does not hold up the exit"
 *         hangs; with process.stdout, "a stuck reader stops no timer" does.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openLineOutput } from '../src/log/index.js';
import type { Order, Report } from './chatter.js';

/** A hang is the failure that some of these tests are about. */
const hang = { timeout: 60_000 };

const program = fileURLToPath(new URL('./chatter.js', import.meta.url));

async function chatter(t: TestContext, stdout: number | 'pipe'): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', stdout, 'inherit', 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

function order(child: ChildProcess, what: Order): void {
  child.send(what);
}

async function report(child: ChildProcess): Promise<Report> {
  const answer = once(child, 'message');
  order(child, { kind: 'report', ticks: 100 });
  const [said] = (await answer) as [Report];
  return said;
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cmkms-log-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A pipe that nobody reads until we do. */
async function fifo(t: TestContext): Promise<{ writeEnd: number; readEnd: number }> {
  const path = join(await temporaryDirectory(t), 'fifo');
  execFileSync('mkfifo', [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  t.after(() => closeSync(readEnd));
  return { writeEnd, readEnd };
}

test(
  'a stuck reader of a pipe stops no timer, and what does not fit is counted',
  hang,
  async (t) => {
    const { writeEnd } = await fifo(t);
    const child = await chatter(t, writeEnd);
    closeSync(writeEnd);
    order(child, { kind: 'chatter', lines: 5000 });
    const said = await report(child);
    assert.equal(said.ticks, 100);
    assert.ok(said.dropped > 0 && said.dropped < 5000, `${said.dropped} dropped`);
  },
);

test(
  'a stuck reader of a socket stops no timer, and when it reads again it is told what it missed',
  hang,
  async (t) => {
    const child = await chatter(t, 'pipe');
    order(child, { kind: 'chatter', lines: 5000 });
    const { dropped } = await report(child);
    assert.ok(dropped > 0 && dropped < 5000, `${dropped} dropped`);
    const text = await readUntil(child.stdout as Readable, 'log_dropped');
    assert.match(text, new RegExp(`log_dropped lines=${dropped}\\n`));
    const numbers = [...text.matchAll(/line (\d+) /g)].map((match) => Number(match[1]));
    assert.equal(numbers.length + dropped, 5000);
    assert.deepEqual(
      numbers,
      numbers.map((_, place) => place),
      'the oldest lines are kept, in order, each whole',
    );
  },
);

test('a stuck reader does not hold up the exit', hang, async (t) => {
  const { writeEnd } = await fifo(t);
  const child = await chatter(t, writeEnd);
  closeSync(writeEnd);
  order(child, { kind: 'chatter', lines: 5000 });
  await report(child);
  const exit = once(child, 'exit');
  order(child, { kind: 'exit', deadlineMs: 50 });
  assert.deepEqual(await exit, [0, null]);
});

test('what is queued at the end is written before the exit', async (t) => {
  const child = await chatter(t, 'pipe');
  const text = all(child.stdout as Readable);
  order(child, { kind: 'chatter', lines: 900 });
  order(child, { kind: 'exit', deadlineMs: 60_000 });
  assert.equal((await text).split('\n').filter((line) => line.includes('line ')).length, 900);
});

test('a file gets every line', async (t) => {
  const path = join(await temporaryDirectory(t), 'out');
  const fd = openSync(path, 'w');
  const child = await chatter(t, fd);
  closeSync(fd);
  order(child, { kind: 'chatter', lines: 900 });
  const exit = once(child, 'exit');
  order(child, { kind: 'exit', deadlineMs: 60_000 });
  await exit;
  assert.equal(readFileSync(path, 'utf8').trimEnd().split('\n').length, 900);
});

test('a full disk loses lines and nothing else', async (t) => {
  const fd = openSync('/dev/full', 'w');
  const child = await chatter(t, fd);
  closeSync(fd);
  order(child, { kind: 'chatter', lines: 5 });
  let said = await report(child);
  while (said.dropped === 0) said = await report(child);
  const exit = once(child, 'exit');
  order(child, { kind: 'exit', deadlineMs: 50 });
  assert.deepEqual(await exit, [0, null]);
});

test('a reader that went away loses lines and nothing else', async (t) => {
  const child = await chatter(t, 'pipe');
  (child.stdout as Readable).destroy();
  order(child, { kind: 'chatter', lines: 5 });
  let said = await report(child);
  while (said.dropped === 0) said = await report(child);
  order(child, { kind: 'chatter', lines: 5 });
  assert.equal((await report(child)).ticks, 100);
});

test('without anything to write to, every line is counted', () => {
  const output = openLineOutput(1_000_000);
  assert.equal(output.write('lost\n'), false);
  assert.equal(output.dropped(), 1);
});

async function readUntil(stream: Readable, word: string): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.includes(word) && text.endsWith('\n')) break;
  }
  return text;
}

async function all(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
