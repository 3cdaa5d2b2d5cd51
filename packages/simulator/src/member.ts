/**
 * One replica of a world, and what the world knows of it beside.
 *
 * Owns    what was done to it, by which its ends and refusals are explained.
 */
import type { Membership } from '@cometkms/consensus';
import type { Trip } from './faults.js';
import type { SigningFate } from './keys.js';
import type { Station } from './network-station.js';
import type { SimulatedReplica } from './replica.js';
import type { SimulatedValidatorLink } from './validator-link.js';

export interface Member {
  readonly number: number;
  readonly replica: SimulatedReplica;
  readonly id: string;
  /** Its home holds no key. */
  readonly witness: boolean;
  /** Null: it is the one that its identity was made for. */
  readonly copyOf: Member | null;
  station: Station | null;
  /** Its links to validators, in the process that runs. */
  links: SimulatedValidatorLink[];
  /** Its disk was damaged, put back, or copied: what it says may be refused, by itself or by others. */
  marred: boolean;
  /** A call to its disk has failed in this life. */
  diskFailed: boolean;
  /** Brings it down at the next write of this kind. */
  trip: Trip | null;
  keyFate: SigningFate;
  validatorCut: boolean;
  /** Its operator has done with this home: no fault strikes it, and nobody starts it, until he does. */
  left: boolean;
  /** Its disk is gone for good: under this identity it never works again. */
  lost: boolean;
  /** Ends by itself, each explained; then the world leaves it. */
  doomed: number;
  /** The membership that was committed when its disk was first doubted. */
  doomedUnder: Membership | null;
  cancelStart: () => void;
}
