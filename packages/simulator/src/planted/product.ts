/**
 * The planted bugs above consensus: verdicts, gates, registration, links.
 *
 * Owns    the list.
 */
import { extensionAlwaysSigned } from './extension-always-signed.js';
import { fileAheadIgnored } from './file-ahead-ignored.js';
import { floorExclusive } from './floor-exclusive.js';
import { floorLowered } from './floor-lowered.js';
import { guardNotArmed } from './guard-not-armed.js';
import { haltHeightSigned } from './halt-height-signed.js';
import { importOfOtherBytes } from './import-of-other-bytes.js';
import { lateAnswerToTheNext } from './late-answer-to-the-next.js';
import { leapGranted } from './leap-granted.js';
import { leasePermits } from './lease-permits.js';
import { limitsOfThisReplica } from './limits-of-this-replica.js';
import { linkKeptWithoutALeader } from './link-kept-without-a-leader.js';
import { markedBeforeJudged } from './marked-before-judged.js';
import { neverSignedBesideAFile } from './never-signed-beside-a-file.js';
import { nilIsNoConflict } from './nil-is-no-conflict.js';
import { noSecondGate } from './no-second-gate.js';
import { otherBytesOnlyReported } from './other-bytes-only-reported.js';
import { otherPayloadOnTheSecondTry } from './other-payload-on-the-second-try.js';
import { ownSignatureNotVerified } from './own-signature-not-verified.js';
import type { Plant } from './plant.js';
import { refusesWithoutWaiting } from './refuses-without-waiting.js';
import { registeredBySome } from './registered-by-some.js';
import { releasedAtPropose } from './released-at-propose.js';
import { releasedBeforeTheMark } from './released-before-the-mark.js';
import { repeatsBelowTheLast } from './repeats-below-the-last.js';
import { restoredWithoutItsBytes } from './restored-without-its-bytes.js';
import { retimedProposalAnswered } from './retimed-proposal-answered.js';
import { retiredSignsOn } from './retired-signs-on.js';
import { servesBeforeTheFloors } from './serves-before-the-floors.js';
import { signsWhatWasAsked } from './signs-what-was-asked.js';
import { timeIsContent } from './time-is-content.js';
import { unknownTakenForGranted } from './unknown-taken-for-granted.js';
import { unknownToldAsRefused } from './unknown-told-as-refused.js';
import { verdictByIndexAlone } from './verdict-by-index-alone.js';

export const productPlants: readonly Plant[] = [
  releasedAtPropose,
  otherPayloadOnTheSecondTry,
  restoredWithoutItsBytes,
  verdictByIndexAlone,
  signsWhatWasAsked,
  floorExclusive,
  importOfOtherBytes,
  markedBeforeJudged,
  neverSignedBesideAFile,
  leasePermits,
  limitsOfThisReplica,
  registeredBySome,
  lateAnswerToTheNext,
  linkKeptWithoutALeader,
  nilIsNoConflict,
  timeIsContent,
  retimedProposalAnswered,
  haltHeightSigned,
  retiredSignsOn,
  guardNotArmed,
  unknownToldAsRefused,
  unknownTakenForGranted,
  releasedBeforeTheMark,
  noSecondGate,
  ownSignatureNotVerified,
  fileAheadIgnored,
  otherBytesOnlyReported,
  servesBeforeTheFloors,
  refusesWithoutWaiting,
  extensionAlwaysSigned,
  leapGranted,
  floorLowered,
  repeatsBelowTheLast,
];
