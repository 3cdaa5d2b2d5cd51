/**
 * Looking at what a replica is above consensus: its state, its watermarks, the links that it keeps.
 *
 * Owns    since when each knows no leader, by its own clock; and telling the oracle of what changed.
 * Never   judges, but for links: whether one is kept too long shows only here.
 * Source  docs/architecture.md, "Who holds a validator's link": two seconds without a leader and everybody holds every
 *         link; one that several list is then reset after 5 s, so that a leader that this replica cannot see gets in.
 */
import { type Membership, membersOf } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import { idKey, type RecordId, type SigningRecord } from '@cometkms/sign-state';
import type { Member } from './member.js';
import type { At } from './observations.js';
import { positionOf } from './product-truth.js';
import { isAbove } from './reference-verdicts.js';
import type { SimulatedProcess } from './replica.js';
import type { Scene } from './scene.js';
import { Violation } from './violation.js';

/** By the replica's own clock: 2 s and 5 s of the design, and a second for its timers. */
const leaderlessForMs = 8000;
const heldForMs = 6000;
/** A process that stood still is looked at again, and again, before it is blamed. */
const looksApartMs = 400;

/** News of a leader, and of its end, may both be under way. */
const newsMs = 5;

type Held = NonNullable<SimulatedProcess['replica']>['chains'][number];

interface Seen {
  readonly start: number;
  applied: number;
  /** The last term in which it was seen to serve. */
  servedTerm: number;
  /** Own clock. Null: there is a leader. */
  leaderlessSince: number | null;
  /** When the last leader was found, and for how long there had been none. */
  ledAfter: { readonly leaderlessMs: number; readonly atMs: number };
  keptLooks: number;
  lookedAt: number;
  readonly marks: Map<string, string>;
}

export class ProductLooking {
  readonly #scene: Scene;
  readonly #seen = new Map<Member, Seen>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  look(member: Member, core: Core): void {
    const process_ = member.replica.process;
    const running = process_?.replica;
    if (process_ === null || !running) return;
    const now = process_.loop.nowMs();
    const { starts } = member.replica;
    let seen = this.#seen.get(member);
    if (seen?.start !== starts) {
      const ledAfter = { leaderlessMs: 0, atMs: now };
      const fresh = {
        ledAfter,
        start: starts,
        applied: -1,
        servedTerm: -1,
        keptLooks: 0,
        lookedAt: now,
      };
      // A core comes late where the disk is slow; until then nobody led either.
      seen = { ...fresh, leaderlessSince: process_.startedAtMs, marks: new Map() };
      this.#seen.set(member, seen);
    }
    if (core.leader === null) seen.leaderlessSince ??= now;
    else if (seen.leaderlessSince !== null) {
      seen.ledAfter = { leaderlessMs: now - seen.leaderlessSince, atMs: now };
      seen.leaderlessSince = null;
    }
    const { oracle } = this.#scene;
    const at = this.#scene.where(member);
    if (core.applied !== seen.applied) {
      seen.applied = core.applied;
      for (const { id } of this.#scene.chains)
        oracle.stateSeen(at, core.applied, id, running.machine.read(id));
    }
    for (const { id, watermark } of running.chains) {
      const mark = watermark.current();
      if (mark === null) continue;
      const where = positionOf(mark.hrs);
      const name = idKey(id);
      if (seen.marks.get(name) === where) continue;
      seen.marks.set(name, where);
      oracle.marked(at, id, mark.hrs);
    }
    if (member.witness && running.node.mayServe()) oracle.serving(at);
    if (seen.servedTerm !== core.hard.term && running.mayServe()) {
      seen.servedTerm = core.hard.term;
      this.#lookAtFloors(at, running.chains, (id) => running.machine.read(id));
    }
    this.#lookAtLinks(member, seen, now);
  }

  /** What its own home knew is behind it before it serves: docs/architecture.md, second gates. */
  #lookAtFloors(
    at: At,
    chains: readonly Held[],
    read: (id: RecordId) => SigningRecord | undefined,
  ) {
    for (const { id, known } of chains) {
      const record = read(id);
      if (known.kind !== 'position' || record === undefined || record.retired) continue;
      const { last, floor } = record;
      const tops = [last?.hrs ?? null, floor].filter((top) => top !== null);
      if (tops.some((top) => !isAbove(known.hrs, top))) continue;
      throw new Violation(
        'a state file that is ahead is a floor before its chain is served',
        `${at.replica} serves ${id.chainId}, and its file says ${positionOf(known.hrs)}`,
      );
    }
  }

  /** By its own clock; endless for one that has not joined. */
  leaderlessMs(member: Member): number {
    const seen = this.#seen.get(member);
    if (seen?.start !== member.replica.starts) return Number.POSITIVE_INFINITY;
    const now = member.replica.process?.loop.nowMs() ?? 0;
    // The program hears of a leader a turn of its loop after the core: what it said just then was so.
    const { leaderlessSince, ledAfter } = seen;
    const justBefore = now - ledAfter.atMs < newsMs ? ledAfter.leaderlessMs : 0;
    return Math.max(justBefore, leaderlessSince === null ? 0 : now - leaderlessSince);
  }

  #lookAtLinks(member: Member, seen: Seen, now: number): void {
    if (now - seen.lookedAt < looksApartMs) return;
    seen.lookedAt = now;
    const leaderlessMs = seen.leaderlessSince === null ? 0 : now - seen.leaderlessSince;
    const kept =
      leaderlessMs < leaderlessForMs
        ? undefined
        : member.links.find(
            (link) => link.connectedMs > heldForMs && this.#isShared(link.address, member),
          );
    seen.keptLooks = kept === undefined ? 0 : seen.keptLooks + 1;
    if (seen.keptLooks < 4) return;
    throw new Violation(
      'a replica without a leader gives up a link that others list, for a moment',
      `${member.replica.name} has known no leader for ${Math.round(leaderlessMs)} ms and keeps ${kept?.address}`,
    );
  }

  /** By members, as the log of this replica and that of all others have them. */
  #isShared(address: string, { replica }: Member): boolean {
    const own = replica.process?.replica?.node.membership ?? null;
    const { current } = this.#scene.oracle.memberships;
    const isIn = (all: Membership | null, id: string): boolean =>
      all !== null && membersOf(all).some((one) => one.id === id);
    const listing = this.#scene.members.filter(
      (other) =>
        isIn(own, other.id) &&
        isIn(current, other.id) &&
        other.replica.site.chains.some(({ validators }) => validators.includes(address)),
    );
    return listing.length > 1;
  }
}
