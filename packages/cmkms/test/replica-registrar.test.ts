/** The pass of a new leader over all chains, on a real state machine behind a store that commits at once. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RecordId, SignState, voteSignBytes } from '@cometkms/sign-state';
import type { Change, Committed, ReservationStore } from '@cometkms/signer';
import { systemClock } from '@cometkms/signer';
import type { Known } from '../src/replica/message.js';
import { Registrar, type RegistrarNews, type RegistrarWorld } from '../src/replica/registrar.js';
import type { MemberView } from '../src/replica/registration.js';

const id: RecordId = {
  chainId: 'test-1',
  key: { type: 'ed25519', bytes: new Uint8Array(32).fill(7) },
};
const limits = { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n };
const signBytes = (height: bigint): Uint8Array =>
  voteSignBytes('test-1', {
    type: 2,
    height,
    round: 0,
    blockId: { hash: new Uint8Array(0), partSetHeader: { total: 0, hash: new Uint8Array(0) } },
    timestamp: { seconds: 1n, nanos: 0 },
  });
const file = (height: bigint): Known => ({
  kind: 'position',
  hrs: { height, round: 0, step: 3 },
  signBytes: signBytes(height),
});

function setUp(known: Known): {
  registrar: Registrar;
  news: RegistrarNews[];
  dismissed: string[];
  members: MemberView[];
  state: SignState;
  world: { term: number | null };
  commits: { fail: boolean };
  idle: () => Promise<void>;
} {
  const state = new SignState();
  const commits = { fail: false };
  const store: Pick<ReservationStore, 'registerChain' | 'raiseFloor' | 'read'> = {
    read: (of) => state.read(of),
    registerChain: async (of, start, lim) =>
      committed(state.apply({ kind: 'registerChain', id: of, start, limits: lim, by: 'a', at: 0 })),
    raiseFloor: async (of, floor, endsCutover) =>
      committed(state.apply({ kind: 'raiseFloor', id: of, floor, endsCutover })),
  };
  const committed = (answer: ReturnType<SignState['apply']>): Committed<Change> => {
    if (commits.fail) return { kind: 'unknown', detail: 'the leader stepped down' };
    assert.notEqual(answer.kind, 'verdict');
    if (answer.kind === 'verdict') throw new Error('no reservation was asked for');
    return { kind: 'committed', value: answer, proof: { term: 1, index: 1, commitMs: 0 } };
  };
  const news: RegistrarNews[] = [];
  const dismissed: string[] = [];
  const members: MemberView[] = [
    {
      name: 'a',
      witness: false,
      statement: {
        kind: 'statement',
        linksHeld: [],
        linksSilent: [],
        chains: [{ id, known, validators: [] }],
      },
    },
  ];
  const world = { term: 1 as number | null };
  const asWorld: RegistrarWorld = {
    clock: systemClock,
    leadingTerm: () => world.term,
    members: () => members,
    limits: () => limits,
    dismiss: (member, _id, reason) => dismissed.push(`${member}: ${reason.kind}`),
    tell: (item) => news.push(item),
    changed: () => undefined,
  };
  const registrar = new Registrar(asWorld, store);
  const idle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await new Promise((r) => setImmediate(r));
  };
  return { registrar, news, dismissed, members, state, world, commits, idle };
}

test('a stated chain is registered once, and then the term has passed', async () => {
  const t = setUp({ kind: 'neverSigned' });
  assert.equal(t.registrar.passedIn(1), false);
  t.registrar.kick();
  await t.idle();
  assert.equal(t.registrar.passedIn(1), true);
  assert.deepEqual(
    t.news.map((item) => item.kind),
    ['registered'],
  );
  t.registrar.kick();
  await t.idle();
  assert.equal(t.news.length, 1);
});

test('a state file ahead of the cluster is a floor before the term counts as passed', async () => {
  const t = setUp(file(8n));
  t.state.apply({
    kind: 'registerChain',
    id,
    start: { kind: 'imported', position: { height: 7n, round: 0, step: 3 }, signBytes: null },
    limits,
    by: 'a',
    at: 0,
  });
  t.commits.fail = true;
  t.registrar.kick();
  await t.idle();
  assert.equal(t.registrar.passedIn(1), false, 'served before the floor was committed');
  t.commits.fail = false;
  t.registrar.kick();
  await t.idle();
  assert.equal(t.registrar.passedIn(1), true);
  assert.equal(t.state.read(id)?.floor?.height, 8n);
});

test('a member whose file is far ahead is dismissed, and the others are served', async () => {
  const t = setUp({ kind: 'neverSigned' });
  t.registrar.kick();
  await t.idle();
  t.members.push({
    name: 'b',
    witness: false,
    statement: {
      kind: 'statement',
      linksHeld: [],
      linksSilent: [],
      chains: [{ id, known: file(9n), validators: [] }],
    },
  });
  t.registrar.kick();
  await t.idle();
  assert.deepEqual(t.dismissed, ['b: ahead']);
  assert.equal(t.registrar.passedIn(1), true);
});

test('a replica that does not lead plans nothing', async () => {
  const t = setUp({ kind: 'neverSigned' });
  t.world.term = null;
  t.registrar.kick();
  await t.idle();
  assert.deepEqual(t.news, []);
  assert.equal(t.state.read(id), undefined);
});
