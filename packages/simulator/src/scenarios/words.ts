/**
 * Entries, messages and memberships in the words of a trace.
 *
 * Owns    their spelling: an entry is `term:index` and what it says, as `2:3 7/0/prevote X`.
 * Never   shows what no story is about: rounds, hints, receipts.
 */
import type { Entry, Membership, Message } from '@cometkms/consensus/core';
import { decodeCommand } from '@cometkms/sign-state';
import { describeBytes, writeHrs } from './signing.js';

export const placeOf = ({ term, index }: Pick<Entry, 'term' | 'index'>): string =>
  `${term}:${index}`;

export function describeEntry(entry: Entry): string {
  return `${placeOf(entry)} ${contentOfEntry(entry)}`;
}

function contentOfEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'empty':
      return 'empty';
    case 'membership':
      return describeMembership(entry.membership);
    case 'command':
      return describeCommand(entry.command);
    case 'rules':
      return `rules ${entry.version}`;
    case 'stateHash':
      return `state hash at ${entry.at}`;
  }
}

export function describeCommand(bytes: Uint8Array): string {
  const command = decodeCommand(bytes);
  switch (command.kind) {
    case 'reserve':
      return describeBytes(command.signBytes);
    case 'raiseFloor':
      return `floor ${writeHrs(command.floor)}`;
    case 'setHaltHeight':
      return command.height === null ? 'halt lifted' : `halt ${command.height}`;
    case 'registerChain':
      return 'registration';
    case 'setLimits':
      return 'limits';
    case 'retire':
      return 'retirement';
  }
}

export function describeMembership({ voters, learners }: Membership): string {
  const names = (members: Membership['voters']): string => members.map(({ id }) => id).join(' ');
  const taught = learners.length === 0 ? '' : `, learners ${names(learners)}`;
  return `voters ${names(voters)}${taught}`;
}

export function describeMessage(message: Message): string {
  switch (message.kind) {
    case 'preVote':
    case 'vote': {
      const { kind, term, lastTerm, lastIndex } = message;
      return `${kind} of term ${term}, log to ${lastTerm}:${lastIndex}`;
    }
    case 'preVoteReply':
    case 'voteReply':
      return `${message.kind} of term ${message.term}, ${message.granted ? 'granted' : 'refused'}`;
    case 'append': {
      const { term, entries, prevTerm, prevIndex, commit } = message;
      const what = entries.length === 0 ? 'nothing' : entries.map(placeOf).join(' ');
      return `append of term ${term}, ${what} after ${prevTerm}:${prevIndex}, commit ${commit}`;
    }
    case 'appendReply':
      return `appendReply of term ${message.term}, ${message.refused ? 'refused' : `match ${message.match}`}`;
    case 'installSnapshot': {
      const { term, snapshot } = message;
      return `installSnapshot of term ${term}, up to ${placeOf(snapshot)}`;
    }
    case 'timeoutNow':
      return `timeoutNow of term ${message.term}, log to ${message.lastIndex}`;
  }
}

/** An append without entries, and the answer to one: nothing that a story would miss. */
export function isHeartbeat(message: Message): boolean {
  return message.kind === 'append' && message.entries.length === 0;
}
