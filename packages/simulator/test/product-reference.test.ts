/**
 * The oracle's own reading of sign bytes and its own table of verdicts, against the production code's: two pens, one
 * meaning. Where they differ, one of them is wrong, and a world would say so at the first such command.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Command,
  proposalSignBytes,
  type RecordId,
  readSignBytes,
  SignState,
  type Step,
  voteSignBytes,
} from '@cometkms/sign-state';
import { differenceOf } from '../src/product-truth.js';
import { Random } from '../src/random.js';
import { after, asked, type ReferenceRecord, verdictOf } from '../src/reference-verdicts.js';
import { readSigned } from '../src/signed-bytes.js';

const id: RecordId = { chainId: 'chain', key: { type: 'ed25519', bytes: new Uint8Array(32) } };
const by = { by: 'a', at: 1 };

function bytesOf(random: Random, height: bigint, round: number, step: Step): Uint8Array {
  const hash = Buffer.alloc(32, random.between(1, 2));
  const blockId =
    step > 1 && random.chance(0.2) ? null : { hash, partSetHeader: { total: 1, hash } };
  const timestamp = { seconds: BigInt(random.between(0, 1)), nanos: 0 };
  const { chainId } = id;
  return step === 1
    ? proposalSignBytes(chainId, { height, round, polRound: -1, blockId, timestamp })
    : voteSignBytes(chainId, { type: step - 1, height, round, blockId, timestamp });
}

function commandFrom(random: Random): Command {
  const height = random.chance(0.1)
    ? random.pick([1_000_000_000n, 1_000_000_001n, 1_000_004n, 10_007n])
    : BigInt(random.between(1, 4));
  const hrs = { height, round: random.between(0, 1), step: random.pick([1, 2, 3] as const) };
  const limits = { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n };
  const signBytes = bytesOf(random, hrs.height, hrs.round, hrs.step);
  if (random.chance(0.8)) return { kind: 'reserve', id, hrs, signBytes, ...by };
  const start = random.chance(0.3)
    ? ({ kind: 'neverSigned' } as const)
    : {
        kind: 'imported' as const,
        position: hrs,
        signBytes: random.chance(0.5) ? signBytes : null,
      };
  return random.pick<Command>([
    { kind: 'registerChain', id, start, limits, ...by },
    { kind: 'raiseFloor', id, floor: hrs, endsCutover: random.chance(0.5) },
    { kind: 'setLimits', id, limits: { maxHeightJump: 3n, cutoverWindow: 2n } },
    { kind: 'setHaltHeight', id, height: random.chance(0.5) ? null : hrs.height },
    ...(random.chance(0.1) ? [{ kind: 'retire', id } as const] : []),
  ]);
}

function again(random: Random, command: Extract<Command, { kind: 'reserve' }>): Command {
  const { height, round, step } = command.hrs;
  return { ...command, signBytes: bytesOf(random, height, round, step) };
}

test('sign bytes are read as the production code reads them', () => {
  const random = new Random(1, 'signed bytes');
  for (let i = 0; i < 3000; i += 1) {
    const bytes = bytesOf(
      random,
      BigInt(random.between(1, 1e9)),
      random.between(0, 300),
      random.pick([1, 2, 3] as const),
    );
    const [ours, theirs] = [readSigned(bytes), readSignBytes(bytes)];
    assert.deepEqual(ours?.hrs, theirs.hrs);
    assert.equal(ours?.content, Buffer.from(theirs.content).toString('hex'));
    assert.equal(readSigned(bytes.subarray(1)), null);
  }
});

test('any history of commands gives the verdicts and records of the production code', () => {
  const random = new Random(2, 'histories');
  const seen = new Map<string, number>();
  for (let history = 0; history < 400; history += 1) {
    const state = new SignState();
    let record: ReferenceRecord | undefined;
    let last: Command | null = null;
    for (let i = 0; i < 30; i += 1) {
      // Now and then the same place again, where it is decided what is a conflict.
      const command: Command = random.chance(0.3)
        ? (last ?? commandFrom(random))
        : commandFrom(random);
      if (command.kind === 'reserve') last = again(random, command);
      const answer = state.apply(command);
      if (command.kind === 'reserve') {
        const it = asked(command.signBytes);
        assert.ok(it !== null && answer.kind === 'verdict');
        assert.equal(answer.verdict.kind, verdictOf(record, it));
        seen.set(answer.verdict.kind, (seen.get(answer.verdict.kind) ?? 0) + 1);
      }
      record = after(record, command);
      assert.equal(differenceOf(state.read(id), record), null);
    }
  }
  const all =
    'granted repeated retimed conflict regressed halted leap cutover retired unregistered';
  for (const kind of all.split(' '))
    assert.ok((seen.get(kind) ?? 0) > 10, `${kind}: ${seen.get(kind)}`);
});
