/** Members on a simulated network, where time passes only while a test lets it. */
import {
  type Hello,
  LinkTransport,
  type MemberId,
  type PeerEndpoint,
  type Proof,
  type Transport,
} from '@cometkms/consensus';
import { sampleHello, TransportDiary, type TransportPlace } from '@cometkms/consensus/conformance';
import { EventLoop } from '../src/event-loop.js';
import { type NetworkOptions, SimulatedNetwork } from '../src/network.js';
import type { PathFaults } from '../src/network-path.js';
import type { Station } from '../src/network-station.js';
import { Random } from '../src/random.js';
import { Timeline } from '../src/timeline.js';

/** No test needs so much; beyond it, what it waits for will not happen. */
const longestTestMs = 600_000;

/** Lets time pass until `work` is done. */
export async function lettingTimePass(timeline: Timeline, work: Promise<void>): Promise<void> {
  let outcome: 'waits' | 'done' | { readonly error: unknown } = 'waits';
  const settled = work.then(
    () => {
      outcome = 'done';
    },
    (error: unknown) => {
      outcome = { error };
    },
  );
  const isOver = (): boolean => outcome !== 'waits' || timeline.now > longestTestMs;
  await timeline.run(isOver);
  if (!isOver() || outcome === 'waits') throw new Error('it waits for what will never happen');
  await settled;
  if (typeof outcome === 'object') throw (outcome as { readonly error: unknown }).error;
}

export class NetworkPlace implements TransportPlace {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly network: SimulatedNetwork;
  readonly #stations = new Map<string, Station>();

  constructor(
    readonly names: readonly string[],
    seed: number,
    options: NetworkOptions = {},
  ) {
    this.random = new Random(seed);
    this.network = new SimulatedNetwork(this.timeline, this.random.fork('network'), options);
    for (const name of names) this.begin(name);
  }

  idOf(name: string): MemberId {
    return `id-of-${name}`;
  }

  addressOf(name: string): string {
    return `${name}:26670`;
  }

  station(name: string): Station {
    const station = this.#stations.get(name);
    if (station === undefined) throw new Error(`no ${name} here`);
    return station;
  }

  /** A process begins; an earlier one of this name is dead. */
  begin(name: string, shows: Proof = { kind: 'none' }): void {
    const loop = new EventLoop(this.timeline, this.random.range(0, 1e6));
    this.#stations.set(name, this.network.station(this.addressOf(name), loop, shows));
  }

  transport(name: string): Transport {
    const station = this.station(name);
    return new LinkTransport({
      self: this.idOf(name),
      listen: this.addressOf(name),
      network: station,
      clock: station.loop,
      entropy: (bytes) => this.random.bytes(bytes),
      limits: { tickIntervalMs: 100, maxSilentTicks: 5 },
    });
  }

  endpoint(name: string): PeerEndpoint {
    return { id: this.idOf(name), name, address: this.addressOf(name) };
  }

  /** Of every path, or of those from or to somebody. */
  faults(change: Partial<PathFaults>, from?: string, to?: string): void {
    for (const x of from === undefined ? this.names : [from]) {
      for (const y of to === undefined ? this.names : [to]) {
        if (x !== y) this.network.setPath(this.addressOf(x), this.addressOf(y), change);
      }
    }
  }

  silence(): void {
    this.faults({ cut: true });
  }

  async dispose(): Promise<void> {
    for (const { loop } of this.#stations.values()) loop.die();
  }

  lettingTimePass(work: Promise<void>): Promise<void> {
    return lettingTimePass(this.timeline, work);
  }

  /** Resolves when this much of the world's time has passed. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.timeline.plan(this.timeline.now + ms, 2, resolve);
    });
  }
}

/** One life of a member: its transport, and what it was told. */
export class Life {
  static #lives = 0;
  readonly diary = new TransportDiary();
  readonly transport: Transport;
  readonly hello: Hello;

  constructor(
    readonly place: NetworkPlace,
    readonly name: string,
    clusterId = 'conformance',
  ) {
    Life.#lives += 1;
    this.transport = place.transport(name);
    const hello = sampleHello(place.idOf(name), name, `run-${Life.#lives}`);
    this.hello = { ...hello, clusterId };
  }

  get id(): MemberId {
    return this.place.idOf(this.name);
  }

  async start(): Promise<this> {
    await this.transport.start(this.diary, () => this.hello);
    const others = this.place.names.filter((name) => name !== this.name);
    this.transport.setPeers(others.map((name) => this.place.endpoint(name)));
    return this;
  }

  async linkedWith(peer: Life): Promise<void> {
    await this.diary.until(() => this.transport.isUp(peer.id));
    await peer.diary.until(() => peer.transport.isUp(this.id));
  }

  say(to: Life, text: string): boolean {
    return this.transport.send(to.id, { kind: 'application', payload: Buffer.from(text) });
  }

  /** A Raft message that tells itself apart by `round`. */
  raft(to: Life, round: number): boolean {
    const message = { kind: 'appendReply', term: 3, round, match: 7, refused: false } as const;
    const hints = { hintIndex: 0, hintTerm: 0 };
    return this.transport.send(to.id, {
      kind: 'raft',
      message: { ...message, ...hints },
      holds: 6,
    });
  }

  /** In the order of their arrival. */
  rounds(): number[] {
    return this.diary.all('frame').flatMap(({ frame }) => {
      if (frame.kind !== 'raft' || frame.message.kind !== 'appendReply') return [];
      return [frame.message.round];
    });
  }
}
