/**
 * What every `Transport` must do, as tests that run on any of them.
 *
 * Owns    the examination of transport.ts: TLS links, bare TCP and a simulator's network alike.
 * Never   knows how a frame travels, and never asserts how long something takes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberId, Message } from '../core/types.js';
import type {
  HeardFrame,
  Hello,
  LinkFault,
  PeerEndpoint,
  Refusal,
  Transport,
  TransportHandlers,
} from '../transport.js';

/** A network with places for a few members, each with one identity and one address for good. */
export interface TransportPlace {
  idOf(name: string): MemberId;
  /** One life of this member's transport; a second one only after the first was stopped. */
  transport(name: string): Transport;
  /** How others reach it. Known once its transport was started. */
  endpoint(name: string): PeerEndpoint;
  /** From now on nothing passes, and nobody is told; only with `supports.silence`. */
  silence?(): void;
  dispose(): Promise<void>;
  /** Where time passes only while something lets it: does so until `work` is done. */
  lettingTimePass?(work: Promise<void>): Promise<void>;
}

export interface TransportFactory {
  readonly supports: { readonly silence: boolean };
  place(names: readonly string[]): Promise<TransportPlace>;
}

export type Witnessed =
  | { readonly kind: 'up'; readonly peer: MemberId }
  | { readonly kind: 'down'; readonly peer: MemberId; readonly cause: 'closed' | 'lost' }
  | { readonly kind: 'frame'; readonly from: MemberId; readonly frame: HeardFrame }
  | { readonly kind: 'dialFailed' | 'inboundFailed'; readonly fault: LinkFault };

/** Writes down all that a transport tells, and lets a test wait for it. */
export class TransportDiary implements TransportHandlers {
  readonly seen: Witnessed[] = [];
  refusal: Refusal | null = null;
  #waiting: { readonly holds: () => boolean; readonly done: () => void }[] = [];

  onHello() {
    const { refusal } = this;
    return refusal === null ? ({ accept: true } as const) : ({ accept: false, refusal } as const);
  }
  onUp(peer: MemberId): void {
    this.#note({ kind: 'up', peer });
  }
  onDown(peer: MemberId, cause: 'closed' | 'lost'): void {
    this.#note({ kind: 'down', peer, cause });
  }
  onFrame(from: MemberId, frame: HeardFrame): void {
    this.#note({ kind: 'frame', from, frame });
  }
  onDialFailed(_peer: PeerEndpoint, fault: LinkFault): void {
    this.#note({ kind: 'dialFailed', fault });
  }
  onInboundFailed(fault: LinkFault): void {
    this.#note({ kind: 'inboundFailed', fault });
  }

  all<K extends Witnessed['kind']>(kind: K): Extract<Witnessed, { kind: K }>[] {
    return this.seen.filter((one): one is Extract<Witnessed, { kind: K }> => one.kind === kind);
  }

  /** The faults of both directions. */
  faults(): LinkFault[] {
    return [...this.all('dialFailed'), ...this.all('inboundFailed')].map(({ fault }) => fault);
  }

  /** What applications said, in the order of arrival. */
  payloads(): string[] {
    return this.all('frame').flatMap(({ frame }) =>
      frame.kind === 'application' ? [Buffer.from(frame.payload).toString()] : [],
    );
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((done) => this.#waiting.push({ holds, done }));
  }

  #note(one: Witnessed): void {
    this.seen.push(one);
    const due = this.#waiting.filter(({ holds }) => holds());
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting));
    for (const { done } of due) done();
  }
}

export function sampleHello(from: MemberId, name: string, runId: string): Hello {
  return {
    ...{ clusterId: 'conformance', from, name, version: '1', boot: 1, runId },
    ...{ term: 3, lastIndex: 7, commitIndex: 6, joined: true, emptyLog: false },
    ...{ membersDigest: 'members', configDigest: 'config' },
    rules: { oldest: 1, newest: 2 },
  };
}

/** One member's transport with its diary. */
class Party {
  static #runs = 0;
  readonly diary = new TransportDiary();
  readonly transport: Transport;
  readonly #runId: string;

  constructor(
    readonly place: TransportPlace,
    readonly name: string,
  ) {
    Party.#runs += 1;
    this.#runId = `run-${Party.#runs}`;
    this.transport = place.transport(name);
  }

  get id(): MemberId {
    return this.place.idOf(this.name);
  }

  start(): Promise<void> {
    return this.transport.start(this.diary, () => sampleHello(this.id, this.name, this.#runId));
  }

  say(to: Party, text: string): boolean {
    return this.transport.send(to.id, { kind: 'application', payload: Buffer.from(text) });
  }

  upTo(peer: Party): Promise<void> {
    return this.diary.until(() => this.transport.isUp(peer.id));
  }
}

async function linked(place: TransportPlace): Promise<[Party, Party]> {
  const [a, b] = [new Party(place, 'a'), new Party(place, 'b')];
  await Promise.all([a.start(), b.start()]);
  a.transport.setPeers([place.endpoint('b')]);
  b.transport.setPeers([place.endpoint('a')]);
  await Promise.all([a.upTo(b), b.upTo(a)]);
  return [a, b];
}

const heartbeat: Message = {
  ...{ kind: 'append', term: 3, prevIndex: 6, prevTerm: 2, commit: 6, round: 9 },
  entries: [{ kind: 'command', index: 7, term: 3, command: new Uint8Array([1, 2, 3]) }],
};

type Body = (place: TransportPlace) => Promise<void>;

const cases: readonly (readonly [says: string, body: Body])[] = [
  [
    'frames arrive in the order in which they were sent, in both directions',
    async (place) => {
      const [a, b] = await linked(place);
      const texts = Array.from({ length: 500 }, (_, n) => `frame ${n}`);
      for (const text of texts) {
        assert.ok(a.say(b, text));
        assert.ok(b.say(a, text));
      }
      await a.diary.until(() => a.diary.payloads().length >= texts.length);
      await b.diary.until(() => b.diary.payloads().length >= texts.length);
      assert.deepEqual(a.diary.payloads(), texts);
      assert.deepEqual(b.diary.payloads(), texts);
    },
  ],
  [
    'a message of Raft and a new hello arrive as they were sent',
    async (place) => {
      const [a, b] = await linked(place);
      const hello = { ...sampleHello(a.id, 'a', 'x'), term: 8, commitIndex: 7 };
      const raft = { kind: 'raft', message: heartbeat, holds: 6 } as const;
      a.transport.send(b.id, raft);
      await b.diary.until(() => b.diary.all('frame').length === 1);
      assert.deepEqual(b.diary.all('frame')[0]?.frame, raft);
      // Another run is another process: such a hello ends the link instead of changing it.
      a.transport.send(b.id, { kind: 'hello', hello });
      await b.diary.until(() => b.diary.all('down').length === 1);
    },
  ],
  [
    'a frame of 5 MiB arrives whole',
    async (place) => {
      const [a, b] = await linked(place);
      const payload = Buffer.alloc(5 * 1024 * 1024, 'snapshot');
      assert.ok(a.transport.send(b.id, { kind: 'application', payload }));
      await b.diary.until(() => b.diary.all('frame').length === 1);
      const [arrived] = b.diary.all('frame');
      assert.ok(arrived?.frame.kind === 'application');
      assert.ok(payload.equals(arrived.frame.payload));
    },
  ],
  [
    'what is sent to nobody is dropped, and says so',
    async (place) => {
      const [a, b] = [new Party(place, 'a'), new Party(place, 'b')];
      await a.start();
      assert.equal(a.say(b, 'lost'), false);
      assert.equal(a.transport.isUp(b.id), false);
    },
  ],
  [
    'both sides dial at once and each is told of one link, once',
    async (place) => {
      const [a, b] = await linked(place);
      // Whatever the second connection still does, it does before this has gone there and back.
      for (let round = 0; round < 5; round += 1) {
        a.say(b, `ping ${round}`);
        await b.diary.until(() => b.diary.payloads().includes(`ping ${round}`));
        b.say(a, `pong ${round}`);
        await a.diary.until(() => a.diary.payloads().includes(`pong ${round}`));
      }
      for (const [party, peer] of [[a, b] as const, [b, a] as const]) {
        assert.deepEqual(party.diary.all('up'), [{ kind: 'up', peer: peer.id }]);
        assert.deepEqual(party.diary.all('down'), []);
      }
    },
  ],
  [
    'a peer that stops is told as closed, once, and linked again when it is back',
    async (place) => {
      const [a, b] = await linked(place);
      await b.transport.stop();
      await a.diary.until(() => a.diary.all('down').length > 0);
      assert.deepEqual(a.diary.all('down'), [{ kind: 'down', peer: b.id, cause: 'closed' }]);
      assert.equal(a.transport.isUp(b.id), false);
      const again = new Party(place, 'b');
      await again.start();
      again.transport.setPeers([place.endpoint('a')]);
      await a.upTo(again);
      await again.upTo(a);
      assert.ok(a.say(again, 'welcome back'));
      await again.diary.until(() => again.diary.payloads().includes('welcome back'));
      assert.equal(a.diary.all('up').length, 2);
      assert.equal(a.diary.all('down').length, 1);
    },
  ],
  [
    'one side alone need know the other’s address',
    async (place) => {
      const [a, b] = [new Party(place, 'a'), new Party(place, 'b')];
      await Promise.all([a.start(), b.start()]);
      b.transport.setPeers([place.endpoint('a')]);
      await Promise.all([a.upTo(b), b.upTo(a)]);
      assert.ok(a.say(b, 'hello'));
      await b.diary.until(() => b.diary.payloads().includes('hello'));
    },
  ],
  [
    'a refused hello makes no link, and both sides are told why',
    async (place) => {
      const [a, b] = [new Party(place, 'a'), new Party(place, 'b')];
      b.diary.refusal = { code: 'rolledBack', detail: 'it shows less than it did' };
      await Promise.all([a.start(), b.start()]);
      a.transport.setPeers([place.endpoint('b')]);
      const told = (party: Party, kind: LinkFault['kind']) =>
        party.diary.faults().find((fault) => fault.kind === kind);
      await a.diary.until(() => told(a, 'refusedByPeer') !== undefined);
      await b.diary.until(() => told(b, 'refusedByUs') !== undefined);
      assert.deepEqual(told(a, 'refusedByPeer')?.refusal, b.diary.refusal);
      assert.deepEqual(told(b, 'refusedByUs')?.refusal, b.diary.refusal);
      assert.deepEqual([...a.diary.all('up'), ...b.diary.all('up')], []);
    },
  ],
  [
    'a link to one that is no longer a peer ends',
    async (place) => {
      const [a, b] = await linked(place);
      b.transport.setPeers([]);
      a.transport.setPeers([]);
      await a.diary.until(() => a.diary.all('down').length === 1);
      assert.equal(a.transport.isUp(b.id), false);
      assert.equal(b.transport.isUp(a.id), false);
    },
  ],
  [
    'a link to another identity of the same name ends, and its place is dialled',
    async (place) => {
      const [a] = await linked(place);
      // Whoever is at that address is not who is meant now, though it may call again.
      a.transport.setPeers([{ ...place.endpoint('b'), id: 'f'.repeat(64) }]);
      await a.diary.until(() => a.diary.all('down').length > 0);
      await a.diary.until(() => a.diary.faults().some(({ kind }) => kind === 'identity'));
    },
  ],
  [
    'after stop nothing is told any more, and nothing is sent',
    async (place) => {
      const [a, b] = await linked(place);
      await a.transport.stop();
      const told = a.diary.seen.length;
      await b.diary.until(() => b.diary.all('down').length === 1);
      assert.equal(a.say(b, 'too late'), false);
      await b.transport.stop();
      assert.equal(a.diary.seen.length, told);
    },
  ],
  [
    'stopped while it starts it listens to nobody: its place is free',
    async (place) => {
      const a = new Party(place, 'a');
      const starting = a.start();
      await Promise.all([a.transport.stop(), starting]);
      const [again, b] = await linked(place);
      assert.ok(again.say(b, 'hello'));
      await b.diary.until(() => b.diary.payloads().includes('hello'));
      assert.deepEqual(a.diary.seen, []);
    },
  ],
];

const silentCases: readonly (readonly [says: string, body: Body])[] = [
  [
    'a peer that falls silent without an end is lost, not closed',
    async (place) => {
      const [a, b] = await linked(place);
      place.silence?.();
      await Promise.all([a, b].map(({ diary }) => diary.until(() => diary.all('down').length > 0)));
      assert.deepEqual(a.diary.all('down'), [{ kind: 'down', peer: b.id, cause: 'lost' }]);
      assert.deepEqual(b.diary.all('down'), [{ kind: 'down', peer: a.id, cause: 'lost' }]);
    },
  ],
  [
    'what waits for a peer that reads nothing is bounded: beyond it frames are dropped',
    async (place) => {
      const [a, b] = await linked(place);
      place.silence?.();
      const payload = Buffer.alloc(1024 * 1024);
      let taken = 0;
      while (taken < 200 && a.transport.send(b.id, { kind: 'application', payload })) taken += 1;
      assert.ok(taken > 0 && taken < 200, `${taken} MiB were taken`);
    },
  ],
];

/** Registers the suite under `name`; the factory's silence must let a link be lost within seconds. */
export function transportSuite(name: string, factory: TransportFactory): void {
  const all = factory.supports.silence ? [...cases, ...silentCases] : cases;
  for (const [says, body] of all) {
    test(`${name}: ${says}`, { timeout: 30_000 }, async () => {
      const place = await factory.place(['a', 'b']);
      const work = body(place).finally(() => place.dispose());
      await (place.lettingTimePass?.(work) ?? work);
    });
  }
}
