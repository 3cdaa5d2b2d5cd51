/**
 * All that the gate's step machine can be told, and all that it can ask for.
 *
 * Owns    the two closed lists. A new member does not compile until step.ts and driver.ts handle it.
 * Never   holds logic. Every input but `request` names the turn that it answers by its ticket.
 */
import type { Hrs, Reserve, SigningRecord, Verdict } from '@cometkms/sign-state';
import type { SignerError } from '../errors.js';
import type { Committed, RefusedRequest, SignOutcome, WatermarkVerdict } from '../seams.js';

/** Numbers the turns of one gate, upwards, never reused. What comes with another ticket is dropped. */
export type Ticket = number;

/**
 * `early`      over the bytes that we expect the verdict to carry, beside the reservation
 * `verdict`    over the bytes that it did carry
 * `extension`  over the extension's own bytes, after the verdict
 */
export type SigningJob = 'early' | 'verdict' | 'extension';

export type Input =
  | {
      readonly kind: 'request';
      readonly ticket: Ticket;
      readonly asked: Reserve;
      readonly extensionSignBytes: Uint8Array | null;
      readonly arrivedMs: number;
      readonly deadlineMs: number;
      /** `Leadership.mayServe` and `ReservationStore.read`, asked in the same synchronous stretch. */
      readonly mayServe: boolean;
      readonly record: SigningRecord | undefined;
    }
  | { readonly kind: 'reserved'; readonly ticket: Ticket; readonly result: Committed<Verdict> }
  | { readonly kind: 'marked'; readonly ticket: Ticket; readonly result: WatermarkVerdict }
  | { readonly kind: 'markFailed'; readonly ticket: Ticket; readonly error: SignerError }
  | {
      readonly kind: 'signed';
      readonly ticket: Ticket;
      readonly job: SigningJob;
      readonly signature: Uint8Array;
    }
  | {
      readonly kind: 'signFailed';
      readonly ticket: Ticket;
      readonly job: SigningJob;
      readonly detail: string;
    }
  | {
      readonly kind: 'verified';
      readonly ticket: Ticket;
      readonly job: SigningJob;
      readonly good: boolean;
    }
  | { readonly kind: 'deadline'; readonly ticket: Ticket };

export type Output =
  | { readonly kind: 'wakeAt'; readonly ticket: Ticket; readonly deadlineMs: number }
  | { readonly kind: 'reserve'; readonly ticket: Ticket; readonly asked: Reserve }
  | {
      readonly kind: 'mark';
      readonly ticket: Ticket;
      readonly hrs: Reserve['hrs'];
      readonly content: Uint8Array;
    }
  | {
      readonly kind: 'sign';
      readonly ticket: Ticket;
      readonly job: SigningJob;
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: 'verify';
      readonly ticket: Ticket;
      readonly job: SigningJob;
      readonly bytes: Uint8Array;
      readonly signature: Uint8Array;
    }
  /** Exactly one for each request. */
  | { readonly kind: 'answer'; readonly ticket: Ticket; readonly outcome: SignOutcome }
  | { readonly kind: 'alarm'; readonly alarm: GateAlarm }
  /** The process must end. Nothing is released by this gate from here on. */
  | { readonly kind: 'stop'; readonly error: SignerError };

/** What a human should look at, though nothing wrong was released. */
export interface GateAlarm {
  readonly code: RefusedRequest['code'];
  readonly hrs: Hrs;
  readonly detail: string;
}

/** What the driver sees of the world at the moment of a step. */
export interface Moment {
  /** The gate's monotonic clock. */
  readonly nowMs: number;
  /** As far as known here; for the answer, never for a decision. */
  readonly leader: string | null;
}

/** What does not change while the gate lives. */
export interface GateRules {
  /** From the start of a turn; the turn is freed then. */
  readonly commitTimeoutMs: number;
  readonly signsEarly: boolean;
}
