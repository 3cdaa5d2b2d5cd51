/**
 * When a new replica takes a cluster's word that it was admitted.
 *
 * Owns    the judgement from what linked members tell. Pure.
 * Never   founds, or believes a single member: that one may lag, and take a voter that lost its disk for the
 *         learner that it once was.
 * Rule    rule 9; docs/architecture.md, consensus 8.
 * Proof   test/admission.test.ts (every sight of three voters).
 *
 * Why a majority of the voters of the newest membership that is told. A replica that joins has promised nothing:
 * that must be so of its identity, not only of its empty disk. A promise of it may count from the entry on that
 * makes it a voter, and never before. A member tells it only what is committed, and only while its log holds nothing
 * newer; and it refuses an identity that its log makes a voter. Say the newest told is C, N voters strong, and
 * the next committed one is C'. A majority of C' holds that entry.
 *   C' makes the newcomer a voter: it may be one of that majority, but at least majority(N + 1) - 1 of the N
 *      hold it; those who do not are fewer than majority(N). So one who tells holds it, and would have refused.
 *   C' is any other change: majorities of C and of C' share a voter, which would have told C'.
 * Where that entry is not committed, an election may count the newcomer all the same. Who voted for it wrote
 * down that it joined, with the vote, and refuses it: too few are left. Two candidates of one term that both
 * count it hold the entry and refuse it; of fewer than seven voters, too few others are left. With seven, what
 * is left is that a majority met it when it joined, and wrote that down.
 */
import { type MemberId, type Membership, majority, membersOf } from './core/index.js';
import type { Genesis } from './storage.js';

export interface AdmissionFacts {
  readonly self: MemberId;
  /** As the certificate says; null: whatever all of them say. */
  readonly clusterId: string | null;
  /** By who told it; only of links that are up. */
  readonly told: ReadonlyMap<MemberId, Genesis>;
}

export type AdmissionStep =
  | {
      readonly kind: 'wait';
      readonly why: /** Nobody told anything: not added yet, or nobody is there. */
        | 'untold'
        /** The newest membership does not have this identity as a learner. */
        | 'notLearner'
        /** Of different clusters, or of another one than the certificate's. */
        | 'clusters'
        /** Too few voters told it. */
        | 'tooFew';
      /** Voters of the newest membership that told. */
      readonly heard: number;
      readonly needed: number;
    }
  | { readonly kind: 'join'; readonly genesis: Genesis };

export function planAdmission({ self, clusterId, told }: AdmissionFacts): AdmissionStep {
  const [newest] = [...told.values()].sort((a, b) => placeOf(b) - placeOf(a));
  const admitted = newest?.admitted;
  if (newest === undefined || admitted === undefined) return wait('untold', 0, 1);
  const { voters, learners } = admitted.membership;
  const heard = voters.filter(({ id }) => told.has(id)).length;
  const needed = majority(voters.length);
  const alike = [...told.values()].every((one) => sameOrigin(one, newest));
  if (!alike || (clusterId ?? newest.clusterId) !== newest.clusterId) {
    return wait('clusters', heard, needed);
  }
  // A founder, too, is none: where it lost its disk, it may have voted.
  const isFounder = membersOf(newest.membership).some(({ id }) => id === self);
  if (isFounder || !learners.some(({ id }) => id === self)) {
    return wait('notLearner', heard, needed);
  }
  if (heard < needed) return wait('tooFew', heard, needed);
  return { kind: 'join', genesis: { ...newest, self } };
}

const wait = (
  why: Extract<AdmissionStep, { kind: 'wait' }>['why'],
  heard: number,
  needed: number,
): AdmissionStep => ({ kind: 'wait', why, heard, needed });

const placeOf = ({ admitted }: Genesis): number => admitted?.index ?? -1;

/** Whether two logs began alike. Addresses are each member's own. */
export function sameOrigin(a: Genesis, b: Genesis): boolean {
  const said = ({ voters }: Membership): string =>
    voters.map(({ id, name, witness }) => `${name}=${id}${witness ? '*' : ''}`).join();
  return a.clusterId === b.clusterId && said(a.membership) === said(b.membership);
}
