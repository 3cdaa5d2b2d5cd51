/**
 * Members that come and go, as an operator makes them: real homes, real commands, real processes. A validator is
 * signed for throughout.
 */
import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from './cluster.js';
import { Fleet } from './process-fleet.js';
import { refuses } from './processes.js';

const holders = ['a', 'b', 'c'];

test('a replica that lost its disk: refused under its name, replaced by a new home, out for good', async (t) => {
  const fleet = await Fleet.make(t, { holders, later: ['d'] });
  // As it was before its first start: what an operator may have kept of cluster init.
  const kept = join(fleet.scene.directory, 'kept');
  for (const name of holders) await cp(fleet.home(name), join(kept, name), { recursive: true });
  fleet.startAll(holders);
  await fleet.sign(1);
  const leader = await fleet.leader();
  const [lost = '', other = ''] = holders.filter((name) => name !== leader);
  await fleet.kill(lost);
  await rm(join(fleet.home(lost), 'data'), { recursive: true });
  const wiped = fleet.start(lost);
  await refuses(
    wiped,
    3,
    new RegExp(`^error DATA_MISSING: .*\nfix: .*cmkms cluster replace ${lost}`),
  );
  await rm(fleet.home(lost), { recursive: true });
  await cp(join(kept, lost), fleet.home(lost), { recursive: true });
  const begun = fleet.start(lost);
  await refuses(
    begun,
    3,
    /^error DISK_DOUBTED: .* log is empty now\.\nfix: .*cmkms cluster replace\./,
  );
  fleet.running.delete(lost);
  await fleet.sign(2);

  const identity = await fleet.newHome('d', [leader, other]);
  await fleet.start('d').until('joining_wait', ({ waits }) => String(waits).includes(identity));
  const replace = ['cluster', 'replace', lost, '--with', fleet.peer('d'), '--identity', identity];
  const misplaced = await fleet.type(...replace, '--home', fleet.home(other));
  assert.equal(misplaced.code, 4);
  assert.match(
    misplaced.err,
    new RegExp(`^error NOT_LEADER: ${leader} leads; .*\nfix: run the same`),
  );
  const replaced = await fleet.onLeader(...replace);
  assert.equal(replaced.code, 0, replaced.err);
  assert.match(replaced.out, new RegExp(`^${lost} is out, for good: .*\nd is a voter now\n`));
  await fleet.sign(3);
  // Asked again, nothing is done twice.
  const again = await fleet.onLeader(...replace);
  assert.match(again.out, /^d is a voter already\n/);

  // Two of three: the newcomer is needed now.
  await fleet.kill(other);
  await fleet.sign(4);
  const gone = fleet.start(lost);
  await refuses(gone, 3, new RegExp(`^error REMOVED: .*${lost} was removed from this cluster`));
  fleet.running.delete(lost);

  // Its file still lists the old members: said, and no more. Any other list is refused.
  const back = fleet.start(other);
  const { note } = await back.until('config_note', (line) =>
    /MEMBERS_CHANGED/.test(String(line['note'])),
  );
  assert.match(
    String(note),
    /^MEMBERS_CHANGED: peer lists a, b, c, as it was once; the members are /,
  );
  await back.until('ready');
  assert.equal(await back.stop(), 0);
  const config = join(fleet.home(other), 'config.toml');
  const toml = await readFile(config, 'utf8');
  await writeFile(config, toml.replace(`  "${fleet.peer(lost)}",\n`, ''));
  await refuses(
    fleet.start(other),
    3,
    /^error MEMBERS_DIFFER: config lists ., .; the cluster's members/,
  );
  const edited = toml.replace(fleet.peer(lost), fleet.peer('d'));
  await writeFile(config, edited);
  const quiet = fleet.start(other);
  await quiet.until('ready');
  assert.deepEqual(quiet.all('config_note'), []);
  await fleet.sign(5);
});

test('two and a witness: one of the two dies, and signing goes on; the witness serves nobody', async (t) => {
  const fleet = await Fleet.make(t, { holders: ['a', 'b'], witnesses: ['w'] });
  fleet.startAll(['a', 'b', 'w']);
  await fleet.sign(1);
  const leader = await fleet.leader();
  assert.notEqual(leader, 'w');
  await fleet.kill(leader);
  await fleet.sign(2);
  const [left = ''] = ['a', 'b'].filter((name) => name !== leader);
  const status = await until('the witness knows who leads', async () => {
    const said = await fleet.members('w');
    return said?.leader_id === left ? said : undefined;
  });
  assert.deepEqual(
    status.members.map(({ id, voter, witness }) => [id, voter, witness]),
    [
      ['a', true, false],
      ['b', true, false],
      ['w', true, true],
    ],
  );
  const witness = fleet.running.get('w');
  for (const event of ['link_up', 'signed', 'replayed', 'serving', 'config_drift'] as const) {
    assert.deepEqual(witness?.all(event), [], event);
  }
  const transfer = await fleet.type('cluster', 'transfer', 'w', '--home', fleet.home(left));
  assert.equal(transfer.code, 3);
  assert.match(transfer.err, /^error CHANGE_REFUSED: .*w is a witness: it holds no key/);
  const remove = await fleet.type('cluster', 'remove', left, '--home', fleet.home(left));
  assert.match(remove.err, /^error CHANGE_REFUSED: removing . is refused: /);
  // With a key in it, it does not start again.
  await fleet.kill('w');
  await fleet.giveKey('w');
  await refuses(fleet.start('w'), 3, /^error WITNESS_KEY: .*this is the home of a witness/);
});
