/**
 * The planted bugs of members that come and go, which worlds from seeds find.
 *
 * Owns    the list. Those that need a story of their own are found by a scenario.
 */
import type { Plant } from './plant.js';
import { whoLeftComesAgain } from './who-left-comes-again.js';
import { witnessServes } from './witness-serves.js';

export const membershipPlants: readonly Plant[] = [witnessServes, whoLeftComesAgain];
