/**
 * Whom this replica talks to, and whether it may.
 *
 * Owns    the judgement of a peer's hello, the hellos of links that are up, and the messages of a peer
 *         that has to be written down as joined before they count.
 * Never   sends, writes or steps: it says what is so.
 * Rule    docs/architecture.md, consensus 8: a member syncs that another has joined before it counts that
 *         one's first vote or acknowledgement; who shows less than it once did is refused, and who was removed
 *         is refused for ever.
 * Proof   test/introductions.test.ts, test/peer-marks.test.ts, test/node-identity.test.ts.
 */
import type { Index, Input, MemberId, Message } from './core/types.js';
import type { ListedMember } from './founding.js';
import type { KnownMembers } from './known-members.js';
import { PeerMarks } from './peer-marks.js';
import type { Genesis, PeerMark } from './storage.js';
import type { Hello, Refusal } from './transport.js';

export interface OwnShowing {
  readonly self: { readonly id: MemberId; readonly name: string };
  readonly members: readonly ListedMember[];
  readonly known: KnownMembers;
  /** It waits to be admitted: who it may meet is not what it was founded with. */
  readonly joins: boolean;
  /** Empty until it is known. */
  clusterId(): string;
  genesis(): Genesis | null;
}

type MessageInput = Extract<Input, { kind: 'message' }>;

/** Messages of one peer that wait for its joining to be on our disk, at most. */
const maxHeldMessages = 64;

export class Introductions {
  readonly #own: OwnShowing;
  readonly #judged = new Map<MemberId, Hello>();
  readonly #linked = new Map<MemberId, Hello>();
  readonly #held = new Map<MemberId, MessageInput[]>();
  #marks = new PeerMarks([]);

  constructor(own: OwnShowing) {
    this.#own = own;
  }

  recovered(marks: readonly PeerMark[]): void {
    this.#marks = new PeerMarks(marks);
  }

  /** Of links that are up. */
  get linked(): ReadonlyMap<MemberId, Hello> {
    return this.#linked;
  }

  /** What members must agree on to found together; addresses are each side's own. */
  membersDigest(): string {
    const said = this.#own.members.map(({ name, witness }) => (witness ? `${name}*` : name));
    return said.sort().join();
  }

  /** An accepted hello is remembered at once: a clone that greets meanwhile must find it. */
  judge(
    hello: Hello,
  ): { readonly accept: true } | { readonly accept: false; readonly refusal: Refusal } {
    const refusal = this.#refusal(hello);
    if (refusal !== null) return { accept: false, refusal };
    this.#judged.set(hello.from, hello);
    this.#marks.shown(hello);
    return { accept: true };
  }

  /** The link is up. @returns what its peer said, or null where it was never judged */
  up(peer: MemberId): Hello | null {
    const hello = this.#judged.get(peer) ?? null;
    if (hello !== null) this.#linked.set(peer, hello);
    return hello;
  }

  again(hello: Hello): void {
    this.#linked.set(hello.from, hello);
    this.#marks.shown(hello);
  }

  down(peer: MemberId): void {
    this.#linked.delete(peer);
    this.#held.delete(peer);
  }

  /** False where it has not joined, or another cluster than ours: neither may reach the core. */
  isOfOurs(peer: MemberId): boolean {
    const hello = this.#linked.get(peer);
    return hello?.joined === true && hello.clusterId === this.#own.clusterId();
  }

  /** It says that it joined, and our disk does not say so yet: to be written without waiting. */
  isToBeWritten(peer: MemberId): boolean {
    return this.#linked.get(peer)?.joined === true && !this.#marks.isJoinedDurably(peer);
  }

  /**
   * A vote or an acknowledgement counts only from a peer that is durably known as joined: else, wiped, it
   * might come back as new and promise the opposite. Held, not dropped: a vote is said once.
   * @returns true where it was held; `written` hands it out
   */
  hold(input: MessageInput): boolean {
    const { kind } = input.message;
    if (kind !== 'voteReply' && kind !== 'appendReply') return false;
    if (this.#marks.isJoinedDurably(input.from)) return false;
    const held = this.#held.get(input.from) ?? [];
    if (held.length < maxHeldMessages) held.push(input);
    this.#held.set(input.from, held);
    return true;
  }

  /** These marks are on disk. @returns what was held for them, in order */
  written(marks: readonly PeerMark[]): readonly MessageInput[] {
    return this.#marks.written(marks).flatMap((peer) => {
      const held = this.#held.get(peer) ?? [];
      this.#held.delete(peer);
      return held;
    });
  }

  takeDirtyMarks(): readonly PeerMark[] {
    return this.#marks.takeDirty();
  }

  /** What a message says of its sender's disk: its term, unless it only asks (rule 10). */
  heard(from: MemberId, message: Message): void {
    if (message.kind === 'preVote' || message.kind === 'preVoteReply') return;
    this.#marks.shownTerm(from, message.term);
  }

  /** All up to `index` is committed, and the peer said that its disk holds it. */
  acknowledged(peer: MemberId, index: Index): void {
    this.#marks.acknowledged(peer, index);
  }

  #refusal(hello: Hello): Refusal | null {
    const { known, joins } = this.#own;
    const { name, from } = hello;
    if (known.isRemoved(from)) {
      return { code: 'removed', detail: `${name} was removed from this cluster` };
    }
    const stranger = this.#strangerIn(hello);
    if (stranger !== null) return stranger;
    const [ours, theirs] = [this.#own.clusterId(), hello.clusterId];
    if (ours !== '' && theirs !== '' && ours !== theirs) {
      return { code: 'clusterDiffers', detail: `it is of cluster ${theirs}, we are of ${ours}` };
    }
    const digest = this.membersDigest();
    if (this.#own.genesis() === null && !joins && hello.membersDigest !== digest) {
      return { code: 'other', detail: `it lists ${hello.membersDigest}, we list ${digest}` };
    }
    const less = this.#marks.judge(hello);
    if (less !== null) return less;
    if (hello.emptyLog && this.#wasPromoted(from)) {
      return { code: 'emptyVoter', detail: `${name} is a voter, and its log is empty now` };
    }
    return this.#aliveElsewhere(hello);
  }

  /** A name that nobody here knows, or one that goes with another identity. */
  #strangerIn({ name, from, emptyLog }: Hello): Refusal | null {
    const { self, members, known } = this.#own;
    const listed = members.find((member) => member.name === name);
    const ids = known.idsOf(name);
    if (emptyLog && name !== self.name && ids.length === 0 && this.#isFoundedWithout(from)) {
      return { code: 'foundedWithout', detail: `the cluster was founded without ${name}` };
    }
    if (name === self.name || (listed === undefined && ids.length === 0)) {
      return { code: 'notMember', detail: `${name} is not another member listed here` };
    }
    const fits = ids.length > 0 ? ids.includes(from) : (listed?.id ?? from) === from;
    if (fits) return null;
    // `nameDiffers` is said by who knows: the log holds the identity with which this name joined.
    const code = ids.length > 0 && this.#own.genesis() !== null ? 'nameDiffers' : 'notMember';
    return { code, detail: `${name} shows another identity than the one known here` };
  }

  /**
   * A list may name it: one that was never brought up to date, or one that was edited too early. What was founded is
   * not founded again, so a home that waits for that would wait for ever, or begin a log of its own beside ours. Who
   * is to join waits on: it is to be admitted first. Before the log is read for members, the genesis names them.
   */
  #isFoundedWithout(id: MemberId): boolean {
    const genesis = this.#own.genesis();
    if (genesis === null || this.#own.known.isMember(id)) return false;
    return !genesis.membership.voters.some((founder) => founder.id === id);
  }

  /**
   * A voter that was not founded as one caught up first, so it had joined; this replica need not have met it
   * since. A founder may be about to write its genesis.
   */
  #wasPromoted(id: MemberId): boolean {
    const genesis = this.#own.genesis();
    // Who was only told of the members, and waits to be one, does not know who founded.
    if (genesis === null) return false;
    const founders = genesis.membership.voters;
    return this.#own.known.isVoter(id) && !founders.some((founder) => founder.id === id);
  }

  /**
   * Of an original and a copy that shows no less, whoever is linked goes on: else the copy would be taken for
   * a restart, and the original, refused for its earlier start, for the copy. Who really restarted waits
   * until the link of its earlier run is seen to have ended, which its next dial, or ours, finds out.
   */
  #aliveElsewhere({ from, name, runId }: Hello): Refusal | null {
    const linked = this.#linked.get(from);
    if (linked === undefined || linked.runId === runId) return null;
    return {
      code: 'alive',
      detail: `another process of ${name} is linked, with start ${linked.boot}`,
    };
  }
}
