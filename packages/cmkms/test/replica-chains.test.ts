/** Nothing is signed without a watermark, and nothing for a member that does not hold the key. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { voteSignBytes } from '@cometkms/sign-state';
import { MemoryCluster, type SignRequest, systemClock, systemFiles } from '@cometkms/signer';
import { type HeldChain, openChains } from '../src/replica/chains.js';
import { encodeReplicaMessage } from '../src/replica/message.js';
import { check, goodWorld } from './checked-world.js';
import { Cluster, until } from './cluster.js';
import { CHAIN, keyOf, scratch } from './scratch-homes.js';

const id = { chainId: CHAIN, key: keyOf(1).publicKey };

function precommit(height: bigint): SignRequest {
  const timestamp = { seconds: 1n, nanos: 0 };
  const signBytes = voteSignBytes(CHAIN, { type: 2, height, round: 0, blockId: null, timestamp });
  return { id, hrs: { height, round: 0, step: 3 }, signBytes, extensionSignBytes: null };
}

/** A replica that leads, with its chain registered and nothing else in the way. */
async function opened(t: TestContext, isNew: boolean) {
  const world = await goodWorld(await scratch(t));
  const { chains: checked } = await check(world, {});
  const engine = new MemoryCluster();
  engine.elect('a');
  const replica = engine.replica('a');
  await replica.registerChain(
    id,
    { kind: 'neverSigned' },
    { maxHeightJump: 1000n, cutoverWindow: 1000n },
  );
  const fatal: Error[] = [];
  const chains = await openChains(checked, {
    edges: { clock: systemClock, files: systemFiles, verify: null },
    replica: 'a',
    watermarkDirectory: join(world.home, 'priv'),
    isNew,
    store: replica,
    mayServe: () => replica.mayServe(),
    leader: () => replica.leader(),
    observer: () => ({}),
    watermarkAlarm: () => {},
    fatal: (error) => fatal.push(error),
  });
  const [chain] = chains.values();
  assert.ok(chain !== undefined);
  t.after(() => chain.watermark.close());
  const sign = (height: bigint) =>
    (chain as HeldChain).gate.sign(precommit(height), performance.now() + 10_000);
  return { chain, replica, sign, fatal };
}

test('without a watermark a leader signs nothing; with it, at once', async (t) => {
  const { chain, replica, sign, fatal } = await opened(t, false);
  assert.equal(chain.watermark.ready, false);
  const refused = await sign(8n);
  assert.deepEqual([refused.kind, 'reason' in refused && refused.reason], ['notNow', 'notLeader']);
  assert.deepEqual([replica.read(id)?.last, fatal], [null, []], 'nothing was reserved, or failed');
  await chain.watermark.restore(replica.read(id));
  assert.equal((await sign(8n)).kind, 'released');
  assert.deepEqual(chain.watermark.current()?.hrs, precommit(8n).hrs);
});

test('a new replica has its watermark before its first request', async (t) => {
  const { chain, sign } = await opened(t, true);
  assert.equal(chain.watermark.ready, true);
  assert.equal((await sign(8n)).kind, 'released');
});

test('a member that does not hold the key is not signed for', async (t) => {
  const cluster = await Cluster.start({ states: { a: 7n } });
  t.after(() => cluster.dispose());
  await cluster.anywhere('registered');
  await cluster.stop('c');
  const without = await cluster.start('c', { chainId: 'other-1' });
  const [leader, holder] = [await cluster.lead('a'), cluster.member('b')];
  const { node, members, store } = leader.running.replica;
  const ask = (from: typeof leader, height: bigint): boolean => {
    const request = precommit(height);
    const asked = {
      kind: 'ask',
      number: 1,
      request,
      validator: 'tcp://x:1',
      budgetMs: 1000,
    } as const;
    return from.running.replica.node.sendApplication(node.id, encodeReplicaMessage(asked));
  };
  /** What a link carries comes in order: once this is heard, what was sent before was heard. */
  const heardAll = async (from: typeof leader): Promise<void> => {
    const said = {
      kind: 'statement',
      chains: [],
      linksHeld: [`after ${from.name}`],
      linksSilent: [],
    } as const;
    from.running.replica.node.sendApplication(node.id, encodeReplicaMessage(said));
    await until('what it sent', () => members.holding(`after ${from.name}`)[0]);
  };
  await until('the links', () => members.heard(without.running.replica.node.id) || undefined);
  assert.ok(ask(without, 8n));
  await heardAll(without);
  // A reservation would lie in the log before this.
  assert.equal((await store.setHaltHeight(id, 1000n)).kind, 'committed');
  assert.equal(store.read(id)?.last?.hrs.height, 7n);

  await until(
    'its statement',
    () => members.holdsKey(holder.running.replica.node.id, id) || undefined,
  );
  assert.ok(ask(holder, 9n));
  await until('its reservation', () =>
    store.read(id)?.last?.hrs.height === 9n ? true : undefined,
  );
});
