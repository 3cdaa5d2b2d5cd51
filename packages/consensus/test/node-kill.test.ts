/** Processes that are killed: what was answered is never lost, and all replicas hold the same. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freeAddresses } from './loopback.js';
import { until } from './node-world.js';

const program = fileURLToPath(new URL('./node-process.js', import.meta.url));
const names = ['a', 'b', 'c'];

/** One life of one replica. */
class Life {
  readonly process: ChildProcess;
  readonly done = new Set<string>();
  readonly applied = new Map<number, string>();
  serving = false;
  fatal: string | null = null;

  constructor(directory: string, name: string, members: readonly string[]) {
    this.process = spawn(process.execPath, [program, directory, name, ...members], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { stdin, stdout } = this.process;
    assert.ok(stdin !== null && stdout !== null);
    // A line for one that was just killed goes nowhere, which is what the test is about.
    stdin.on('error', () => stdin.destroy());
    createInterface({ input: stdout }).on('line', (line) => this.#heard(line));
  }

  #heard(line: string): void {
    const [word, first = '', ...rest] = line.split(' ');
    if (word === 'serving') this.serving = true;
    if (word === 'done') this.done.add(first);
    if (word === 'applied') this.applied.set(Number(first), rest.join(' '));
    if (word === 'fatal') this.fatal = first;
  }

  propose(command: string): void {
    this.process.stdin?.write(`${command}\n`);
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}

test('three kills of the leader under load: every answer survives', {
  timeout: 120_000,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'raft-kill-'));
  const addresses = await freeAddresses(names.length);
  const members = names.map((name, i) => `${name}=${addresses[i]}`);
  const lives = new Map<string, Life>();
  const start = (name: string) => {
    mkdirSync(join(directory, name), { recursive: true });
    lives.set(name, new Life(join(directory, name), name, members));
  };
  t.after(async () => {
    for (const life of lives.values()) await life.kill();
    rmSync(directory, { recursive: true, force: true });
  });
  const alive = () => [...lives].map(([name, life]) => ({ name, life }));
  for (const name of names) start(name);

  const answered: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const leader = await until('a leader', () => alive().find(({ life }) => life.serving));
    const commands = Array.from({ length: 40 }, (_, i) => `${round}.${i}`);
    for (const command of commands) leader.life.propose(command);
    // In the middle of them: some are answered, some are under way, some were never written.
    await until('some answers', () => (leader.life.done.size >= 5 ? true : undefined));
    for (const { life } of alive()) life.serving = false;
    await leader.life.kill();
    answered.push(...leader.life.done);
    lives.delete(leader.name);
    await until('another leader', () => alive().find(({ life }) => life.serving));
    start(leader.name);
  }

  const leader = await until('a leader', () => alive().find(({ life }) => life.serving));
  leader.life.propose('last');
  const all = await until('all have applied the last one', () => {
    const logs = alive().map(({ life }) => [...life.applied.values()]);
    return logs.every((log) => log.includes('last')) ? logs : undefined;
  });
  for (const log of all) assert.deepEqual(log, all[0]);
  const missing = answered.filter((command) => !all[0]?.includes(command));
  assert.deepEqual(missing, [], `of ${answered.length} answers`);
  assert.ok(answered.length >= 15);
  for (const { life } of alive()) assert.equal(life.fatal, null);
});
