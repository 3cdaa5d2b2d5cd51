/**
 * The way from one simulated address to another: what it does to all that goes there.
 *
 * Owns    how long each letter takes, the cut, and the Raft frames that are out of order or outlived their
 *         connection.
 * Never   reorders what one connection carries, but single Raft frames where a chance says so.
 * Proof   test/network-faults.test.ts.
 */
import type { WireFrame } from '@cometkms/consensus';
import type { Random } from './random.js';
import { arrivals, type Timeline } from './timeline.js';

/** Of one direction. Times are milliseconds of the world, chances are of each letter or each Raft frame. */
export interface PathFaults {
  /** Every letter takes this, and an exponential time of mean `jitterMs` on top. */
  readonly baseMs: number;
  readonly jitterMs: number;
  /** The chance that a letter takes an exponential time of mean `tailMs` more, and all behind it wait. */
  readonly tail: number;
  readonly tailMs: number;
  /** Nothing passes, nobody is told. What was sent waits, as TCP sends it again: until healed, or given up. */
  readonly cut: boolean;
  /** As cut, by another hand: each takes back its own. */
  readonly closed: boolean;
  /** Chances of a Raft frame: it does not arrive; it arrives twice; others overtake it. */
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  /** Mean of how much later the second or the overtaken one comes. */
  readonly lateMs: number;
  /** The chance that a Raft frame whose connection ended under it arrives on a later one. */
  readonly stray: number;
}

export const soundPath: PathFaults = {
  ...{ baseMs: 0.2, jitterMs: 0.1, tail: 0, tailMs: 0, cut: false, closed: false },
  ...{ loss: 0, duplicate: 0, reorder: 0, lateMs: 0, stray: 0 },
};

const isCut = ({ cut, closed }: PathFaults): boolean => cut || closed;

export interface FrameLetter {
  readonly kind: 'frame';
  readonly clusterId: string;
  readonly frame: WireFrame;
  /** What really passes, where this one goes through the codec. */
  readonly encoded: Uint8Array | null;
  readonly bytes: number;
  /** The process that sent it. */
  readonly sender: { readonly alive: boolean };
}

/** What goes along a path for one connection. */
export type Letter =
  | { readonly kind: 'syn' | 'synAck' | 'ack' }
  | FrameLetter
  /** FIN; or a reset, which needs no answer. */
  | { readonly kind: 'end'; readonly reset: boolean; readonly detail: string };

export interface Receiver {
  /** False once it will read no more. */
  isOpen(): boolean;
  arrive(letter: Letter): void;
}

/** A Raft frame on its own. Of no connection (null) once it outlived the one that it was sent on. */
interface Loose {
  readonly letter: FrameLetter;
  origin: Pipe | null;
}

/** Older ones are lost: a frame of any age may come, but not all of them. */
const maxWaitingStrays = 64;

export class Path {
  readonly timeline: Timeline;
  readonly pipes = new Set<Pipe>();
  readonly #random: Random;
  readonly #outlived: () => void;
  #faults = soundPath;
  /** The last connection on which the far end heard that it is accepted. */
  #agreed: Pipe | null = null;
  #waiting: Loose[] = [];

  /** @param outlived  told of a frame that arrives on a connection of others, its sender being dead */
  constructor(timeline: Timeline, random: Random, outlived: () => void) {
    this.timeline = timeline;
    this.#outlived = outlived;
    this.#random = random;
  }

  get faults(): PathFaults {
    return this.#faults;
  }

  set(change: Partial<PathFaults>): void {
    const wasCut = isCut(this.#faults);
    this.#faults = { ...this.#faults, ...change };
    if (!wasCut || isCut(this.#faults)) return;
    for (const pipe of this.pipes) pipe.resume();
    this.#release();
  }

  delayMs(): number {
    const { baseMs, jitterMs, tail, tailMs } = this.#faults;
    const jitter = this.#random.exponential(jitterMs);
    const more = this.#random.chance(tail) ? this.#random.exponential(tailMs) : 0;
    return baseMs + jitter + more;
  }

  /** How many of `count` letters under way arrive before a connection breaks. */
  survivors(count: number): number {
    return this.#random.between(0, count);
  }

  /** A Raft frame, which this path may treat worse than TCP would. */
  sendRaft(letter: FrameLetter, pipe: Pipe): void {
    const { loss, duplicate, reorder, lateMs } = this.#faults;
    const [lost, twice, late] = [loss, duplicate, reorder].map((c) => this.#random.chance(c));
    const later = (): number => this.delayMs() + this.#random.exponential(lateMs);
    if (twice) this.#loosen({ letter, origin: pipe }, later());
    if (lost) return;
    if (late) this.#loosen({ letter, origin: pipe }, later());
    else pipe.send(letter);
  }

  /** Its connection ended under it. */
  orphan(letter: Letter): void {
    if (letter.kind !== 'frame' || letter.frame.kind !== 'raft') return;
    if (this.#random.chance(this.#faults.stray))
      this.#loosen({ letter, origin: null }, this.delayMs());
  }

  /** Both ends of a connection are linked over it, as far as this direction goes. */
  agree(pipe: Pipe): void {
    this.#agreed = pipe;
    this.#release();
  }

  #loosen(loose: Loose, delayMs: number): void {
    this.timeline.plan(this.timeline.now + delayMs, arrivals, () => this.#pass(loose));
  }

  #pass(loose: Loose): void {
    const { letter, origin } = loose;
    const link = this.#agreed?.receiver.isOpen() ? this.#agreed : null;
    if (origin !== null && origin !== link) {
      if (!this.#random.chance(this.#faults.stray)) return;
      loose.origin = null;
    }
    if (link === null || isCut(this.#faults)) {
      this.#waiting.push(loose);
      if (this.#waiting.length > maxWaitingStrays) this.#waiting.shift();
      // Under another cluster id it would end the link, which no stale frame of a real network could.
    } else if (link.clusterId === letter.clusterId) {
      if (loose.origin === null && !letter.sender.alive) this.#outlived();
      link.receiver.arrive(letter);
    }
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const loose of waiting) this.#loosen(loose, this.delayMs());
  }
}

/** One direction of one connection: all in order, so a letter also waits for those before it. */
export class Pipe {
  /** What the last hello that arrived here said. */
  clusterId: string | null = null;
  #queue: { readonly letter: Letter; at: number }[] = [];
  #queuedBytes = 0;
  #closed = false;

  constructor(
    readonly path: Path,
    readonly receiver: Receiver,
  ) {
    path.pipes.add(this);
  }

  /** Of frames that have not arrived. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(letter: Letter): void {
    if (this.#closed) return;
    const at = this.path.timeline.now + this.path.delayMs();
    this.#queue.push({ letter, at });
    if (letter.kind === 'frame') this.#queuedBytes += letter.bytes;
    this.#passAt(at);
  }

  /** The path is whole again: what it held comes as after a retransmission. */
  resume(): void {
    const [first] = this.#queue;
    const { timeline } = this.path;
    if (first === undefined || first.at > timeline.now) return;
    first.at = timeline.now + this.path.delayMs();
    this.#passAt(first.at);
  }

  /** Some of what is under way will arrive, and nothing after it. */
  truncate(): void {
    const lost = this.#queue.splice(this.path.survivors(this.#queue.length));
    for (const { letter } of lost) this.#leave(letter);
  }

  /** Nobody is at the far end, nor ever will be. */
  close(): void {
    this.path.pipes.delete(this);
    this.#closed = true;
    for (const { letter } of this.#queue.splice(0)) this.#leave(letter);
  }

  #leave(letter: Letter): void {
    if (letter.kind === 'frame') this.#queuedBytes -= letter.bytes;
    this.path.orphan(letter);
  }

  #passAt(at: number): void {
    this.path.timeline.plan(at, arrivals, () => this.#pass());
  }

  #pass(): void {
    const { timeline, faults } = this.path;
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined || first.at > timeline.now || isCut(faults)) return;
      this.#queue.shift();
      if (first.letter.kind === 'frame') this.#queuedBytes -= first.letter.bytes;
      this.receiver.arrive(first.letter);
    }
  }
}
