/**
 * The links that the membership asks for, and the words about it that go over them.
 *
 * Owns    who is dialled and where, who is told the genesis and who is a member now, and what is done with being
 *         told. What is wrong with a new member's name or address is found before it is in the log for good.
 * Never   dials who was removed, or tells of a membership that may yet be rolled back.
 * Rule    rules 39 and 42; docs/architecture.md, consensus 8.
 * Proof   test/member-links.test.ts, test/node-membership.test.ts.
 */
import { sameOrigin } from './admission.js';
import { checkName } from './certificates.js';
import {
  type Core,
  type Member,
  type MemberId,
  membersOf,
  type RecoveredLog,
  standingOf,
} from './core/index.js';
import { ConsensusError } from './errors.js';
import type { ListedMember } from './founding.js';
import type { KnownMembers } from './known-members.js';
import { encodeGenesis } from './log-codec.js';
import type { MembershipNews } from './node-contract.js';
import type { Genesis } from './storage.js';
import { parseAddress } from './transport/address.js';
import type { PeerEndpoint, Transport } from './transport.js';

export interface MemberLinksWorld {
  core(): Core | null;
  /** Its record is written, too; else null. */
  joinedWith(): Genesis | null;
  linked(): Iterable<MemberId>;
  /** This peer's hello says that it joined. */
  hasJoined(peer: MemberId): boolean;
  /** It is to be admitted: until then its list may be older than what admits it. */
  readonly joins: boolean;
  changed(news: MembershipNews): void;
  /** An address that stands in the log, and cannot be dialled from here. */
  undialable(peer: PeerEndpoint, error: ConsensusError): void;
}

/** @throws ConsensusError CONSENSUS_NAME_INVALID, CONSENSUS_ADDRESS_INVALID */
export function checkNewMember({ id, name, address }: Member): void {
  checkName('replica name', name);
  if (id === '') throw new ConsensusError('CONSENSUS_NAME_INVALID', { what: 'identity', name: id });
  parseAddress(address);
}

export class MemberLinks {
  readonly #known: KnownMembers;
  readonly #listed: readonly ListedMember[];
  readonly #transport: Pick<Transport, 'setPeers' | 'send'>;
  readonly #world: MemberLinksWorld;
  #dialled = '';
  #dialledFor: MemberId | null = null;

  constructor(
    known: KnownMembers,
    listed: readonly ListedMember[],
    transport: Pick<Transport, 'setPeers' | 'send'>,
    world: MemberLinksWorld,
  ) {
    this.#known = known;
    this.#listed = listed;
    this.#transport = transport;
    this.#world = world;
  }

  /** Before the core runs. */
  learn(genesis: Genesis | null, log: RecoveredLog | null): void {
    if (log !== null) this.#known.recovered(log);
    if (genesis?.admitted !== undefined) this.#known.told(genesis.admitted);
  }

  /**
   * Another member says who is a member now. Who waits to be admitted must meet those, too, whom its list does not
   * have yet: a majority of them is to tell it (admission.ts).
   */
  onTold(told: Genesis | null): void {
    const own = this.#world.joinedWith();
    if (told?.admitted === undefined) return;
    if (own === null ? !this.#world.joins : !sameOrigin(told, own)) return;
    if (this.#known.told(told.admitted)) this.dial();
  }

  /** To be asked after each step. */
  follow(): void {
    const core = this.#world.core();
    if (core === null) return;
    const standing = standingOf(core);
    const news = this.#known.follow(standing);
    const isOut = (id: MemberId | null): boolean => id !== null && this.#known.isRemoved(id);
    const isNewLeader = core.leader !== this.#dialledFor;
    // Though whom to dial may be the same: one whose removal was not known as committed yet may have linked itself
    // under a name that another has by now. Its link ends here, and its next hello is told that it was removed. Not
    // while it leads: it has a word to say about who leads next.
    if ((news && !isOut(core.leader)) || (isNewLeader && isOut(this.#dialledFor))) {
      this.#dialled = '';
    }
    // Also where only the leader changed: one that was removed is kept while it leads.
    if (news || isNewLeader) this.dial();
    if (!news) return;
    const { index, membership } = standing.inForce;
    const committed = standing.committed.membership === membership;
    this.#world.changed({ membership, index, committed });
    for (const peer of this.#world.linked()) this.tellMembers(peer);
  }

  /**
   * The genesis, to who has none; and who is a member now: to one that waits to join, and to one that may have
   * missed it: also as soon as it says that it joined, as until then it does not take it. Nothing to one that waits
   * while a change is under way here: admission.ts rests on that. Another may be the very one without which that
   * change never commits, and would not hear a new voter that it does not know.
   */
  tellMembers(peer: MemberId): void {
    const genesis = this.#world.joinedWith();
    const { standing } = this.#known;
    if (genesis === null || standing === null) return;
    const { inForce, committed } = standing;
    const isUnderWay = inForce.membership !== committed.membership;
    if (isUnderWay && !this.#world.hasJoined(peer)) return;
    if (!membersOf(committed.membership).some(({ id }) => id === peer)) return;
    const { index, membership } = committed;
    const told = { ...genesis, admitted: { index, membership } };
    this.#transport.send(peer, { kind: 'found', genesis: encodeGenesis(told) });
  }

  /**
   * @throws ConsensusError CONSENSUS_ADDRESS_INVALID, CONSENSUS_INSECURE_ADDRESS  of an address in the
   *   configuration: one that only the log names must not end a replica
   */
  dial(): void {
    this.#dialledFor = this.#world.core()?.leader ?? null;
    let peers = this.#known.endpoints(this.#dialledFor);
    const said = JSON.stringify(peers);
    if (said === this.#dialled) return;
    this.#dialled = said;
    for (let bad = this.#setPeers(peers); bad !== null; bad = this.#setPeers(peers)) {
      const { address } = bad;
      peers = peers.filter((peer) => peer.address !== address);
    }
  }

  /** @returns the one that cannot be dialled; null: all are set */
  #setPeers(peers: readonly PeerEndpoint[]): PeerEndpoint | null {
    try {
      this.#transport.setPeers(peers);
      return null;
    } catch (error) {
      if (!(error instanceof ConsensusError)) throw error;
      const facts: { readonly address?: unknown } = { ...Object(error.facts) };
      const bad = peers.find((peer) => peer.address === facts.address);
      if (bad === undefined || this.#listed.some((one) => one.address === bad.address)) throw error;
      this.#world.undialable(bad, error);
      return bad;
    }
  }
}
