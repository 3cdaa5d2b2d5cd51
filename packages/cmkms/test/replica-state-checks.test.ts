/** Replicas hold their states against each other while they sign; one that differs says so, and ends. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { voteSignBytes } from '@cometkms/sign-state';
import { exitCodeOfForeign } from '../src/exit-codes.js';
import { Cluster, until } from './cluster.js';
import { parseSamples } from './exposition.js';
import { CHAIN } from './scratch-homes.js';

const program = { stateHashEntries: 4 };
let cluster: Cluster;
let height = 0n;

before(async () => {
  cluster = await Cluster.create({ neverSigned: true });
  await Promise.all(cluster.names.map((name) => cluster.start(name, {}, { program })));
});
after(() => cluster.dispose());

/** Whoever leads commits so many precommits. */
async function reserve(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    height += 1n;
    const vote = { type: 2, height, round: 0, blockId: null } as const;
    const signBytes = voteSignBytes(CHAIN, { ...vote, timestamp: { seconds: height, nanos: 0 } });
    await until(`a precommit of ${height}`, async () => {
      const { store, chains } = (await cluster.leader()).running.replica;
      const id = chains[0]?.id;
      if (id === undefined || store.read(id) === undefined) return undefined;
      const hrs = { height, round: 0, step: 3 } as const;
      const { kind } = await store.reserve({ id, hrs, signBytes, by: 'test', at: 1 });
      return kind === 'committed' || undefined;
    });
  }
}

const checks = async (name: string, result: string): Promise<number> => {
  const text = await (await cluster.get(name, '/metrics')).text();
  return parseSamples(text).get(`cmkms_state_checks_total{result="${result}"}`) ?? Number.NaN;
};

test('each replica compares what it signed by, and finds it equal', async () => {
  const ends = [...cluster.members.values()].map(({ failure }) => failure);
  const ended = Promise.race(ends).then((error) => Promise.reject(error));
  await Promise.race([reserve(12), ended]);
  for (const name of cluster.names) {
    await until(`${name} has compared`, async () =>
      (await checks(name, 'equal')) >= 2 ? true : undefined,
    );
    assert.equal(await checks(name, 'differs'), 0);
    assert.deepEqual(cluster.member(name).logged.all('fatal'), []);
  }
});

test('one that differs logs both hashes and ends for good; the others sign on', async () => {
  const leader = await cluster.leader();
  const odd = cluster.member(cluster.names.find((name) => name !== leader.name) ?? '');
  const wrong = 'f'.repeat(64);
  odd.running.replica.machine.hash = () => wrong;
  await reserve(8);
  const error = await odd.failure;
  assert.ok('code' in error && typeof error.code === 'string', String(error));
  assert.equal(error.code, 'CONSENSUS_STATE_DIFFERS');
  assert.equal(exitCodeOfForeign(error.code), 3, 'a supervisor must not start it again');
  const { own, leaders, index } = await odd.logged.until('state_differs');
  assert.equal(own, wrong);
  assert.match(leaders, /^[0-9a-f]{64}$/);
  assert.equal(index % program.stateHashEntries, 0);
  assert.match(error.message, new RegExp(`after entry ${index} .* ${own}, .* ${leaders}`));
  await reserve(4);
});
