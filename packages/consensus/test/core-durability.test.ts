/**
 * Receipts.
 *
 * Owns    what each kind of promise must wait for, while writes are under way and overtaken.
 * Rule    rules 10, 11, 12, 15.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Durability } from '../src/core/durability.js';
import { alreadyDurable } from '../src/core/index.js';
import { Bench, command, entriesOf, receipt } from './core-bench.js';

/** An outbox that numbers batches; nothing else of it is used here. */
const numbered = () => new Bench();

test('everything recovered is durable', () => {
  const durability = new Durability(7);
  assert.equal(durability.durableIndex, 7);
  assert.equal(durability.termReceipt, alreadyDurable);
  assert.equal(durability.receiptForMatch(7), alreadyDurable);
  assert.ok(durability.termIsDurable);
});

test('rule 11: a match under way waits for the last batch, one on disk for the term alone', () => {
  const [durability, out] = [new Durability(0), numbered()];
  durability.persist({ hard: { term: 1, votedFor: null } }, out);
  durability.persist({ entries: entriesOf(1, 1) }, out);
  assert.equal(durability.receiptForMatch(0), receipt(1));
  assert.equal(durability.receiptForMatch(1), receipt(2));
  durability.note(receipt(2));
  assert.equal(durability.durableIndex, 2);
  durability.persist({ entries: [command(3, 1)] }, out);
  assert.equal(durability.receiptForMatch(2), receipt(1));
  assert.equal(durability.receiptForMatch(3), receipt(3));
});

test('rule 15: an old notice does not vouch for entries that were replaced meanwhile', () => {
  const [durability, out] = [new Durability(0), numbered()];
  durability.persist({ entries: entriesOf(1, 1, 1) }, out);
  durability.persist({ truncateFrom: 2, entries: [command(2, 2), command(3, 2)] }, out);
  durability.note(receipt(1));
  assert.equal(durability.durableIndex, 1);
  durability.note(receipt(2));
  assert.equal(durability.durableIndex, 3);
});

test('a snapshot that restarts the log is durable with its own batch, not before', () => {
  const [durability, out] = [new Durability(3), numbered()];
  const { snapshot } = out.core;
  durability.persist({ snapshot: { ...snapshot, index: 9 }, resetLog: true }, out);
  assert.equal(durability.durableIndex, 0);
  durability.note(receipt(1));
  assert.equal(durability.durableIndex, 9);
});
