/**
 * What is told of each outcome: one line, one count, one journal entry, in the same words; and never before the
 * answer is on its way, or in a way that could stop it.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { proposalSignBytes, type SigningRecord, voteSignBytes } from '@cometkms/sign-state';
import { addressOf, type SignRequest, systemClock } from '@cometkms/signer';
import { Journal } from '../src/journal/index.js';
import { stages as declaredStages } from '../src/metrics/catalogue.js';
import { Metrics } from '../src/metrics/index.js';
import { type Reported, Reports } from '../src/replica/reports.js';
import type { RoutedOutcome } from '../src/replica/router.js';
import { Logged } from './cluster.js';
import { healthy, judged, now } from './example-status.js';
import { parseSamples, sampleName } from './exposition.js';
import { CHAIN, keyOf } from './scratch-homes.js';

const key = keyOf(1).publicKey;
const chain = { chainId: CHAIN, keyAddress: addressOf(key) };
const id = { chainId: CHAIN, key };
const validator = 'tcp://127.0.0.1:26659';
const timestamp = { seconds: 1n, nanos: 0 };
const hash = new Uint8Array(32).fill(0xab);
const blockId = { hash, partSetHeader: { total: 1, hash } };

const stages = { queue: 1, commit: 2, watermark: 1, sign: 1, verify: 1, total: 6 };
const proof = { term: 3, index: 9, commitMs: 2 };

function precommit(nil = false): SignRequest {
  const vote = { type: 2, height: 7n, round: 1, blockId: nil ? null : blockId, timestamp };
  const signBytes = voteSignBytes(CHAIN, vote);
  return { id, hrs: { height: 7n, round: 1, step: 3 }, signBytes, extensionSignBytes: null };
}

function proposal(): SignRequest {
  const asked = { height: 7n, round: 1, polRound: -1, blockId, timestamp };
  const signBytes = proposalSignBytes(CHAIN, asked);
  return { id, hrs: { height: 7n, round: 1, step: 1 }, signBytes, extensionSignBytes: null };
}

const released = (verdict: 'granted' | 'repeated', request = precommit()): RoutedOutcome => ({
  kind: 'released',
  verdict,
  signBytes: request.signBytes,
  signature: new Uint8Array(64).fill(0xcd),
  extensionSignature: null,
  proof,
  stages,
});

async function setUp(t: TestContext) {
  const logged = new Logged();
  const world = {
    build: { version: 'test', commit: 'test' },
    chains: [{ ...chain, keyType: 'ed25519', validators: [validator] }],
    peers: [],
  };
  const metrics = new Metrics(world, { processMetrics: false });
  const home = await mkdtemp(join(tmpdir(), 'cmkms-reports-'));
  const journal = new Journal({ directory: join(home, 'journal'), log: logged.log });
  t.after(async () => {
    metrics.stop();
    await journal.close(5000);
    await rm(home, { recursive: true });
  });
  const state = {
    last: { hrs: precommit().hrs, signBytes: precommit().signBytes, by: 'b', at: 5000 },
  };
  const read = (): SigningRecord => ({
    id,
    last: state.last,
    floor: null,
    haltHeight: null,
    limits: { maxHeightJump: 10n, cutoverWindow: 10n },
    cutoverArmed: false,
    neverSigned: false,
    retired: false,
  });
  const reports = new Reports(logged.log, metrics, journal, systemClock, read);
  const later = (facts: Partial<Reported> & Pick<Reported, 'outcome'>): void => {
    const asked = { chain, request: precommit(), validator, via: null, answeredElsewhere: false };
    const times = { decodeMs: 0.5, decidedAt: performance.now() };
    reports.later({ ...asked, ...times, ...facts });
  };
  /** Told, and all of it has happened. */
  const tell = async (facts: Partial<Reported> & Pick<Reported, 'outcome'>): Promise<void> => {
    later(facts);
    assert.deepEqual(logged.lines.length, said, 'told before the answer could leave');
    // Its bytes are with the kernel one turn of the loop later.
    await new Promise((resolve) => setImmediate(resolve));
    reports.tellNow();
    said = logged.lines.length;
  };
  let said = 0;
  const count = async (outcome: string, type = 'precommit'): Promise<number> => {
    const labels = { chain_id: CHAIN, key: chain.keyAddress.slice(0, 8), type, outcome };
    const text = await metrics.text(healthy, judged(healthy), now);
    const name = sampleName('cmkms_sign_requests_total', labels);
    return parseSamples(text).get(name) ?? Number.NaN;
  };
  /** How often this stage of a precommit was observed. */
  const observed = async (stage: string): Promise<number> => {
    const labels = { ...{ chain_id: CHAIN, key: chain.keyAddress.slice(0, 8) }, type: 'precommit' };
    const text = await metrics.text(healthy, judged(healthy), now);
    const name = sampleName('cmkms_sign_duration_seconds_count', { ...labels, stage });
    return parseSamples(text).get(name) ?? Number.NaN;
  };
  const entries = () => journal.readRange({ by: 'height', chain, from: 7n, to: 7n });
  return { logged, reports, state, later, tell, count, observed, entries };
}

test('a signature: one line, one count, one entry, and the facts of the status', async (t) => {
  const s = await setUp(t);
  assert.deepEqual([s.reports.lastReleasedAt(chain), s.reports.medianMs(chain)], [null, null]);
  await s.tell({ outcome: released('granted') });
  const [line] = s.logged.all('signed');
  assert.deepEqual(
    [line?.type, line?.h, line?.r, line?.block, line?.term, line?.index, line?.via],
    ['precommit', 7n, 1, 'ABABABAB', 3, 9, null],
  );
  assert.equal(await s.count('granted'), 1);
  assert.ok((s.reports.lastReleasedAt(chain) ?? 0) > 0);
  assert.equal(s.reports.medianMs(chain), 6);
  const text = JSON.stringify(s.logged.lines, (_k, v) => (typeof v === 'bigint' ? `${v}` : v));
  assert.ok(!text.includes('cdcdcd') && !text.includes('zc3N'), 'a signature in the log');
});

test('asked again: who reserved it first, and when', async (t) => {
  const s = await setUp(t);
  await s.tell({ outcome: released('repeated') });
  const [line] = s.logged.all('replayed');
  assert.deepEqual(
    [line?.verdict, line?.first, line?.by],
    ['repeated', '1970-01-01T00:00:05.000Z', 'b'],
  );
  assert.equal(await s.count('repeated'), 1);
  const [entry, ...more] = await s.entries();
  assert.deepEqual(more, []);
  assert.deepEqual(
    [entry?.outcome, entry?.height, entry?.block, entry?.term, entry?.index, entry?.validator],
    ['repeated', 7n, 'ABABABAB', 3, 9, validator],
  );
});

test('what comes within a moment is told together, without being asked for', async (t) => {
  const s = await setUp(t);
  s.later({ outcome: released('granted') });
  s.later({ outcome: released('granted') });
  await s.logged.until('signed');
  assert.equal(s.logged.all('signed').length, 2);
});

test('a repeated request is told with the reservation that it met, not with a later one', async (t) => {
  const s = await setUp(t);
  s.later({ outcome: released('repeated') });
  s.state.last = { ...s.state.last, by: 'c', at: 9000 };
  s.reports.tellNow();
  assert.equal(s.logged.all('replayed')[0]?.by, 'b');
});

test('a request that another replica handed on is told here, and counted where its link is', async (t) => {
  const s = await setUp(t);
  await s.tell({ outcome: released('granted'), via: 'b' });
  assert.equal(s.logged.all('signed')[0]?.via, 'b');
  assert.equal(await s.count('granted'), 0);
  await s.tell({ outcome: released('granted'), answeredElsewhere: true });
  assert.equal(s.logged.all('signed').length, 1);
  assert.equal(await s.count('granted'), 1);
});

test('each refusal has its word, its level and its count', async (t) => {
  const s = await setUp(t);
  for (const [code, verdict] of [
    ['CONFLICT', 'conflict'],
    ['REGRESSED', 'regressed'],
    ['HALTED', 'halted'],
    ['LEAP', 'leap'],
    ['CUTOVER', 'cutover'],
    ['RETIRED', 'retired'],
    ['UNREGISTERED', 'unregistered'],
    ['MALFORMED', 'invalid'],
    ['WATERMARK', 'watermark'],
    ['BACKEND', 'backend_error'],
  ] as const) {
    await s.tell({ outcome: { kind: 'refused', code, detail: `because ${code}` } });
    const line = s.logged.all('refused').at(-1);
    assert.deepEqual([line?.verdict, line?.detail], [verdict, `because ${code}`]);
    assert.equal(await s.count(verdict), 1, verdict);
  }
  await s.tell({ outcome: { kind: 'noQuorum', leaderlessMs: 2500 } });
  assert.equal(s.logged.all('refused').at(-1)?.verdict, 'no_quorum');
});

test('a proposal and a vote for nil are named as what they are', async (t) => {
  const s = await setUp(t);
  const [nil, block] = [precommit(true), proposal()];
  await s.tell({ request: nil, outcome: released('granted', nil) });
  await s.tell({ request: block, outcome: released('granted', block) });
  assert.deepEqual(
    s.logged.all('signed').map(({ type, block }) => [type, block]),
    [
      ['precommit', 'nil'],
      ['proposal', 'ABABABAB'],
    ],
  );
  assert.equal(await s.count('granted', 'proposal'), 1);
});

test('a link that is dropped says so once a second, and how many there were', async (t) => {
  const s = await setUp(t);
  const dropped: RoutedOutcome = { kind: 'notNow', reason: 'notLeader', leader: null };
  for (let i = 0; i < 5; i++) await s.tell({ outcome: dropped });
  const [line] = s.logged.all('dropped');
  assert.deepEqual(
    [s.logged.all('dropped').length, line?.reason, line?.more],
    [1, 'not_leader', 0],
  );
  await s.tell({ outcome: dropped, validator: 'tcp://127.0.0.1:26660' });
  assert.equal(s.logged.all('dropped').length, 2, 'another link has a line of its own');
});

test('bytes that nobody can read stop nothing', async (t) => {
  const s = await setUp(t);
  const request = { ...precommit(), signBytes: Uint8Array.of(1, 2, 3) };
  await s.tell({ request, outcome: { kind: 'refused', code: 'MALFORMED', detail: 'no vote' } });
  assert.equal(s.logged.all('refused')[0]?.block, '?');
});

test('each stage that is declared is observed once for a signature', async (t) => {
  const s = await setUp(t);
  await s.tell({ outcome: released('granted') });
  for (const stage of declaredStages) assert.equal(await s.observed(stage), 1, stage);
});
