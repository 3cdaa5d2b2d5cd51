/**
 * What an oracle sees of the world, and the shape of an invariant.
 *
 * Owns    the closed list of observations.
 * Never   changes anything that it shows: cores and frames are the production code's own.
 */
import type { LinkFrame, LogBatch, MemberId, RecoveredStorage } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
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

/** Told in the order of simulated time, each before anything later happens. */
export interface Observer {
  /** After an event of this process, with all that it set going in promises. */
  stepped?(at: At, core: Core): void;
  sent?(at: At, to: MemberId, frame: Extract<LinkFrame, { kind: 'raft' }>): void;
  logOpened?(at: At, recovered: RecoveredStorage): void;
  logBegun?(at: At, batches: readonly LogBatch[]): void;
  logAcknowledged?(at: At, batches: readonly LogBatch[]): void;
  released?(release: Release): void;
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
