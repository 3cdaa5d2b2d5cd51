/** The specification's verdicts and the program's are the same, whatever was committed before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  applyCommand,
  type Command,
  FIRST_HEIGHT_LIMIT,
  type RecordId,
  type SigningRecord,
  voteSignBytes,
} from '@cometkms/sign-state';
import { Machine, type Value } from '../src/model/machine.js';
import { modelDirectory } from '../src/model/quint.js';
import { bytesOf } from '../src/model/recorder.js';
import { Random } from '../src/random.js';

const id: RecordId = { chainId: 'c', key: { type: 'ed25519', bytes: new Uint8Array(32).fill(1) } };
const machine = new Machine(modelDirectory);
const nothing = { height: 0, round: 0, step: 0 };

/** Small numbers, so that positions meet; now and then one that leaps. */
function heightFrom(random: Random): bigint {
  return random.chance(0.1)
    ? FIRST_HEIGHT_LIMIT + BigInt(random.between(-1, 2))
    : BigInt(random.between(1, 4));
}

function requestFrom(random: Random): Uint8Array {
  const hash = new Uint8Array(32).fill(random.chance(0.8) ? 1 : 2);
  return voteSignBytes(id.chainId, {
    type: random.between(1, 2),
    height: heightFrom(random),
    round: random.between(0, 1),
    blockId: random.chance(0.2) ? null : { hash, partSetHeader: { total: 1, hash } },
    timestamp: { seconds: BigInt(random.between(1, 2)), nanos: 0 },
  });
}

function commandFrom(random: Random): Command {
  const signBytes = requestFrom(random);
  const { hrs } = bytesOf(signBytes);
  const limits = {
    maxHeightJump: BigInt(random.between(1, 3)),
    cutoverWindow: BigInt(random.between(1, 3)),
  };
  const roll = random.between(1, 20);
  if (roll <= 12) return { kind: 'reserve', id, hrs, signBytes, by: 'a', at: 0 };
  if (roll <= 15) {
    const imported = {
      kind: 'imported',
      position: hrs,
      signBytes: random.chance(0.5) ? signBytes : null,
    } as const;
    const start = random.chance(0.3) ? ({ kind: 'neverSigned' } as const) : imported;
    return { kind: 'registerChain', id, start, limits, by: 'a', at: 0 };
  }
  if (roll <= 17) return { kind: 'raiseFloor', id, floor: hrs, endsCutover: random.chance(0.5) };
  if (roll === 18) return { kind: 'setLimits', id, limits };
  if (roll === 19) {
    return { kind: 'setHaltHeight', id, height: random.chance(0.5) ? null : hrs.height };
  }
  return random.chance(0.3) ? { kind: 'retire', id } : { kind: 'setLimits', id, limits };
}

const limitsOf = ({ maxHeightJump, cutoverWindow }: SigningRecord['limits']) => ({
  ...{ jump: maxHeightJump, window: cutoverWindow, first: FIRST_HEIGHT_LIMIT },
});

function inQuint(command: Command): Value {
  switch (command.kind) {
    case 'reserve':
      return { variant: 'Reserve', of: { by: 'a', ticket: 1, bytes: said(command.signBytes) } };
    case 'registerChain': {
      const { start, limits } = command;
      const begin =
        start.kind === 'neverSigned'
          ? { variant: 'NeverSigned', of: null }
          : start.signBytes === null
            ? { variant: 'ImportedPosition', of: { ...start.position } }
            : { variant: 'ImportedBytes', of: said(start.signBytes) };
      return { variant: 'Register', of: { start: begin, limits: limitsOf(limits) } };
    }
    case 'raiseFloor': {
      const { floor, endsCutover } = command;
      return { variant: 'RaiseFloor', of: { floor: { ...floor }, endsCutover } };
    }
    case 'setLimits':
      return { variant: 'SetLimits', of: limitsOf(command.limits) };
    case 'setHaltHeight':
      return { variant: 'SetHalt', of: command.height ?? 0 };
    case 'retire':
      return { variant: 'Retire', of: null };
  }
}

function said(signBytes: Uint8Array): { [field: string]: Value } {
  const { hrs, content, time } = bytesOf(signBytes);
  return { hrs: { ...hrs }, content, time };
}

function recordInQuint(record: SigningRecord | undefined): Value {
  if (record === undefined) return machine.ask('UNREGISTERED');
  return {
    registered: true,
    last:
      record.last === null ? { hrs: nothing, content: '', time: '' } : said(record.last.signBytes),
    floor: record.floor === null ? nothing : { ...record.floor },
    halt: record.haltHeight ?? 0,
    limits: limitsOf(record.limits),
    guarded: record.cutoverArmed,
    neverSigned: record.neverSigned,
    retired: record.retired,
  };
}

/** Quint has one kind of number, and orders fields as it likes. */
function plain(value: Value): unknown {
  if (typeof value === 'number') return BigInt(value);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, of]) => [field, plain(of as Value)]),
  );
}

test('each command gets the same answer, and leaves the same record', () => {
  const random = new Random(7, 'verdicts');
  const seen = new Set<string>();
  for (let history = 0; history < 160; history += 1) {
    let record: SigningRecord | undefined;
    for (let n = 0; n < 12; n += 1) {
      const command = commandFrom(random);
      const before = recordInQuint(record);
      const asked = inQuint(command);
      const applied = applyCommand(record, command);
      const { answer } = applied;
      const kind = answer.kind === 'verdict' ? answer.verdict.kind : answer.kind;
      const judged = machine.ask('judged', before, asked) as { readonly kind: Value };
      assert.equal(
        judged.kind,
        kind,
        `${command.kind} on ${machine.show('judged', before, asked)}`,
      );
      record = applied.record;
      seen.add(kind);
      if (kind === 'rejected') continue;
      const after = machine.ask('change', before, asked);
      assert.deepEqual(plain(after), plain(recordInQuint(record)));
    }
  }
  assert.deepEqual([...seen].sort(), [
    ...['conflict', 'cutover', 'done', 'granted', 'halted', 'leap', 'regressed', 'rejected'],
    ...['repeated', 'retimed', 'retired', 'unregistered'],
  ]);
});
