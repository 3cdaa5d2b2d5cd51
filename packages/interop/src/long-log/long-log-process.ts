/**
 * One replica of the log, without keys and validators: where it leads, it reserves position after position, as fast
 * as the log takes them.
 *
 * Owns    the home that it is given, while it runs; how far it is goes over the channel to whoever started it.
 * Never   signs, and writes nothing by itself: every byte comes from consensus and sign-state, as in a replica that
 *         got there by signing: batches, snapshots, rolls of the log, comparisons of the state.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ConsensusError,
  LinkTransport,
  openWal,
  RaftNode,
  type RaftNodeOptions,
  type Transport,
} from '@cometkms/consensus';
import { type Answer, decodeCommand, knownRules, SignState } from '@cometkms/sign-state';
import { commandsAfter } from './positions.js';

export interface LongLogOrder {
  readonly home: string;
  /** The last index, at least. */
  readonly entries: number;
  /** So many of them, at the end, in frames of their own, as when a validator asks in turn. */
  readonly oneByOne: number;
}

/** How far it has applied. */
export interface LongLogNews {
  readonly index: number;
  /** All of them, and the state is there. */
  readonly there: boolean;
}

/** Reservations under way at once: they share frames, as those of many validators would. */
const LANES = 1000;
const TIMEOUT_MS = 60_000;
const MARGIN = 20;
const NEWS_ENTRIES = 100_000;
/** As `cmkms` has them where nothing is configured. */
const [SNAPSHOT_ENTRIES, STATE_HASH_ENTRIES, APPLY_ENTRIES] = [1000, 1000, 64];
/** Long ones: replicas share the processors here, and an election would only cost time. */
const timers = { heartbeatIntervalMs: 100, electionTimeoutMs: 1000, leaseMs: 800 };

/** As `cmkms cluster init` wrote it; one that runs alone has none. */
interface Genesis {
  readonly members: readonly {
    readonly name: string;
    readonly identity: string;
    readonly address: string;
    readonly witness: boolean;
  }[];
}

const { home, entries, oneByOne } = JSON.parse(process.argv[2] ?? '') as LongLogOrder;
const file = (...path: string[]): string => readFileSync(join(home, ...path), 'utf8');
const replica = JSON.parse(file('priv', 'replica.json')) as {
  readonly clusterId: string;
  readonly identity: string;
  readonly name: string;
};
const alone = !existsSync(join(home, 'genesis.json'));
const others: RaftNodeOptions<Answer>['members'] = alone
  ? []
  : (JSON.parse(file('genesis.json')) as Genesis).members.map((m) => ({ ...m, id: m.identity }));
const own = others.find(({ id }) => id === replica.identity);
const self = { id: replica.identity, name: replica.name };

let state = new SignState();
let told = 0;

const node = new RaftNode<Answer>({
  storage: openWal({ directory: join(home, 'data', 'wal') }),
  transport: transport(),
  self,
  members: alone ? [{ ...self, address: '', witness: false }] : others,
  version: 'long log',
  clusterId: replica.clusterId,
  joined: replica,
  recordJoined: () => Promise.reject(new Error('a replica that joined joins again')),
  stateMachine: {
    apply: (command, { index }) => {
      const answer = state.apply(decodeCommand(command));
      reached(index);
      return answer;
    },
    snapshot: () => state.snapshot(),
    hash: () => state.hash(),
    restore: (bytes) => {
      state = SignState.restore(bytes);
    },
  },
  timers,
  snapshotEntries: SNAPSHOT_ENTRIES,
  stateHashEntries: STATE_HASH_ENTRIES,
  applyEntries: APPLY_ENTRIES,
  rules: knownRules,
  configDigest: () => '',
  onFatal: fail,
});

function transport(): Transport {
  // It reaches nobody and is asked by nobody.
  if (own === undefined) {
    return {
      ...{ start: async () => {}, stop: async () => {}, setPeers: () => {} },
      ...{ send: () => false, isUp: () => false },
    };
  }
  return new LinkTransport({
    self: self.id,
    listen: own.address,
    security: {
      kind: 'tls',
      clusterId: replica.clusterId,
      authorityPem: file('tls', 'ca.crt'),
      certificatePem: file('tls', 'replica.crt'),
      privateKeyPem: file('tls', 'replica.key'),
    },
  });
}

function reached(index: number): void {
  const there = index >= entries;
  if (index - told < NEWS_ENTRIES && !there) return;
  if (told >= entries) return;
  told = index;
  const news: LongLogNews = { index, there };
  process.send?.(news);
}

const applied = (): number => node.status()?.applied ?? 0;

/** Where leadership ends under it, the next one to lead goes on from what was applied. */
async function reserve(): Promise<void> {
  const [record] = state.records();
  if (record === undefined) throw new Error(`no chain is registered in the log of ${home}`);
  const commands = commandsAfter(record, self.name);
  const one = async (): Promise<void> => {
    const { answer } = await node.propose(commands.next().value, TIMEOUT_MS);
    const kind = answer.kind === 'verdict' ? answer.verdict.kind : answer.kind;
    if (kind !== 'granted') throw new Error(`a reservation above all others: ${kind}`);
  };
  while (applied() < entries) {
    const together = mayShareFrames();
    await (together > 0 ? many(together, one) : one());
  }
}

/**
 * How many are asked for together next. None near a snapshot: each replica takes one when it has applied so many
 * entries since the last, and after batches each would take it elsewhere, as no replicas do that a validator asks.
 */
function mayShareFrames(): number {
  const snapshotIndex = node.status()?.snapshotIndex ?? 0;
  const left = Math.min(snapshotIndex + SNAPSHOT_ENTRIES, entries - oneByOne) - applied();
  // The leader writes entries of its own between them.
  return left < MARGIN ? 0 : Math.floor(left * 0.99);
}

async function many(count: number, one: () => Promise<void>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await one();
    }
  };
  // All of them, before anything new is asked for: what one of them asked for last may yet come.
  const ended = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

let reserving = false;

/** A lease may run out and come again within a term: one at a time. */
async function lead(): Promise<void> {
  if (reserving) return;
  reserving = true;
  while (node.mayServe() && applied() < entries) {
    try {
      await reserve();
    } catch (error) {
      // It leads no more, or nobody can know: whoever serves next sees what became of it.
      if (!(error instanceof ConsensusError)) throw error;
    }
  }
  reserving = false;
}

node.on('serving', (serving) => {
  if (serving) lead().catch(fail);
});
process.once('disconnect', () => {
  node.stop().then(() => process.exit(0), fail);
});
await node.start();
