/**
 * Faults at work.
 *
 * Owns    carrying out each fault of the plan, and taking it back when its time is over.
 * Never   chooses one: faults.ts has drawn them all before the world began.
 */
import { homePaths } from 'cmkms/replica';
import type { Copies } from './copies.js';
import type { soundDisk } from './disk-faults.js';
import { describeFault, type Fault, type PlannedFault } from './faults.js';
import type { Homes } from './homes.js';
import type { Lives } from './lives.js';
import type { Member } from './member.js';
import type { MembershipWork } from './membership-work.js';
import type { SimulatedNetwork } from './network.js';
import { topOf } from './reference-verdicts.js';
import type { Scene } from './scene.js';
import type { Chain } from './workload.js';

/** As in the layout of a home (cmkms/src/home.ts). */
const paths = homePaths('/home');

export class FaultWork {
  /** Carried out, by kind. */
  readonly counts = new Map<string, number>();
  readonly #scene: Scene;
  readonly #lives: Lives;
  /** Paths, and how many cuts lie on each. */
  readonly #cuts = new Map<string, number>();
  readonly #homes: Homes;
  readonly #membership: MembershipWork;
  readonly copies: Copies;

  constructor(
    scene: Scene,
    lives: Lives,
    homes: Homes,
    membership: MembershipWork,
    copies: Copies,
  ) {
    this.copies = copies;
    this.#scene = scene;
    this.#membership = membership;
    this.#homes = homes;
    this.#lives = lives;
  }

  strike({ number, fault }: PlannedFault): void {
    if (this.#scene.isHealing) return;
    const nameOf = (n: number): string => this.#scene.struck(n).replica.name;
    this.#scene.trace.add(`FAULT ${number} ${describeFault(fault, nameOf)}`);
    this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
    this.#carryOut(fault);
  }

  #carryOut(fault: Fault): void {
    switch (fault.kind) {
      case 'kill':
      case 'powerLoss':
      case 'stop':
        this.#lives.bringDown(this.#scene.struck(fault.on), fault.kind, fault.downMs);
        return;
      case 'trip':
        this.#scene.struck(fault.on).trip = fault;
        return;
      case 'allLosePower':
        for (const member of this.#scene.present)
          this.#lives.bringDown(member, 'powerLoss', fault.downMs);
        return;
      case 'stall':
        this.#lives.stall(this.#scene.struck(fault.on), fault.ms);
        return;
      case 'clock': {
        const loop = this.#scene.struck(fault.on).replica.process?.loop;
        loop?.setRate(fault.rate);
        loop?.stepWall(fault.wallMs);
        return;
      }
      case 'cut':
        this.#cut(this.#scene.struck(fault.from), this.#scene.struck(fault.to), fault.ms);
        return;
      case 'partition':
        this.#partition(new Set(fault.side.map((n) => this.#scene.struck(n))), fault.ms);
        return;
      case 'hunt':
        this.#hunt(fault, fault.times);
        return;
      case 'reset':
        this.#scene.network.reset(this.#address(fault.x), this.#address(fault.y));
        return;
      case 'hint':
        this.#scene.network.hint(this.#address(fault.at), this.#address(fault.of));
        return;
      case 'noise':
        this.#noise(fault);
        return;
      case 'slowDisk': {
        const member = this.#scene.struck(fault.on);
        if (fault.hangMs > 0) member.replica.disk.hang(fault.hangMs);
        this.#diskRates(member, { stall: fault.stall }, fault.ms);
        return;
      }
      case 'badDisk': {
        const { writeError, syncError, readError, shortWrite } = fault;
        this.#diskRates(
          this.#scene.struck(fault.on),
          { writeError, syncError, readError, shortWrite },
          fault.ms,
        );
        return;
      }
      case 'fullDisk':
        this.#fillDisk(this.#scene.struck(fault.on), fault.roomBytes, fault.ms);
        return;
      case 'damage':
        this.#damage(fault);
        return;
      case 'oldCopy':
        this.#putBack(this.#scene.struck(fault.on), fault.afterMs);
        return;
      case 'wipe':
        this.#wipe(fault);
        return;
      case 'clone':
        this.copies.make(this.#scene.struck(fault.on), fault);
        return;
      case 'validatorCut':
        this.#cutValidators(this.#scene.struck(fault.on), fault.ms);
        return;
      case 'plainNode':
        for (const course of this.#scene.courses) course.hurry();
        this.#scene.in(fault.afterMs, () => {
          if (this.#scene.isHealing) return;
          this.#homes.signElsewhere(this.#scene.struck(fault.on), fault.everywhere, fault.downMs);
        });
        return;
      case 'operator':
        this.#operate(fault);
        return;
      case 'key': {
        const member = this.#scene.struck(fault.on);
        member.keyFate = fault.how;
        this.#scene.in(fault.ms, () => {
          member.keyFate = 'good';
          this.#scene.keysFailedAtMs = this.#scene.timeline.now;
        });
        return;
      }
      case 'membership': {
        const leader = fault.whileCut ? this.#leader() : null;
        if (leader !== null) this.#partition(new Set([leader]), fault.patienceMs / 10);
        this.#membership.begin(fault);
        if (leader !== null) this.#membership.begin({ ...fault, deed: 'add' });
      }
    }
  }

  #address(number: number): string {
    return this.#scene.struck(number).replica.site.address;
  }

  /** The shorter of two cuts does not end the longer one. */
  #cut(from: Member, to: Member, ms: number): void {
    const [x, y] = [from.replica.site.address, to.replica.site.address];
    if (x === y) return;
    const path = `${x} ${y}`;
    this.#cuts.set(path, (this.#cuts.get(path) ?? 0) + 1);
    this.#scene.network.setPath(x, y, { cut: true });
    this.#scene.in(ms, () => {
      const left = (this.#cuts.get(path) ?? 1) - 1;
      this.#cuts.set(path, left);
      if (left === 0) this.#scene.network.setPath(x, y, { cut: false });
    });
  }

  #partition(side: ReadonlySet<Member>, ms: number): void {
    for (const x of this.#scene.members) {
      for (const y of this.#scene.members) {
        if (side.has(x) !== side.has(y)) this.#cut(x, y, ms);
      }
    }
    this.#scene.partitions += 1;
    this.#scene.in(ms, () => {
      this.#scene.partitions -= 1;
    });
  }

  #hunt(fault: Extract<Fault, { kind: 'hunt' }>, times: number, first: Member | null = null): void {
    if (this.#scene.isHealing) return;
    if (times === 0) {
      if (fault.back) this.#leadAgain(first);
      return;
    }
    const leader = this.#leader();
    if (leader === null) {
      this.#scene.in(this.#scene.swarm.timers.electionTimeoutMs / 2, () =>
        this.#hunt(fault, times, first),
      );
      return;
    }
    if (fault.how === 'hint') this.#hintAll(leader);
    if (fault.how === 'cut' || fault.how === 'hint') this.#cutOff(leader, fault);
    else if (fault.how === 'stall') this.#lives.stall(leader, fault.everyMs);
    else this.#lives.bringDown(leader, fault.how, fault.everyMs);
    // So that it has something of its own, and whoever comes after it, too.
    for (const course of this.#scene.courses) {
      course.hurry();
      this.#scene.in(fault.everyMs * 0.8, () => course.hurry());
    }
    this.#scene.in(fault.everyMs, () => this.#hunt(fault, times - 1, first ?? leader));
  }

  #hintAll(leader: Member): void {
    const of = leader.replica.site.address;
    for (const { replica } of this.#scene.members) {
      if (replica.site.address !== of) this.#scene.network.hint(replica.site.address, of);
    }
  }

  /** What it meant to sign, and nobody else knows of, is on its mark still. */
  #leadAgain(first: Member | null): void {
    const node = this.#leader()?.replica.process?.replica?.node;
    if (first === null || !node) return;
    const askAgain = (): void => {
      for (const chain of this.#scene.chains) {
        const record = this.#scene.oracle.truth.reference(chain.id);
        const top = record === undefined ? null : topOf(record);
        if (top === null) continue;
        chain.lines.push(top);
        chain.replays = 2;
      }
      for (const course of this.#scene.courses) course.hurry();
    };
    void node.transferLeadership(first.id).then(askAgain, () => 'it did not take it');
  }

  /** With its companions, fewer than a majority, and something to write that nobody else will see. */
  #cutOff(leader: Member, fault: Extract<Fault, { kind: 'hunt' }>): void {
    const { present, chains } = this.#scene;
    const after = present.indexOf(leader) + 1;
    const companions = Array.from({ length: fault.companions }, (_, n) =>
      this.#scene.struck(after + n),
    ).filter((member) => member !== leader);
    const { replica } = leader.replica.process ?? {};
    if (fault.calls) void replica?.node.transferLeadership(null).catch(() => 'it was cut off');
    this.#partition(new Set([leader, ...companions]), fault.everyMs);
    const drops = companions.length > 0 ? companions : [leader];
    if (fault.trip !== null) for (const member of drops) member.trip = fault.trip;
    const [chain] = chains;
    for (let n = 0; n < fault.orders && chain !== undefined; n += 1)
      void replica?.store.raiseFloor(chain.id, { height: 1n, round: 0, step: 1 }, false);
  }

  /** Of those that believe it, the one of the latest term. */
  #leader(): Member | null {
    let [found, latest]: [Member | null, number] = [null, -1];
    for (const member of this.#scene.members) {
      const core = member.replica.process?.replica?.node.core ?? null;
      if (core?.role.kind !== 'leader' || core.hard.term <= latest) continue;
      [found, latest] = [member, core.hard.term];
    }
    return found;
  }

  #noise({ loss, duplicate, reorder, stray, tail, ms }: Extract<Fault, { kind: 'noise' }>): void {
    const lateMs = this.#scene.swarm.timers.electionTimeoutMs;
    this.allPaths({ loss, duplicate, reorder, stray, tail, tailMs: lateMs, lateMs });
    this.#scene.in(ms, () =>
      this.allPaths({ loss: 0, duplicate: 0, reorder: 0, stray: 0, tail: 0, tailMs: 0 }),
    );
  }

  allPaths(change: Parameters<SimulatedNetwork['setPath']>[2]): void {
    for (const x of this.#scene.members) {
      for (const y of this.#scene.members) {
        if (x !== y)
          this.#scene.network.setPath(x.replica.site.address, y.replica.site.address, change);
      }
    }
  }

  #diskRates({ replica: { disk } }: Member, change: Partial<typeof soundDisk>, ms: number): void {
    disk.rates = { ...disk.rates, ...change };
    const back = Object.fromEntries(Object.keys(change).map((key) => [key, 0]));
    this.#scene.in(ms, () => {
      disk.rates = { ...disk.rates, ...back };
    });
  }

  #fillDisk({ replica: { disk } }: Member, roomBytes: number, ms: number): void {
    disk.capacityBytes = disk.usedBytes + roomBytes;
    this.#scene.in(ms, () => {
      disk.capacityBytes = Number.POSITIVE_INFINITY;
    });
  }

  /** Seen at the next start, or by nobody. */
  #damage({ on, how, ms }: Extract<Fault, { kind: 'damage' }>): void {
    const member = this.#scene.struck(on);
    member.marred = true;
    // A flipped bit shows: such a log must be refused, or give back all the same.
    if (how === 'bitFlip') {
      member.replica.disk.flipBit();
      return;
    }
    if (how === 'tailFlip') {
      this.#lives.bringDown(member, 'powerLoss', ms);
      const { disk } = member.replica;
      // The segment that comes next has a head, and no more.
      const isWritten = (path: string) =>
        disk
          .contents(path)
          ?.subarray(4096)
          .some((byte) => byte !== 0) === true;
      disk.flipLast((path) => path.endsWith('.wal') && isWritten(path));
      return;
    }
    this.#scene.oracle.diskReplaced(member.id);
    this.#diskRates(member, { misdirected: 0.02 }, ms);
  }

  /** A copy is made now, and put back later: all that was written between is forgotten. */
  #putBack(member: Member, afterMs: number): void {
    const image = member.replica.disk.snapshot();
    this.#scene.in(afterMs, () => {
      if (this.#scene.isHealing) return;
      member.marred = true;
      this.#lives.kill(member);
      this.#scene.oracle.diskReplaced(member.id);
      member.replica.disk.restore(image);
      this.copies.putBack(member);
      this.#scene.trace.add(`${member.replica.name} has an old copy of its disk`);
      this.#lives.startIn(member, 100);
    });
  }

  /** State files stay: what an operator keeps beside the key is another matter. */
  #wipe({ on, record, downMs }: Extract<Fault, { kind: 'wipe' }>): void {
    const member = this.#scene.struck(on);
    member.marred = true;
    this.#lives.kill(member);
    this.#scene.oracle.diskReplaced(member.id);
    member.replica.disk.wipe(
      (path) => path.startsWith(`${paths.data}/`) || (record === 'lost' && path === paths.replica),
    );
    this.#lives.startIn(member, downMs);
  }

  #cutValidators(member: Member, ms: number): void {
    member.validatorCut = true;
    this.#scene.in(ms, () => {
      member.validatorCut = false;
    });
  }

  #operate({ deed, chain: n, ms }: Extract<Fault, { kind: 'operator' }>): void {
    const chain = this.#scene.chains[n];
    const leader = this.#scene.members.find((m) => m.replica.process?.replica?.node.mayServe());
    const replica = leader?.replica.process?.replica;
    if (chain === undefined || !replica) return;
    const { store } = replica;
    const ahead = { height: chain.height + 2n, round: 0, step: 1 as const };
    switch (deed) {
      case 'handOver':
        void replica.node.transferLeadership(null).catch(() => 'nobody took it');
        return;
      case 'floor':
        chain.lines.push(ahead);
        void store.raiseFloor(chain.id, ahead, true);
        this.#scene.in(ms / 2, () => {
          for (const course of this.#scene.courses)
            if (course.chain === chain) course.catchUp(ahead.height + 1n);
        });
        return;
      case 'lowFloor':
        // A floor, and then a lower one by mistake, from which nothing must follow.
        chain.lines.push({ ...ahead, height: chain.height });
        void store.raiseFloor(chain.id, { ...ahead, height: chain.height }, false);
        void store.raiseFloor(chain.id, { height: 1n, round: 0, step: 1 }, false);
        return;
      case 'limits':
        void store.setLimits(chain.id, { maxHeightJump: 500n, cutoverWindow: 100n });
        return;
      case 'retire':
        void store.retire(chain.id);
        return;
      case 'halt':
        chain.lines.push({ ...ahead, height: chain.height + 1n });
        void store.setHaltHeight(chain.id, chain.height + 1n);
        this.#scene.in(4 * ms, () => this.clearHalt(chain));
    }
  }

  clearHalt(chain: Chain): void {
    const leader = this.#scene.members.find((m) => m.replica.process?.replica?.node.mayServe());
    void leader?.replica.process?.replica?.store.setHaltHeight(chain.id, null);
  }
}
