/**
 * What metrics, log and journal may hear from the gate.
 *
 * Owns    the hooks, and the wall around them: they run after the answer left, are never awaited, and whatever they
 *         throw ends here.
 * Never   gives them a hand on signing.
 */
import type { SignOutcome, SignRequest } from '../seams.js';
import type { GateAlarm } from './events.js';

export interface GateObserver {
  /** Once per request, after its answer was handed out. `totalMs` is from its arrival at the gate. */
  answered?(request: SignRequest, outcome: SignOutcome, totalMs: number): void;
  /** What a human should look at. */
  alarm?(alarm: GateAlarm): void;
}

/** What `tell` throws or rejects with ends here: an observer that fails must not fail a signature. */
export function tellSafely(tell: () => unknown): void {
  try {
    const told = tell();
    if (told instanceof Promise) told.catch(leaveToObserver);
  } catch (error) {
    leaveToObserver(error);
  }
}

/** The observer is where it would have been reported; there is nobody else to tell. */
function leaveToObserver(_error: unknown): void {}
