/**
 * What this replica knows about who dials which validator, for link-plan.ts.
 *
 * Owns    the answers to three questions: is it ours to dial, does another hold it, can only we reach it.
 * Never   gives an order.
 * Rule    docs/architecture.md, "Who holds a validator's link".
 * Proof   test/replica-dialling.test.ts.
 */
import type { RaftNode } from '@cometkms/consensus';
import type { Answer } from '@cometkms/sign-state';
import type { ReplicaClock } from './edges.js';
import { hostOf, isExclusive } from './link-plan.js';
import type { Members } from './members.js';
import type { LinkedChain } from './validator-links.js';

/** A member that was not heard for this long says nothing about the links that it holds. */
const HEARD_WITHIN_MS = 1000;

type Node = Pick<RaftNode<Answer>, 'id' | 'leader' | 'isUp' | 'heardAt'>;

export class Dialling {
  readonly #node: Node;
  readonly #members: Members;
  /** As configured; the members' own come from the log. */
  readonly #addresses: readonly string[];
  readonly #clock: ReplicaClock;

  constructor(node: Node, members: Members, addresses: readonly string[], clock: ReplicaClock) {
    this.#node = node;
    this.#members = members;
    this.#addresses = addresses;
    this.#clock = clock;
  }

  /**
   * One replica dials, and not three: the leader. Where it does not list the validator, or hears nothing from it,
   * the first of those that do; where nobody hears anything, the leader again. Two that choose differently for a
   * moment harm nobody: a node takes one connection at a time, and whoever answers hands the request to the log.
   */
  oursToDial(chain: LinkedChain, address: string): boolean {
    const { leader, id: self } = this.#node;
    if (leader === null) return false;
    const silent = this.#members.findingSilent(address);
    const listing = this.#members
      .listing(chain.id, address)
      .map(({ id }) => id)
      .filter((id) => id === leader || this.hears(id));
    const hearing = listing.filter((id) => !silent.includes(id));
    const able = hearing.length > 0 ? hearing : listing;
    return (able.includes(leader) ? leader : able[0]) === self;
  }

  heldElsewhere(address: string): boolean {
    const leads = this.#node.leader === this.#node.id;
    const now = this.#clock.nowMs();
    return this.#members.holding(address).some((id) => {
      if (!this.#node.isUp(id)) return false;
      // Only a leader hears from everybody all the time, so only it can tell a frozen holder.
      const heardAt = this.#node.heardAt(id);
      return !leads || (heardAt !== null && now - heardAt < HEARD_WITHIN_MS);
    });
  }

  exclusive(chain: LinkedChain, address: string): boolean {
    const listing = this.#members.listing(chain.id, address).map((member) => member.name);
    return isExclusive(address, listing, this.#hosts());
  }

  /** Hosts under which the replicas reach each other. */
  #hosts(): readonly string[] {
    const logged = this.#members.all.map((member) => member.address);
    return [...this.#addresses, ...logged].filter((address) => address !== '').map(hostOf);
  }

  hears(id: string): boolean {
    return id === this.#node.id || this.#node.isUp(id);
  }
}
