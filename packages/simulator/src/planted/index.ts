/**
 * All planted bugs, in the order of their table.
 *
 * Owns    the list.
 */
import { ackOfOwnEnd } from './ack-of-own-end.js';
import { appendAckBeforeDurable } from './append-ack-before-durable.js';
import { applyReadsTheClock } from './apply-reads-the-clock.js';
import { commitToOwnEnd } from './commit-to-own-end.js';
import { copyTakenForARestart } from './copy-taken-for-a-restart.js';
import { coveredByIndexAlone } from './covered-by-index-alone.js';
import { damageCutAsATear } from './damage-cut-as-a-tear.js';
import { directoryNotSynced } from './directory-not-synced.js';
import { durableNoticeByIndex } from './durable-notice-by-index.js';
import { failedWriteSyncedAgain } from './failed-write-synced-again.js';
import { foundedByFewer } from './founded-by-fewer.js';
import { honestTailRefused } from './honest-tail-refused.js';
import { lateWakeTakenForSilence } from './late-wake-taken-for-silence.js';
import { leaderCountsUndurable } from './leader-counts-undurable.js';
import { matchFromARefusal } from './match-from-a-refusal.js';
import { memberPlants } from './members.js';
import { olderTermCommitsByCount } from './older-term-commits-by-count.js';
import type { Plant } from './plant.js';
import { preVoteClearsVote } from './pre-vote-clears-vote.js';
import { productPlants } from './product.js';
import { repeatedAppendAck } from './repeated-append-ack.js';
import { repeatedVoteRequest } from './repeated-vote-request.js';
import { rolledBackDiskTakenBack } from './rolled-back-disk-taken-back.js';
import { rulesRaisedOverTheAbsent } from './rules-raised-over-the-absent.js';
import { segmentOfAFullDisk } from './segment-of-a-full-disk.js';
import { shortWriteTakenForWhole } from './short-write-taken-for-whole.js';
import { shorterLogTakenBack } from './shorter-log-taken-back.js';
import { snapshotApartFromReset } from './snapshot-apart-from-reset.js';
import { snapshotBelowCommit } from './snapshot-below-commit.js';
import { snapshotDropsSuffix } from './snapshot-drops-suffix.js';
import { snapshotWithoutItsState } from './snapshot-without-its-state.js';
import { staleTimeoutNow } from './stale-timeout-now.js';
import { termOvertakesEntries } from './term-overtakes-entries.js';
import { termSaidBeforeDurable } from './term-said-before-durable.js';
import { truncateApartFromAppend } from './truncate-apart-from-append.js';
import { truncateOnEveryAppend } from './truncate-on-every-append.js';
import { voteErasedOnStepDown } from './vote-erased-on-step-down.js';
import { voteOfTheUnknownJoiner } from './vote-of-the-unknown-joiner.js';
import { voteReplyBeforeDurable } from './vote-reply-before-durable.js';
import { voteWithAnotherTerm } from './vote-with-another-term.js';
import { votesCountedTwice } from './votes-counted-twice.js';

export const plants: readonly Plant[] = [
  voteReplyBeforeDurable,
  repeatedVoteRequest,
  voteWithAnotherTerm,
  voteErasedOnStepDown,
  preVoteClearsVote,
  coveredByIndexAlone,
  votesCountedTwice,
  appendAckBeforeDurable,
  repeatedAppendAck,
  leaderCountsUndurable,
  termOvertakesEntries,
  truncateApartFromAppend,
  durableNoticeByIndex,
  olderTermCommitsByCount,
  commitToOwnEnd,
  truncateOnEveryAppend,
  matchFromARefusal,
  ackOfOwnEnd,
  snapshotApartFromReset,
  snapshotDropsSuffix,
  snapshotBelowCommit,
  snapshotWithoutItsState,
  failedWriteSyncedAgain,
  shortWriteTakenForWhole,
  segmentOfAFullDisk,
  directoryNotSynced,
  damageCutAsATear,
  shorterLogTakenBack,
  applyReadsTheClock,
  rulesRaisedOverTheAbsent,
  termSaidBeforeDurable,
  rolledBackDiskTakenBack,
  copyTakenForARestart,
  honestTailRefused,
  voteOfTheUnknownJoiner,
  foundedByFewer,
  lateWakeTakenForSilence,
  staleTimeoutNow,
  ...memberPlants,
  ...productPlants,
];
