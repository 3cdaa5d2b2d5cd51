/**
 * The end of a world: all is healed, and it must come back to work.
 *
 * Owns    what must be so then: one leader, one state everywhere, and the next height of every chain is signed.
 * Never   waits for a replica whose own disk forbids it to run.
 */
import { membersOf } from '@cometkms/consensus';
import { comparePosition } from '@cometkms/sign-state';
import { soundDisk } from './disk-faults.js';
import type { FaultWork } from './fault-work.js';
import type { Lives } from './lives.js';
import type { Looking } from './looking.js';
import type { Member } from './member.js';
import type { MembershipWork } from './membership-work.js';
import { soundPath } from './network-path.js';
import type { Scene } from './scene.js';
import { membershipAt } from './shadow-log.js';
import type { Validator } from './validator.js';
import { Violation } from './violation.js';
import type { Chain } from './workload.js';

/** A link that nobody holds is dialled after five seconds by everybody; the rest is the node's own pauses. */
const signedWithinMs = 15_000;

const idOf = ({ id }: { readonly id: string }): string => id;

export class Settling {
  readonly #scene: Scene;
  readonly #lives: Lives;
  readonly #work: FaultWork;
  readonly #looking: Looking;
  readonly #membership: MembershipWork;

  constructor(
    scene: Scene,
    lives: Lives,
    work: FaultWork,
    looking: Looking,
    membership: MembershipWork,
  ) {
    this.#scene = scene;
    this.#lives = lives;
    this.#work = work;
    this.#looking = looking;
    this.#membership = membership;
  }

  /** All is healed: a leader, one state everywhere, and the next height of every chain, within a while. */
  async settle(): Promise<void> {
    this.#scene.isHealing = true;
    this.#scene.trace.add('HEAL');
    for (const course of this.#scene.courses) course.stop();
    this.#work.copies.endAll();
    this.#work.allPaths(soundPath);
    for (const member of this.#scene.members) {
      member.replica.disk.rates = soundDisk;
      member.replica.disk.capacityBytes = Number.POSITIVE_INFINITY;
      member.validatorCut = false;
      if (member.keyFate !== 'good') this.#scene.keysFailedAtMs = this.#scene.timeline.now;
      member.keyFate = 'good';
      this.#bringBack(member);
    }
    await this.#requireAgreement();
    if (this.#live().isBeyondHelp) return;
    await this.#sendHome();
    await this.#requireRegistrations();
    for (const chain of this.#scene.chains) await this.#requireNextHeight(chain);
    await this.#requireAgreement();
    // The links stay where they are: what is asked next comes by way of a follower.
    await this.#handOver();
    for (const chain of this.#scene.chains) await this.#requireNextHeight(chain);
    await this.#requireAgreement();
    await this.#requireCalm();
  }

  /** Whoever was removed, or was never admitted, brings no election about. */
  async #requireCalm(): Promise<void> {
    const terms = (): string =>
      this.#live()
        .members.map(({ replica }) => replica.process?.replica?.node.core?.hard.term ?? 'none')
        .join();
    const before = terms();
    const { timers } = this.#scene.swarm;
    await this.#looking.until(this.#scene.timeline.now + 20 * timers.electionTimeoutMs);
    const after = terms();
    if (after === before) return;
    throw new Violation('nobody is elected while a leader leads', `terms ${before}, then ${after}`);
  }

  /**
   * Who left, too, now and then: late, and with what it had. Nothing may come of that, but where all whom it knows
   * have left as well: nobody tells it then, and it does for its validators what one without a leader does. Its
   * operator was told to leave it stopped (cmkms/src/cli/cluster-members.ts).
   */
  #bringBack(member: Member): void {
    if (member.lost) return;
    if (!this.#isKnownToAMember(member)) {
      if (member.replica.process !== null) this.#lives.bringDown(member, 'kill', 0);
      member.left = true;
      return;
    }
    // Away while all whom it knew left, or lost their disks: its operator names it the members of today. And two
    // newcomers that took over names may know each other only by the addresses of those who had them before.
    if (this.#isMember(member) && (!this.#dialsAMember(member) || this.#misplacesAMember(member))) {
      this.#membership.editList(member);
      if (member.replica.process !== null) this.#lives.bringDown(member, 'kill', 100);
    }
    if (member.left && this.#scene.seed.fork(`wakes ${member.replica.name}`).chance(0.3)) return;
    member.left = false;
    if (member.replica.process === null && member.doomed < 3) this.#lives.startIn(member, 100);
  }

  /** Whose disk lost the news before it could be told again: what its log was given once, it need not hold now. */
  async #sendHome(): Promise<void> {
    // Those who were brought back have read their logs by then, and dial no validator yet.
    await this.#looking.until(this.#scene.timeline.now + 500);
    const { current } = this.#scene.oracle.memberships;
    if (current === null) return;
    const members = membersOf(current).map(idOf);
    const answering = this.#live().members.map(idOf);
    for (const member of this.#scene.members) {
      const known = member.replica.process?.replica?.node.membership ?? null;
      if (known === null || members.includes(member.id)) continue;
      if (membersOf(known).some(({ id }) => answering.includes(id))) continue;
      this.#lives.bringDown(member, 'kill', 0);
      member.left = true;
    }
  }

  /** Before the founding whoever is there. */
  #isMember({ id }: Member): boolean {
    const { current } = this.#scene.oracle.memberships;
    return current === null || membersOf(current).some((one) => one.id === id);
  }

  #isKnownToAMember(member: Member): boolean {
    return this.#isMember(member) || this.#dialsAMember(member);
  }

  /** By its list or its log: another one, who is a member now and comes back to answer. */
  #dialsAMember({ id, replica }: Member): boolean {
    const { memberships, logs } = this.#scene.oracle;
    if (memberships.current === null) return true;
    const own = membershipAt(logs.given(id), Number.POSITIVE_INFINITY);
    const { members } = (replica.process ?? replica).site;
    // Where its list has one of that name, it dials that one's address (consensus/src/known-members.ts).
    const isListed = (one: { readonly id: string; readonly name: string }): boolean =>
      members.some(({ name, identity }) => name === one.name && (identity ?? one.id) === one.id);
    const logged = own === null ? [] : membersOf(own).filter((one) => !isListed(one));
    const addresses = new Set([...members, ...logged].map(({ address }) => address));
    const answering = this.#live().members.map(idOf);
    return membersOf(memberships.current).some(
      (one) => one.id !== id && addresses.has(one.address) && answering.includes(one.id),
    );
  }

  /**
   * By what is committed, or was founded: who can come back. A member founds only where all others are there: who never
   * did, and finds one of them gone for good, waits for an operator (docs/consensus.md, founding). Beyond help: most
   * may run, and yet too few of them ever joined; or an operator removed members until disks that may be damaged
   * were half of the voters' left, and those were damaged after that: not before, or the leader should have refused.
   */
  #live(): {
    readonly members: readonly Member[];
    readonly all: readonly string[];
    readonly isBeyondHelp: boolean;
  } {
    const { members, oracle } = this.#scene;
    const { current } = oracle.memberships;
    const founders = members.filter(({ replica }) => replica.site.founders !== null);
    const all = current === null ? founders.map(idOf) : membersOf(current).map(idOf);
    const voters = current === null ? all : current.voters.map(idOf);
    const areMost = (some: readonly Member[]): boolean =>
      2 * some.filter(({ id }) => voters.includes(id)).length > voters.length;
    const mayRun = members.filter((m) => all.includes(m.id) && m.doomed < 3 && !m.lost);
    const joins = ({ id, replica }: Member): boolean =>
      replica.site.founders === null || oracle.logs.acknowledged(id).founded;
    const beforeDamage = members.filter(
      (m) => mayRun.includes(m) || (current !== null && m.doomedUnder === current),
    );
    const live = mayRun.length === all.length ? mayRun : mayRun.filter(joins);
    return {
      members: areMost(live) ? live : [],
      all,
      isBeyondHelp: areMost(mayRun) ? !areMost(live) : areMost(beforeDamage),
    };
  }

  /** Its list has the name of a member at another address. */
  #misplacesAMember({ id, replica }: Member): boolean {
    const { current } = this.#scene.oracle.memberships;
    const others = current === null ? [] : membersOf(current).filter((one) => one.id !== id);
    return (replica.process ?? replica).site.members.some(({ name, address }) =>
      others.some((one) => one.name === name && one.address !== address),
    );
  }

  async #requireAgreement(): Promise<void> {
    const deadline =
      this.#scene.timeline.now + 60 * this.#scene.swarm.timers.electionTimeoutMs + 30_000;
    await this.#scene.timeline.run(() => {
      this.#looking.examine();
      return this.#scene.timeline.now > deadline || this.#disagreement() === null;
    });
    const disagreement = this.#disagreement();
    if (disagreement !== null) {
      throw new Violation('all converge under one leader once all is healed', disagreement);
    }
    for (const { replica } of this.#scene.members) {
      const running = replica.process?.replica;
      if (!running?.node.core) continue;
      this.#scene.oracle.looked(replica.name, running.node.core.applied, running.machine.hash());
    }
  }

  /** Who is not yet where all should come to; null: all are. */
  #disagreement(): string | null {
    const { members: live, all, isBeyondHelp } = this.#live();
    if (isBeyondHelp) return null;
    if (live.length === 0) return `too few of ${all.length} may run`;
    const cores = live.map(({ replica }) => replica.process?.replica?.node.core ?? null);
    const leaders = cores.filter((core) => core?.role.kind === 'leader');
    const places = new Set(cores.map((core) => (core === null ? -1 : core.commit)));
    const behind = cores.some((core) => core === null || core.applied !== core.commit);
    // That one leads is not that the others have heard of it: links may still be on their way.
    const followed = new Set(cores.map((core) => core?.leader ?? null));
    const isOne = leaders.length === 1 && followed.size === 1 && !followed.has(null);
    // One that stands still looks as it did before: as a leader, perhaps, whom the others have yet to give up.
    const still = live.filter(({ replica }) => replica.process?.loop.isStalled === true);
    if (isOne && places.size === 1 && !behind && still.length === 0) return null;
    return live
      .map(({ replica: { name } }, at) => {
        const core = cores[at];
        if (!core) return `${name} has not joined`;
        return `${name} ${core.role.kind} term ${core.hard.term} commit ${core.commit} applied ${core.applied}`;
      })
      .join(', ');
  }

  /** Whoever is to speak of a chain is there: then it is registered. */
  async #requireRegistrations(): Promise<void> {
    const { chains, oracle, timeline } = this.#scene;
    const { members, all } = this.#live();
    const isSound = members.every((member) => !member.marred && member.doomed === 0);
    if (!isSound || members.length < all.length) return;
    const missing = (): Chain | undefined =>
      chains.find(({ id }) => oracle.truth.reference(id) === undefined);
    const deadline = timeline.now + 60_000;
    await timeline.run(() => {
      this.#looking.examine();
      return timeline.now > deadline || missing() === undefined;
    });
    const chain = missing();
    if (chain === undefined) return;
    throw new Violation(
      'a chain is registered once all who hold it are there',
      `${chain.id.chainId} is not`,
    );
  }

  async #handOver(): Promise<void> {
    const { members, timeline } = this.#scene;
    const leader = members.find((m) => m.replica.process?.replica?.node.mayServe());
    const done = leader?.replica.process?.replica?.node
      .transferLeadership(null)
      .catch(() => 'nobody took it');
    let isOver = done === undefined;
    void done?.then(() => {
      isOver = true;
    });
    await timeline.run(() => {
      this.#looking.examine();
      return isOver;
    });
    await this.#requireAgreement();
  }

  async #requireNextHeight(chain: Chain): Promise<void> {
    await this.#clearHalt(chain);
    // What was asked while it was halted is signed, or given up, first: a validator that waits for a link, perhaps for
    // five seconds more, would else get for an old request what the new one needs.
    await this.#looking.until(this.#scene.timeline.now + 1000);
    const late = this.#scene.courses.filter((one) => one.chain === chain && one.giveUp());
    // What had been sent on an earlier link is signed by then, and is in the record.
    if (late.length > 0) await this.#looking.until(this.#scene.timeline.now + 1000);
    const record = this.#scene.oracle.truth.record(chain.id);
    // Waits for a member that is gone, or says nothing of it: named in the log, and right so.
    if (record === undefined || record.retired) return;
    const course = this.#scene.courses.find(
      (one) => one.chain === chain && this.#isReachable(one.validator),
    );
    if (course === undefined) return;
    // A mark may stand above the record: for a proposal that was lost. Its validator asks for nothing below again.
    const marked = this.#scene.oracle.markedUpTo(chain.id);
    const highest = [record.last?.hrs, record.floor, marked].flatMap((hrs) => hrs ?? []);
    const top = highest.sort(comparePosition).at(-1)?.height ?? 0n;
    let said: string | null = null;
    const askedAtMs = this.#scene.timeline.now;
    course.askNext(top + 1n, (answered) => {
      said = answered.kind === 'refused' ? answered.description : answered.kind;
    });
    await this.#scene.timeline.run(() => {
      this.#looking.examine();
      return said !== null;
    });
    const tookMs = this.#scene.timeline.now - askedAtMs;
    const withinMs = signedWithinMs + 10 * this.#scene.swarm.timers.electionTimeoutMs;
    if (said === 'signed' && tookMs <= withinMs) return;
    throw new Violation(
      'the next height of every chain can be signed once all is healed',
      `${chain.id.chainId} at ${top + 1n}: ${said} after ${Math.round(tookMs)} ms`,
    );
  }

  /** An operator tries until it is so. */
  async #clearHalt(chain: Chain): Promise<void> {
    const { oracle, timeline } = this.#scene;
    for (let tries = 0; tries < 30; tries += 1) {
      const record = oracle.truth.reference(chain.id);
      if (record === undefined || record.retired || record.haltHeight === null) return;
      this.#work.clearHalt(chain);
      await this.#looking.until(timeline.now + 1000);
    }
  }

  /** Some replica that runs lists it. */
  #isReachable(validator: Validator): boolean {
    return this.#live().members.some(
      ({ replica }) =>
        replica.process !== null &&
        replica.site.chains.some(({ validators }) => validators.includes(validator.address)),
    );
  }
}
