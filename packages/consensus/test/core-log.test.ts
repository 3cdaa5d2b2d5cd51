/**
 * The in-memory log.
 *
 * Owns    its naive twin: a plain list of terms that starts at 1 and forgets nothing.
 * Rule    rules 5, 20, 39; dissertation, 3.5, 3.6.1 and 4.1.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onViolation } from '@cometkms/invariant';
import fc from 'fast-check';
import { entryBytes, Log } from '../src/core/log.js';
import { command, entriesOf, membershipEntry, membershipOf } from './core-bench.js';

/** Terms that never fall, as a log has them. */
const risingTerms = fc
  .array(fc.integer({ min: 1, max: 8 }), { maxLength: 8 })
  .map((terms) => terms.sort((a, b) => a - b));

/** A log of `terms` whose first `compacted` entries are gone. */
function logOf(terms: readonly number[], compacted: number): Log {
  const log = new Log(0, 0, entriesOf(...terms));
  if (compacted > 0) log.compactTo(Math.min(compacted, terms.length));
  return log;
}

const anyLog = fc.record({ terms: risingTerms, compacted: fc.nat(8) });

test('a log answers as the whole list would, but for what was compacted', () => {
  fc.assert(
    fc.property(anyLog, ({ terms, compacted }) => {
      const log = logOf(terms, compacted);
      const gone = Math.min(compacted, terms.length);
      assert.equal(log.prefixIndex, gone);
      assert.equal(log.lastIndex, terms.length);
      assert.equal(log.lastTerm, terms.at(-1) ?? 0);
      for (let index = 0; index <= terms.length + 1; index += 1) {
        const term = index === 0 ? 0 : (terms[index - 1] ?? null);
        assert.equal(log.termAt(index), index < gone ? null : term);
      }
    }),
  );
});

test('the first missing entry is the first that the list lacks or has in another term', () => {
  fc.assert(
    fc.property(anyLog, risingTerms, fc.nat(8), ({ terms, compacted }, other, from) => {
      const log = logOf(terms, compacted);
      const sent = entriesOf(...other).slice(from);
      const missing = sent.find(
        ({ index, term }) => index > Math.min(compacted, terms.length) && terms[index - 1] !== term,
      );
      assert.equal(log.firstMissing(sent), missing?.index ?? null);
    }),
  );
});

test('rule 20: an empty or shorter append shows nothing missing in a longer log', () => {
  const log = logOf([1, 1, 2, 2], 0);
  assert.equal(log.firstMissing([]), null);
  assert.equal(log.firstMissing(entriesOf(1, 1)), null);
});

test('rule 5: a later last term beats any length; in the same term the longer log does', () => {
  const log = logOf([1, 2, 2], 0);
  const rows: readonly (readonly [lastIndex: number, lastTerm: number, covers: boolean])[] = [
    [3, 2, true],
    [4, 2, true],
    [2, 2, false],
    [1, 3, true],
    [9, 1, false],
  ];
  for (const [lastIndex, lastTerm, covers] of rows) {
    assert.equal(log.isCoveredBy(lastIndex, lastTerm), covers, `${lastTerm}.${lastIndex}`);
  }
});

test('the join point is the last index that a log with that term there can match', () => {
  fc.assert(
    fc.property(anyLog, fc.nat(10), fc.nat(12), ({ terms, compacted }, index, term) => {
      const log = logOf(terms, compacted);
      const join = log.joinPoint(index, term);
      assert.ok(join <= index && join <= log.lastIndex);
      for (let after = join + 1; after <= Math.min(index, log.lastIndex); after += 1) {
        assert.ok((log.termAt(after) ?? 0) > term, 'skipped an index that may match');
      }
      assert.ok(
        join >= Math.min(index, log.prefixIndex),
        'what is compacted is committed, and matches',
      );
      if (join > log.prefixIndex) assert.ok((log.termAt(join) ?? 0) <= term, 'cannot match here');
    }),
  );
});

test('a slice is as long as fits, but never empty where there is something to send', () => {
  fc.assert(
    fc.property(
      risingTerms,
      fc.integer({ min: 1, max: 9 }),
      fc.nat(200),
      (terms, from, maxBytes) => {
        const log = logOf(terms, 0);
        const rest = entriesOf(...terms).slice(from - 1);
        const slice = log.slice(from, maxBytes);
        assert.deepEqual(slice, rest.slice(0, slice.length));
        const bytes = (n: number) =>
          rest.slice(0, n).reduce((sum, each) => sum + entryBytes(each), 0);
        if (slice.length > 1) assert.ok(bytes(slice.length) <= maxBytes);
        if (slice.length < rest.length) assert.ok(bytes(slice.length + 1) > maxBytes);
        if (rest.length > 0) assert.ok(slice.length > 0);
      },
    ),
  );
});

/** Of different sizes, so that counting another entry shows. */
const mixed = [
  command(1, 1, 'a command that is far longer than those that follow it'),
  membershipEntry(2, 1, membershipOf('a')),
  command(3, 1, 'x'),
  membershipEntry(4, 2, membershipOf('ab')),
  command(5, 2, 'yy'),
];
const mixedBytes = (...indexes: readonly number[]): number =>
  mixed.filter(({ index }) => indexes.includes(index)).reduce((sum, e) => sum + entryBytes(e), 0);

test('an entry weighs what its command or its members weigh, on top of the same for all', () => {
  const empty = entryBytes({ kind: 'empty', index: 1, term: 1 });
  assert.ok(empty > 0);
  assert.equal(entryBytes(command(1, 1, 'abc')), empty + 3);
  const weigh = (voters: string, learners = '', departed?: string): number => {
    const membership = membershipOf(voters, learners);
    const gone = departed === undefined ? {} : { departed: membershipOf(departed).voters };
    return entryBytes(membershipEntry(1, 1, { ...membership, ...gone })) - empty;
  };
  assert.equal(weigh(''), 0);
  const member = weigh('a');
  assert.ok(member > 0);
  assert.equal(weigh('ab'), 2 * member);
  assert.equal(weigh('ab', 'cd'), 4 * member);
  assert.equal(weigh('ab', 'cd', 'efg'), 7 * member);
});

test('what is counted and what is sent begins and ends at the index that was asked for', () => {
  const log = new Log(0, 0, mixed);
  assert.equal(log.bytesBetween(1, 3), mixedBytes(2, 3));
  assert.equal(log.bytesBetween(3, 3), 0);
  assert.equal(log.bytesBetween(3, 9), mixedBytes(4, 5), 'nothing is there after the last');
  assert.deepEqual(log.slice(2, mixedBytes(2, 3)), mixed.slice(1, 3));
  log.compactTo(1);
  log.compactTo(3);
  assert.equal(log.bytesBetween(0, 4), mixedBytes(4), 'nor in the compacted prefix');
  assert.deepEqual(log.slice(4, mixedBytes(4, 5)), mixed.slice(3));
});

test('rule 39: a membership is in force from its entry on, until that is truncated or compacted', () => {
  const log = new Log(0, 0, mixed);
  const inForce = () => [0, 1, 2, 3, 4, 5, 9].map((at) => log.membershipAt(at)?.index ?? null);
  assert.deepEqual(inForce(), [null, null, 2, 2, 4, 4, 4]);
  assert.deepEqual(log.membershipAt(3), mixed[1]);
  log.truncateFrom(5);
  assert.deepEqual(inForce(), [null, null, 2, 2, 4, 4, 4]);
  log.compactTo(1);
  assert.deepEqual(inForce(), [null, null, 2, 2, 4, 4, 4]);
  log.truncateFrom(4);
  assert.deepEqual(inForce(), [null, null, 2, 2, 2, 2, 2]);
  assert.deepEqual([log.lastIndex, log.lastTerm, log.entryAt(4)], [3, 1, null]);
  log.compactTo(2);
  assert.deepEqual(inForce(), [null, null, null, null, null, null, null]);
  assert.deepEqual([log.entryAt(2), log.entryAt(3)], [null, mixed[2]]);
});

test('after a snapshot from elsewhere the log begins anew behind it', () => {
  const log = new Log(0, 0, mixed);
  log.restartAfter(9, 3);
  assert.deepEqual([log.prefixIndex, log.lastIndex, log.lastTerm], [9, 9, 3]);
  assert.deepEqual([log.termAt(5), log.termAt(9), log.entryAt(10)], [null, 3, null]);
  assert.equal(log.membershipAt(9), null);
  log.append([membershipEntry(10, 3, membershipOf('abc'))]);
  assert.equal(log.membershipAt(10)?.index, 10);
});

test('holes, falling terms and work on entries that are not there end the process', (t) => {
  t.after(
    onViolation((violation) => {
      throw violation;
    }),
  );
  assert.throws(() => logOf([1, 1], 0).append([command(4, 1)]), /no holes/);
  assert.throws(() => logOf([1, 2], 0).append([command(3, 1)]), /never fall/);
  assert.throws(() => logOf([1, 1], 2).truncateFrom(2), /only entries/);
  assert.throws(() => logOf([1, 1], 0).truncateFrom(3), /only entries/);
  assert.throws(() => logOf([1, 1], 0).compactTo(3), /that it holds/);
  assert.throws(() => logOf([1, 1], 2).compactTo(1), /that it holds/);
  assert.throws(() => logOf([1, 1], 1).slice(1, 1000), /sent as a snapshot/);
});
