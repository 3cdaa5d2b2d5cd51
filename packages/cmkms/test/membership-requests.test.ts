/**
 * What an operator is told of a change of members: every refusal in words with a remedy, what counts as asked
 * before, and what is asked again by itself. What a change does is tried with real processes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChangeRefusal,
  ConsensusError,
  type Member,
  type Membership,
  type MembershipChange,
  systemClock,
} from '@cometkms/consensus';
import { CmkmsError } from '../src/errors.js';
import { type MembershipWorld, membershipHandler } from '../src/replica/membership-requests.js';

const member = (name: string, witness = false): Member => ({
  ...{ id: name.repeat(64), name, address: `${name}:9430`, witness },
});
const four: Membership = {
  voters: [member('a'), member('b'), member('c', true)],
  learners: [member('d')],
  departed: [member('e')],
};
const newcomer = {
  ...{ name: 'f', address: 'f:9430', identity: 'f'.repeat(64), witness: false, clusterId: null },
};
const d = { ...newcomer, name: 'd', identity: 'd'.repeat(64) };

interface Asked {
  readonly changes: MembershipChange[];
  readonly handler: ReturnType<typeof membershipHandler>;
}

/** @param refusals  one for each time that it is asked, then none */
function asked(
  refusals: readonly ChangeRefusal[] = [],
  over: Partial<MembershipWorld['node']> = {},
  alone = false,
): Asked {
  const changes: MembershipChange[] = [];
  const node: MembershipWorld['node'] = {
    ...{ id: member('a').id, leader: member('a').id, clusterId: 'c-1', membership: four },
    transferLeadership: (to) => Promise.resolve(to ?? member('b').id),
    change: (change) => {
      const refusal = refusals[changes.length];
      changes.push(change);
      if (refusal === undefined) return Promise.resolve(four);
      return Promise.reject(
        new ConsensusError('CONSENSUS_CHANGE_REFUSED', { refusal, detail: refusal.kind }),
      );
    },
    ...over,
  };
  return {
    changes,
    handler: membershipHandler({ node, alone, clock: systemClock, leader: () => 'b' }),
  };
}

async function refused(work: Promise<unknown>): Promise<readonly [string, string, string]> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CmkmsError, String(error));
  return [error.code, error.message, error.remedy];
}

const id = member('b').id;
const rows: readonly (readonly [ChangeRefusal, string])[] = [
  [{ kind: 'unknownMember', id: member('e').id }, 'identity eeeeeeeeeeeeeeee is no member'],
  [{ kind: 'notLearner', id }, 'b is a voter already'],
  [{ kind: 'idInUse', id }, 'b is a member already'],
  [{ kind: 'nameInUse', name: 'b' }, 'a member is called b already'],
  [{ kind: 'idUsedBefore', id: member('e').id }, 'identity eeeeeeeeeeeeeeee was a member once'],
  [{ kind: 'behind', id, match: 3, commit: 10 }, 'b lacks 7 of 10 entries'],
  [{ kind: 'silent', id }, 'b does not answer'],
  [{ kind: 'lastVoter', id }, 'b is the last voter'],
  [{ kind: 'lastKeyHolder', id }, 'b is the last voter that holds a key'],
  [{ kind: 'noQuorum', live: 1, needed: 2 }, 'of the voters that would remain 1 answer, and 2'],
  [{ kind: 'noKeyHolder', id }, 'besides b no voter that holds a key answers'],
];
for (const [refusal, reason] of rows) {
  test(`${refusal.kind}: said by name, with what to do`, async () => {
    const { handler } = asked([refusal]);
    const [code, says, remedy] = await refused(
      handler.memberAdd({ kind: 'memberAdd', ...newcomer }),
    );
    assert.equal(code, 'CHANGE_REFUSED');
    assert.ok(says.startsWith(`adding f is refused: ${reason}`), says);
    assert.match(says, /Nothing was changed\.$/);
    assert.ok(remedy.length > 10, remedy);
  });
}

test('what passes by itself is asked for again, the same', async () => {
  const { handler, changes } = asked([
    { kind: 'termNotOpened' },
    { kind: 'underWay', index: 7 },
    { kind: 'underWay', index: 7 },
  ]);
  const { changed } = await handler.memberRemove({ kind: 'memberRemove', name: 'b' });
  assert.equal(changed, true);
  assert.deepEqual(changes, Array(4).fill({ kind: 'remove', id }));
});

test('asked again with the same identity: nothing is done; with another name or role: refused', async () => {
  const { handler, changes } = asked();
  const { changed, learners } = await handler.memberAdd({ kind: 'memberAdd', ...d });
  assert.deepEqual([changed, learners.map(({ name }) => name)], [false, ['d']]);
  await handler.memberReplace({ kind: 'memberReplace', old: 'e', ...d });
  for (const other of [
    { ...d, name: 'x' },
    { ...d, witness: true },
  ]) {
    const [code] = await refused(handler.memberAdd({ kind: 'memberAdd', ...other }));
    assert.equal(code, 'CHANGE_REFUSED');
  }
  assert.deepEqual(changes, []);
});

test('a name stands for the identity that it has now', async () => {
  const { handler, changes } = asked();
  await handler.memberReplace({ kind: 'memberReplace', old: 'b', ...newcomer });
  const { identity, name, address, witness } = newcomer;
  const added = { id: identity, name, address, witness };
  assert.deepEqual(changes, [{ kind: 'replace', id, member: added }]);
  const [code, says] = await refused(handler.memberRemove({ kind: 'memberRemove', name: 'e' }));
  assert.deepEqual([code, says], ['MEMBER_UNKNOWN', 'e is no member; the members are a, b, c, d.']);
});

test('a certificate of another cluster; the leader itself in another’s place; a replica alone', async () => {
  const foreign = { ...newcomer, clusterId: 'c-2' };
  const [, says] = await refused(asked().handler.memberAdd({ kind: 'memberAdd', ...foreign }));
  assert.match(says, /its certificate is of cluster c-2, this is c-1/);
  const self = asked().handler.memberReplace({ kind: 'memberReplace', old: 'a', ...newcomer });
  assert.match((await refused(self))[2], /^cmkms cluster transfer/);
  const alone = asked([], {}, true).handler.memberAdd({ kind: 'memberAdd', ...newcomer });
  assert.match((await refused(alone))[1], /runs alone \(solo\)/);
});

test('on a follower nothing is changed, and the leader is named', async () => {
  const { handler, changes } = asked([], { leader: id });
  for (const work of [
    handler.memberAdd({ kind: 'memberAdd', ...newcomer }),
    handler.memberReplace({ kind: 'memberReplace', old: 'b', ...newcomer }),
    handler.memberPromote({ kind: 'memberPromote', identity: d.identity }),
    handler.memberRemove({ kind: 'memberRemove', name: 'b' }),
    handler.leaderTransfer({ kind: 'leaderTransfer', to: null }),
  ]) {
    const [code, says, remedy] = await refused(work);
    assert.deepEqual([code, says.split(';')[0]], ['NOT_LEADER', 'b leads']);
    assert.match(remedy, /with the home of b/);
  }
  assert.deepEqual(changes, []);
});

test('a learner that lags is no error: it is told how far, and asked about again', async () => {
  const behind: ChangeRefusal = { kind: 'behind', id: d.identity, match: 3, commit: 10 };
  const promote = { kind: 'memberPromote', identity: d.identity } as const;
  const soon = asked([behind, behind]);
  assert.equal((await soon.handler.memberPromote(promote)).behind, null);
  assert.equal(soon.changes.length, 3);
  const silent = asked([{ kind: 'silent', id: d.identity }]);
  assert.equal((await silent.handler.memberPromote(promote)).behind, 'd does not answer');
  const voter = asked();
  const said = await voter.handler.memberPromote({ kind: 'memberPromote', identity: id });
  assert.deepEqual([said.changed, said.behind, voter.changes], [false, null, []]);
});

test('leadership goes to a voter with a key, and what became of it is said', async () => {
  const { handler } = asked();
  const to = (name: string | null) => handler.leaderTransfer({ kind: 'leaderTransfer', to: name });
  assert.deepEqual(
    [await to(null), await to('b'), await to('a')],
    [...[{ leader: 'b' }, { leader: 'b' }, { leader: 'a' }]],
  );
  assert.match((await refused(to('c')))[1], /c is a witness/);
  assert.match((await refused(to('d')))[1], /d is a learner/);
  assert.equal((await refused(to('e')))[0], 'MEMBER_UNKNOWN');
  const nobody = () => Promise.reject(new ConsensusError('CONSENSUS_NOT_LEADER', { leader: null }));
  const vain = asked([], { transferLeadership: nobody });
  const [code] = await refused(vain.handler.leaderTransfer({ kind: 'leaderTransfer', to: null }));
  assert.equal(code, 'NOBODY_TOOK_OVER');
});

test('an unknown outcome stays one', async () => {
  const facts = { detail: 'the leader changed' };
  const lost = () => Promise.reject(new ConsensusError('CONSENSUS_OUTCOME_UNKNOWN', facts));
  const { handler } = asked([], { change: lost });
  const [code] = await refused(handler.memberRemove({ kind: 'memberRemove', name: 'b' }));
  assert.equal(code, 'OUTCOME_UNKNOWN');
});
