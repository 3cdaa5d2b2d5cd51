/**
 * What no sound peer says.
 *
 * Owns    the checks that stand between what a peer sent and the core's invariants: to the core these are its
 *         own broken rules, and end the process; a peer's must not.
 * Never   judges what only a broken cluster can show (two leaders in a term, a leader without what is
 *         committed): that must not pass in silence, and the core stops at it.
 * Rule    entries follow `prevIndex` without a hole, and terms never fall (dissertation, 3.5); one voter comes
 *         or goes at a time (4.1).
 * Proof   test/message-check.test.ts: any message that passes leaves a core standing.
 */
import {
  type Core,
  type Entry,
  type Membership,
  type Message,
  membershipAt,
  membersOf,
  rulesAt,
  type Snapshot,
  type Term,
  votersApart,
} from './core/index.js';

type Append = Extract<Message, { kind: 'append' }>;

/** Why a message is not to reach the core, or null. */
export function objectionTo(core: Core, message: Message): string | null {
  // Terms begin at 1; only who answers a question may not have come that far.
  if (message.kind !== 'preVoteReply' && message.term < 1) return 'a term below 1';
  switch (message.kind) {
    case 'append':
      return faultOfAppend(message) ?? faultOfChanges(core, message);
    case 'installSnapshot':
      return faultOfSnapshot(message.snapshot, message.term);
    case 'appendReply': {
      const ours = core.role.kind === 'leader' && message.term === core.hard.term;
      const beyond = !message.refused && message.match > core.log.lastIndex;
      return ours && beyond ? 'it acknowledges more than it was sent' : null;
    }
    default:
      return null;
  }
}

function faultOfAppend({ term, prevIndex, prevTerm, entries }: Append): string | null {
  const place = faultOfPlace(prevIndex, prevTerm);
  if (place !== null) return place;
  let last = { index: prevIndex, term: Math.max(prevTerm, 1) };
  for (const entry of entries) {
    if (entry.index !== last.index + 1) return 'entries with a hole';
    if (entry.term < last.term) return 'terms that fall';
    const fault = faultOfContent(entry);
    if (fault !== null) return fault;
    last = entry;
  }
  return Math.max(prevTerm, last.term) > term ? 'an entry of a term yet to come' : null;
}

function faultOfContent(entry: Entry): string | null {
  if (entry.kind === 'membership') return faultOfMembership(entry.membership);
  if (entry.kind !== 'stateHash') return null;
  if (entry.at >= entry.index) return 'a hash of a state that is yet to come';
  return entry.hash.length === 64 ? null : 'a hash of another length';
}

function faultOfSnapshot({ index, term, membership }: Snapshot, of: Term): string | null {
  const place = faultOfPlace(index, term);
  if (place !== null) return place;
  if (term > of) return 'a snapshot of a term yet to come';
  return faultOfMembership(membership);
}

function faultOfMembership(membership: Membership): string | null {
  const ids = [...membersOf(membership), ...(membership.departed ?? [])].map(({ id }) => id);
  if (membership.voters.length === 0) return 'a membership without voters';
  return new Set(ids).size < ids.length ? 'a membership that names one twice' : null;
}

/**
 * Two voters at once, and majorities before and after need not meet (dissertation, 4.1). Judged where the logs
 * join: elsewhere it is not known what came before.
 */
function faultOfChanges(core: Core, { prevIndex, prevTerm, entries }: Append): string | null {
  if (core.log.termAt(prevIndex) !== prevTerm) return null;
  let { membership } = membershipAt(core, prevIndex);
  let rules = rulesAt(core, prevIndex);
  for (const entry of entries) {
    if (entry.kind === 'rules') {
      if (entry.version <= rules) return 'rules that do not rise';
      rules = entry.version;
    }
    if (entry.kind !== 'membership') continue;
    if (votersApart(membership, entry.membership) > 1) return 'two voters changed at once';
    membership = entry.membership;
  }
  return null;
}

/** Index 0 is before the first entry, and has term 0; nothing else has. */
function faultOfPlace(index: number, term: Term): string | null {
  return (index === 0) === (term === 0) ? null : 'a place that no log has';
}
