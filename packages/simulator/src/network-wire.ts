/**
 * One simulated connection: two ends, and a pipe each way.
 *
 * Owns    how it comes to stand, and how each end learns that it is over, as TCP would have it.
 * Rule    A process that ends says so itself or its kernel does (FIN). Where something arrives at an end that is
 *         gone, the kernel there answers with a reset, if the machine runs; else there is silence.
 * Never   calls an end that is over, or a dead process.
 * Proof   consensus/conformance/transport.ts; test/network.test.ts, test/network-faults.test.ts.
 */
import {
  type Connection,
  type ConnectionHandlers,
  type ConnectionLimits,
  decodeFrame,
  encodeFrame,
  type LinkFault,
  type Proof,
  type WireFrame,
} from '@cometkms/consensus';
import type { SimulatedNetwork } from './network.js';
import { type FrameLetter, type Letter, Pipe } from './network-path.js';
import type { Station } from './network-station.js';

/** As the real one: how long a process that ended it reads on. */
const lingerMs = 250;

const silent: ConnectionHandlers = { onHeard() {}, onFrame() {}, onEnd() {} };
const nothing: ConnectionLimits = { maxGreetingBytes: 0, maxFrameBytes: 0, maxQueuedBytes: 0 };

export class Wire {
  readonly network: SimulatedNetwork;
  readonly dialler: WireEnd;
  #listener: WireEnd | null = null;
  /** From who dialled to who listens, and back. */
  readonly #there: Pipe;
  readonly #back: Pipe;

  constructor(network: SimulatedNetwork, from: Station, to: string) {
    this.network = network;
    this.#there = new Pipe(network.path(from.address, to), {
      isOpen: () => this.#listener !== null && !this.#listener.isOver,
      arrive: (letter) => this.#arriveThere(letter),
    });
    this.#back = new Pipe(network.path(to, from.address), {
      isOpen: () => !this.dialler.isOver,
      arrive: (letter) => this.dialler.arrive(letter),
    });
    this.dialler = new WireEnd(this, from, to, this.#there, this.#back);
  }

  /** What the other side proves to this end. */
  shownTo(end: WireEnd): Proof {
    const other = end === this.dialler ? this.#listener : this.dialler;
    return other?.station.shows ?? { kind: 'none' };
  }

  connect(): void {
    this.#there.send({ kind: 'syn' });
  }

  isBetween(x: string, y: string): boolean {
    const [from, to] = [this.dialler.station.address, this.dialler.peer];
    return (from === x && to === y) || (from === y && to === x);
  }

  /** Something between the two ends it for both, and swallows some of what is under way. */
  reset(): void {
    for (const pipe of [this.#there, this.#back]) {
      pipe.truncate();
      pipe.send({ kind: 'end', reset: true, detail: 'connection reset' });
    }
  }

  /** One of its ends is gone. */
  settle(): void {
    if (!this.dialler.isGone || this.#listener?.isGone === false) return;
    this.network.wires.delete(this);
    this.#there.close();
    this.#back.close();
  }

  #arriveThere(letter: Letter): void {
    if (letter.kind !== 'syn') {
      this.#listener?.arrive(letter);
      return;
    }
    const { peer, station } = this.dialler;
    // A machine that is off says nothing.
    const there = this.network.hostAt(peer);
    if (there === null) return;
    if (!there.listens) {
      this.#back.send({ kind: 'end', reset: true, detail: 'connection refused' });
      return;
    }
    this.#listener = new WireEnd(this, there, station.address, this.#back, this.#there);
    this.#back.send({ kind: 'synAck' });
  }
}

export class WireEnd implements Connection {
  readonly #outgoing: Pipe;
  readonly #incoming: Pipe;
  #handlers = silent;
  #limits = nothing;
  #maxBytes = 0;
  #onReady: (proof: Proof) => void = () => {};
  #standing = false;
  /** The process is done with it. */
  #over = false;
  /** The kernel is, too. */
  #gone = false;
  #saidEnd = false;
  #closed: Promise<void> | null = null;
  #onGone = (): void => {};

  constructor(
    readonly wire: Wire,
    readonly station: Station,
    /** Whose address is at the other end. */
    readonly peer: string,
    outgoing: Pipe,
    incoming: Pipe,
  ) {
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    station.ends.add(this);
  }

  get remoteAddress(): string {
    return this.peer;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get isGone(): boolean {
    return this.#gone;
  }

  // ----------------------------------------------------------------------- as a connection

  /** @param onReady  for the side that dialled */
  opened(
    limits: ConnectionLimits,
    handlers: ConnectionHandlers,
    onReady: (proof: Proof) => void = () => {},
  ): this {
    this.#limits = limits;
    this.#maxBytes = limits.maxGreetingBytes;
    this.#handlers = handlers;
    this.#onReady = onReady;
    return this;
  }

  raiseFrameLimit(): void {
    this.#maxBytes = this.#limits.maxFrameBytes;
  }

  send(clusterId: string, frame: WireFrame): boolean {
    if (this.#over || !this.#standing || !this.station.loop.alive) return false;
    const { network } = this.wire;
    const encoded = network.drawCodec() ? encodeFrame(clusterId, frame) : null;
    const bytes = encoded?.length ?? roughBytesOf(frame);
    const queued = this.#outgoing.queuedBytes;
    if (bytes > this.#limits.maxFrameBytes) return false;
    if (queued > 0 && queued + bytes > this.#limits.maxQueuedBytes) return false;
    const sender = this.station.loop;
    const letter: FrameLetter = { kind: 'frame', clusterId, frame, encoded, bytes, sender };
    if (frame.kind !== 'raft') this.#outgoing.send(letter);
    else {
      network.observer.onSent?.(this.station.address, this.peer, frame);
      this.#outgoing.path.sendRaft(letter, this.#outgoing);
    }
    return true;
  }

  fail(fault: LinkFault['kind'], detail: string): void {
    if (this.#over || !this.station.loop.alive) return;
    this.#sayEnd(false);
    this.#leave();
    this.#handlers.onEnd({ cause: 'lost', fault, detail });
  }

  end(): Promise<void> {
    this.#closed ??= this.#ended();
    return this.#closed;
  }

  #ended(): Promise<void> {
    this.#over = true;
    const { loop } = this.station;
    return new Promise((resolve) => {
      // A dead process never hears that it is closed.
      if (!loop.alive) return;
      this.#sayEnd(false);
      if (!this.#standing) this.#leave();
      if (this.#gone) {
        resolve();
        return;
      }
      this.#onGone = resolve;
      loop.after(lingerMs, () => this.#leave());
    });
  }

  // ------------------------------------------------------------------------------ arrivals

  /** At this machine. The process reads it when it is its turn. */
  arrive(letter: Letter): void {
    if (this.#gone) this.#answerForNobody(letter);
    else this.station.loop.arrive(0, () => this.hear(letter));
  }

  hear(letter: Letter): void {
    if (this.#gone) this.#answerForNobody(letter);
    else if (letter.kind === 'frame') this.#hearFrame(letter);
    else if (letter.kind === 'end') this.#hearEnd(letter.reset, letter.detail);
    else if (letter.kind === 'ack') this.#accept();
    else if (!this.#over) {
      this.#standing = true;
      this.#outgoing.send({ kind: 'ack' });
      this.#onReady(this.wire.shownTo(this));
    }
  }

  #accept(): void {
    if (this.#over) return;
    this.#standing = true;
    if (this.station.accept(this, this.wire.shownTo(this))) return;
    this.#sayEnd(false);
    this.#leave();
  }

  #hearFrame(letter: FrameLetter): void {
    if (this.#over) return;
    this.#handlers.onHeard();
    if (letter.bytes > this.#maxBytes) {
      this.fail('oversized', `a frame of ${letter.bytes} bytes, at most ${this.#maxBytes}`);
      return;
    }
    // What we sent ourselves is never malformed: if it is, the world ends.
    const received = letter.encoded === null ? letter : decodeFrame(letter.encoded);
    const { frame } = received;
    if (frame.kind === 'hello') this.#incoming.clusterId = frame.hello.clusterId;
    if (frame.kind === 'accepted') this.#incoming.path.agree(this.#incoming);
    if (frame.kind === 'raft') {
      this.wire.network.observer.onDelivered?.(this.peer, this.station.address, frame);
    }
    this.#handlers.onFrame({ clusterId: received.clusterId, frame });
  }

  #hearEnd(reset: boolean, detail: string): void {
    const wasOver = this.#over;
    if (!reset) this.#sayEnd(true);
    this.#leave();
    if (wasOver) return;
    const cause = this.#standing ? 'closed' : 'lost';
    this.#handlers.onEnd({ cause, fault: 'unfinished', detail });
  }

  // ---------------------------------------------------------------------------------- ends

  /** Something between the two told this process, and nobody else, that it is over. */
  hint(): void {
    const letter = { kind: 'end', reset: true, detail: 'connection reset' } as const;
    if (this.#standing) this.station.loop.arrive(0, () => this.hear(letter));
  }

  /** Whatever its process has to say about it. */
  closedByKernel(): void {
    this.#sayEnd(false);
    this.#leave();
  }

  /** The machine is off: some of what is under way still arrives. */
  powerLost(): void {
    this.#outgoing.truncate();
    this.#leave();
  }

  #sayEnd(reset: boolean): void {
    if (this.#saidEnd) return;
    this.#saidEnd = true;
    const detail = reset ? 'connection reset' : 'the other side closed';
    this.#outgoing.send({ kind: 'end', reset, detail });
  }

  #leave(): void {
    if (this.#gone) return;
    this.#over = true;
    this.#gone = true;
    this.station.ends.delete(this);
    if (this.station.loop.alive) this.#onGone();
    this.wire.settle();
  }

  #answerForNobody(letter: Letter): void {
    this.#incoming.path.orphan(letter);
    const { wire, station } = this;
    if (letter.kind !== 'end' && wire.network.hostAt(station.address) !== null) this.#sayEnd(true);
  }
}

/** Where a frame does not go through the codec: for the bounds alone. */
function roughBytesOf(frame: WireFrame): number {
  if (frame.kind === 'application') return 64 + frame.payload.length;
  if (frame.kind !== 'raft') return 256;
  const { message } = frame;
  if (message.kind === 'installSnapshot') return 256 + message.snapshot.state.length;
  if (message.kind !== 'append') return 64;
  const commands = message.entries.map((e) => (e.kind === 'command' ? e.command.length : 64));
  return commands.reduce((sum, bytes) => sum + 16 + bytes, 64);
}
