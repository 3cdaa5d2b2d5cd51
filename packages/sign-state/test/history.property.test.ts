/** Any history of commands and requests: the state machine says what a naive model says, and keeps its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Answer,
  type Command,
  decodeCommand,
  encodeCommand,
  type RecordId,
  SignState,
} from '../src/index.js';
import { ModelRecord, placeOf, type Raiser, type Registration, type Said } from './model.js';
import { type Asking, bytesFor, idOf, type Kind, reserveOf, STEP } from './world.js';

// Two keys of one chain and two chains of one key. Small domains: collisions are where the bugs are.
const IDS = [idOf('test-1', 1), idOf('test-1', 2), idOf('test-2', 1)] as const;

type Action =
  | { readonly does: 'ask'; readonly asked: Asking; readonly claimed: Asking }
  | ({ readonly does: 'register'; readonly id: RecordId } & Registration)
  | { readonly does: 'floor'; readonly id: RecordId; readonly at: Asking; readonly by: Raiser }
  | {
      readonly does: 'limits';
      readonly id: RecordId;
      readonly jump: number;
      readonly window: number;
    }
  | { readonly does: 'halt'; readonly id: RecordId; readonly height: number | null }
  | { readonly does: 'retire'; readonly id: RecordId };

const id = fc.oneof({ weight: 6, arbitrary: fc.constant(IDS[0]) }, fc.constantFrom(...IDS));
const kind: fc.Arbitrary<Kind> = fc.constantFrom('proposal', 'prevote', 'precommit');
const asked: fc.Arbitrary<Asking> = fc.record({
  id,
  height: fc.oneof(
    { weight: 60, arbitrary: fc.bigInt({ min: 1n, max: 9n }) },
    fc.constantFrom(1_000_000_000n, 1_000_000_001n),
  ),
  round: fc.nat(1),
  kind,
  block: fc.constantFrom('nil' as const, 'X' as const, 'Y' as const),
  polRound: fc.constantFrom(-1, 0),
  time: fc.constantFrom(1, 2),
});
const jump = fc.constantFrom(1, 2, 4, 1000);
const window = fc.constantFrom(1, 2, 3);
const raiser: fc.Arbitrary<Raiser> = fc.constantFrom('operator', 'stateFile');
const does = <K extends Action['does']>(what: K): fc.Arbitrary<K> => fc.constant(what);

const askedFor = fc.oneof(
  { weight: 30, arbitrary: asked.map((a): Action => ({ does: 'ask', asked: a, claimed: a })) },
  // The command claims another place than its bytes say (or, now and then, the same by chance).
  fc.record({ does: does('ask'), asked, claimed: asked }),
);
const register = fc.record({
  does: does('register'),
  id,
  start: fc.record({ imported: fc.option(asked, { freq: 3 }), withBytes: fc.boolean() }),
  jump,
  window,
});
/** What a validator asks once more, perhaps with another time: by chance alone, two requests are hardly ever alike. */
const retry = fc.record({
  does: fc.constant('retry' as const),
  back: fc.integer({ min: 1, max: 3 }),
  time: asked.map((a) => a.time),
});
const action = fc.oneof(
  { weight: 40, arbitrary: askedFor },
  { weight: 6, arbitrary: retry },
  { weight: 3, arbitrary: register },
  { weight: 3, arbitrary: fc.record({ does: does('floor'), id, at: asked, by: raiser }) },
  { weight: 2, arbitrary: fc.record({ does: does('limits'), id, jump, window }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: does('halt'),
      id,
      height: fc.option(fc.integer({ min: 4, max: 10 }), { freq: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: does('retire'), id }) },
);
const askedAgain = (
  { asked: a, claimed: c }: Extract<Action, { does: 'ask' }>,
  time: number,
): Action => ({ does: 'ask', asked: { ...a, time }, claimed: { ...c, time } });

/** Most begin with a registration, so that what follows has something to be judged by. */
const history = fc
  .tuple(fc.option(register, { freq: 10 }), fc.array(action, { maxLength: 50, size: 'max' }))
  .map(([first, rest]): Action[] => {
    const all: Action[] = first === null ? [] : [first];
    const asks: Extract<Action, { does: 'ask' }>[] = [];
    for (const act of rest) {
      const earlier = act.does === 'retry' ? asks.at(-act.back) : undefined;
      const next = act.does === 'retry' ? earlier && askedAgain(earlier, act.time) : act;
      if (next?.does === 'ask') asks.push(next);
      if (next !== undefined) all.push(next);
    }
    return all;
  });

function commandOf(act: Action): Command {
  switch (act.does) {
    case 'ask': {
      const { height, round, kind: step } = act.claimed;
      return { ...reserveOf(act.asked), hrs: { height, round, step: STEP[step] } };
    }
    case 'register': {
      const { imported, withBytes } = act.start;
      const limits = { maxHeightJump: BigInt(act.jump), cutoverWindow: BigInt(act.window) };
      const common = { kind: 'registerChain', id: act.id, limits, by: 'a', at: 5 } as const;
      if (imported === null) return { ...common, start: { kind: 'neverSigned' } };
      // What was imported was signed by this very key, whatever id was drawn for the asking.
      const { hrs, signBytes } = reserveOf({ ...imported, id: act.id });
      return {
        ...common,
        start: { kind: 'imported', position: hrs, signBytes: withBytes ? signBytes : null },
      };
    }
    case 'floor':
      return {
        kind: 'raiseFloor',
        id: act.id,
        floor: reserveOf(act.at).hrs,
        endsCutover: act.by === 'operator',
      };
    case 'limits':
      return {
        kind: 'setLimits',
        id: act.id,
        limits: { maxHeightJump: BigInt(act.jump), cutoverWindow: BigInt(act.window) },
      };
    case 'halt':
      return {
        kind: 'setHaltHeight',
        id: act.id,
        height: act.height === null ? null : BigInt(act.height),
      };
    case 'retire':
      return { kind: 'retire', id: act.id };
  }
}

const nameOf = (of: RecordId): string => `${of.chainId}/${of.key.bytes[0]}`;

/** What the model says of `act`, having taken note of it. */
function modelSays(model: Map<string, ModelRecord>, act: Action): Said {
  const name = nameOf(act.does === 'ask' ? act.asked.id : act.id);
  const record = model.get(name);
  if (act.does === 'register') {
    if (record !== undefined) return 'alreadyRegistered';
    model.set(name, new ModelRecord(act));
    return 'changed';
  }
  if (record === undefined) return 'unregistered';
  switch (act.does) {
    case 'ask': {
      const { height, round, kind: step } = act.claimed;
      const claimed = placeOf(height, round, step);
      const { asked: a } = act;
      return record.judge(a, claimed === placeOf(a.height, a.round, a.kind));
    }
    case 'floor':
      return record.raise(placeOf(act.at.height, act.at.round, act.at.kind), act.by);
    case 'limits':
      return record.setLimits(act.jump, act.window);
    case 'halt':
      return record.setHalt(act.height ?? Number.POSITIVE_INFINITY);
    case 'retire':
      return record.retire();
  }
}

function saidBy(answer: Answer): Said {
  if (answer.kind === 'verdict') return answer.verdict.kind;
  if (answer.kind === 'done') return answer.changed ? 'changed' : 'unchanged';
  return answer.reason;
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The promise itself, kept by hand: it knows nothing of verdicts but that bytes came out. */
class Witness {
  readonly #released = new Map<string, string>();
  readonly #highestGrant = new Map<string, number>();

  saw(act: Extract<Action, { does: 'ask' }>, answer: Answer, model: ModelRecord | undefined): void {
    assert.ok(answer.kind === 'verdict');
    const { verdict } = answer;
    if (!('signBytes' in verdict)) return;
    const { id: of, height, round, kind: step } = act.asked;
    const where = placeOf(height, round, step);
    const here = `${nameOf(of)} ${where}`;
    const bytes = toHex(verdict.signBytes);
    assert.equal(this.#released.get(here) ?? bytes, bytes, 'one place, two contents or timestamps');
    this.#released.set(here, bytes);
    const first = model?.taken.get(where);
    assert.ok(first !== undefined, 'released what was never reserved');
    assert.equal(bytes, toHex(bytesFor({ ...first, id: of })), 'not the bytes that were reserved');
    const highest = this.#highestGrant.get(nameOf(of)) ?? 0;
    assert.ok(verdict.kind === 'granted' ? where > highest : where >= highest, 'went back');
    this.#highestGrant.set(nameOf(of), where);
  }
}

test('every answer is what a naive model says, and one place never gets two contents', () => {
  const seen = new Map<Said, number>();
  fc.assert(
    fc.property(history, (actions) => {
      const state = new SignState();
      const model = new Map<string, ModelRecord>();
      const witness = new Witness();
      for (const act of actions) {
        const expected = modelSays(model, act);
        const answer = state.apply(commandOf(act));
        // Both ways: what must be refused is refused, and what must be granted is granted.
        assert.equal(saidBy(answer), expected);
        seen.set(expected, (seen.get(expected) ?? 0) + 1);
        if (act.does === 'ask') witness.saw(act, answer, model.get(nameOf(act.asked.id)));
      }
      for (const record of state.records()) {
        assert.equal(record.cutoverArmed, model.get(nameOf(record.id))?.guarded);
      }
    }),
    { numRuns: 1500 },
  );
  const rare = [...ALL_SAID].filter((said) => (seen.get(said) ?? 0) < 20);
  assert.deepEqual(rare, [], 'histories that never come here prove nothing about it');
});

const ALL_SAID: readonly Said[] = [
  ...(['unregistered', 'malformed', 'retired', 'halted', 'regressed', 'repeated'] as const),
  ...(['retimed', 'conflict', 'leap', 'cutover', 'granted'] as const),
  ...(['changed', 'unchanged', 'alreadyRegistered'] as const),
];

test('a snapshot and a restore at any points, and the way through bytes, change nothing', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 4 }), (actions, every) => {
      const plain = new SignState();
      let restarted = new SignState();
      for (const [i, act] of actions.entries()) {
        const command = commandOf(act);
        if (i % every === 0) restarted = SignState.restore(restarted.snapshot());
        const expected = plain.apply(command);
        assert.deepEqual(restarted.apply(decodeCommand(encodeCommand(command))), expected);
        assert.equal(restarted.hash(), plain.hash());
      }
      assert.deepEqual(restarted.records(), plain.records());
    }),
    { numRuns: 300 },
  );
});

test('a refusal, a repeat or a rejection leaves the state as it was', () => {
  fc.assert(
    fc.property(history, (actions) => {
      const state = new SignState();
      for (const act of actions) {
        const before = state.hash();
        const said = saidBy(state.apply(commandOf(act)));
        assert.equal(state.hash() !== before, said === 'granted' || said === 'changed', said);
      }
    }),
    { numRuns: 300 },
  );
});
