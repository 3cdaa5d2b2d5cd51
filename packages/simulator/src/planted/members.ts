/**
 * The planted bugs of changing members.
 *
 * Owns    the list.
 */
import { changeBeforeOwnTerm } from './change-before-own-term.js';
import { changeCostsTheQuorum } from './change-costs-the-quorum.js';
import { identityUsedAgain } from './identity-used-again.js';
import { lastKeyHolderGoes } from './last-key-holder-goes.js';
import { learnerCounted } from './learner-counted.js';
import { membershipNotRolledBack } from './membership-not-rolled-back.js';
import type { Plant } from './plant.js';
import { removedLeaderLeadsOn } from './removed-leader-leads-on.js';
import { twoChangesAtOnce } from './two-changes-at-once.js';
import { witnessServes } from './witness-serves.js';

export const memberPlants: readonly Plant[] = [
  changeBeforeOwnTerm,
  twoChangesAtOnce,
  membershipNotRolledBack,
  learnerCounted,
  removedLeaderLeadsOn,
  identityUsedAgain,
  changeCostsTheQuorum,
  lastKeyHolderGoes,
  witnessServes,
];
