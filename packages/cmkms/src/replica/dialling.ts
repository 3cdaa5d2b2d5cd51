/**
 * What this replica knows about who dials which validator, for link-plan.ts.
 *
 * Owns    the answers to three questions: is it ours to dial, does another hold it, can only we reach it.
 * Never   gives an order.
 * Rule    docs/architecture.md, "Who holds a validator's link".
 */
import type { RaftNode } from '@cometkms/consensus';
import type { Answer } from '@cometkms/sign-state';
import type { ReplicaClock } from './edges.js';
import { hostOf, isExclusive } from './link-plan.js';
import type { Members } from './members.js';
import type { LinkedChain } from './validator-links.js';

/** A member that was not heard for this long says nothing about the links that it holds. */
const HEARD_WITHIN_MS = 1000;

export class Dialling {
  readonly #node: RaftNode<Answer>;
  readonly #members: Members;
  /** As configured; the members' own come from the log. */
  readonly #addresses: readonly string[];
  readonly #clock: ReplicaClock;

  constructor(
    node: RaftNode<Answer>,
    members: Members,
    addresses: readonly string[],
    clock: ReplicaClock,
  ) {
    this.#node = node;
    this.#members = members;
    this.#addresses = addresses;
    this.#clock = clock;
  }

  oursToDial(chain: LinkedChain, address: string): boolean {
    const { leader, id: self } = this.#node;
    if (leader === null || leader === self) return leader === self;
    const listing = this.#members.listing(chain.id, address);
    if (listing.some((member) => member.id === leader)) return false;
    // The leader does not know this validator: the first by name of those that do.
    return listing.find((member) => this.hears(member.id))?.id === self;
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
