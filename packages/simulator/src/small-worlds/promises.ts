/**
 * What a message says of its sender's disk, and whether that is so at the moment it leaves.
 *
 * Owns    the meaning of each promise. The surest check there is: it sees a promise too early at once, long before
 *         two leaders or two contents come of it.
 * Rule    rules 1, 10, 11 and 23.
 */
import type { Message } from '@cometkms/consensus/core';
import { type Disk, keysOn } from './disk.js';

/**
 * @param log  the sender's log when it made the promise: what an acknowledgement covers
 * @returns what is wrong; null: the disk bears the message out
 */
export function unbacked(
  disk: Disk,
  self: string,
  to: string,
  message: Message,
  log: readonly string[],
): string | null {
  const { term, votedFor } = disk.hard;
  switch (message.kind) {
    case 'preVote':
    case 'preVoteReply':
      return null;
    case 'vote':
    case 'append':
    case 'installSnapshot':
    case 'timeoutNow':
      if (term < message.term)
        return `${message.kind} of term ${message.term} left before that term was durable`;
      return term > message.term || votedFor === self || message.kind === 'timeoutNow'
        ? null
        : `${message.kind} of term ${message.term} left before the own vote was durable`;
    case 'voteReply':
      if (term < message.term)
        return `a vote's answer left before term ${message.term} was durable`;
      return !message.granted || term > message.term || votedFor === to
        ? null
        : `a vote for ${to} in term ${message.term} was promised; on disk it is for ${votedFor}`;
    case 'appendReply': {
      if (term < message.term)
        return `an acknowledgement left before term ${message.term} was durable`;
      if (message.refused) return null;
      const durable = keysOn(disk);
      for (let index = 1; index <= message.match; index += 1) {
        if (durable[index - 1] !== log[index - 1]) {
          return `entries up to ${message.match} were acknowledged; on disk number ${index} is not what was`;
        }
      }
      return null;
    }
  }
}
