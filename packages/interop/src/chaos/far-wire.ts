/**
 * The handle to a wire that stands in a replica's network.
 *
 * Owns    its process.
 * Never   carries a byte itself: see wire.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Place, WireOrder } from './wire.js';
import type { WireMessage } from './wire-process.js';

const program = fileURLToPath(new URL('./wire-process.js', import.meta.url));

export class FarWire {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves once it listens. */
  static start(launcher: readonly string[], listen: Place, target: Place): Promise<FarWire> {
    const [command = process.execPath, ...rest] = [...launcher, process.execPath];
    const places = [listen.host, `${listen.port}`, target.host, `${target.port}`];
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
    const child = spawn(command, [...rest, program, ...places], { stdio: [...stdio] });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`a wire ended with ${code}`)));
      child.once('message', () => resolve(new FarWire(child)));
    });
  }

  set order(order: WireOrder) {
    this.#say(order);
  }

  cut(): void {
    this.#say('cut');
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await gone;
  }

  #say(message: WireMessage): void {
    this.#child.send(message);
  }
}
