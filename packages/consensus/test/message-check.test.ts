/** Whatever a member sends, either it is objected to or the core can live with it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantViolation, onViolation } from '@cometkms/invariant';
import fc from 'fast-check';
import type { Entry, Message } from '../src/core/index.js';
import { objectionTo } from '../src/message-check.js';
import {
  accepted,
  append,
  Bench,
  command,
  entriesOf,
  membershipEntry,
  membershipOf,
  refused,
  rulesEntry,
} from './core-bench.js';

const install = (index: number, term: number, voters = 'abc', of = 3): Message => ({
  ...{ kind: 'installSnapshot', term: of, round: 1 },
  snapshot: { index, term, membership: membershipOf(voters), state: new Uint8Array() },
});

/** A leader of term 3 with entries 1 and 2 of terms 1 and 2, and its own third one. */
const leader = () => new Bench({ terms: [1, 2] }).lead();

const change = (index: number, voters: string) => membershipEntry(index, 3, membershipOf(voters));

const hashOf = (index: number, at: number, hash = 'c0'.repeat(32)): Entry => ({
  ...{ kind: 'stateHash', index, term: 3 },
  ...{ at, hash },
});

type Row = readonly [says: string, message: Message, objection: RegExp | null];
const rows: readonly Row[] = [
  ['a heartbeat', append(3, [2, 2], []), null],
  ['entries that follow', append(3, [1, 1], [command(2, 2), command(3, 3)]), null],
  ['the first entries', append(3, [0, 0], entriesOf(1, 2)), null],
  ['a hole before the entries', append(3, [1, 1], [command(3, 2)]), /hole/],
  ['a hole between entries', append(3, [0, 0], [command(1, 1), command(3, 1)]), /hole/],
  ['an entry twice', append(3, [0, 0], [command(1, 1), command(1, 1)]), /hole/],
  ['terms that fall', append(3, [0, 0], entriesOf(2, 1)), /fall/],
  ['a term that falls below the one before', append(3, [1, 2], [command(2, 1)]), /fall/],
  ['rules that rise', append(3, [1, 1], [rulesEntry(2, 3, 2), rulesEntry(3, 3, 4)]), null],
  ['rules of the same version', append(3, [1, 1], [rulesEntry(2, 3, 1)]), /do not rise/],
  ['rules that fall', append(3, [1, 1], [rulesEntry(2, 3, 3), rulesEntry(3, 3, 2)]), /do not rise/],
  ['a hash of an earlier state', append(3, [1, 1], [hashOf(2, 1)]), null],
  ['a hash of its own entry', append(3, [1, 1], [hashOf(2, 2)]), /yet to come/],
  ['a short hash', append(3, [1, 1], [hashOf(2, 1, 'c0')]), /another length/],
  ['an entry of term 0', append(3, [0, 0], entriesOf(0)), /fall/],
  ['an entry of a later term', append(3, [0, 0], entriesOf(4)), /yet to come/],
  ['a place of a later term', append(3, [1, 4], []), /yet to come/],
  ['a place of term 0', append(3, [1, 0], []), /no log has/],
  ['a term before the first entry', append(3, [0, 1], []), /no log has/],
  ['an append of term 0', append(0, [0, 0], []), /below 1/],
  ['a snapshot', install(2, 2), null],
  ['a snapshot of a later term', install(2, 4), /yet to come/],
  ['a snapshot without voters', install(2, 2, ''), /without voters/],
  ['a snapshot that names one twice', install(2, 2, 'abb'), /twice/],
  ['a change', append(3, [2, 2], [change(3, 'abcd')]), null],
  ['two changes', append(3, [2, 2], [change(3, 'abcd'), change(4, 'bcd')]), null],
  ['a change that leaves nobody', append(3, [2, 2], [change(3, '')]), /without voters/],
  ['a change that names one twice', append(3, [2, 2], [change(3, 'abb')]), /twice/],
  ['a change of two voters', append(3, [2, 2], [change(3, 'abde')]), /two voters/],
  ['a replaced voter', append(3, [2, 2], [change(3, 'abd')]), /two voters/],
  ['the same where the logs do not join', append(3, [4, 3], [change(5, 'abde')]), null],
  ['an acknowledgement', accepted(3, 3), null],
  ['an acknowledgement of what was never sent', accepted(3, 4), /more than it was sent/],
  ['the same of an earlier term', accepted(2, 4), null],
  ['a refusal with a hint beyond', refused(3, 9, 9), null],
  ['a refused pre-vote of term 0', { kind: 'preVoteReply', term: 0, granted: false }, null],
];
for (const [says, message, objection] of rows) {
  test(`${says}: ${objection === null ? 'passes' : 'is objected to'}`, () => {
    const said = objectionTo(leader().core, message);
    if (objection === null) assert.equal(said, null);
    else assert.match(said ?? 'nothing', objection);
  });
}

const small = fc.nat(5);
const entry = fc.tuple(small, small).map(([index, term]) => command(index, term));
const messages: fc.Arbitrary<Message> = fc.oneof(
  fc
    .tuple(small, small, small, fc.array(entry, { maxLength: 3 }), small)
    .map(([term, index, before, list, commit]) => append(term, [index, before], list, commit)),
  // Mostly sound ones, so that the log grows, is overwritten and commits.
  fc.tuple(small, small, small, small, small).map(([term, index, before, added, commit]) =>
    append(
      term,
      [index, before],
      Array.from({ length: added }, (_, n) => command(index + n + 1, Math.max(before, term))),
      commit,
    ),
  ),
  // Changes, sound ones and others.
  fc
    .tuple(small, small, fc.constantFrom('abcd', 'ab', 'bc', 'abc', 'ade'))
    .map(([term, index, voters]) =>
      append(
        term,
        [index, index === 0 ? 0 : term],
        [membershipEntry(index + 1, term, membershipOf(voters))],
      ),
    ),
  fc.tuple(small, small, small).map(([term, match, round]) => accepted(term, match, round)),
  fc.tuple(small, small, small).map(([term, index, of]) => refused(term, index, of)),
  fc
    .tuple(small, small, fc.constantFrom('abc', 'ab', 'b', '', 'bb'), small)
    .map(([index, term, voters, of]) => install(index, term, voters, of)),
  fc.record({ kind: fc.constant('timeoutNow' as const), term: small, lastIndex: small }),
  fc.record({ kind: fc.constant('voteReply' as const), term: small, granted: fc.boolean() }),
  fc.record({ kind: fc.constant('preVoteReply' as const), term: small, granted: fc.boolean() }),
  fc.record({
    ...{ kind: fc.constant('vote' as const), term: small, lastIndex: small, lastTerm: small },
    transfer: fc.boolean(),
  }),
);

/** What only a broken cluster shows, and at which a replica must stop. */
const rightlyFatal = new Set([
  'one leader per term',
  'a leader’s log holds all that is committed',
  'nothing committed is ever truncated',
]);

test('what passes leaves the core standing, unless the cluster itself is broken', () => {
  const undo = onViolation((violation) => {
    throw violation;
  });
  try {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('b', 'c'), messages, fc.boolean()), { maxLength: 25 }),
        (heard) => {
          const bench = new Bench({ terms: [1] });
          for (const [from, message, patience] of heard) {
            if (objectionTo(bench.core, message) !== null) continue;
            try {
              bench.hear(from, message);
              bench.durable();
              if (!patience) bench.wake(bench.core.electionDeadline);
            } catch (error) {
              if (error instanceof InvariantViolation && rightlyFatal.has(error.reason)) return;
              throw error;
            }
          }
        },
      ),
      { numRuns: 3000 },
    );
  } finally {
    undo();
  }
});
