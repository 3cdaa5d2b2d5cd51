/**
 * The real program, running: started with flags, watched by what it logs, ended by its own id.
 *
 * Owns    the processes that it started, what they wrote, and their end.
 * Never   leaves one behind, or reads anything of this process's environment but PATH.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from './cluster.js';
import { Validator } from './validator.js';

const program = fileURLToPath(new URL('../../bin/cmkms.mjs', import.meta.url));
const waitMs = 30_000;

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export interface LogLine {
  readonly event: string;
  readonly [fact: string]: unknown;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Put before the program, as `prlimit --fsize=…`. */
  readonly under?: readonly string[];
  /** A file descriptor for its standard output; nothing of it is seen here then. */
  readonly stdout?: number;
}

export class Process {
  /** With its exit code; null where a signal ended it. */
  readonly exited: Promise<number | null>;
  /** What it logged so far, as JSON. */
  readonly lines: LogLine[] = [];
  err = '';
  readonly #child: ChildProcess;
  #rest = '';
  #gone = false;

  constructor(args: readonly string[], options: StartOptions = {}) {
    const command = [...(options.under ?? []), process.execPath, program, ...args];
    const child = spawn(command[0] ?? '', command.slice(1), {
      env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), ...options.env },
      cwd: tmpdir(),
      stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
    });
    this.#child = child;
    living.add(child);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#onOut(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code: number | null) => {
        this.#gone = true;
        living.delete(child);
        resolve(code);
      });
    });
  }

  get alive(): boolean {
    return !this.#gone;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  all(event: string): readonly LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** The first such line. @throws where the process ends without it, with what it wrote */
  async until(event: string, matches: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    const look = (): LogLine | undefined => {
      const found = this.all(event).find(matches);
      if (found === undefined && this.#gone) throw new Error(`${event} never came`);
      return found;
    };
    return await until(event, look, waitMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#child.spawnargs.join(' ')}\n${this.said}`);
    });
  }

  get said(): string {
    return `${this.lines.map((line) => JSON.stringify(line)).join('\n')}\n${this.err}`;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#gone) this.#child.kill(name);
  }

  /** Its exit code, once it ended by itself. @throws where it does not, with what it wrote */
  async ended(): Promise<number | null> {
    const gone = (): true | undefined => (this.#gone ? true : undefined);
    await until('the end of the process', gone, waitMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.said}`);
    });
    return await this.exited;
  }

  /** SIGTERM. @returns the exit code @throws where it does not end, with what it wrote */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return await this.ended();
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  #onOut(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.lines.push(JSON.parse(part) as LogLine);
  }
}

/** What one test starts, and its directory: all of it ends with the test, the processes first. */
export class Scene {
  readonly directory: string;
  readonly #processes: Process[] = [];
  readonly #closing: (() => Promise<unknown>)[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(t: TestContext): Promise<Scene> {
    const scene = new Scene(await mkdtemp(join(tmpdir(), 'cmkms-process-')));
    t.after(() => scene.#end());
    return scene;
  }

  start(args: readonly string[], options?: StartOptions): Process {
    const process_ = new Process(args, options);
    this.#processes.push(process_);
    return process_;
  }

  async validator(chainId: string): Promise<Validator> {
    const validator = await Validator.listen(chainId);
    this.atEnd(() => validator.stop());
    return validator;
  }

  /** After the processes are gone, before their files are. */
  atEnd(close: () => Promise<unknown>): void {
    this.#closing.push(close);
  }

  async #end(): Promise<void> {
    await Promise.all(this.#processes.map((process_) => process_.kill()));
    for (const close of this.#closing) await close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Ends by itself, with this code, two lines on stderr, and the first of them like this. */
export async function refuses(process_: Process, code: number, says: RegExp): Promise<void> {
  assert.equal(await process_.ended(), code, process_.said);
  assert.match(process_.err, /^error [A-Z_]+: [^\n]+\nfix: [^\n]+\n$/);
  assert.match(process_.err, says);
}
