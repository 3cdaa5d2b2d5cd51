/**
 * The planted bugs of members that come and go, which worlds from seeds find.
 *
 * Owns    the list. Those that need a story of their own are found by a scenario.
 */
import { identityUsedAgain } from './identity-used-again.js';
import type { Plant } from './plant.js';
import { witnessServes } from './witness-serves.js';

export const membershipPlants: readonly Plant[] = [witnessServes, identityUsedAgain];
