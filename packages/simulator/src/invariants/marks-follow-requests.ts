/**
 * A replica's watermark is above what is released, and never above what could have been granted.
 *
 * Source  docs/architecture.md, second gates: synced before release; written only after the request was judged, or a
 *         poisoned height would wedge the replica that was asked for it.
 */
import { type Hrs, idKey, type RecordId } from '@cometkms/sign-state';
import { askedOf } from '../asked-bytes.js';
import type { AskedFor, At, Invariant, Release } from '../observations.js';
import { type ProductTruth, positionOf } from '../product-truth.js';
import { type AskedBytes, isAbove, isSamePlace, verdictOf } from '../reference-verdicts.js';
import { readSigned } from '../signed-bytes.js';
import { Violation } from '../violation.js';

/** A leader that is deposed and does not know it may judge by a record of then. Simulated milliseconds. */
const staleMs = 5000;
/** A request that is not answered by then is asked anew. */
const pendingMs = 10_000;

interface Seen {
  /** The highest place that anything proposable was asked for. */
  top: AskedBytes | null;
  readonly contents: Map<string, Set<string>>;
  pending: { readonly it: AskedBytes; readonly untilMs: number }[];
  marked: Hrs | null;
}

export class MarksFollowRequests implements Invariant {
  readonly promise = 'a watermark stands at or above what is released, and not above what may be';
  readonly #truth: ProductTruth;
  readonly #now: () => number;
  readonly #seen = new Map<string, Seen>();

  constructor(truth: ProductTruth, now: () => number) {
    this.#truth = truth;
    this.#now = now;
  }

  asked({ id, request }: AskedFor): void {
    const it = askedOf(id, request);
    if (it === null) return;
    const seen = this.#of(id);
    for (const record of this.#truth.inForceSince(id, this.#now() - staleMs)) {
      if (!isProposable(verdictOf(record, it), it)) continue;
      this.#admit(seen, it);
      return;
    }
    seen.pending.push({ it, untilMs: this.#now() + pendingMs });
  }

  /** The record has changed: what waited may be proposable now. */
  changed(id: RecordId): void {
    const seen = this.#of(id);
    const record = this.#truth.reference(id);
    const start = this.#truth.startOf(id);
    if (seen.top === null && start !== undefined) this.#admit(seen, start);
    const now = this.#now();
    seen.pending = seen.pending.filter(({ it, untilMs }) => {
      if (untilMs < now) return false;
      const admitted = isProposable(verdictOf(record, it), it);
      if (admitted) this.#admit(seen, it);
      return !admitted;
    });
  }

  marked(at: At, id: RecordId, hrs: Hrs): void {
    const seen = this.#of(id);
    if (seen.marked === null || isAbove(hrs, seen.marked)) seen.marked = hrs;
    if (seen.top !== null && !isAbove(hrs, seen.top.hrs)) return;
    throw new Violation(
      this.promise,
      `the mark of ${at.replica} stands at ${positionOf(hrs)}, and nothing above ${seen.top === null ? 'nothing' : positionOf(seen.top.hrs)} could be granted`,
    );
  }

  released({ at, chainId, key, signBytes }: Release): void {
    const id: RecordId = { chainId, key: { type: 'ed25519', bytes: Buffer.from(key, 'hex') } };
    const signed = signBytes === null ? null : readSigned(signBytes);
    const { marked } = this.#of(id);
    if (signed === null || (marked !== null && !isAbove(signed.hrs, marked))) return;
    throw new Violation(
      this.promise,
      `${at.replica} released ${positionOf(signed.hrs)}; no mark is above ${marked === null ? 'nothing' : positionOf(marked)}`,
    );
  }

  /** A refusal by the watermark: some replica meant to sign something there or above. */
  mayBeMarkedAgainst(id: RecordId, it: AskedBytes): boolean {
    const { top, contents } = this.#of(id);
    if (top !== null && isAbove(top.hrs, it.hrs)) return true;
    const there = contents.get(positionOf(it.hrs));
    return there !== undefined && (there.size > 1 || !there.has(it.content));
  }

  /** The highest mark on any disk. */
  markedUpTo(id: RecordId): Hrs | null {
    return this.#of(id).marked;
  }

  reachOf(id: RecordId): Hrs | null {
    return this.#of(id).top?.hrs ?? null;
  }

  #admit(seen: Seen, it: AskedBytes): void {
    const where = positionOf(it.hrs);
    const there = seen.contents.get(where);
    if (there === undefined) seen.contents.set(where, new Set([it.content]));
    else there.add(it.content);
    if (seen.top === null || isAbove(it.hrs, seen.top.hrs) || isSamePlace(it.hrs, seen.top.hrs))
      seen.top = it;
  }

  #of(id: RecordId): Seen {
    const name = idKey(id);
    let seen = this.#seen.get(name);
    if (seen === undefined) {
      seen = { top: null, contents: new Map(), pending: [], marked: null };
      this.#seen.set(name, seen);
    }
    return seen;
  }
}

const isProposable = (verdict: string, it: AskedBytes): boolean =>
  verdict === 'granted' || verdict === 'repeated' || (verdict === 'retimed' && it.hrs.step !== 1);
