/**
 * The replicated log as the signer's store and leadership: the signer's own suites, on real nodes with real logs; and what
 * an outcome that nobody knows becomes, which no real node can be made to give in time.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConsensusError, LinkTransport, openWal, RaftNode } from '@cometkms/consensus';
import { type Answer, knownRules, type RecordId, voteSignBytes } from '@cometkms/sign-state';
import { systemClock } from '@cometkms/signer';
import {
  leadershipSuite,
  reservationStoreSuite,
  type StoreUnderTest,
} from '@cometkms/signer/conformance';
import { noLinks } from '../src/replica/no-links.js';
import { RaftStore } from '../src/replica/raft-store.js';
import { SigningStateMachine } from '../src/replica/state-machine.js';
import { freePorts, until } from './cluster.js';

/** A proposal waits this long for its commit; long, so that a busy machine is not an unknown outcome. */
const RESERVE_TIMEOUT_MS = 30_000;

interface Voter {
  readonly name: string;
  node: RaftNode<Answer>;
  machine: SigningStateMachine;
  store: RaftStore;
  joined: { clusterId: string } | null;
}

/** Nodes with a RaftStore each; what the replica puts around them is not here. */
class Nodes {
  readonly #directory = mkdtempSync(join(tmpdir(), 'raft-store-'));
  readonly #names: readonly string[];
  readonly #ports: readonly number[];
  readonly voters = new Map<string, Voter>();

  private constructor(names: readonly string[], ports: readonly number[]) {
    this.#names = names;
    this.#ports = ports;
  }

  static async start(names: readonly string[]): Promise<Nodes> {
    const nodes = new Nodes(names, await freePorts(names.length));
    await nodes.startAll();
    return nodes;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.#names.map((name) => this.#start(name)));
    await this.leader();
  }

  async restart(): Promise<void> {
    await this.#stopAll();
    await this.startAll();
  }

  async leader(except?: Voter): Promise<Voter> {
    return await until('a leader', () =>
      [...this.voters.values()].find((voter) => voter !== except && voter.node.mayServe()),
    );
  }

  /** Whoever leads now; the suites ask in one synchronous stretch, so a lost lease is looked over. */
  leading(): Voter {
    const all = [...this.voters.values()];
    const found =
      all.find(({ node }) => node.mayServe()) ?? all.find(({ node }) => node.leader === node.id);
    if (found === undefined) throw new Error('nobody leads');
    return found;
  }

  async handOver(from: Voter, to: Voter): Promise<void> {
    while (!to.node.mayServe() || from.node.mayServe()) {
      const leader = await this.leader();
      if (leader !== to) await leader.node.transferLeadership(to.node.id).catch(() => null);
      // Not settled in time, or leadership moved meanwhile: the loop looks and asks again.
      const settled = () => (to.node.mayServe() && !from.node.mayServe()) || undefined;
      await until('the transfer', settled, 3000).catch(() => null);
    }
  }

  async close(): Promise<void> {
    await this.#stopAll();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #stopAll(): Promise<void> {
    await Promise.all([...this.voters.values()].map(({ node }) => node.stop()));
  }

  async #start(name: string): Promise<void> {
    const alone = this.#names.length === 1;
    const address = (of: string): string => `127.0.0.1:${this.#ports[this.#names.indexOf(of)]}`;
    const machine = new SigningStateMachine();
    const known = this.voters.get(name)?.joined ?? null;
    const node: RaftNode<Answer> = new RaftNode<Answer>({
      storage: openWal({ directory: join(this.#directory, name), segmentBytes: 1024 * 1024 }),
      transport: alone
        ? noLinks
        : new LinkTransport({ self: name, listen: address(name), security: { kind: 'insecure' } }),
      self: { id: name, name },
      version: 'test',
      members: this.#names.map((each) => ({
        id: each,
        name: each,
        address: alone ? '' : address(each),
        witness: false,
      })),
      clusterId: null,
      joined: known,
      recordJoined: async ({ clusterId }) => {
        const voter = this.voters.get(name);
        if (voter !== undefined) voter.joined = { clusterId };
      },
      stateMachine: machine,
      timers: { heartbeatIntervalMs: 25, electionTimeoutMs: 400, leaseMs: 300 },
      // Small, so that the suites also run over a log that was cut behind a snapshot.
      snapshotEntries: 50,
      stateHashEntries: 20,
      applyEntries: 3,
      rules: knownRules,
      configDigest: () => '',
      onFatal: (error) => {
        throw error;
      },
    });
    const store = new RaftStore(node, machine, name, RESERVE_TIMEOUT_MS, systemClock);
    this.voters.set(name, { name, node, machine, store, joined: known });
    await node.start();
  }
}

async function storeUnderTest(names: readonly string[]): Promise<StoreUnderTest> {
  const nodes = await Nodes.start(names);
  return {
    store: () => nodes.leading().store,
    restart: () => nodes.restart(),
    close: () => nodes.close(),
  };
}

reservationStoreSuite('RaftStore over one node', () => storeUnderTest(['a']));
reservationStoreSuite('RaftStore over three nodes', () => storeUnderTest(['a', 'b', 'c']));

leadershipSuite('RaftNode, one of three', async () => {
  const nodes = await Nodes.start(['a', 'b', 'c']);
  const self = await nodes.leader();
  const other = [...nodes.voters.values()].find((voter) => voter !== self) ?? self;
  return {
    self: self.name,
    store: self.store,
    leadership: { mayServe: () => self.node.mayServe(), leader: () => self.node.leader },
    gain: () => nodes.handOver(other, self),
    lose: () => nodes.handOver(self, other),
    elsewhere: () => other.store,
    close: () => nodes.close(),
  };
});

const id: RecordId = { chainId: 'c', key: { type: 'ed25519', bytes: new Uint8Array(32) } };
const hrs = { height: 7n, round: 0, step: 2 } as const;
const limits = { maxHeightJump: 1000n, cutoverWindow: 100n };
const timestamp = { seconds: 1_700_000_000n, nanos: 0 };
const request = {
  ...{ id, hrs, by: 'a', at: 0 },
  signBytes: voteSignBytes('c', { type: 1, height: 7n, round: 0, blockId: null, timestamp }),
};

/** A store whose proposals all end like this. */
function storeThatFailsWith(error: Error): RaftStore {
  const propose = (): Promise<never> => Promise.reject(error);
  return new RaftStore({ propose }, new SigningStateMachine(), 'a', 1000, systemClock);
}

test('a proposal whose outcome is unknown is neither a verdict nor a change, and nothing is proved by it', async () => {
  for (const error of [
    new ConsensusError('CONSENSUS_OUTCOME_UNKNOWN', { detail: 'nobody answered' }),
    new ConsensusError('CONSENSUS_LOG_FAILED', { path: 'wal', detail: 'EIO' }),
  ]) {
    const store = storeThatFailsWith(error);
    const unknown = { kind: 'unknown', detail: error.message };
    assert.deepEqual(await store.reserve(request), unknown);
    assert.deepEqual(await store.raiseFloor(id, hrs, false), unknown);
    assert.deepEqual(await store.registerChain(id, { kind: 'neverSigned' }, limits), unknown);
  }
});

test('who does not lead has proposed nothing, and says so', async () => {
  const store = storeThatFailsWith(new ConsensusError('CONSENSUS_NOT_LEADER', { leader: 'b' }));
  assert.deepEqual(await store.reserve(request), { kind: 'notLeader', leader: null });
  assert.deepEqual(await store.retire(id), { kind: 'notLeader', leader: null });
});

test('what is no outcome of a proposal is no answer: it is thrown on', async () => {
  const bug = new TypeError('a bug');
  await assert.rejects(storeThatFailsWith(bug).reserve(request), bug);
});
