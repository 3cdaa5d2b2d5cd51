/**
 * The network between simulated replicas: the edge below LinkTransport, whose own code runs above it.
 *
 * Owns    the stations (one per process, at an address), the paths between them (one per direction) and the
 *         connections; every draw comes from a stream of the path that it concerns.
 * Fault   Of a path, at any time, each direction on its own: letters take any time, now and then very long, and
 *         those behind wait (`baseMs`, `jitterMs`, `tail`). A cut: nothing passes, nobody is told; what was sent
 *         waits, and comes when the cut heals, if its connection still stands. Half a cut is a path of one
 *         direction. Single Raft frames are lost, come twice, or are overtaken; and one whose connection ended
 *         under it arrives on a later one: after its sender died, after its receiver did, also after their
 *         successors linked. TCP does none of this: Raft must stand it. All else stays in order, as hellos and
 *         what applications say count on it.
 *         Of a connection: `reset` tells both sides `closed` and swallows some of what was under way. `hint` tells
 *         one side alone, though the other lives: it learns of it when it next says something.
 *         Of a process: killed, its kernel tells the others once what is under way has arrived. Power lost: silence,
 *         until another process is at the address, whose kernel answers what still arrives with a reset.
 *         A process that stands still has a kernel that goes on: it is connected to, and what arrives waits.
 *         Room for what is under way is bounded as on a real socket; beyond it frames are dropped.
 * Never   changes a byte: TLS would end the connection (see `reset`). Never lets somebody in under an identity
 *         that is not his: that is TLS's own promise, and real sockets are its test.
 * Proof   consensus/conformance/transport.ts through LinkTransport; test/network.test.ts,
 *         test/network-faults.test.ts (each fault).
 */
import type { LinkFrame, Proof } from '@cometkms/consensus';
import { invariant } from '@cometkms/invariant';
import type { EventLoop } from './event-loop.js';
import { Path, type PathFaults } from './network-path.js';
import { Station } from './network-station.js';
import { Wire, type WireEnd } from './network-wire.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

export type RaftFrame = Extract<LinkFrame, { kind: 'raft' }>;

/** Addresses are those of the stations. */
export interface NetworkObserver {
  /** At the moment when the process sends it, whether it will arrive or not. */
  onSent?(from: string, to: string, frame: RaftFrame): void;
  /** At the moment before the process reads it. */
  onDelivered?(from: string, to: string, frame: RaftFrame): void;
  /** A frame of a process that is dead arrives on a connection that it never had. */
  onOutlived?(): void;
}

export interface NetworkOptions {
  readonly observer?: NetworkObserver;
  /**
   * The chance that a frame passes as bytes, through the real codec; the others pass as they are, which is faster.
   * Where absent, all pass as bytes.
   */
  readonly codec?: number;
}

export class SimulatedNetwork {
  readonly observer: NetworkObserver;
  readonly wires = new Set<Wire>();
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #codecRandom: Random;
  readonly #codec: number;
  readonly #stations = new Map<string, Station>();
  readonly #paths = new Map<string, Path>();

  constructor(timeline: Timeline, random: Random, options: NetworkOptions = {}) {
    this.#timeline = timeline;
    this.#random = random;
    this.#codecRandom = random.fork('codec');
    this.#codec = options.codec ?? 1;
    this.observer = options.observer ?? {};
  }

  /** A process begins at this address; one that was there before must be dead. */
  station(address: string, loop: EventLoop, shows: Proof = { kind: 'none' }): Station {
    invariant(!this.#stations.get(address)?.loop.alive, 'one process at an address', { address });
    const station = new Station(this, address, loop, shows);
    this.#stations.set(address, station);
    return station;
  }

  // -------------------------------------------------------------------------------- faults

  /** What goes from one address to the other; the way back is another path. */
  setPath(from: string, to: string, change: Partial<PathFaults>): void {
    this.path(from, to).set(change);
  }

  /** Every connection between the two ends, and both are told as far as the paths let them. */
  reset(x: string, y: string): void {
    for (const wire of [...this.wires]) if (wire.isBetween(x, y)) wire.reset();
  }

  /** The process at `at` is told that its connections with `of` ended. Nobody else is. */
  hint(at: string, of: string): void {
    for (const end of [...(this.#stations.get(at)?.ends ?? [])]) if (end.peer === of) end.hint();
  }

  // ------------------------------------------------------------------ for stations and wires

  path(from: string, to: string): Path {
    const name = `${from}>${to}`;
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const path = new Path(this.#timeline, this.#random.fork(name), () =>
      this.observer.onOutlived?.(),
    );
    this.#paths.set(name, path);
    return path;
  }

  /** The process at this address, dead or alive, if its machine runs. */
  hostAt(address: string): Station | null {
    const station = this.#stations.get(address);
    return station?.powered ? station : null;
  }

  connect(from: Station, to: string): WireEnd {
    const wire = new Wire(this, from, to);
    this.wires.add(wire);
    wire.connect();
    return wire.dialler;
  }

  drawCodec(): boolean {
    return this.#codecRandom.chance(this.#codec);
  }
}
