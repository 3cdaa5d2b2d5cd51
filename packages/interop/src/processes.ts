/**
 * Processes that a test or the demo started, and only those.
 *
 * Owns    starting them, ending them by their own id, and what they wrote, for when something goes wrong.
 * Never   looks for a process by name, or leaves one behind: the last one to leave ends them all.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';

const running = new Set<ChildProcess>();

/** However this process ends, short of SIGKILL, its children end with it. */
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
// Without a listener a signal ends a process with no `exit` at all.
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
for (const [signal, code] of Object.entries(signals)) {
  process.once(signal, () => process.exit(code));
}

export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** All that it writes is appended here. */
  readonly logPath: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class ManagedProcess {
  /** Just before it was spawned, as performance.now() tells it here. */
  readonly startedMs = performance.now();
  /** Resolves once the process is gone, with its exit code, or null where a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  #alive = true;

  constructor(options: ProcessOptions) {
    const child = spawn(options.command, [...options.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    this.#child = child;
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text: Buffer) => appendFileSync(options.logPath, text));
    }
    this.exited = new Promise((resolve) => {
      const gone = (code: number | null): void => {
        running.delete(child);
        this.#alive = false;
        resolve(code);
      };
      child.once('error', (error) => {
        appendFileSync(options.logPath, `could not be started: ${error.message}\n`);
        gone(null);
      });
      child.once('exit', gone);
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the process was never started');
    return pid;
  }

  signal(name: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGINT'): void {
    if (this.#alive) this.#child.kill(name);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** SIGTERM, and SIGKILL where that did not end it in time. @returns the exit code */
  async stop(withinMs = 10_000): Promise<number | null> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), withinMs);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Ended by a signal after that; by default it may take as long as it likes. */
  readonly withinMs?: number;
}

/** Runs to its end. @throws where it does not exit with 0, with what it wrote */
export function run(
  command: string,
  args: readonly string[],
  { env, withinMs }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      timeout: withinMs,
    });
    running.add(child);
    let out = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => {
        out += text.toString();
      });
    }
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      if (code === 0) resolve(out);
      else reject(new Error(`${command} ${args.join(' ')} exited with ${code}:\n${out}`));
    });
  });
}

/**
 * Ports that were free a moment ago. They lie below the range from which the kernel takes ports for outgoing
 * connections: one of those could be taken before whoever it is for listens, or while it is being restarted.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const [lowest, highest] = [10_000, 32_767];
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(lowest, highest + 1);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Asks again until `probe` answers something, as a user would. @throws naming `what`, after `withinMs` */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  withinMs: number,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
