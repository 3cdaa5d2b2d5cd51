/** Who may link, and whose promises have to wait. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { genesis, member } from '../src/conformance/log-records.js';
import { sampleHello } from '../src/conformance/transport.js';
import type { Membership, Standing } from '../src/core/index.js';
import type { Message } from '../src/core/types.js';
import { Introductions } from '../src/introductions.js';
import { KnownMembers } from '../src/known-members.js';
import type { Genesis } from '../src/storage.js';
import type { Hello } from '../src/transport.js';

const [a, b] = [member('a'), member('b')];
const { voters } = genesis.membership;

const self = { id: a.id, name: a.name };
const listed = voters.map(({ name, address, witness }) => ({ id: null, name, address, witness }));

interface Given {
  readonly clusterId?: string;
  readonly joins?: boolean;
  /** What the log has made of the membership since. */
  readonly now?: Standing;
}

function introductions(joined: Genesis | null, { clusterId: given = '', ...how }: Given = {}) {
  const known = new KnownMembers(self, listed);
  const founding = { index: 0, membership: genesis.membership };
  if (joined !== null) known.follow(how.now ?? { inForce: founding, committed: founding });
  return new Introductions({
    ...{ self, members: listed, known, joins: how.joins === true },
    clusterId: () => joined?.clusterId ?? given,
    genesis: () => joined,
  });
}

const digest = introductions(null).membersDigest();
const hello: Hello = {
  ...sampleHello(b.id, b.name, 'run'),
  ...{ clusterId: genesis.clusterId, membersDigest: digest },
};

type Row = readonly [says: string, joined: boolean, change: Partial<Hello>, code: string | null];
const rows: readonly Row[] = [
  ['a member', true, {}, null],
  [
    'a member that has no cluster yet',
    true,
    { clusterId: '', joined: false, emptyLog: true },
    null,
  ],
  ['a name that is not listed', true, { name: 'stranger' }, 'notMember'],
  ['our own name', true, { name: a.name }, 'notMember'],
  ['a member’s name with another identity', true, { from: 'f'.repeat(64) }, 'nameDiffers'],
  ['another cluster', true, { clusterId: 'elsewhere' }, 'clusterDiffers'],
  ['a differing list, once joined', true, { membersDigest: 'addresses moved' }, null],
  ['a differing list, before founding', false, { membersDigest: 'x' }, 'other'],
  ['any identity, before it is known', false, { from: 'f'.repeat(64) }, null],
];
for (const [says, joined, change, code] of rows) {
  test(`${says}: ${code ?? 'accepted'}`, () => {
    const verdict = introductions(joined ? genesis : null).judge({ ...hello, ...change });
    assert.equal(verdict.accept ? null : verdict.refusal.code, code);
  });
}

test('of two processes that greet at once the second is seen as a clone', () => {
  const here = introductions(genesis);
  assert.ok(here.judge(hello).accept);
  const second = here.judge({ ...hello, runId: 'another' });
  assert.equal(second.accept ? null : second.refusal.code, 'cloned');
});

test('while a process is linked, a later start of its identity waits: it may be a copy', () => {
  const here = introductions(genesis);
  assert.ok(here.judge(hello).accept);
  here.up(b.id);
  const later = { ...hello, boot: hello.boot + 1, runId: 'later' };
  const verdict = here.judge(later);
  assert.equal(verdict.accept ? null : verdict.refusal.code, 'alive');
  assert.ok(here.judge(hello).accept, 'and who is linked is not forgotten for it');
  here.down(b.id);
  assert.ok(here.judge(later).accept);
});

const certain = (membership: Membership): Standing => ({
  inForce: { index: 9, membership },
  committed: { index: 9, membership },
});
/** b was replaced by x, which may carry its name. */
const replaced = (name: string, asVoter = false): Membership => {
  const x = { ...member('x'), name };
  const rest = voters.filter(({ id }) => id !== b.id);
  return {
    voters: asVoter ? [...rest, x] : rest,
    learners: asVoter ? [] : [x],
    departed: [b],
  };
};
const ofX = { ...hello, from: member('x').id, name: 'replica-x' };
const codeOf = (here: Introductions, said: Hello): string | null => {
  const verdict = here.judge(said);
  return verdict.accept ? null : verdict.refusal.code;
};

test('rule 9: who was removed is refused once that is committed, and not before', () => {
  const founding = { index: 0, membership: genesis.membership };
  const inForce = { index: 9, membership: replaced('replica-x') };
  const under = introductions(genesis, { now: { inForce, committed: founding } });
  assert.equal(codeOf(under, hello), null);
  const here = introductions(genesis, { now: certain(replaced('replica-x')) });
  assert.equal(codeOf(here, hello), 'removed');
  assert.equal(codeOf(here, { ...hello, emptyLog: true, joined: false }), 'removed');
  assert.equal(codeOf(here, { ...hello, name: 'replica-x' }), 'removed', 'under any name');
});

test('a member of the log is met though no list names it; nobody else by its name', () => {
  assert.equal(codeOf(introductions(genesis), ofX), 'notMember');
  const here = introductions(genesis, { now: certain(replaced('replica-x')) });
  assert.equal(codeOf(here, ofX), null);
  assert.equal(codeOf(here, { ...ofX, from: 'f'.repeat(64) }), 'nameDiffers');
});

test('who takes a place may take its name: each is known by its identity', () => {
  const named = { ...ofX, name: b.name };
  assert.equal(codeOf(introductions(genesis), named), 'nameDiffers');
  const here = introductions(genesis, { now: certain(replaced(b.name)) });
  assert.equal(codeOf(here, named), null);
  assert.equal(codeOf(here, hello), 'removed');
});

test('an empty log is one of a learner or a founder, never of one that was promoted', () => {
  const fresh = { ...ofX, emptyLog: true, joined: false };
  const learner = introductions(genesis, { now: certain(replaced('replica-x')) });
  assert.equal(codeOf(learner, fresh), null);
  const voter = introductions(genesis, { now: certain(replaced('replica-x', true)) });
  assert.equal(codeOf(voter, fresh), 'emptyVoter', 'though this replica never met it before');
  // One that was met as joined, in another run: that cannot be late, and is to end it whatever it has by now.
  const met = introductions(genesis, { now: certain(replaced('replica-x', true)) });
  assert.ok(met.judge(ofX).accept);
  assert.equal(codeOf(met, { ...fresh, boot: ofX.boot + 1, runId: 'later' }), 'wiped');
  const founder = { ...hello, emptyLog: true, joined: false };
  assert.equal(codeOf(introductions(genesis), founder), null);
});

test('what was founded without it refuses an empty log, whatever a list says; one that has a log is merely unknown', () => {
  const fresh = { ...hello, ...{ from: 'e'.repeat(64), emptyLog: true, joined: false } };
  const unlisted = { ...fresh, name: 'replica-y' };
  assert.equal(codeOf(introductions(genesis), unlisted), 'foundedWithout');
  assert.equal(codeOf(introductions(genesis), { ...unlisted, emptyLog: false }), 'notMember');
  assert.equal(codeOf(introductions(null), unlisted), 'notMember', 'nothing is founded yet');
  // A list that still names who was replaced, and another identity of that name.
  const replacedB = introductions(genesis, { now: certain(replaced('replica-x')) });
  assert.equal(codeOf(replacedB, fresh), 'foundedWithout');
  assert.equal(codeOf(introductions(genesis), fresh), 'nameDiffers', 'while that name is there');
});

test('a founder is met between the genesis and the first look at the log', () => {
  const known = new KnownMembers(self, listed);
  const here = new Introductions({
    ...{ self, members: listed, known, joins: false },
    clusterId: () => genesis.clusterId,
    genesis: () => genesis,
  });
  const other = { ...hello, clusterId: '', joined: false, emptyLog: true };
  assert.equal(codeOf(here, other), null);
});

test('who is to join meets members whose lists do not name it', () => {
  const said = { ...hello, membersDigest: 'without the newcomer' };
  const given = { clusterId: genesis.clusterId };
  assert.equal(codeOf(introductions(null, given), said), 'other');
  assert.equal(codeOf(introductions(null, { ...given, joins: true }), said), null);
});

const input = (message: Message) => ({ kind: 'message', from: b.id, message }) as const;
const vote = input({ kind: 'voteReply', term: 3, granted: true });
const acknowledgement = input({
  ...{ kind: 'appendReply', term: 3, round: 1, match: 1, refused: false },
  ...{ hintIndex: 0, hintTerm: 0 },
});
const question = input({ kind: 'preVoteReply', term: 3, granted: true });

test('a vote and an acknowledgement wait until the joining of their sender is on disk', () => {
  const here = introductions(genesis);
  here.judge(hello);
  here.up(b.id);
  assert.ok(here.isToBeWritten(b.id));
  assert.ok(here.hold(vote));
  assert.ok(here.hold(acknowledgement));
  assert.equal(here.hold(question), false, 'what counts for nothing does not wait');
  const marks = here.takeDirtyMarks();
  assert.equal(marks[0]?.joined, true);
  assert.deepEqual(here.written(marks), [vote, acknowledgement]);
  assert.equal(here.hold(vote), false);
  assert.equal(here.isToBeWritten(b.id), false);
});

test('what is held is bounded, and goes with the link', () => {
  const here = introductions(genesis);
  here.judge(hello);
  here.up(b.id);
  for (let n = 0; n < 1000; n += 1) here.hold(vote);
  const marks = here.takeDirtyMarks();
  assert.ok(here.written(marks).length <= 64);
  const other = introductions(genesis);
  other.judge(hello);
  other.up(b.id);
  other.hold(vote);
  other.down(b.id);
  assert.deepEqual(other.written(other.takeDirtyMarks()), []);
});

test('a pre-vote’s term is a plan, not a fact: it leaves no mark', () => {
  const here = introductions(genesis);
  here.judge(hello);
  here.takeDirtyMarks();
  here.heard(b.id, { kind: 'preVote', term: 99, lastIndex: 0, lastTerm: 0 });
  assert.deepEqual(here.takeDirtyMarks(), []);
  here.heard(b.id, vote.message);
  here.heard(b.id, { kind: 'vote', term: 9, lastIndex: 0, lastTerm: 0, transfer: false });
  assert.equal(here.takeDirtyMarks()[0]?.term, 9);
});
