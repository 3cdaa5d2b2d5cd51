/**
 * Who is a member of this cluster, as far as this replica knows.
 *
 * Owns    the memberships that it must reckon with, whom it links with for them, and who is no member any more.
 *           in force   the log's last; it may yet be truncated, and then the one before it holds again
 *           committed  the last that surely stays: only by this one somebody is removed
 *           told       what another member says is committed, where that is newer than our log: a replica that
 *                      was away, was just admitted, or waits for that, hears a leader that it never heard of. Raft's
 *                      receivers take entries and give votes whoever asks (dissertation, 4.1); who is at the
 *                      other end at all is what certificates and this list say
 * Never   counts votes or entries: the core does, under the membership in force.
 * Rule    rules 9, 39, 42; docs/architecture.md, consensus 8.
 * Proof   test/known-members.test.ts.
 */
import {
  type Member,
  type MemberId,
  type Membership,
  membersOf,
  type PlacedMembership,
  type RecoveredLog,
  type Standing,
} from './core/index.js';
import type { ListedMember } from './founding.js';
import type { PeerEndpoint } from './transport.js';

export class KnownMembers {
  readonly #self: { readonly id: MemberId; readonly name: string };
  readonly #listed: readonly ListedMember[];
  #standing: Standing | null = null;
  #told: PlacedMembership | null = null;
  /** Of both; anew when one changes: each message that comes is asked for. */
  #everyone: readonly Member[] | null = null;

  /** @param listed  as configured: its addresses win, and before the log says more, its names */
  constructor(
    self: { readonly id: MemberId; readonly name: string },
    listed: readonly ListedMember[],
  ) {
    this.#self = self;
    this.#listed = listed;
  }

  /** Before the core runs: of what is on the disk, no more than the snapshot is known as committed. */
  recovered({ snapshot, entries }: RecoveredLog): void {
    const { index, membership } = snapshot;
    const last = entries.findLast((entry) => entry.kind === 'membership');
    this.follow({
      inForce: last?.kind === 'membership' ? last : { index, membership },
      committed: { index, membership },
    });
  }

  /** @returns whether it says something new */
  follow(standing: Standing): boolean {
    const before = this.#standing;
    this.#standing = standing;
    if (
      before?.inForce.index !== standing.inForce.index ||
      before.committed.index !== standing.committed.index
    ) {
      this.#everyone = null;
    }
    const isNews =
      before?.inForce.membership !== standing.inForce.membership ||
      before.committed.membership !== standing.committed.membership;
    if (isNews) this.#everyone = null;
    return isNews;
  }

  /** A member that is linked says so. @returns whether it is newer than what is known here */
  told(placed: PlacedMembership): boolean {
    const known = Math.max(this.#told?.index ?? -1, this.#standing?.committed.index ?? -1);
    if (placed.index <= known) return false;
    this.#told = placed;
    this.#everyone = null;
    return true;
  }

  get standing(): Standing | null {
    return this.#standing;
  }

  isMember(id: MemberId): boolean {
    return this.#all().some((member) => member.id === id);
  }

  /** Its removal is committed: it is never a member again. */
  isRemoved(id: MemberId): boolean {
    return this.#departed().some((member) => member.id === id);
  }

  isVoter(id: MemberId): boolean {
    return this.#memberships().some(({ voters }) => voters.some((voter) => voter.id === id));
  }

  /** More than one while a replacement that keeps the name is under way. */
  idsOf(name: string): readonly MemberId[] {
    return this.#all().flatMap((member) => (member.name === name ? [member.id] : []));
  }

  nameOf(id: MemberId): string | null {
    const known = [...this.#all(), ...this.#departed()].find((member) => member.id === id);
    return known?.name ?? null;
  }

  /**
   * With whom to keep links: one for each name, the newest member of that name.
   * @param leader  kept though it was removed: it has a word to say about who leads next
   */
  endpoints(leader: MemberId | null): readonly PeerEndpoint[] {
    const found = new Map<string, PeerEndpoint>();
    const add = (id: MemberId | null, name: string, address: string): void => {
      if (name === this.#self.name || id === this.#self.id || found.has(name)) return;
      found.set(name, { id, name, address });
    };
    const leading = this.#departed().filter(({ id }) => id === leader);
    for (const member of [...this.#all(), ...leading]) {
      if (this.isRemoved(member.id) && member.id !== leader) continue;
      const own = this.#listed.find((listed) => isSame(listed, member));
      add(member.id, member.name, own?.address ?? member.address);
    }
    for (const listed of this.#listed) {
      if (this.#departed().some((member) => isSame(listed, member))) continue;
      add(listed.id, listed.name, listed.address);
    }
    return [...found.values()];
  }

  /** Newest first; empty before the founding. */
  #memberships(): readonly Membership[] {
    if (this.#standing === null) return this.#told === null ? [] : [this.#told.membership];
    const { inForce, committed } = this.#standing;
    const newer = this.#told !== null && this.#told.index > committed.index ? [this.#told] : [];
    return [...newer, inForce, committed]
      .sort((a, b) => b.index - a.index)
      .map(({ membership }) => membership);
  }

  #all(): readonly Member[] {
    this.#everyone ??= this.#memberships().flatMap(membersOf);
    return this.#everyone;
  }

  #departed(): readonly Member[] {
    return this.#standing?.committed.membership.departed ?? [];
  }
}

/** A listed name alone may be that of one who took another's place. */
const isSame = (listed: ListedMember, member: Member): boolean =>
  listed.name === member.name && (listed.id === null || listed.id === member.id);
