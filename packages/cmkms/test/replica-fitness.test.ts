/** A leader whose disk runs full or whose key fails hands over, says why, and is fit again when that is well over. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { addressOf, SignerError } from '@cometkms/signer';
import { Metrics } from '../src/metrics/index.js';
import { Fitness, KEY_HOLD_OFF_MS } from '../src/replica/fitness.js';
import { reportGateFailure } from '../src/replica/gate-reports.js';
import { Cluster, Logged, type Member } from './cluster.js';
import { CHAIN, keyOf } from './scratch-homes.js';
import { Validator } from './validator.js';

const key = keyOf(1).publicKey;
const minimumBytes = 1000;

function setUp() {
  const logged = new Logged();
  /** All that was said to consensus. */
  const said: (string | null)[] = [];
  const clock = { now: 0 };
  const fitness = new Fitness({
    now: () => clock.now,
    setUnfit: (reason) => said.push(reason),
    log: logged.log,
  });
  const data = (freeBytes: number): void => {
    fitness.look([{ path: 'data', freeBytes, minimumBytes }]);
  };
  return { fitness, logged, said, clock, data };
}

test('a disk below half of its minimum, until it has all of it again', () => {
  const { logged, said, data } = setUp();
  data(1000);
  data(500);
  assert.deepEqual(said, []);
  data(499);
  data(300);
  data(500);
  data(999);
  assert.deepEqual(said, ['data: less than half of min_free_disk is free']);
  data(1000);
  data(700);
  assert.equal(said.length, 2);
  assert.equal(said[1], null);
  assert.equal(logged.all('unfit').length, 1);
  assert.equal(logged.all('fit_again').length, 1);
});

test('a key that fails, until it signs', () => {
  const { fitness, logged, said } = setUp();
  fitness.keyFailed('k', 'the device does not answer');
  fitness.keySigned('another');
  assert.deepEqual(said, ['k: the device does not answer']);
  fitness.keySigned('k');
  assert.deepEqual(said.slice(1), [null]);
  assert.equal(logged.all('fit_again').length, 1);
});

test('a key that is not asked any more: tried again after a while, counted from its last failure', () => {
  const { fitness, said, clock, data } = setUp();
  fitness.keyFailed('k', 'one');
  clock.now = KEY_HOLD_OFF_MS - 1;
  fitness.keyFailed('k', 'one');
  clock.now = KEY_HOLD_OFF_MS;
  data(1000);
  assert.equal(said.length, 1);
  clock.now = 2 * KEY_HOLD_OFF_MS - 1;
  data(1000);
  assert.deepEqual(said, ['k: one', null]);
});

test('one cause that is over uncovers the other', () => {
  const { fitness, logged, said, data } = setUp();
  data(1);
  fitness.keyFailed('k', 'one');
  fitness.keySigned('k');
  assert.deepEqual(said, [said[0], 'k: one', said[0]]);
  assert.deepEqual(logged.all('fit_again'), []);
});

async function threeWith(t: TestContext) {
  const validator = await Validator.listen(CHAIN);
  const cluster = await Cluster.start({ validators: [validator.address], neverSigned: true });
  t.after(async () => {
    await cluster.dispose();
    await validator.stop();
  });
  await cluster.leader();
  return { cluster, validator };
}

/** Leadership is given to it until it has given it away again, for this reason. */
async function handsOver(cluster: Cluster, to: Member, reason: RegExp): Promise<void> {
  const done = to.logged.until('handed_over', (line) => reason.test(line.reason));
  let over = false;
  void done.finally(() => {
    over = true;
  });
  while (!over) {
    // Before the look: what changes after it is not missed.
    const changed = once(to.running.replica.node, 'role');
    const leader = await cluster.leader();
    if (leader !== to) {
      const { node } = leader.running.replica;
      // Refused where it lost leadership meanwhile: then look again, with the next turn of the loop.
      const taken = await node.transferLeadership(to.running.replica.node.id).catch(() => null);
      if (taken === null) await new Promise((resolve) => setImmediate(resolve));
    } else {
      await Promise.race([done, changed]);
    }
  }
  const { to: next } = await done;
  assert.notEqual(next, to.name);
}

test('a leader with too little space hands over, and the cluster signs on', async (t) => {
  const { cluster, validator } = await threeWith(t);
  await validator.sign(key, { height: 1 });
  const full = await cluster.restart('a', {}, { raft: { minFreeDiskBytes: 2 ** 60 } });
  await full.logged.until('unfit', ({ reason }) => /less than half of min_free_disk/.test(reason));
  await handsOver(cluster, full, /less than half of min_free_disk/);
  await validator.sign(key, { height: 2 });
});

test('a leader whose key cannot sign hands over, and the next one signs', async (t) => {
  const { cluster, validator } = await threeWith(t);
  const broken = await cluster.restart(
    'a',
    {},
    {
      key: ({ publicKey, signsEarly }) => ({
        publicKey,
        signsEarly,
        sign: () => Promise.reject(new Error('the device is gone')),
      }),
    },
  );
  await cluster.lead('a');
  // That vote is lost: it got a typed error.
  await assert.rejects(validator.sign(key, { height: 1 }), /BACKEND/);
  await broken.logged.until('unfit', ({ reason }) => /the device is gone/.test(reason));
  await broken.logged.until('handed_over', ({ reason }) => /the device is gone/.test(reason));
  assert.deepEqual(broken.logged.all('self_verify_failed'), [], 'it gave no signature at all');
  await validator.sign(key, { height: 2 });
});

test('a signature that does not verify is counted and said before the process ends', async (t) => {
  const chain = { chainId: CHAIN, keyAddress: addressOf(key) };
  const world = {
    build: { version: 'test', commit: 'test' },
    chains: [{ ...chain, keyType: 'ed25519', validators: [] }],
    peers: [],
  };
  const metrics = new Metrics(world, { processMetrics: false });
  t.after(() => metrics.stop());
  const logged = new Logged();
  const facts = { chainId: CHAIN, position: '7/0/precommit', detail: 'x' };
  const wrong = new SignerError('SIGNER_SIGNATURE_WRONG', facts);
  reportGateFailure(chain, wrong, logged.log, metrics);
  assert.deepEqual(logged.all('self_verify_failed'), [
    { chain: CHAIN, key: chain.keyAddress, at: '7/0/precommit' },
  ]);
  const failed = new SignerError('SIGNER_WATERMARK_FAILED', { path: 'p', detail: 'x' });
  reportGateFailure(chain, failed, logged.log, metrics);
  assert.equal(logged.lines.length, 1);
});
