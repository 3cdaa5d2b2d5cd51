/**
 * A cluster that grows and shrinks under load, with real processes: a learner that has much to catch up, a witness
 * that joins and is mistaken for a replica, a leader that hands on, and one that removes itself.
 * Slow: run by name, `node --test dist/test/process-members.slow.js`.
 */
import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { test } from 'node:test';
import { until } from './cluster.js';
import { Fleet } from './process-fleet.js';
import { refuses } from './processes.js';

const holders = ['a', 'b', 'c'];

test('from three to five and back to three, a signature at each step', async (t) => {
  const fleet = await Fleet.make(t, { holders, later: ['d', 'w'] });
  fleet.startAll(holders);
  for (let height = 1; height <= 300; height++) await fleet.sign(height);
  let height = 300;
  const sign = () => fleet.sign(++height);

  const d = await fleet.newHome('d', holders);
  const add = ['cluster', 'add', fleet.peer('d'), '--identity', d];
  const learner = await fleet.onLeader(...add, '--no-promote');
  assert.match(learner.out, /^d is a learner: .*\nvoters {4}a, b, c\nlearners {2}d\n/);
  const early = await fleet.onLeader(...add, '--timeout', '1s');
  assert.equal(early.code, 4);
  assert.match(
    early.err,
    /error NOT_CAUGHT_UP: d is a learner, .*not reachable yet\.\nfix: start d/,
  );
  await sign();
  fleet.start('d');
  const added = await fleet.onLeader(...add);
  assert.match(added.out, /^d is a voter (now|already)\nvoters {4}a, b, c, d\n/);
  assert.match(added.err, /warning NO_FAULT_TOLERANCE: 4 replicas tolerate the loss of 1/);
  await sign();

  // Added as one that holds the key, though its home is a witness's: it says so, and ends.
  const w = await fleet.newHome('w', [...holders, 'd'], true);
  const wrong = ['cluster', 'add', fleet.peer('w'), '--identity', w];
  await fleet.onLeader(...wrong, '--no-promote');
  await refuses(fleet.start('w'), 3, /^error ROLE_DIFFERS: the home of w is made for a witness/);
  fleet.running.delete('w');
  assert.equal((await fleet.onLeader('cluster', 'remove', 'w')).code, 0);
  const used = await fleet.onLeader(...wrong, '--witness');
  assert.match(used.err, /^error CHANGE_REFUSED: adding w is refused: .* an identity is used once/);
  await sign();

  const leader = await fleet.leader();
  const next = [...holders, 'd'].find((name) => name !== leader) ?? '';
  const moved = await fleet.onLeader('cluster', 'transfer', next);
  assert.equal(moved.out, `${next} leads\n`, moved.err);
  await sign();
  const leading = await fleet.leader();
  const process_ = fleet.running.get(leading);
  const left = await fleet.type('cluster', 'remove', leading, '--home', fleet.home(leading));
  assert.equal(left.code, 0, left.err);
  assert.ok(process_);
  await refuses(process_, 3, new RegExp(`^error REMOVED: .*${leading} was removed`));
  fleet.running.delete(leading);
  await sign();
  const status = await until('three voters', async () => {
    const said = await fleet.members(await fleet.leader());
    return said?.members.length === 3 ? said : undefined;
  });
  assert.ok(status.members.every(({ voter, reachable }) => voter && reachable));

  // Two of three must be there, or nothing is changed: not even by removing who is away.
  const rest = status.members.map(({ id }) => id);
  const last = status.leader_id;
  const [away = '', stays = ''] = rest.filter((id) => id !== last);
  await fleet.kill(away);
  await sign();
  const refusedChange = await fleet.onLeader('cluster', 'remove', stays);
  assert.equal(refusedChange.code, 3);
  assert.match(
    refusedChange.err,
    /is refused: of the voters that would remain 1 answer, and 2 are/,
  );
  await sign();
});

test('a lost replica replaced under its own name and address; the founders restart, and meet it by the log', async (t) => {
  const fleet = await Fleet.make(t, { holders });
  fleet.startAll(holders);
  await fleet.sign(1);
  const leader = await fleet.leader();
  const lost = holders.find((name) => name !== leader) ?? '';
  const others = holders.filter((name) => name !== lost);
  await fleet.kill(lost);
  await rename(fleet.home(lost), `${fleet.home(lost)}-lost`);
  const identity = await fleet.newHome(lost, others);
  await fleet.start(lost).until('joining_wait');
  const replaced = await fleet.onLeader(
    ...['cluster', 'replace', lost, '--with', fleet.peer(lost), '--identity', identity],
  );
  assert.equal(replaced.code, 0, replaced.err);
  await fleet.sign(2);
  for (const name of others) {
    await fleet.kill(name);
    // With the other founder gone, the newcomer is the quorum's second.
    await fleet.sign(name === others[0] ? 3 : 4);
    const back = fleet.start(name);
    await back.until('ready');
    assert.deepEqual(back.all('config_note'), [], 'the names are those of before');
  }
  await fleet.kill(lost);
  await fleet.sign(5);
  const again = fleet.start(lost);
  await again.until('ready');
  await fleet.sign(6);
  // The old identity under the same name: its home as it was.
  await fleet.kill(lost);
  await rename(fleet.home(lost), `${fleet.home(lost)}-new`);
  await rename(`${fleet.home(lost)}-lost`, fleet.home(lost));
  await refuses(fleet.start(lost), 3, /^error REMOVED: /);
  await fleet.sign(7);
});
