/** A run of the real gates is a behaviour of the specification; with one wrong event planted it is none. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { checkTrace } from '../src/model/check.js';
import { decodeEvent, encodeEvent, type TraceEvent } from '../src/model/events.js';
import { Gates, id, prevote } from './model-gates.js';

const replicas = ['a', 'b'];
const limits = { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n };
let events: readonly TraceEvent[] = [];

before(async () => {
  await Gates.on(replicas, async (gates) => {
    const kindOf = async (...asked: Parameters<Gates['sign']>): Promise<string> => {
      const outcome = await gates.sign(...asked);
      return outcome.kind === 'refused' ? outcome.code : outcome.kind;
    };
    const start = { kind: 'neverSigned' } as const;
    gates.commit({ kind: 'registerChain', id, start, limits, by: 'a', at: 0 });
    for (const replica of replicas) gates.catchUp(replica);
    assert.equal(await kindOf('a', prevote(5n, 1, 1n)), 'released');
    assert.equal(await kindOf('a', prevote(5n, 1, 2n)), 'released');
    // b has not applied that, believes that it leads, and proposes another block.
    assert.equal(await kindOf('b', prevote(5n, 2, 3n)), 'CONFLICT');
    // Its watermark now stands at a content that was never signed.
    assert.equal(await kindOf('b', prevote(5n, 1, 4n)), 'WATERMARK');
    assert.equal(await kindOf('b', prevote(6n, 1, 5n)), 'released');
    gates.recorder.events.push({ kind: 'crashed', replica: 'a' });
    gates.recorder.events.push({ kind: 'restarted', replica: 'a', index: 3 });
    gates.catchUp('a');
    const floor = { height: 8n, round: 0, step: 3 } as const;
    gates.commit({ kind: 'raiseFloor', id, floor, endsCutover: true });
    gates.catchUp('a');
    assert.equal(await kindOf('b', prevote(8n, 1, 6n)), 'REGRESSED');
    assert.equal(await kindOf('a', prevote(9n, 1, 7n)), 'released');
    gates.commit({ kind: 'retire', id });
    gates.catchUp('b');
    assert.equal(await kindOf('a', prevote(10n, 1, 8n)), 'RETIRED');
    const { signBytes } = prevote(10n, 1, 8n);
    gates.recorder.refusedAtOnce('b', id, signBytes, 'RETIRED');
    events = gates.recorder.events;
  });
});

/** The run with its n-th event of a kind replaced by these. */
function planted<K extends TraceEvent['kind']>(
  kind: K,
  nth: number,
  by: (event: Extract<TraceEvent, { kind: K }>) => readonly TraceEvent[],
): readonly TraceEvent[] {
  let seen = -1;
  return events.flatMap((event) => {
    if (event.kind !== kind) return [event];
    seen += 1;
    return seen === nth ? by(event as Extract<TraceEvent, { kind: K }>) : [event];
  });
}

test('what the real gates did is a behaviour of the specification', () => {
  assert.equal(events.filter((event) => event.kind === 'released').length, 4);
  assert.deepEqual(checkTrace(replicas, events), null);
});

test('a trace survives being written as lines', () => {
  assert.deepEqual(events.map(encodeEvent).map(decodeEvent), events);
});

const bytes = { hrs: { height: 5n, round: 0, step: 2 }, content: 'other', time: '1.0' } as const;
const wrong: readonly (readonly [what: string, why: RegExp, plant: () => readonly TraceEvent[]])[] =
  [
    [
      'another content left',
      /^releaseOf cannot/,
      () => planted('released', 0, (e) => [{ ...e, bytes }]),
    ],
    [
      "the request's timestamp left, not the verdict's",
      /^releaseOf cannot/,
      () => planted('released', 1, (e) => [{ ...e, bytes: { ...e.bytes, time: '2.0' } }]),
    ],
    ['the same turn released twice', /no such turn/, () => planted('released', 0, (e) => [e, e])],
    ['released without a mark', /^releaseOf cannot/, () => planted('marked', 0, () => [])],
    [
      'released without having heard of the commit',
      /^releaseOf cannot/,
      () => planted('heard', 0, () => []),
    ],
    [
      'heard of an entry that is not its own',
      /nobody proposed it/,
      () => planted('heard', 1, (e) => [{ ...e, index: 2 }]),
    ],
    [
      'released after a crash',
      /no such turn/,
      () => planted('released', 2, (e) => [{ kind: 'crashed', replica: 'b' }, e]),
    ],
    [
      'a verdict that the specification does not come to',
      /the specification says retimed/,
      () => planted('applied', 5, (e) => [{ ...e, answer: 'granted' }]),
    ],
    [
      'an entry was not applied',
      /not proposed in this turn/,
      () => planted('applied', 3, () => []),
    ],
    [
      'committed, and nobody asked for it',
      /nobody proposed it/,
      () => planted('asked', 0, () => []),
    ],
    [
      'two replicas applied different commands at one index',
      /another command/,
      () => planted('applied', 1, (e) => [{ ...e, command: { kind: 'retire' } }]),
    ],
    [
      'a mark that the watermark should have refused',
      /^mark cannot/,
      () => planted('marked', 3, (e) => [{ ...e, raised: true }]),
    ],
    [
      'refused at once for another reason',
      /^refused for halted; by what is applied: retired/,
      () => planted('refusedAtOnce', 0, (e) => [{ ...e, reason: 'halted' }]),
    ],
    [
      'refused for another reason',
      /^refuse cannot/,
      () => planted('refused', 0, (e) => [{ ...e, reason: 'leap' }]),
    ],
  ];
for (const [what, why, plant] of wrong) {
  test(`is no behaviour: ${what}`, () => {
    const run = plant();
    assert.notDeepEqual(run, events);
    assert.match(checkTrace(replicas, run)?.why ?? 'taken', why);
  });
}
