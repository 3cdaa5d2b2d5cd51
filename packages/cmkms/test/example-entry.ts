/**
 * Journal entries for tests.
 *
 * Owns    one entry that a test changes, and any entry for properties.
 */
import fc from 'fast-check';
import type { JournalEntry } from '../src/journal/index.js';
import { outcomes } from '../src/metrics/index.js';
import { hub } from './example-status.js';

export function entry(facts: Partial<JournalEntry> = {}): JournalEntry {
  return {
    at: 1_767_355_201_123,
    chainId: hub.chainId,
    keyAddress: hub.keyAddress,
    type: 'precommit',
    height: 21_345_678n,
    round: 0,
    block: '5C1F09AA',
    validator: 'tcp://10.0.1.20:26659',
    via: null,
    outcome: 'granted',
    detail: null,
    term: 7,
    index: 81_234,
    stagesMs: { commit: 2.4, total: 3.2 },
    signBytes: new Uint8Array([0x7c, 0x08]),
    ...facts,
  };
}

const text = fc.string({ unit: 'binary', maxLength: 20 });

export const entryOf: fc.Arbitrary<JournalEntry> = fc.record(
  {
    at: fc.integer({ min: 0, max: 2 ** 45 }),
    chainId: text,
    keyAddress: text,
    type: fc.constantFrom('proposal', 'prevote', 'precommit'),
    height: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    round: fc.nat(),
    block: text,
    validator: text,
    via: fc.option(text),
    outcome: fc.constantFrom(...outcomes),
    detail: fc.option(text),
    term: fc.option(fc.nat()),
    index: fc.option(fc.nat()),
    stagesMs: fc.record({ commit: fc.nat(), total: fc.nat() }, { noNullPrototype: true }),
    signBytes: fc.uint8Array({ maxLength: 200 }),
  },
  { noNullPrototype: true },
);
