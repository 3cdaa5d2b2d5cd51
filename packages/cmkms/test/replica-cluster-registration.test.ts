/**
 * What whole replicas do with what their state files and operators say: a chain is registered once, from the highest
 * position, or not at all; a file that is ahead later is a floor, or a refusal.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CmkmsError } from '../src/errors.js';
import type { StatusJson } from '../src/http/status-json.js';
import { Cluster, type ClusterOptions, until } from './cluster.js';
import { CHAIN } from './scratch-homes.js';

const position = (p: { height: string; round: number; step: number } | null): string | null =>
  p === null ? null : `${p.height}/${p.round}/${p.step}`;

/** Bounds the tests that begin anew. */
const retried = { timeout: 60_000 };

/**
 * What ended all replicas of a new cluster, by one leader's word. Where a disk stands still one may not have heard who
 * leads when it is told; it waits without a quorum then, and all begin anew.
 */
async function endedTogether(options: ClusterOptions): Promise<readonly CmkmsError[]> {
  for (;;) {
    const cluster = await Cluster.start(options);
    const errors: Error[] = [];
    for (const { failure } of cluster.members.values()) {
      void failure.then((error) => errors.push(error));
    }
    const isAll = (): boolean => errors.length === cluster.names.length;
    const waits = (): boolean =>
      [...cluster.members.values()].some(({ logged }) => logged.all('no_quorum').length > 0);
    try {
      await until('their ends', () => isAll() || waits() || undefined);
    } finally {
      await cluster.dispose();
    }
    if (!isAll()) continue;
    return errors.map((error) => {
      assert.ok(error instanceof CmkmsError, String(error));
      return error;
    });
  }
}

test('a key that never signed anywhere: registered without a position, once', async (t) => {
  const cluster = await Cluster.start({ neverSigned: true });
  t.after(() => cluster.dispose());
  const { start } = await cluster.anywhere('registered');
  assert.equal(start, 'never signed');
  await cluster.everywhere('founded');
  const { chains } = await cluster.status((await cluster.leader()).name);
  assert.deepEqual(
    [chains[0]?.registration, chains[0]?.last_sign_state, chains[0]?.floor],
    ['registered', null, null],
  );
  // A new replica makes its watermark quietly: there is nothing that a lost one could have said.
  for (const { name, logged, running } of cluster.members.values()) {
    assert.equal(running.replica.chains[0]?.watermark.ready, true, name);
    assert.deepEqual(logged.all('watermark_rebuilt'), [], name);
  }

  // The flag that stays in a unit file, on the next start.
  const [name = ''] = cluster.names;
  await cluster.stop(name);
  const again = await cluster.start(name);
  const { note } = await again.logged.until('config_note', ({ note }) => note.includes('flag'));
  assert.match(note, /--allow-fresh-state test-1: the chain is registered/);
});

test('of several state files the highest position wins', async (t) => {
  const cluster = await Cluster.start({ states: { a: 7n, c: 9n } });
  t.after(() => cluster.dispose());
  const { start } = await cluster.anywhere('registered');
  assert.equal(start, 'imported at 9/0/3');
  for (const name of cluster.names) {
    await until(`${name} applied it`, async () => {
      const { chains } = await cluster.status(name);
      return position(chains[0]?.last_sign_state ?? null) === '9/0/3' || undefined;
    });
  }
});

test(
  'no replica knows anything: every one of them ends, and says how to go on',
  retried,
  async () => {
    for (const { code } of await endedTogether({})) assert.equal(code, 'STATE_MISSING');
  },
);

test(
  'one file says signed, another replica says never: every one of them ends',
  retried,
  async () => {
    const options = { states: { a: 7n }, flags: { b: { allowFreshState: [CHAIN] } } };
    for (const { code, message } of await endedTogether(options)) {
      assert.equal(code, 'STATE_CONTRADICTS');
      assert.match(
        message,
        /--allow-fresh-state test-1, given to b, says .* the state file of a is at 7\/0\/3/,
      );
    }
  },
);

test('a member that has the chain not configured, or is away, is waited for by name', async (t) => {
  const cluster = await Cluster.start({
    states: { a: 7n },
    flags: { c: { chainId: 'other-1', allowFreshState: ['other-1'] } },
  });
  t.after(() => cluster.dispose());
  const unconfigured = 'c (chain not configured there)';
  const { chain } = await cluster.anywhere(
    'registration_wait',
    (f) => f.waiting_for === unconfigured,
  );
  assert.equal(chain, CHAIN);
  const waiting = async (name: string, why: string): Promise<StatusJson> =>
    await until(`${name} waits for ${why}`, async () => {
      const status = await cluster.status(name);
      return status.chains[0]?.waiting_for === why ? status : undefined;
    });
  for (const name of ['a', 'b']) {
    const { notes } = await waiting(name, unconfigured);
    assert.ok(notes.some((note) => note.code === 'CHAIN_UNREGISTERED'));
  }

  await cluster.stop('c');
  const away = 'c (not reachable)';
  await cluster.anywhere('registration_wait', (f) => f.waiting_for === away);
  for (const name of ['a', 'b']) await waiting(name, away);

  await cluster.start('c', { chainId: CHAIN, allowFreshState: [] });
  assert.equal((await cluster.anywhere('registered')).start, 'imported at 7/0/3');
});

test('a file one height ahead is a floor before anything is served', async (t) => {
  const cluster = await Cluster.start({ names: ['a', 'b'], states: { a: 7n } });
  t.after(() => cluster.dispose());
  await cluster.anywhere('registered');
  await Promise.all([cluster.stop('a'), cluster.stop('b')]);
  await cluster.writeState('b', 8n);

  await Promise.all([cluster.start('a'), cluster.start('b')]);
  const { running, logged } = await cluster.leader();
  // Asked in the very turn in which it first may serve.
  const [chain] = running.replica.chains;
  assert.ok(chain !== undefined);
  assert.equal(running.replica.store.read(chain.id)?.floor?.height, 8n);
  const { reason, floor } = await logged.until('floor_raised');
  assert.deepEqual([floor, reason], ['8/0/3', 'the state file of b stands there']);
});

test('a file two heights ahead ends its own replica, and the others go on', async (t) => {
  const cluster = await Cluster.start({ states: { a: 7n } });
  t.after(() => cluster.dispose());
  await cluster.anywhere('registered');
  await cluster.stop('c');
  await cluster.writeState('c', 9n);
  const ahead = await cluster.start('c');
  const error = await ahead.failure;
  assert.ok(error instanceof CmkmsError);
  assert.equal(error.code, 'STATE_AHEAD');
  assert.match(error.message, /at 9\/0\/3, the cluster's log at 7\/0\/3, 2 heights behind/);
  assert.match(error.remedy, /floor raise --chain-id test-1 --height 9/);
  assert.deepEqual([...cluster.members.keys()].sort(), ['a', 'b']);
  await cluster.leader();
});
