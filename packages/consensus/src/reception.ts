/**
 * What of a peer's words reaches the core, and when.
 *
 * Owns    the order of the checks on each message: of this cluster, a member, sound, durably joined; and what is
 *         remembered of its sender for it.
 * Never   steps the core with a word of one who was removed, or counts a promise that may be forgotten; and never
 *         passes over an entry that a later version wrote.
 * Rule    docs/architecture.md, consensus 8 and 11; rule 42.
 * Proof   test/node-strange-peers.test.ts, test/node-membership.test.ts.
 */
import type { Core, Index, Input, MemberId, Message } from './core/index.js';
import { ConsensusError } from './errors.js';
import type { Introductions } from './introductions.js';
import type { KnownMembers } from './known-members.js';
import { objectionTo } from './message-check.js';
import { type RulesRange, requireMessageApplies } from './rules-range.js';

export interface ReceptionWorld {
  core(): Core | null;
  feed(input: Input): void;
  dropped(from: MemberId, kind: Message['kind'], why: string): void;
}

type MessageInput = Extract<Input, { kind: 'message' }>;

export class Reception {
  readonly #introductions: Introductions;
  readonly #known: KnownMembers;
  readonly #rules: RulesRange;
  readonly #world: ReceptionWorld;

  /** @param rules  that this program can apply */
  constructor(
    introductions: Introductions,
    known: KnownMembers,
    rules: RulesRange,
    world: ReceptionWorld,
  ) {
    this.#introductions = introductions;
    this.#known = known;
    this.#rules = rules;
    this.#world = world;
  }

  /**
   * @param holds  of what is committed, the sender's disk holds all up to here
   * @throws ConsensusError CONSENSUS_RULES_UNKNOWN  what follows is not for this program
   */
  take(input: MessageInput, holds: Index = 0): void {
    const core = this.#world.core();
    const { from, message } = input;
    if (core === null) return;
    const objection = this.#strangerIn(core, from) ?? objectionTo(core, message);
    if (objection !== null) {
      this.#world.dropped(from, message.kind, objection);
      return;
    }
    requireMessageApplies(this.#rules, message);
    if (this.#introductions.hold(input)) return;
    this.#introductions.heard(from, message);
    this.#introductions.acknowledged(from, holds);
    this.#world.feed(input);
    // A follower learns of a commit after its leader: what it acknowledged counts without its saying so.
    if (message.kind !== 'appendReply' || core.role.kind !== 'leader') return;
    const match = core.role.peers.get(from)?.match ?? 0;
    this.#introductions.acknowledged(from, Math.min(match, core.commit));
  }

  /**
   * To close the link would not do: it comes again with each new one, and is never taken.
   * @throws ConsensusError CONSENSUS_RECORD_UNKNOWN  where a member said it
   */
  unknown(from: MemberId, detail: string): void {
    const core = this.#world.core();
    if (core === null || this.#strangerIn(core, from) !== null) return;
    throw new ConsensusError('CONSENSUS_RECORD_UNKNOWN', { detail });
  }

  /**
   * Not only members of the membership in force are heard: one that lags must take a new leader's entries,
   * and a new voter must be voted for by who does not know it yet (dissertation, 4.1). And a leader that was
   * removed has the last word of its leadership: who is to take over.
   */
  #strangerIn(core: Core, from: MemberId): string | null {
    if (!this.#introductions.isOfOurs(from)) return 'it has not joined this cluster';
    const heard = this.#known.isMember(from) || from === core.leader;
    return heard ? null : 'it is not a member';
  }
}
