/**
 * The words of the domain: positions, records, commands and verdicts.
 *
 * Owns    their shapes. Heights are bigint (int64); rounds, steps and nanos are numbers (int32).
 * Never   holds logic.
 * Rule    docs/architecture.md, the road of a signature; CometBFT privval/file.go for (height, round, step).
 */

/** As in CometBFT's FilePV: 1 proposal, 2 prevote, 3 precommit. */
export type Step = 1 | 2 | 3;

export interface Hrs {
  readonly height: bigint;
  readonly round: number;
  readonly step: Step;
}

/** Like `Hrs`, but a state file that has signed nothing yet has step 0. */
export interface Position {
  readonly height: bigint;
  readonly round: number;
  readonly step: 0 | Step;
}

export interface Timestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** A consensus public key. `type` is CometBFT's name for it (`ed25519`). */
export interface PublicKey {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** One record of the state machine belongs to one of these. */
export interface RecordId {
  readonly chainId: string;
  readonly key: PublicKey;
}

/** An HRS that is taken, with the canonical sign bytes that it is taken for. */
export interface Reservation {
  readonly hrs: Hrs;
  /** Canonical sign bytes, length prefix included. */
  readonly signBytes: Uint8Array;
  /** The replica that asked, and its wall clock then (Unix milliseconds): for messages, never for a decision. */
  readonly by: string;
  readonly at: number;
}

export interface Limits {
  /** A grant may lie at most this far above the higher of last and floor. At least 1. */
  readonly maxHeightJump: bigint;
  /** While the cut-over guard is armed, a grant may lie this far above the higher of last and floor. At least 1. */
  readonly cutoverWindow: bigint;
}

/** All that is known of one (key, chain). Immutable; `decide` and `apply` make new ones. */
export interface SigningRecord {
  readonly id: RecordId;
  /** The highest reservation. Null: none since registration. */
  readonly last: Reservation | null;
  /** At or below this nothing new is signed. Null: no floor (never signed). */
  readonly floor: Position | null;
  /** From this height on nothing is signed. */
  readonly haltHeight: bigint | null;
  readonly limits: Limits;
  /** Armed by an import, disarmed by the first grant, or by an operator's floor at or above the import. */
  readonly cutoverArmed: boolean;
  /** Registered by a statement that this key never signed: its first grant has no jump limit below 10^9. */
  readonly neverSigned: boolean;
  readonly retired: boolean;
}

// ---------------------------------------------------------------------------------- commands

export interface Reserve {
  readonly kind: 'reserve';
  readonly id: RecordId;
  readonly hrs: Hrs;
  readonly signBytes: Uint8Array;
  readonly by: string;
  readonly at: number;
}

/** What a chain starts from, agreed by every member that holds the key (design 4.10). */
export type StartingPoint =
  /** No replica ever saw a signature of this key, and the operator said so. */
  | { readonly kind: 'neverSigned' }
  /** The highest imported position. With bytes it becomes the last reservation, without them the floor. */
  | { readonly kind: 'imported'; readonly position: Hrs; readonly signBytes: Uint8Array | null };

export interface RegisterChain {
  readonly kind: 'registerChain';
  readonly id: RecordId;
  readonly start: StartingPoint;
  readonly limits: Limits;
  readonly by: string;
  readonly at: number;
}

/** Upward only: a lower or equal floor changes nothing, the cut-over guard included. */
export interface RaiseFloor {
  readonly kind: 'raiseFloor';
  readonly id: RecordId;
  readonly floor: Hrs;
  /**
   * True: an operator's word on the old signer. At or above the import it ends the cut-over guard; a floor
   * below the import says nothing about what the old signer may have signed since.
   * False: the position of a state file that is ahead of the cluster. Something else signed there after the
   * import, which is what the guard is for: it stays as it was, and its window begins at this floor.
   */
  readonly endsCutover: boolean;
}

export interface SetLimits {
  readonly kind: 'setLimits';
  readonly id: RecordId;
  readonly limits: Limits;
}

export interface SetHaltHeight {
  readonly kind: 'setHaltHeight';
  readonly id: RecordId;
  readonly height: bigint | null;
}

export interface Retire {
  readonly kind: 'retire';
  readonly id: RecordId;
}

export type Command = Reserve | RegisterChain | RaiseFloor | SetLimits | SetHaltHeight | Retire;

// ---------------------------------------------------------------------------------- verdicts

/** What may be signed: exactly these bytes, never the request's. */
export interface Allowed {
  readonly kind: 'granted' | 'repeated' | 'retimed';
  /** `granted`: the requested bytes. `repeated`, `retimed`: the stored ones. */
  readonly signBytes: Uint8Array;
  /** The reservation that stands, with who made it and when. */
  readonly stored: Reservation;
}

/** Each refusal carries its evidence. */
export type Refused =
  | { readonly kind: 'unregistered' }
  | { readonly kind: 'retired' }
  | { readonly kind: 'halted'; readonly haltHeight: bigint }
  /** `last` or `floor`, whichever forbids it. */
  | {
      readonly kind: 'regressed';
      readonly last: Reservation | null;
      readonly floor: Position | null;
    }
  | { readonly kind: 'conflict'; readonly stored: Reservation }
  | { readonly kind: 'leap'; readonly base: bigint; readonly maxHeightJump: bigint }
  | { readonly kind: 'cutover'; readonly base: bigint; readonly cutoverWindow: bigint }
  /** The bytes are not canonical, or say another chain, height, round or step than the command. */
  | { readonly kind: 'malformed'; readonly detail: string };

export type Verdict = Allowed | Refused;

/** The state machine's answer to one committed command. */
export type Answer =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /** `changed` is false where the command had nothing to raise, set or register. */
  | { readonly kind: 'done'; readonly changed: boolean; readonly record: SigningRecord }
  | {
      readonly kind: 'rejected';
      readonly reason: 'unregistered' | 'retired' | 'alreadyRegistered' | 'malformed';
      readonly detail: string;
      /**
       * What stands, unchanged; null: nothing is registered. After `alreadyRegistered` it shows a caller
       * whose first try had an unknown outcome whether its own registration, or one at least as high, stands.
       */
      readonly record: SigningRecord | null;
    };
