/** The log on real files: names and sizes on disk, a process that is killed, and what may lie beside it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/clock.js';
import { ConsensusError } from '../src/errors.js';
import { decodeNote } from '../src/wal/durable-note.js';
import { diskFiles } from '../src/wal/files.js';
import { openWal } from '../src/wal/index.js';
import { WriteAheadLog } from '../src/wal/wal.js';
import { command, founding, SMALL_SEGMENT } from './log-samples.js';

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const base = await mkdtemp(join(tmpdir(), 'cometkms-wal-'));
  try {
    await body(join(base, 'log'));
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

const isCode = (code: string) => (error: unknown) =>
  error instanceof ConsensusError && error.code === code;

async function writeLog(directory: string, entries: number): Promise<void> {
  const wal = openWal({ directory, segmentBytes: SMALL_SEGMENT });
  await wal.open();
  await wal.append([founding]);
  for (let index = 1; index <= entries; index += 1) await wal.append([command(index)]);
  await wal.close();
}

test('opening an empty place writes nothing; founding makes a segment of the size asked for', () =>
  inDirectory(async (directory) => {
    const wal = openWal({ directory, segmentBytes: 64 * 1024 });
    assert.equal((await wal.open()).genesis, null);
    await assert.rejects(stat(directory), { code: 'ENOENT' });
    await wal.append([founding]);
    assert.equal((await stat(join(directory, '0000000001.wal'))).size, 64 * 1024);
    await wal.close();
    // A clean stop waits for the spare.
    assert.deepEqual(await readdir(directory), ['0000000001.wal', '0000000002.wal', 'durable']);
    assert.equal(wal.stats().bytes, 128 * 1024);
    assert.ok(wal.stats().lastSyncMs > 0);
    const secret = (await stat(join(directory, '0000000001.wal'))).mode & 0o077;
    assert.equal(secret, 0, 'nobody else reads it');
  }));

test('how long the last sync took is told for a minute: a log that rests is not slow for ever', () =>
  inDirectory(async (directory) => {
    let nowMs = 0;
    const clock = { nowMs: () => nowMs++, after: systemClock.after };
    const wal = new WriteAheadLog(diskFiles(directory), { segmentBytes: SMALL_SEGMENT }, clock);
    await wal.open();
    assert.equal(wal.stats().lastSyncMs, 0);
    await wal.append([founding]);
    assert.equal(wal.stats().lastSyncMs, 1);
    nowMs += 59_000;
    assert.equal(wal.stats().lastSyncMs, 1);
    nowMs += 1_000;
    assert.equal(wal.stats().lastSyncMs, 0);
    await wal.close();
  }));

test('what was acknowledged is noted a moment later, all of it at once, or at the stop', () =>
  inDirectory(async (directory) => {
    const due: (() => void)[] = [];
    const after = (_ms: number, run: () => void) => {
      due.push(run);
      return () => undefined;
    };
    const clock = { nowMs: systemClock.nowMs, after };
    const wal = new WriteAheadLog(diskFiles(directory), { segmentBytes: SMALL_SEGMENT }, clock);
    await wal.open();
    const noted = async () => decodeNote(await readFile(join(directory, 'durable')));
    await wal.append([founding]);
    await wal.append([command(1)]);
    assert.equal(await noted(), 0);
    assert.equal(due.length, 1);
    await wal.close();
    assert.equal(await noted(), 2);
  }));

test('two segments are kept, whatever was written', () =>
  inDirectory(async (directory) => {
    await writeLog(directory, 30);
    const names = (await readdir(directory)).filter((name) => name.endsWith('.wal')).sort();
    assert.equal(names.length, 2);
    assert.notEqual(names[0], '0000000001.wal');
  }));

test('what a killed process acknowledged is there, kill after kill', () =>
  inDirectory(async (directory) => {
    const program = fileURLToPath(new URL('./appending-process.js', import.meta.url));
    for (const lines of [1, 40, 97, 163]) {
      const child = spawn(process.execPath, [program, directory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      let acknowledged = 0;
      let seen = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Number(line);
        seen += 1;
        // What it says between the signal and its end counts as well.
        if (seen === lines) child.kill('SIGKILL');
      }
      const [, signal] = await exited;
      assert.equal(signal, 'SIGKILL');
      const wal = openWal({ directory });
      const { entries, snapshot } = await wal.open();
      await wal.close();
      const last = entries.at(-1)?.index ?? snapshot?.index ?? 0;
      assert.ok(last === acknowledged || last === acknowledged + 1, `${last} of ${acknowledged}`);
      for (const entry of entries) {
        assert.ok(entry.kind === 'command');
        assert.deepEqual(entry.command, new Uint8Array(300).fill(entry.index));
      }
    }
  }));

test('a flipped bit on the disk is refused, and the file is named', () =>
  inDirectory(async (directory) => {
    await writeLog(directory, 3);
    const [name = ''] = (await readdir(directory)).sort();
    const path = join(directory, name);
    const bytes = await readFile(path);
    bytes.writeUInt8((bytes[4196] ?? 0) ^ 1, 4196);
    await writeFile(path, bytes);
    await assert.rejects(openWal({ directory }).open(), (error: unknown) => {
      assert.ok(isCode('CONSENSUS_LOG_DAMAGED')(error));
      assert.match(String(error), new RegExp(`${name} is damaged at byte 4096`));
      return true;
    });
  }));

test('after a clean stop every loss is seen: a missing, cut, renamed or emptied segment', () =>
  inDirectory(async (directory) => {
    const losses: readonly (readonly [string, (path: string) => Promise<void>, RegExp])[] = [
      ['CONSENSUS_LOG_DAMAGED', (path) => rm(path), /forgotten|outlived/],
      ['CONSENSUS_LOG_DAMAGED', (path) => truncate(path, 8192), /misplaced/],
      ['CONSENSUS_LOG_DAMAGED', (path) => truncate(path, 0), /misplaced/],
      ['CONSENSUS_LOG_UNREADABLE', (path) => rename(path, `${path}.bak`), /looks like a segment/],
    ];
    for (const [code, lose, says] of losses) {
      await rm(directory, { recursive: true, force: true });
      await writeLog(directory, 2);
      const [name = ''] = (await readdir(directory)).sort();
      await lose(join(directory, name));
      await assert.rejects(openWal({ directory }).open(), (error: unknown) => {
        assert.ok(isCode(code)(error), String(error));
        assert.match(String(error), says);
        return true;
      });
    }
    // All segments lost: the note alone tells that there was a log.
    await rm(directory, { recursive: true });
    await writeLog(directory, 2);
    for (const name of await readdir(directory)) {
      if (name.endsWith('.wal')) await rm(join(directory, name));
    }
    await assert.rejects(openWal({ directory }).open(), isCode('CONSENSUS_LOG_DAMAGED'));
  }));

test('a file of somebody else is left alone; a directory that cannot be read is an error', () =>
  inDirectory(async (directory) => {
    await mkdir(join(directory, 'lost+found'), { recursive: true });
    await writeLog(directory, 2);
    assert.ok((await readdir(directory)).includes('lost+found'));
    await assert.rejects(
      openWal({ directory: join(directory, 'durable') }).open(),
      isCode('CONSENSUS_LOG_UNREADABLE'),
    );
  }));
