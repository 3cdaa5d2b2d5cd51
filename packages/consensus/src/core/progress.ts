/**
 * What a leader knows of one peer's log, and how it feeds it.
 *
 * Owns    match (what the peer acknowledged), next (what to send next), the mode and the window.
 *           probe     where do our logs join? one message at a time
 *           pipeline  they join; `next` runs ahead of `match`, up to the window
 *           snapshot  the peer needs entries that we compacted; only a snapshot helps
 * Never   sends, or concludes a match from anything but an acknowledgement (rule 22).
 * Rule    rules 22, 24, 26; dissertation, 10.2.1.
 * Proof   test/core-progress.test.ts, any sequence of answers.
 */
import { invariant } from '@cometkms/invariant';
import type { Index, Millis } from './types.js';

export class Progress {
  #match: Index = 0;
  #next: Index;
  #mode: 'probe' | 'pipeline' | 'snapshot' = 'probe';
  /** Last index of each append under way, oldest first. */
  #inflight: Index[] = [];
  #probeUnderWay = false;
  #snapshotIndex: Index = 0;
  /** Refusals of earlier rounds were answers to what we no longer believe. */
  #refusalsFromRound = 0;

  /** When entries, or the question for them, were last sent. */
  entriesSentAt: Millis = Number.NEGATIVE_INFINITY;
  /** When the peer last answered in this term; check-quorum counts from here. */
  answeredAt: Millis;
  /** When the latest round that the peer echoed was SENT; the lease counts from here (rule 36). */
  confirmedAt: Millis = Number.NEGATIVE_INFINITY;
  /** From sending to answer, the peer's disk included where it had to write. */
  roundTripMs: number | null = null;

  constructor(next: Index, now: Millis) {
    this.#next = next;
    this.answeredAt = now;
  }

  get match(): Index {
    return this.#match;
  }

  get next(): Index {
    return this.#next;
  }

  get mode(): 'probe' | 'pipeline' | 'snapshot' {
    return this.#mode;
  }

  get hasUnanswered(): boolean {
    return this.#inflight.length > 0;
  }

  /** Whether another message with entries may be sent now. */
  mayFeed(maxInflightAppends: number): boolean {
    if (this.#mode === 'probe') return !this.#probeUnderWay;
    return this.#mode === 'pipeline' && this.#inflight.length < maxInflightAppends;
  }

  /** An append up to `lastIndex` was sent from `next` on. */
  fed(lastIndex: Index, now: Millis): void {
    this.entriesSentAt = now;
    if (this.#mode === 'probe') {
      this.#probeUnderWay = true;
      return;
    }
    invariant(this.#mode === 'pipeline' && lastIndex >= this.#next, 'a pipeline moves forward', {
      mode: this.#mode,
      lastIndex,
      next: this.#next,
    });
    this.#inflight.push(lastIndex);
    this.#next = lastIndex + 1;
  }

  /** The peer holds, durably, what we hold up to `match`. True where that is news. */
  acknowledged(match: Index): boolean {
    // Waiting for a snapshot, an older acknowledgement does not help: what follows it is compacted.
    if (this.#mode !== 'snapshot' || match >= this.#snapshotIndex) {
      this.#mode = 'pipeline';
      this.#probeUnderWay = false;
    }
    this.#inflight = this.#inflight.filter((lastIndex) => lastIndex > match);
    const news = match > this.#match;
    // Rule 24: neither falls, whatever arrives late or twice.
    this.#match = Math.max(this.#match, match);
    this.#next = Math.max(this.#next, this.#match + 1);
    return news;
  }

  /**
   * The logs do not join where we thought; at best at `joinPoint`. Moves `next`, never `match`
   * (rule 22).
   * @param nextRound  the number of the next message; answers to all earlier ones are now stale
   */
  refused(round: number, joinPoint: Index, nextRound: number): void {
    if (this.#mode === 'snapshot' || round < this.#refusalsFromRound) return;
    const next = Math.max(Math.min(this.#next, joinPoint + 1), this.#match + 1);
    const moved = next < this.#next;
    this.#probeFrom(next, nextRound);
    // A peer that refuses what it acknowledged is broken; it is asked at each beat, not in a
    // circle.
    this.#probeUnderWay = !moved;
  }

  /** What was under way is lost: the connection ended or began anew. */
  restart(nextRound: number): void {
    // Before a first answer `match` says nothing yet; where the logs may join is still the better
    // guess.
    this.#probeFrom(this.#mode === 'pipeline' ? this.#match + 1 : this.#next, nextRound);
  }

  /** A snapshot up to `index` was sent. */
  snapshotSent(index: Index, now: Millis): void {
    this.#mode = 'snapshot';
    this.#snapshotIndex = index;
    this.#inflight = [];
    this.#probeUnderWay = false;
    this.entriesSentAt = now;
  }

  #probeFrom(next: Index, nextRound: number): void {
    this.#mode = 'probe';
    this.#next = next;
    this.#inflight = [];
    this.#probeUnderWay = false;
    this.#refusalsFromRound = nextRound;
  }
}
