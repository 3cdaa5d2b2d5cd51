/** A cluster is brought to a later program, one replica after the other: what an operator sees of it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { exitCodeOfForeign } from '../src/exit-codes.js';
import { Cluster, until } from './cluster.js';

/** No version 2 exists: in this test it means what version 1 does. */
const later = { program: { rules: { oldest: 1, newest: 2 } } };
let cluster: Cluster;

before(async () => {
  cluster = await Cluster.start({ neverSigned: true });
  await cluster.everywhere('founded');
  await cluster.leader();
});
after(() => cluster.dispose());

const inForce = async (name: string): Promise<number | null> =>
  (await cluster.status(name)).rules_version;

/** What `name` shows of what each member knows. */
const known = async (name: string): Promise<Record<string, string>> => {
  const { replicas } = await cluster.status(name);
  return Object.fromEntries(
    replicas.map(({ id, rules }) => [id, rules === null ? '-' : `${rules.oldest}-${rules.newest}`]),
  );
};

const shows = (name: string, all: Record<string, string>): Promise<true> =>
  until(`${name} shows ${JSON.stringify(all)}`, async () =>
    JSON.stringify(await known(name)) === JSON.stringify(all) ? true : undefined,
  );

test('while one replica runs the older program, its rules are in force', async () => {
  await cluster.restart('b', {}, later);
  await cluster.restart('c', {}, later);
  for (const name of cluster.names) await shows(name, { a: '1-1', b: '1-2', c: '1-2' });
  await cluster.leader();
  for (const name of cluster.names) assert.equal(await inForce(name), 1);
  await cluster.stop('a');
  await shows('b', { a: '-', b: '1-2', c: '1-2' });
  await cluster.leader();
  assert.equal(await inForce('b'), 1, 'who is away may come back as it was');
});

test('with the last one the new rules come into force, everywhere, and are told', async () => {
  await cluster.start('a', {}, later);
  const raised = await cluster.everywhere('rules_raised');
  assert.deepEqual(new Set(raised.map(({ version }) => version)), new Set([2]));
  assert.equal(new Set(raised.map(({ index }) => index)).size, 1, 'at one entry');
  for (const name of cluster.names) assert.equal(await inForce(name), 2);
  const text = await (await cluster.get('a', '/metrics')).text();
  assert.match(text, /^cmkms_rules_version 2$/m);
});

test('from then on the older program does not start, and says what to do', async () => {
  await cluster.stop('c');
  const error = await cluster.start('c').then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error && 'code' in error && 'remedy' in error, String(error));
  assert.equal(error.code, 'CONSENSUS_RULES_UNKNOWN');
  assert.equal(exitCodeOfForeign('CONSENSUS_RULES_UNKNOWN'), 3);
  assert.match(String(error.remedy), /upgrade\.md/);
  await cluster.stop('c');
  await cluster.leader();
  await cluster.start('c', {}, later);
  await until('c follows', async () => ((await inForce('c')) === 2 ? true : undefined));
});
