/**
 * What validators ask to have signed in a small world: two contents at one place, one of them with two timestamps.
 *
 * Owns    their bytes, the chain that they are of, and who first reserved what in a log, told without `decide`.
 * Never   names who asked, or when: no decision reads that, and replicas may then trade places.
 */

import { invariant } from '@cometkms/invariant';
import {
  applyCommand,
  decodeCommand,
  type Hrs,
  type RecordId,
  type Reserve,
  readSignBytes,
  SIGNED_MSG_TYPE,
  type SigningRecord,
  voteSignBytes,
} from '@cometkms/sign-state';

/** A and B at 1/0/prevote; `A later` is A with another timestamp; `next` stands at 1/0/precommit. */
export type Content = 'A' | 'A later' | 'B' | 'next';

const id: RecordId = {
  chainId: 'small',
  key: { type: 'ed25519', bytes: new Uint8Array(32).fill(7) },
};

const hash = (content: Content): Uint8Array =>
  new Uint8Array(32).fill(content === 'B' ? 0xbb : 0xaa);

function bytesOf(content: Content): Uint8Array {
  const blockId = {
    hash: hash(content),
    partSetHeader: { total: 1, hash: new Uint8Array(32).fill(1) },
  };
  return voteSignBytes(id.chainId, {
    type: content === 'next' ? SIGNED_MSG_TYPE.precommit : SIGNED_MSG_TYPE.prevote,
    height: 1n,
    round: 0,
    blockId,
    timestamp: { seconds: content === 'A later' ? 2n : 1n, nanos: 0 },
  });
}

const reserves = new Map<Content, Reserve>(
  (['A', 'A later', 'B', 'next'] as const).map((content) => {
    const signBytes = bytesOf(content);
    const { hrs } = readSignBytes(signBytes);
    return [content, { kind: 'reserve', id, hrs, signBytes, by: 'any', at: 0 }];
  }),
);

export function reserveOf(content: Content): Reserve {
  const reserve = reserves.get(content);
  invariant(reserve !== undefined, 'every content has its reservation', { content });
  return reserve;
}

/** For people: which content these sign bytes are. */
export function nameOfContent(signBytes: Uint8Array): string {
  for (const [content, reserve] of reserves) {
    if (Buffer.compare(reserve.signBytes, signBytes) === 0) return content;
  }
  return 'bytes that nobody asked for';
}

export function registeredRecord(): SigningRecord {
  const limits = { maxHeightJump: 1000n, cutoverWindow: 10n };
  const start = { kind: 'neverSigned' } as const;
  const command = { kind: 'registerChain', id, start, limits, by: 'any', at: 0 } as const;
  const { record } = applyCommand(undefined, command);
  invariant(record !== undefined, 'a first registration is taken');
  return record;
}

/** Place and content, apart; the place as text. */
export function readRelease(signBytes: Uint8Array): { place: string; content: string } {
  const { hrs, content } = readSignBytes(signBytes);
  return {
    place: `${hrs.height}/${hrs.round}/${hrs.step}`,
    content: Buffer.from(content).toString('latin1'),
  };
}

/** The bytes that the committed log reserves for a place: the first that asked there, going upwards. */
export function reservedIn(committed: readonly string[], place: string): Uint8Array | null {
  let highest = 0;
  for (const key of committed) {
    const colon = key.indexOf(':');
    if (colon < 0) continue;
    const command = decodeCommand(Buffer.from(key.slice(colon + 1), 'latin1')) as Reserve;
    if (placeNumber(command.hrs) <= highest) continue;
    highest = placeNumber(command.hrs);
    if (readRelease(command.signBytes).place === place) return command.signBytes;
  }
  return null;
}

/** Grows along the order of signing, in the few places of a small world. */
export function placeNumber({ height, round, step }: Hrs): number {
  return Number(height) * 100 + round * 10 + step;
}
