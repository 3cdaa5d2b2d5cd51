/**
 * What an oracle sees of the world, and the shape of an invariant.
 *
 * Owns    the closed list of observations.
 * Never   changes anything that it shows: cores and frames are the production code's own.
 */
import type { LinkFrame, LogBatch, MemberId, RecoveredStorage } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import type { Hrs, Position, RecordId } from '@cometkms/sign-state';
import type { Request, Signed } from './validator.js';

/** Where and in which process something was seen. */
export interface At {
  readonly replica: string;
  readonly id: MemberId;
  /** Which start of the replica. */
  readonly start: number;
}

export interface Release {
  readonly at: At;
  readonly validator: string;
  readonly chainId: string;
  /** The key's public bytes, in hex. */
  readonly key: string;
  readonly request: Request;
  readonly answer: Signed;
  /** What the signature is over; null: it is no signature at all. */
  readonly signBytes: Uint8Array | null;
}

/** A validator's request, at the replica that holds its link. */
export interface AskedFor {
  readonly at: At;
  readonly id: RecordId;
  readonly request: Request;
}

/** A typed error: final for the validator. */
export interface Refusal extends AskedFor {
  /** As in the answer table: CONFLICT, HALTED and so on. */
  readonly code: string;
  readonly description: string;
  /** Simulated time at which the request reached that replica. */
  readonly askedAtMs: number;
  /** For how long that replica has known no leader, by its own clock. */
  readonly leaderlessMs: number;
  /** Some replica's key failed while this was asked. */
  readonly keysFail: boolean;
}

/** What lies in a home of (key, chain) before the chain is registered. */
export type HomeKnowledge =
  | { readonly kind: 'nothing' | 'neverSigned' }
  | {
      readonly kind: 'position';
      readonly position: Position;
      readonly signBytes: Uint8Array | null;
    };

/** Told in the order of simulated time, each before anything later happens. */
export interface Observer {
  /** After an event of this process, with all that it set going in promises. */
  stepped?(at: At, core: Core): void;
  sent?(at: At, to: MemberId, frame: Extract<LinkFrame, { kind: 'raft' }>): void;
  logOpened?(at: At, recovered: RecoveredStorage): void;
  /** Each side has accepted what the other one says of itself. */
  linked?(at: At, to: MemberId): void;
  logBegun?(at: At, batches: readonly LogBatch[]): void;
  logAcknowledged?(at: At, batches: readonly LogBatch[]): void;
  asked?(asked: AskedFor): void;
  released?(release: Release): void;
  refused?(refusal: Refusal): void;
  /** The watermark of this replica stands there, durably. */
  marked?(at: At, id: RecordId, hrs: Hrs): void;
  /** A home was made for this identity: with keys, or for a witness. Before anything else is seen of it. */
  homeMade?(member: MemberId, witness: boolean): void;
  /** Under this id goes a copy of another one's machine, which all that it can reach know better. */
  copyMade?(copy: MemberId): void;
  /** This process was given a key, or opened a link to a validator. */
  keyOpened?(at: At): void;
  linkOpened?(at: At): void;
  /** This process takes requests, as far as it is asked. */
  serving?(at: At): void;
  homeKnows?(member: MemberId, id: RecordId, known: HomeKnowledge): void;
  /** A plain node, outside of the cluster, signed this; and each home of the cluster was told by a state file. */
  signedElsewhere?(id: RecordId, signBytes: Uint8Array): void;
  /** From now until then nothing of this process runs. */
  stalled?(at: At, untilMs: number): void;
  /** The process is gone; its disk holds what it holds. */
  gone?(at: At, how: 'killed' | 'powerLost' | 'stopped' | 'byItself'): void;
  /** An operator's or a fault's hand on the disk itself: from now on it need not hold what it acknowledged. */
  diskReplaced?(id: MemberId): void;
  /** All faults are over, and the world was given time. */
  settled?(): void;
}

export interface Invariant extends Observer {
  /** What is promised, as a sentence. */
  readonly promise: string;
}
