/**
 * What can happen to one replica next, and what it makes of it.
 *
 * Owns    the closed list of moves, which of them a world allows, and their wording.
 * Never   chooses among them, or knows the other replicas.
 */
import type { Message } from '@cometkms/consensus/core';
import { unreachable } from '@cometkms/invariant';
import { type Content, nameOfContent } from './contents.js';
import { keyOf, stateOf } from './disk.js';
import type { Belief } from './forgetting.js';
import type { Release } from './gate-place.js';
import type { Rooms } from './opening.js';
import { Place, type Sent } from './place.js';
import { type Replica, startedFrom } from './replica.js';
import type { World } from './worlds.js';

export type Move =
  | { readonly kind: 'deliver'; readonly sent: Sent; readonly belief: 'nothing' | 'standsBy' }
  | { readonly kind: 'timer'; readonly belief: Belief }
  | { readonly kind: 'sync'; readonly batches: number }
  | { readonly kind: 'propose'; readonly command: string }
  | { readonly kind: 'ask'; readonly content: Content }
  | { readonly kind: 'markWritten' }
  | { readonly kind: 'signed'; readonly which: number }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'link'; readonly peer: string }
  | { readonly kind: 'transfer'; readonly to: string }
  | { readonly kind: 'compact' }
  | { readonly kind: 'crash'; readonly kept: number; readonly markKept: boolean };

export interface Made {
  readonly replica: Replica;
  readonly sent: readonly Sent[];
  readonly releases: readonly Release[];
}

/** All but deliveries and crashes. */
export function ownMoves(replica: Replica, world: World): readonly Move[] {
  const { core, pending, gate } = replica;
  if (!world.slowDisks && pending.length > 0) return [{ kind: 'sync', batches: pending.length }];
  if (!world.slowGates && gate !== null) {
    if (gate.writing !== null) return [{ kind: 'markWritten' }];
    if (gate.signing.length > 0) return [{ kind: 'signed', which: 0 }];
  }
  const moves: Move[] = [...timers(replica, world)];
  for (let batches = 1; batches <= pending.length; batches += 1) {
    moves.push({ kind: 'sync', batches });
  }
  if (core.role.kind === 'leader') {
    const peers = [...core.role.peers.keys()];
    if (world.links) for (const peer of peers) moves.push({ kind: 'link', peer });
    if (world.transfers) for (const to of peers) moves.push({ kind: 'transfer', to });
    for (const command of replica.proposals) moves.push({ kind: 'propose', command });
  }
  if (world.compaction && replica.applied.length > core.snapshot.index) {
    moves.push({ kind: 'compact' });
  }
  if (gate === null) return moves;
  if (gate.state.phase === 'idle' && core.role.kind === 'leader') {
    for (const content of new Set(gate.asks)) moves.push({ kind: 'ask', content });
  }
  if (gate.writing !== null) moves.push({ kind: 'markWritten' });
  for (const which of gate.signing.keys()) moves.push({ kind: 'signed', which });
  if (gate.state.phase === 'turn' && world.slowGates) moves.push({ kind: 'deadline' });
  return moves;
}

/** Beyond the world's last term nobody campaigns: that is the bound, and the only one on terms. */
function timers({ core }: Replica, world: World): readonly Move[] {
  const timer = (belief: Belief): Move => ({ kind: 'timer', belief });
  if (core.role.kind === 'leader') {
    const moves = world.heartbeats ? [timer('heartbeat')] : [];
    if (world.quorumLost) moves.push(timer('quorumLost'));
    if (core.role.transfer !== null) moves.push(timer('transferExpired'));
    return moves;
  }
  const moves = core.hard.term < world.terms ? [timer('election')] : [];
  if (core.role.kind === 'candidate') moves.push(timer('repeat'));
  return moves;
}

/** By its own timer; a leader that hands over does not ask whether it may. */
export function isCampaign(move: Move): boolean {
  return move.kind === 'timer' && move.belief === 'election';
}

/** What is counted where a world bounds its requests. */
export function isRequest({ kind }: Move): boolean {
  return kind === 'ask' || kind === 'propose';
}

export function crashes({ pending, gate }: Replica): readonly Move[] {
  const moves: Move[] = [];
  for (let kept = 0; kept <= pending.length; kept += 1) {
    moves.push({ kind: 'crash', kept, markKept: false });
    if (gate !== null && gate.writing !== null) moves.push({ kind: 'crash', kept, markKept: true });
  }
  return moves;
}

export function deliveries(replica: Replica, sent: Sent, world: World): readonly Move[] {
  const { core, pending, gate } = replica;
  if (!world.slowDisks && pending.length > 0) return [];
  const works = gate !== null && (gate.writing !== null || gate.signing.length > 0);
  if (!world.slowGates && works) return [];
  const { kind } = sent.message;
  if (kind === 'timeoutNow' && core.hard.term >= world.terms) return [];
  const moves: Move[] = [{ kind: 'deliver', sent, belief: 'nothing' }];
  // A vote that stickiness refuses is dropped, which is no event; a pre-vote is answered.
  if (kind === 'preVote') moves.push({ kind: 'deliver', sent, belief: 'standsBy' });
  return moves;
}

/** @throws Broken, InvariantViolation  what production did must never happen */
export function make(rooms: Rooms, world: World, replica: Replica, move: Move): Made {
  if (move.kind === 'crash') return crash(rooms, replica, move);
  const place = new Place(rooms, replica);
  const proposals = perform(place, world, replica, move);
  place.gate?.hearResults();
  const left = place.left(proposals);
  const said = world.heartbeats
    ? place.sent
    : [...place.sent, ...newsOfCommit(rooms, replica, left)];
  const sent = world.preVotes ? said : said.filter((each) => !isPreVote(each.message));
  return { replica: left, sent, releases: place.releases };
}

/**
 * In worlds without heartbeats: what the next one says to a peer of a commit that it could not be told of before. It is
 * said at once, and may arrive whenever a later one might. For the leader it is as if it had not beaten.
 */
function newsOfCommit(rooms: Rooms, before: Replica, after: Replica): readonly Sent[] {
  const { role } = after.core;
  if (role.kind !== 'leader') return [];
  const isNews = (id: string): boolean => tellable(after, id) > tellable(before, id);
  const commits = after.core.commit > before.core.commit;
  if (!commits && ![...role.peers.keys()].some(isNews)) return [];
  const place = new Place(rooms, after);
  place.feed({ kind: 'wake' }, 'heartbeat');
  // The first to each peer is the beat itself; whether it may say that much is what the search is to see.
  const beats = new Map(place.sent.toReversed().map((each) => [each.to, each]));
  return [...beats.values()].filter(
    ({ to, message }) => message.kind === 'append' && message.commit > tellable(before, to),
  );
}

/** How far a leader may tell this peer of commits (rule 19). */
function tellable({ core }: Replica, id: string): number {
  const match = core.role.kind === 'leader' ? core.role.peers.get(id)?.match : undefined;
  return Math.min(core.commit, match ?? 0);
}

const isPreVote = (message: Message): boolean => message.kind === 'preVote';

/** @returns what may still be proposed */
function perform(
  place: Place,
  world: World,
  replica: Replica,
  move: Exclude<Move, { kind: 'crash' }>,
): readonly string[] {
  switch (move.kind) {
    case 'deliver':
      place.feed(
        { kind: 'message', from: move.sent.from, message: move.sent.message },
        move.belief,
      );
      break;
    case 'timer':
      place.feed({ kind: 'wake' }, move.belief);
      if (move.belief === 'election' && !world.preVotes) winPreVote(place);
      break;
    case 'sync':
      place.sync(move.batches);
      break;
    case 'propose':
      place.propose(Buffer.from(move.command));
      return replica.proposals.filter((command) => command !== move.command);
    case 'ask':
      place.gate?.ask(move.content);
      break;
    case 'markWritten':
      place.gate?.markWritten();
      break;
    case 'signed':
      place.gate?.signed(move.which);
      break;
    case 'deadline':
      place.gate?.deadline();
      break;
    case 'link':
      place.feed({ kind: 'link', peer: move.peer, state: 'closed' });
      place.feed({ kind: 'link', peer: move.peer, state: 'up' });
      break;
    case 'transfer':
      place.feed({ kind: 'transfer', to: move.to });
      break;
    case 'compact': {
      const index = replica.applied.length;
      place.feed({ kind: 'compact', index, state: stateOf(replica.applied) });
      break;
    }
    default:
      unreachable(move);
  }
  return replica.proposals;
}

/** Worlds without pre-votes take them as granted by all: they bind nobody, so that is one of the things that happen. */
function winPreVote(place: Place): void {
  const { core } = place;
  for (const { id } of core.snapshot.membership.voters) {
    if (id === core.config.self || core.role.kind !== 'preCandidate') continue;
    const message = { kind: 'preVoteReply', term: core.hard.term + 1, granted: true } as const;
    place.feed({ kind: 'message', from: id, message });
  }
}

function crash(
  rooms: Rooms,
  replica: Replica,
  { kept, markKept }: Extract<Move, { kind: 'crash' }>,
): Made {
  const disk = new Place(rooms, replica).diskAfterCrash(kept);
  const { gate } = replica;
  const restarted =
    gate === null
      ? null
      : {
          ...gate,
          state: rooms.gate.idle,
          lastTicket: 0,
          marked: markKept && gate.writing !== null ? gate.writing.mark : gate.marked,
          writing: null,
          signing: [],
          reserving: null,
        };
  const { self, proposals } = replica;
  const process = startedFrom(rooms, self, disk);
  // Gates stand in worlds without compaction: their record comes from the whole log again.
  const made = { self, proposals, ...process, gate: restarted, record: replica.firstRecord };
  return { replica: { ...made, firstRecord: replica.firstRecord }, sent: [], releases: [] };
}

// ---------------------------------------------------------------------------------- wording

export function describe(self: string, move: Move): string {
  switch (move.kind) {
    case 'deliver': {
      const { from, message } = move.sent;
      const believes = move.belief === 'standsBy' ? ', which stands by its leader' : '';
      return `${from} -> ${self}${believes}: ${describeMessage(message)}`;
    }
    case 'timer':
      return `${self} timer: ${move.belief}`;
    case 'sync':
      return `${self} disk: ${move.batches} of its batches are durable`;
    case 'propose':
      return `${self} is given ${move.command} to propose`;
    case 'ask':
      return `${self} is asked to sign ${move.content}`;
    case 'markWritten':
      return `${self} disk: the mark is durable`;
    case 'signed':
      return `${self} key: signature ${move.which + 1} is made`;
    case 'deadline':
      return `${self} gate: the turn's time is over`;
    case 'link':
      return `${self} loses its link to ${move.peer}, and gets it back`;
    case 'transfer':
      return `${self} is to hand leadership to ${move.to}`;
    case 'compact':
      return `${self} compacts its log`;
    case 'crash':
      return `${self} crashes and starts again; of what was being written, ${move.kept} batches${
        move.markKept ? ' and the mark' : ''
      } are on its disk`;
  }
}

export function describeMessage(message: Message): string {
  const { kind, term } = message;
  switch (message.kind) {
    case 'preVote':
    case 'vote':
      return `${kind} ${term}, log ends at ${message.lastIndex} of term ${message.lastTerm}`;
    case 'preVoteReply':
    case 'voteReply':
      return `${kind} ${term} ${message.granted ? 'granted' : 'refused'}`;
    case 'append': {
      const entries = message.entries.map((entry) => `[${shown(keyOf(entry))}]`).join(' ');
      const after = `after ${message.prevIndex} of term ${message.prevTerm}`;
      return `append ${term} ${after}: ${entries === '' ? 'nothing' : entries}, commit ${message.commit}`;
    }
    case 'appendReply':
      return `appendReply ${term} ${message.refused ? 'refused' : `match ${message.match}`}`;
    case 'installSnapshot':
      return `installSnapshot ${term} at ${message.snapshot.index}`;
    case 'timeoutNow':
      return `timeoutNow ${term} at ${message.lastIndex}`;
  }
}

/** An entry for people. */
export function shown(key: string): string {
  const [term, command] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)];
  if (!key.includes(':')) return `term ${key}`;
  return `term ${term}: ${/^[\w -]+$/.test(command) ? command : 'a reservation'}`;
}

/** A release for people. */
export function describeRelease({ signBytes, signature }: Release): string {
  const over = nameOfContent(signature);
  const said = nameOfContent(signBytes);
  return over === said ? `RELEASES ${said}` : `RELEASES ${said}, signed over ${over}`;
}
