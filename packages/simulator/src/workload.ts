/**
 * What validators ask for, and how a chain goes on.
 *
 * Owns    the course of each validator through heights, rounds and steps, and its bad habits.
 * Never   knows what replicas do with a request.
 * Faults  Two validators with one key ask for different blocks, or one asks for nil and the other for a block. A
 *         validator that restarts asks again with another time, or for something else. Now and then one asks far above
 *         the chain, or below what it had.
 */

import { createHash } from 'node:crypto';
import type { BlockId } from '@cometkms/privval';
import type { Position, RecordId } from '@cometkms/sign-state';
import type { Random } from './random.js';
import { arrivals, type Timeline } from './timeline.js';
import type { Answered, Request, Validator } from './validator.js';

export interface Habits {
  /** Between an answer and the next request, in milliseconds, mean. */
  readonly pauseMs: number;
  /** Chances, of each request. */
  readonly otherContent: number;
  readonly nil: number;
  readonly poison: number;
  readonly below: number;
  /** Exactly where something begins to be refused, or just above. */
  readonly line: number;
  readonly restart: number;
  readonly newRound: number;
}

/** One chain as all its validators see it. */
export class Chain {
  /** The height that the network works on. */
  height: bigint;
  /** Where something begins to be refused: imports, floors, halt heights, what was signed elsewhere. */
  readonly lines: Position[] = [];
  /** How many requests more go to the last of them. */
  replays = 0;

  constructor(
    readonly id: RecordId,
    startHeight: bigint,
  ) {
    this.height = startHeight;
  }
}

const nil: BlockId = {
  hash: new Uint8Array(0),
  partSetHeader: { total: 0, hash: new Uint8Array(0) },
};
const blocks = new Map<string, BlockId>();

/** Small differences make another block. */
function blockNamed(name: string): BlockId {
  const known = blocks.get(name);
  if (known !== undefined) return known;
  if (blocks.size > 10_000) blocks.clear();
  const hash = createHash('sha256').update(name).digest();
  const block = { hash, partSetHeader: { total: 1, hash } };
  blocks.set(name, block);
  return block;
}

export interface Asked {
  readonly validator: Validator;
  readonly request: Request;
  readonly answered: Answered;
}

type Step = 1 | 2 | 3;

export class ValidatorCourse {
  readonly chain: Chain;
  readonly validator: Validator;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #habits: Habits;
  readonly #answered: (asked: Asked) => void;
  #height: bigint;
  #round = 0;
  #step: Step = 1;
  #seconds = 1_800_000_000n;
  #stopped = false;
  #cancelAsk: () => void = () => {};

  constructor(
    chain: Chain,
    validator: Validator,
    timeline: Timeline,
    random: Random,
    habits: Habits,
    answered: (asked: Asked) => void,
  ) {
    this.chain = chain;
    this.validator = validator;
    this.#timeline = timeline;
    this.#random = random;
    this.#habits = habits;
    this.#answered = answered;
    this.#height = chain.height;
  }

  start(): void {
    this.#later();
  }

  /** After what it is at. */
  stop(): void {
    this.#stopped = true;
  }

  /** The network has moved on to this height. */
  catchUp(height: bigint): void {
    if (height > this.chain.height) this.chain.height = height;
  }

  /** Does not ask any more what it asks nobody yet, for want of a link. False: there is nothing of the kind. */
  giveUp(): boolean {
    const { isAsking, isConnected } = this.validator;
    if (!isAsking || isConnected) return false;
    this.validator.restart();
    return true;
  }

  /** One honest request for the next height, whatever it was at. */
  askNext(height: bigint, done: (answered: Answered) => void): void {
    this.validator.restart();
    this.#height = height;
    this.#round = 0;
    this.validator.ask(this.#request(2, height, 0, false), done);
  }

  #later(): void {
    this.#askIn(this.#random.exponential(this.#habits.pauseMs));
  }

  /** Does not wait any longer, where it waits. */
  hurry(): void {
    if (!this.validator.isAsking && !this.#stopped) this.#askIn(0);
  }

  #askIn(ms: number): void {
    this.#cancelAsk();
    this.#cancelAsk = this.#timeline.plan(this.#timeline.now + ms, arrivals, () => this.#ask());
  }

  #ask(): void {
    if (this.#stopped) return;
    const { otherContent, poison, below } = this.#habits;
    if (this.#height < this.chain.height) this.#moveTo(this.chain.height);
    let height = this.#height;
    if (this.#random.chance(poison)) height += 10n ** BigInt(this.#random.pick([3, 5, 7, 8, 9]));
    else if (this.#random.chance(below)) height -= BigInt(this.#random.between(1, 3));
    if (height < 1n) height = 1n;
    const other = this.#random.chance(otherContent);
    const isDrawn = this.#random.chance(this.#habits.line);
    const line = this.#replay() ?? (isDrawn ? this.#line() : null);
    const request =
      line === null
        ? this.#request(this.#step, height, this.#round, other)
        : this.#request(line.step === 0 ? 1 : line.step, line.height, line.round, other);
    if (this.#random.chance(this.#habits.restart)) this.#restartSoon();
    this.validator.ask(request, (answered) => {
      this.#answered({ validator: this.validator, request, answered });
      if (line === null) this.#goOn(height, answered);
      this.#later();
    });
  }

  #replay(): Position | null {
    if (this.chain.replays === 0) return null;
    this.chain.replays -= 1;
    return this.chain.lines.at(-1) ?? null;
  }

  /** One of the latest, or the next step or height after it. */
  #line(): Position | null {
    const { lines } = this.chain;
    const line = lines[lines.length - 1 - Math.min(lines.length - 1, this.#random.between(0, 2))];
    if (line === undefined) return null;
    const { height, round, step } = line;
    const places: Position[] = [
      line,
      line,
      { height, round, step: step === 1 ? 2 : 3 },
      { height: height + 1n, round: 0, step: 1 },
    ];
    return this.#random.pick(places);
  }

  /** In the middle of what it asks, perhaps: then it asks anew, with the time of its new life. */
  #restartSoon(): void {
    const ms = this.#random.exponential(200);
    this.#timeline.plan(this.#timeline.now + ms, arrivals, () => {
      const wasAsking = this.validator.isAsking;
      this.validator.restart();
      if (wasAsking) this.#later();
    });
  }

  #goOn(height: bigint, answered: Answered): void {
    if (height !== this.#height) return;
    if (this.#step < 3) this.#step = (this.#step + 1) as Step;
    else if (answered.kind === 'signed' && !this.#random.chance(this.#habits.newRound)) {
      this.#moveTo(height + 1n);
    } else {
      this.#step = 1;
      this.#round += 1;
    }
  }

  #moveTo(height: bigint): void {
    this.#height = height;
    this.#round = 0;
    this.#step = 1;
    if (height > this.chain.height) this.chain.height = height;
  }

  #request(step: Step, height: bigint, round: number, other: boolean): Request {
    this.#seconds += 1n;
    const { chainId } = this.chain.id;
    const variant = other ? this.#random.between(1, 3) : 0;
    const isNil = step > 1 && this.#random.chance(this.#habits.nil);
    const blockId = isNil ? nil : blockNamed(`${chainId}/${height}/${round}/${variant}`);
    const timestamp = { seconds: this.#seconds, nanos: 0 };
    // A request may tell not to sign one.
    const wanted = this.#seconds % 4n !== 0n;
    if (step === 1)
      return { kind: 'proposal', chainId, height, round, polRound: -1, blockId, timestamp };
    return {
      ...{ kind: 'vote', chainId, type: step === 2 ? 1 : 2, height, round, blockId, timestamp },
      ...{ validatorAddress: new Uint8Array(20), validatorIndex: 0 },
      ...{ extension: Uint8Array.of(variant), extensionWanted: step === 3 && !isNil && wanted },
    };
  }
}
