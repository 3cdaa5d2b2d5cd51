/**
 * What a run did, as far as the specification speaks of it: the lines of a trace.
 *
 * Owns    the kinds of event, when each is to be written, and their form as JSON lines.
 * Never   carries a clock, a term or an opinion. All events of one world stand in one list, in the order in which
 *         they happened; `index` is Raft's, the rest is as in model/signing.qnt.
 *
 * To record one, stand in the seams: ReservationStore (`asked` at the call of `reserve`, `heard` where it answers
 * `committed`, before the answer is passed on), Watermark (`marked`, likewise), the state machine (`applied`), and the
 * gate's answers (`released`, `refused`, `gaveUp`). A gate answers and begins its next turn in one go, so an answer
 * may be written a little after the next `asked`: it is found by its ticket.
 */
import type { Hrs } from '@cometkms/sign-state';

/** Sign bytes by what they say: `content` is any name that is equal where the contents are equal. */
export interface Bytes {
  readonly hrs: Hrs;
  readonly content: string;
  readonly time: string;
}

export interface TraceLimits {
  readonly maxHeightJump: bigint;
  readonly cutoverWindow: bigint;
}

export type TraceCommand =
  | { readonly kind: 'reserve'; readonly by: string; readonly bytes: Bytes }
  | { readonly kind: 'registerChain'; readonly start: TraceStart; readonly limits: TraceLimits }
  | { readonly kind: 'raiseFloor'; readonly floor: Hrs; readonly endsCutover: boolean }
  | { readonly kind: 'setLimits'; readonly limits: TraceLimits }
  | { readonly kind: 'setHaltHeight'; readonly height: bigint | null }
  | { readonly kind: 'retire' };

export type TraceStart =
  | { readonly kind: 'neverSigned' }
  | { readonly kind: 'imported'; readonly position: Hrs; readonly bytes: Bytes | null };

/** One gate of one replica. */
interface OfGate {
  readonly chain: string;
  readonly replica: string;
}

/** One turn of it. Numbered by the recorder, upwards, never twice for one gate, not even after a crash. */
interface OfTurn extends OfGate {
  readonly ticket: number;
}

export type TraceEvent =
  /** A request was judged and is being proposed. */
  /** `by` stands in the command: a replica that took the place of another has its name. */
  | (OfTurn & { readonly kind: 'asked'; readonly by: string; readonly bytes: Bytes })
  /** A request was refused by applied state; `reason` is the verdict, or `proposalRetimed`. It has no turn. */
  | (OfGate & { readonly kind: 'refusedAtOnce'; readonly bytes: Bytes; readonly reason: string })
  /** The watermark is on the disk, or refused. To be written also after the turn was given up. */
  | (OfTurn & { readonly kind: 'marked'; readonly raised: boolean })
  /**
   * A replica applied a committed command, and came to this answer: a verdict's kind, `done`, or `rejected`.
   * The first one of an index is its commit. Malformed commands change nothing and are left out.
   */
  | (OfGate & {
      readonly kind: 'applied';
      readonly index: number;
      readonly command: TraceCommand;
      readonly answer: string;
    })
  /** The turn's own proposal is known to stand at this index. */
  | (OfTurn & { readonly kind: 'heard'; readonly index: number })
  /** A signature left, over these bytes. */
  | (OfTurn & { readonly kind: 'released'; readonly bytes: Bytes })
  /** The turn's verdict forbids it; or `watermark`, after `marked` with `raised: false`. */
  | (OfTurn & { readonly kind: 'refused'; readonly reason: string })
  /** Answered with anything else: deadline, unknown outcome, no leader, the key failed. */
  | (OfTurn & { readonly kind: 'gaveUp' })
  /** A slot was bad and the other one read; or both were, or the file was gone. Found while the replica is down. */
  | (OfGate & { readonly kind: 'markDamaged'; readonly lost: 'newest' | 'older' | 'both' })
  /** Made anew from applied state, or raised to it. */
  | (OfGate & { readonly kind: 'markRestored' })
  /** These three are of the whole replica. `index`: all up to it are applied now. */
  | { readonly kind: 'installed'; readonly replica: string; readonly index: number }
  | { readonly kind: 'crashed'; readonly replica: string }
  | { readonly kind: 'restarted'; readonly replica: string; readonly index: number };

/** One line. Heights are written as strings of digits with an n at their end. */
export function encodeEvent(event: TraceEvent): string {
  return JSON.stringify(event, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

/** @throws SyntaxError the line is no JSON */
export function decodeEvent(line: string): TraceEvent {
  return JSON.parse(line, (key, value: unknown) =>
    heights.has(key) && typeof value === 'string' ? BigInt(value.slice(0, -1)) : value,
  ) as TraceEvent;
}

const heights: ReadonlySet<string> = new Set(['height', 'maxHeightJump', 'cutoverWindow']);
