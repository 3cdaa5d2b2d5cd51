/**
 * Positions as a validator asks for them, height after height, as commands of the log.
 *
 * Owns    their order, and bytes as a node would have them signed.
 */
import {
  encodeCommand,
  type Hrs,
  proposalSignBytes,
  type SigningRecord,
  type Step,
  voteSignBytes,
} from '@cometkms/sign-state';
import { blockNamed } from '../validator/validator.js';

const block = blockNamed('any');

/** Each one above the one before, and the first above what the record holds. */
export function* commandsAfter(record: SigningRecord, by: string): Generator<Uint8Array, never> {
  let last = record.last?.hrs ?? record.floor ?? { height: 0n, round: 0, step: 3 as const };
  for (;;) {
    const hrs: Hrs =
      last.step === 3
        ? { height: last.height + 1n, round: 0, step: 1 }
        : { ...last, step: (last.step + 1) as Step };
    const signBytes = bytesFor(record.id.chainId, hrs);
    yield encodeCommand({ kind: 'reserve', id: record.id, hrs, signBytes, by, at: Date.now() });
    last = hrs;
  }
}

function bytesFor(chainId: string, { height, round, step }: Hrs): Uint8Array {
  const ms = Date.now();
  const timestamp = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
  const common = { height, round, blockId: block, timestamp };
  return step === 1
    ? proposalSignBytes(chainId, { ...common, polRound: -1 })
    : voteSignBytes(chainId, { ...common, type: step - 1 });
}
