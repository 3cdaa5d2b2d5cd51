/**
 * A typed error, which costs the validator its vote, is given only for what the design names, and only where it is so.
 *
 * Source  docs/architecture.md, the table of verdicts: what is above all grants and floors, within the limits and not
 *         halted is never refused; an unknown outcome is no refusal; without a leader, only after two seconds.
 * Limits  A leader that is deposed and does not know it may judge by the record of a moment ago: a refusal is held
 *         against every record that was in force from shortly before the request came until now.
 */
import { askedOf } from '../asked-bytes.js';
import type { Invariant, Refusal } from '../observations.js';
import { type ProductTruth, positionOf } from '../product-truth.js';
import { type VerdictKind, verdictOf } from '../reference-verdicts.js';
import { Violation } from '../violation.js';
import type { MarksFollowRequests } from './marks-follow-requests.js';

const staleMs = 5000;
/** LEADERLESS_HOLD_MS of the design, less what the look at a core may come late. */
const leaderlessMs = 1900;

const verdictBehind: Readonly<Record<string, VerdictKind>> = {
  CONFLICT: 'conflict',
  REGRESSED: 'regressed',
  HALTED: 'halted',
  LEAP: 'leap',
  CUTOVER: 'cutover',
  RETIRED: 'retired',
  UNREGISTERED: 'unregistered',
};

export class RefusalsAreTrue implements Invariant {
  readonly promise = 'a typed refusal is given only for what the design names, and where it is so';
  readonly #truth: ProductTruth;
  readonly #marks: Pick<MarksFollowRequests, 'mayBeMarkedAgainst'>;

  constructor(truth: ProductTruth, marks: Pick<MarksFollowRequests, 'mayBeMarkedAgainst'>) {
    this.#truth = truth;
    this.#marks = marks;
  }

  refused(refusal: Refusal): void {
    if (this.#isTrue(refusal)) return;
    const it = askedOf(refusal.id, refusal.request);
    throw new Violation(
      this.promise,
      `${it === null ? 'a request' : positionOf(it.hrs)}: ${refusal.description}`,
    );
  }

  #isTrue(refusal: Refusal): boolean {
    const { code, id, request } = refusal;
    const it = askedOf(id, request);
    if (it === null) return code === 'MALFORMED';
    if (code === 'NO_QUORUM') return refusal.leaderlessMs >= leaderlessMs;
    if (code === 'BACKEND') return refusal.keysFail;
    if (code === 'WATERMARK') return this.#marks.mayBeMarkedAgainst(id, it);
    for (const record of this.#truth.inForceSince(id, refusal.askedAtMs - staleMs)) {
      const verdict = verdictOf(record, it);
      if (code === 'PROPOSAL_RETIMED') {
        if (verdict === 'retimed' && it.hrs.step === 1) return true;
      } else if (verdict === verdictBehind[code]) return true;
    }
    return false;
  }
}
