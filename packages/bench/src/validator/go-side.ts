/**
 * The validators on CometBFT's own endpoint and client, in one Go process (packages/interop/go/benchvalidator).
 *
 * Owns    that process, and the orders to it: a line of JSON each way, in any order, told apart by their ids.
 * Never   holds a clock: the time of a request is taken over there, around the call that a node makes.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { cometBftVersion, goVersion } from '@cometkms/interop';
import { builtFromGo } from '../go-programs.js';
import { type Step, steps, type Taken, type ValidatorSide } from './validator-side.js';

/** Beside its id and what is to be done; int64 are text. */
type Order =
  | { readonly do: 'listen'; readonly chainIds: readonly string[] }
  | { readonly do: 'ready' | 'verify' }
  | {
      readonly do: 'ask';
      readonly chain: number;
      readonly from: string;
      readonly heights: number;
      readonly steps: readonly Step[];
      readonly extensionBytes: number;
    };

interface Answer {
  readonly id: number;
  readonly error?: string;
  readonly addresses?: readonly string[];
  readonly taken?: readonly Taken[];
  readonly verified: number;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** Builds the program. @throws CannotMeasure where there is no Go */
export async function goSide(say: (line: string) => void): Promise<() => ValidatorSide> {
  const path = await builtFromGo('benchvalidator', '--validator go', say);
  const title = `a node’s own listener and client (CometBFT ${cometBftVersion()}, ${goVersion()})`;
  return () => new GoSide(path, title);
}

class GoSide implements ValidatorSide {
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  #process: ChildProcessWithoutNullStreams | null = null;
  #gone: Promise<void> = Promise.resolve();
  #lastId = 0;

  constructor(
    path: string,
    readonly title: string,
  ) {
    this.#path = path;
  }

  async listen(chainIds: readonly string[]): Promise<readonly string[]> {
    this.#start();
    const { addresses = [] } = await this.#order({ do: 'listen', chainIds });
    return addresses;
  }

  async ready(): Promise<void> {
    await this.#order({ do: 'ready' });
  }

  async ask(chain: number, height: bigint, step: Step, extensionBytes = 0): Promise<Taken> {
    const [taken] = await this.#ask(chain, height, 1, [step], extensionBytes);
    if (taken === undefined) throw new Error('benchvalidator gave no answer to the one request');
    return taken;
  }

  askInTurn(
    chain: number,
    from: bigint,
    heights: number,
    extensionBytes = 0,
  ): Promise<readonly Taken[]> {
    return this.#ask(chain, from, heights, steps, extensionBytes);
  }

  async verify(): Promise<number> {
    return (await this.#order({ do: 'verify' })).verified;
  }

  async stop(): Promise<void> {
    // The end of its input is its end, also where this process is killed.
    this.#process?.stdin.end();
    await this.#gone;
  }

  async #ask(
    chain: number,
    from: bigint,
    heights: number,
    asked: readonly Step[],
    extensionBytes: number,
  ): Promise<readonly Taken[]> {
    const order = { chain, from: String(from), heights, steps: asked, extensionBytes };
    const { taken = [] } = await this.#order({ do: 'ask', ...order });
    return taken;
  }

  #order(order: Order): Promise<Answer> {
    const running = this.#process;
    if (running === null) throw new Error('benchvalidator does not run');
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      running.stdin.write(`${JSON.stringify({ id, ...order })}\n`);
    });
  }

  #start(): void {
    const running = spawn(this.#path, [], { stdio: 'pipe' });
    this.#process = running;
    let said = '';
    running.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    // Whoever waits for an answer to an order that could not be written is told by `close`.
    running.stdin.on('error', (error) => {
      said += `${error.message}\n`;
    });
    createInterface(running.stdout).on('line', (line) =>
      this.#onAnswer(JSON.parse(line) as Answer),
    );
    this.#gone = new Promise((resolve) => {
      running.once('error', (error) => {
        said += `${error.message}\n`;
      });
      running.once('close', (code) => {
        this.#process = null;
        const error = new Error(`benchvalidator ended with ${code}:\n${said}`);
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  #onAnswer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(answer.error));
  }
}
