/**
 * The in-memory log.
 *
 * Owns    its naive twin: a plain list of terms that starts at 1 and forgets nothing.
 * Rule    rules 5, 20; dissertation, 3.5 and 3.6.1.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onViolation } from '@cometkms/invariant';
import fc from 'fast-check';
import { entryBytes, Log } from '../src/core/log.js';
import { command, entriesOf } from './core-bench.js';

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

test('no log with that term there can match after the join point', () => {
  fc.assert(
    fc.property(anyLog, fc.nat(10), fc.nat(12), ({ terms, compacted }, index, term) => {
      const log = logOf(terms, compacted);
      const join = log.joinPoint(index, term);
      assert.ok(join <= index && join <= log.lastIndex);
      for (let after = join + 1; after <= Math.min(index, log.lastIndex); after += 1) {
        assert.ok((log.termAt(after) ?? 0) > term, 'skipped an index that may match');
      }
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

test('holes, falling terms and truncation of the compacted prefix end the process', (t) => {
  t.after(
    onViolation((violation) => {
      throw violation;
    }),
  );
  assert.throws(() => logOf([1, 1], 0).append([command(4, 1)]), /no holes/);
  assert.throws(() => logOf([1, 2], 0).append([command(3, 1)]), /never fall/);
  assert.throws(() => logOf([1, 1], 2).truncateFrom(2), /only entries/);
});
