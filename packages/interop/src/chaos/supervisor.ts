/**
 * The supervisor of the replicas: starts them, ends them for a fault, and asks of every other end why.
 *
 * Owns    which ends were ours, which ones a fault allows, and starting again after those, as a unit file would.
 * Never   starts one again that ended by itself for a reason that no fault allows: that is a violation.
 */
import { appendFileSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { Fleet } from '../fleet.js';

/** How a replica may end by itself: the exit code, and the codes of errors (docs/errors.md). */
export interface End {
  readonly exit: number;
  readonly codes: readonly string[];
}

export interface SeenEnd {
  readonly replica: string;
  readonly exit: number | null;
  readonly code: string;
  readonly explained: boolean;
}

/** As in the unit file. */
const RESTART_AFTER_MS = 1000;
/** What a process wrote last may arrive after the news of its end. */
const LAST_WORDS_MS = 100;

export class Supervisor {
  readonly ends: SeenEnd[] = [];
  readonly violations: string[] = [];
  /** Starts after the first ones. */
  restarts = 0;
  readonly #fleet: Fleet;
  readonly #clockedPids: string;
  readonly #ours = new Set<string>();
  readonly #allowed = new Map<string, readonly End[]>();
  #closing = false;

  /** @param clockedPids the file of scope.ts */
  constructor(fleet: Fleet, clockedPids: string) {
    this.#fleet = fleet;
    this.#clockedPids = clockedPids;
  }

  start(name: string): void {
    const replica = this.#fleet.replica(name);
    if (replica.process !== null) this.restarts += 1;
    const logFrom = replica.process === null ? 0 : statSync(replica.logPath).size;
    const process = this.#fleet.start(name);
    this.#ours.delete(name);
    appendFileSync(this.#clockedPids, `${process.pid}\n`);
    void process.exited.then(async (exit) => {
      for (const file of [`faketime_shm_${process.pid}`, `sem.faketime_sem_${process.pid}`]) {
        rmSync(`/dev/shm/${file}`, { force: true });
      }
      if (this.#ours.has(name) || this.#closing) return;
      await pause(LAST_WORDS_MS);
      this.#onEnd(name, exit, lastErrorIn(replica.logPath, logFrom));
    });
  }

  signal(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#fleet.replica(name).process?.signal(signal);
  }

  /** kill -9; it stays down until `start`. */
  async kill(name: string): Promise<void> {
    this.#ours.add(name);
    await this.#fleet.replica(name).process?.kill();
  }

  /** SIGTERM, as an operator; it stays down until `start`. */
  async stop(name: string): Promise<void> {
    this.#ours.add(name);
    const exit = await this.#fleet.replica(name).process?.stop(20_000);
    if (exit !== 0) this.violations.push(`${name} ended with ${exit} after SIGTERM, not with 0`);
  }

  /** From now on this replica may end by itself like that; none: no longer. */
  allow(name: string, ends: readonly End[]): void {
    this.#allowed.set(name, ends);
  }

  /** No replica is started again after this. @param gently each has to end with 0 */
  async close(gently: boolean): Promise<void> {
    this.#closing = true;
    for (const { name } of this.#fleet.replicas) this.signal(name, 'SIGCONT');
    const alive = this.#fleet.replicas.filter(({ process }) => process?.alive);
    await Promise.all(alive.map(({ name }) => (gently ? this.stop(name) : this.kill(name))));
  }

  #onEnd(replica: string, exit: number | null, code: string): void {
    const allowed = this.#allowed.get(replica) ?? [];
    const explained = allowed.some((end) => end.exit === exit && end.codes.includes(code));
    this.ends.push({ replica, exit, code, explained });
    if (!explained) {
      this.violations.push(`${replica} ended by itself: exit ${exit}, ${code}`);
      return;
    }
    setTimeout(() => {
      if (!this.#closing && !this.#fleet.replica(replica).process?.alive) this.start(replica);
    }, RESTART_AFTER_MS);
  }
}

/** The last `error CODE: ...` that it printed since then; where that says nothing, the kernel's word as well. */
function lastErrorIn(path: string, from: number): string {
  const text = readFileSync(path).subarray(from).toString('utf8');
  const last = [...text.matchAll(/^error ([A-Z_]+):(?: Error: (E[A-Z]+):)?/gm)].at(-1);
  const [, code = 'no error was printed', system] = last ?? [];
  return code === 'UNEXPECTED' && system !== undefined ? `${code} ${system}` : code;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
