/**
 * One simulated world: replicas, validators, network and disks, from one seed.
 *
 * Owns    who is there, carrying out each fault and healing it, and the two phases: first anything may go wrong and
 *         safety is watched, then all is healed and the cluster must come back to work.
 * Never   decides what a replica does, or what is right: the production code and the oracle do.
 * Proof   test/world.test.ts; the planted bugs (planted/).
 */
import { LinkTransport } from '@cometkms/consensus';
import { comparePosition, type RecordId, voteSignBytes } from '@cometkms/sign-state';
import { type StateFile, writeStateFile } from '@cometkms/signer';
import { SimulatedDisk, soundDisk } from './disk.js';
import { EventLoop } from './event-loop.js';
import {
  describeFault,
  type Fault,
  type FaultPlan,
  type PlannedFault,
  planFaults,
} from './faults.js';
import { SignatureTable, type SigningFate, simulatedKey } from './keys.js';
import { Marks } from './marks.js';
import { SimulatedNetwork } from './network.js';
import { soundPath } from './network-path.js';
import type { Station } from './network-station.js';
import type { At } from './observations.js';
import { Oracle } from './oracle.js';
import { Random } from './random.js';
import { SimulatedReplica, type Site, statePathOf } from './replica.js';
import { drawSwarm, type Swarm } from './swarm.js';
import { arrivals, Timeline } from './timeline.js';
import { Trace } from './trace.js';
import { Validator } from './validator.js';
import { SimulatedValidatorLink } from './validator-link.js';
import { Violation } from './violation.js';
import { watchMarks } from './watch-marks.js';
import { type Asked, Chain, ValidatorCourse } from './workload.js';

export interface WorldOptions {
  readonly seed: number;
  /** Numbers of planned faults that are left out. */
  readonly without?: ReadonlySet<number>;
  readonly echo?: (line: string) => void;
}

/** One replica, and what the world knows of it beside. */
export interface Member {
  readonly number: number;
  readonly replica: SimulatedReplica;
  readonly id: string;
  station: Station | null;
  /** Its links to validators, in the process that runs. */
  links: SimulatedValidatorLink[];
  /** Its disk was damaged, put back, or copied: what it says may be refused, by itself or by others. */
  marred: boolean;
  /** A call to its disk has failed in this life. */
  diskFailed: boolean;
  keyFate: SigningFate;
  validatorCut: boolean;
  /** Ends by itself, each explained; then the world leaves it. */
  doomed: number;
  cancelStart: () => void;
}

/** Said by a replica that must not go on with this disk. */
const doubtCodes = new Set([
  'DISK_DOUBTED',
  'CONSENSUS_LOG_DAMAGED',
  'CONSENSUS_LOG_UNREADABLE',
  'CONSENSUS_LOG_VERSION',
  'CONSENSUS_LOG_MISSING',
  'CONSENSUS_LOG_FOREIGN',
  'CONSENSUS_RECORD_UNKNOWN',
  'CONSENSUS_RECORD_MALFORMED',
  'SIGNER_WATERMARK_FOREIGN',
  'SIGNER_WATERMARK_VERSION',
  'SIGNER_STATE_FILE',
]);
const diskCodes = new Set([
  'CONSENSUS_LOG_UNREADABLE',

  'CONSENSUS_LOG_FAILED',
  'SIGNER_WATERMARK_FAILED',
  'SIGNER_FILE_FAILED',
]);

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

export class World {
  readonly swarm: Swarm;
  readonly plan: FaultPlan;
  readonly timeline = new Timeline();
  readonly marks = new Marks();
  readonly oracle = new Oracle();
  readonly trace: Trace;
  readonly members: Member[] = [];
  readonly courses: ValidatorCourse[] = [];
  readonly chains: Chain[] = [];
  /** Carried out, by kind. */
  readonly faultCounts = new Map<string, number>();
  readonly #seed: Random;
  readonly #table = new SignatureTable();
  readonly #network: SimulatedNetwork;
  readonly #validators = new Map<string, Validator>();
  readonly #without: ReadonlySet<number>;
  readonly #touched = new Set<Member>();
  readonly #watch: ReturnType<typeof watchMarks>;
  /** Of cores, as far as they could be told apart. */
  steps = 0;
  #violation: Error | null = null;
  #healing = false;

  constructor({ seed, without, echo }: WorldOptions) {
    this.#seed = new Random(seed, 'world');
    this.swarm = drawSwarm(this.#seed);
    this.plan = planFaults(this.#seed, this.swarm);
    this.#without = without ?? new Set();
    this.trace = new Trace(() => this.timeline.now, echo ?? null);
    this.#watch = watchMarks(this.marks, () => this.members);
    this.#network = new SimulatedNetwork(this.timeline, this.#seed.fork('network'), {
      codec: this.swarm.codec,
      observer: {
        onSent: (from, to, frame) => {
          const [sender, receiver] = [this.#at(from), this.#at(to)];
          if (sender !== null && receiver !== null) {
            this.#guard(() => this.oracle.sent(this.#where(sender), receiver.id, frame));
          }
        },
      },
    });
    this.#makeChains();
    this.#makeMembers();
  }

  // -------------------------------------------------------------------------------- making

  #makeChains(): void {
    const random = this.#seed.fork('chains');
    for (const [n, drawn] of this.swarm.chains.entries()) {
      const key = { type: 'ed25519' as const, bytes: random.bytes(32) };
      const start = drawn.beginning === 'neverSigned' ? 1n : BigInt(random.between(2, 5000));
      const chain = new Chain({ chainId: `chain-${n}`, key }, start);
      this.chains.push(chain);
      for (let v = 0; v < drawn.validators; v += 1) {
        const validator = new Validator(this.timeline, `tcp://10.9.${n}.${v}:26659`);
        this.#validators.set(validator.address, validator);
        const stream = this.#seed.fork(`validator ${n}.${v}`);
        this.courses.push(
          new ValidatorCourse(chain, validator, this.timeline, stream, drawn.habits, (asked) =>
            this.#answered(chain, asked),
          ),
        );
      }
    }
  }

  #makeMembers(): void {
    const random = this.#seed.fork('identities');
    const sites = names.slice(0, this.swarm.replicas).map((name) => ({
      name,
      address: `10.0.0.${names.indexOf(name) + 1}:9430`,
      identity: Buffer.from(random.bytes(32)).toString('hex'),
    }));
    for (const [number, site] of sites.entries())
      this.members.push(this.#makeMember(number, site, sites));
    for (const x of sites) {
      for (const y of sites) {
        if (x !== y)
          this.#network.setPath(x.address, y.address, {
            ...soundPath,
            baseMs: this.swarm.baseDelayMs,
          });
      }
    }
  }

  #makeMember(
    number: number,
    own: Pick<Site, 'name' | 'address' | 'identity'>,
    all: Site['members'],
  ): Member {
    const { timers, snapshotEntries, segmentBytes } = this.swarm;
    const site: Site = {
      ...own,
      members: all,
      clusterId: 'c-simulated',
      chains: this.chains.map((chain, n) => ({
        id: chain.id,
        validators: this.#validatorsOf(n, number),
        neverSigned: this.swarm.chains[n]?.beginning === 'neverSigned',
      })),
      timers,
      snapshotEntries,
      segmentBytes,
    };
    const disk = new SimulatedDisk({
      timeline: this.timeline,
      random: this.#seed.fork(`disk ${own.name}`),
      observe: (event) => {
        if (event.kind !== 'fault') return;
        this.trace.add(`${own.name} disk ${event.fault} ${event.path}`);
        if (['readError', 'writeError', 'syncError', 'shortWrite', 'full'].includes(event.fault))
          member.diskFailed = true;
      },
    });
    const member: Member = {
      number,
      id: own.identity,
      replica: new SimulatedReplica(
        site,
        disk,
        this.#siteWorld(() => member),
        this.#seed.fork(`replica ${own.name}`),
      ),
      station: null,
      links: [],
      marred: false,
      diskFailed: false,
      keyFate: 'good',
      validatorCut: false,
      doomed: 0,
      cancelStart: () => {},
    };
    return member;
  }

  #validatorsOf(chain: number, replica: number): string[] {
    const drawn = this.swarm.chains[chain];
    const all = Array.from(
      { length: drawn?.validators ?? 0 },
      (_, v) => `tcp://10.9.${chain}.${v}:26659`,
    );
    if (!drawn?.exclusive) return all;
    return all.filter((_, v) => v % this.swarm.replicas === replica);
  }

  #siteWorld(self: () => Member): ConstructorParameters<typeof SimulatedReplica>[2] {
    const { timeline } = this;
    const devices = this.#seed.fork('devices');
    return {
      timeline,
      transport: (loop) => {
        const member = self();
        const { site } = member.replica;
        const station = this.#network.station(site.address, loop, {
          kind: 'certificate',
          certificate: {
            ...{ clusterId: site.clusterId, replicaName: site.name, identity: site.identity },
            notAfter: new Date(0),
          },
        } as Parameters<SimulatedNetwork['station']>[2]);
        member.station = station;
        const random = this.#seed.fork(`links ${site.name} ${member.replica.starts}`);
        return new LinkTransport({
          ...{ self: site.identity, listen: site.address, network: station },
          ...{
            clock: loop,
            entropy: (bytes) => random.bytes(bytes),
          },
        });
      },
      key: (id, loop) =>
        simulatedKey(id.key, this.#table, loop, !this.swarm.devices, {
          fate: () => self().keyFate,
          delayMs: () => devices.range(0.2, 5),
        }),
      verify: this.#table.verify,
      openLink: (loop, address, handler, events) =>
        this.#openLink(self(), loop, address.text, handler, events),
      log: (start) => {
        const where = (): At => ({ ...this.#where(self()), start });
        return {
          opened: (recovered) => {
            if (recovered.cutBytes > 0) this.marks.mark('a torn tail is cut');
            this.#guard(() => this.oracle.logOpened(where(), recovered));
          },
          begun: (batches) => this.#guard(() => this.oracle.logBegun(where(), batches)),
          acknowledged: (batches) =>
            this.#guard(() => this.oracle.logAcknowledged(where(), batches)),
        };
      },
      logged: (event, facts) => {
        if (event === 'trace') return;
        const line = JSON.stringify(facts, (_key, value) =>
          typeof value === 'bigint' ? `${value}` : value,
        );
        this.trace.add(`${self().replica.name} ${event} ${line}`);
        this.#watch.logged(event, facts as Record<string, unknown>);
      },
      calledBack: () => this.#touched.add(self()),
      ended: (error) => this.#ended(self(), error),
    };
  }

  #openLink(
    member: Member,
    loop: EventLoop,
    address: string,
    handler: ConstructorParameters<typeof SimulatedValidatorLink>[2],
    events: ConstructorParameters<typeof SimulatedValidatorLink>[3],
  ): SimulatedValidatorLink {
    const validator = this.#validators.get(address);
    if (validator === undefined) throw new Error(`no validator at ${address}`);
    const random = this.#seed.fork(
      `link ${member.replica.name} ${address} ${member.replica.starts}`,
    );
    const where = this.#where(member);
    const key = Buffer.from(handler.publicKey().bytes).toString('hex');
    const link = new SimulatedValidatorLink(
      {
        timeline: this.timeline,
        loop,
        random,
        path: {
          delayMs: () => this.swarm.baseDelayMs + random.exponential(0.2),
          isCut: () => member.validatorCut,
        },
        released: (request, answer) =>
          this.#guard(() => {
            // What this very event has committed comes first.
            this.#lookAtCores();
            const { chainId } = handler;
            const signBytes = this.#table.signedBy(answer.signature);
            this.oracle.released({
              at: where,
              validator: address,
              chainId,
              key,
              request,
              answer,
              signBytes,
            });
          }),
      },
      validator,
      handler,
      events,
    );
    member.links.push(link);
    return link;
  }

  /** On one line, for who must judge a failure. */
  describe(): string {
    const { replicas, timers, chains, rates, codec, devices } = this.swarm;
    const present = Object.entries(rates).flatMap(([kind, ms]) =>
      ms < Number.POSITIVE_INFINITY ? [kind] : [],
    );
    const { heartbeatIntervalMs, electionTimeoutMs } = timers;
    return [
      `${replicas} replicas`,
      `heartbeat ${heartbeatIntervalMs} ms, election ${electionTimeoutMs} ms`,
      `chains ${chains.map(({ beginning, validators }) => `${beginning}/${validators}`).join(' ')}`,
      `codec ${codec}`,
      ...(devices ? ['keys in devices'] : []),
      `faults ${present.join(' ')}`,
    ].join(', ');
  }

  // ------------------------------------------------------------------------------- running

  /**
   * The whole course: begin, faults, heal, settle.
   * @throws Violation, or what the production code threw
   */
  async run(): Promise<void> {
    await this.#install();
    const random = this.#seed.fork('beginning');
    for (const member of this.members) this.#startIn(member, random.range(0, 500));
    for (const course of this.courses) course.start();
    for (const planned of this.plan.faults) {
      if (this.#without.has(planned.number)) continue;
      this.timeline.plan(planned.atMs, arrivals, () => this.#strike(planned));
    }
    const faultsEnd = (this.plan.faults.at(-1)?.atMs ?? 0) + this.swarm.faultsForMs / 4;
    await this.#until(Math.max(faultsEnd, this.swarm.faultsForMs));
    await this.#settle();
  }

  async #until(ms: number): Promise<void> {
    await this.timeline.run(() => {
      this.#examine();
      return this.timeline.now >= ms;
    });
  }

  /** Called between any two events: what the last one set going in promises is over. */
  #examine(): void {
    this.#lookAtCores();
    this.#touched.clear();
    if (this.#violation !== null) throw this.#violation;
  }

  #lookAtCores(): void {
    for (const member of this.#touched) {
      const core = member.replica.process?.replica?.node.core ?? null;
      if (core === null) continue;
      this.steps += 1;
      this.oracle.stepped(this.#where(member), core);
      this.#watch.stepped(member, core);
    }
  }

  /** The state files that the homes begin with. */
  async #install(): Promise<void> {
    const random = this.#seed.fork('install');
    for (const [n, chain] of this.chains.entries()) {
      const beginning = this.swarm.chains[n]?.beginning ?? 'neverSigned';
      if (beginning === 'neverSigned') continue;
      const chosen = random.between(0, this.members.length - 1);
      for (const member of this.members) {
        if (beginning === 'oneFile' && member.number !== chosen) continue;
        const below = beginning === 'differentFiles' ? BigInt(random.between(0, 3)) : 0n;
        await this.#write(
          member,
          chain.id,
          stateAt(chain.id, chain.height - 1n - below, this.#table),
        );
      }
    }
  }

  async #write(member: Member, id: RecordId, state: StateFile): Promise<void> {
    const loop = new EventLoop(this.timeline, 0);
    const mounted = member.replica.disk.mount(loop);
    let done = false;
    void writeStateFile(statePathOf(id), state, mounted.durableFiles).then(() => {
      done = true;
    });
    await this.timeline.run(() => done);
    loop.die();
  }

  #startIn(member: Member, ms: number): void {
    member.cancelStart();
    member.cancelStart = this.timeline.plan(this.timeline.now + ms, arrivals, () => {
      if (member.replica.process !== null || member.doomed >= 3) return;
      member.links = [];
      member.diskFailed = false;
      this.trace.add(`${member.replica.name} starts`);
      member.replica.start();
    });
  }

  #gone(member: Member, how: 'killed' | 'powerLost' | 'stopped' | 'byItself'): void {
    const withTheMachine = how === 'powerLost';
    for (const link of member.links) link.died(withTheMachine);
    if (withTheMachine) member.station?.powerLost();
    else member.station?.killed();
    this.oracle.gone(this.#where(member), how);
  }

  /** By itself: for what the world did to it, or for a broken promise of ours. */
  #ended(member: Member, error: Error): void {
    const code = (error as { code?: string }).code ?? error.name;
    this.trace.add(`${member.replica.name} ends: ${code} ${error.message}`);
    this.#gone(member, 'byItself');
    const doubted = doubtCodes.has(code) && member.marred;
    const failed = diskCodes.has(code) && (member.diskFailed || member.marred);
    const wrongKey = code === 'SIGNER_SIGNATURE_WRONG' && member.keyFate === 'wrong';
    if (!doubted && !failed && !wrongKey) {
      this.#violation ??= new Violation(
        'a replica ends by itself only for what the world did to it',
        `${member.replica.name}: ${error.stack ?? error.message}`,
      );
      return;
    }
    this.#watch.ended(code);
    if (doubted) member.doomed += 1;
    this.#startIn(member, 300);
  }

  #answered(chain: Chain, { validator, request, answered }: Asked): void {
    const what =
      request.kind === 'vote' ? (request.type === 1 ? 'prevote' : 'precommit') : 'proposal';
    const where = `${request.height}/${request.round}/${what}`;
    const how =
      answered.kind === 'refused' ? `refused ${answered.description.slice(0, 90)}` : answered.kind;
    this.trace.add(`${validator.address} ${where} ${how}`);
    this.#watch.answered(answered);
    if (answered.kind !== 'refused' || !answered.description.includes('REGRESSED')) return;
    const last = this.oracle.truth.grants(chain.id).at(-1);
    if (last !== undefined && last.hrs.height > chain.height) chain.height = last.hrs.height + 1n;
  }

  // -------------------------------------------------------------------------------- faults

  #strike({ number, fault }: PlannedFault): void {
    if (this.#healing) return;
    const nameOf = (n: number): string => this.members[n]?.replica.name ?? '?';
    this.trace.add(`FAULT ${number} ${describeFault(fault, nameOf)}`);
    this.faultCounts.set(fault.kind, (this.faultCounts.get(fault.kind) ?? 0) + 1);
    this.#carryOut(fault);
  }

  #carryOut(fault: Fault): void {
    switch (fault.kind) {
      case 'kill':
      case 'powerLoss':
      case 'stop':
        this.#bringDown(this.#member(fault.on), fault.kind, fault.downMs);
        return;
      case 'allLosePower':
        for (const member of this.members) this.#bringDown(member, 'powerLoss', fault.downMs);
        return;
      case 'stall':
        this.#member(fault.on).replica.process?.loop.stall(fault.ms);
        return;
      case 'clock': {
        const loop = this.#member(fault.on).replica.process?.loop;
        loop?.setRate(fault.rate);
        loop?.stepWall(fault.wallMs);
        return;
      }
      case 'cut':
        this.#cut(fault.from, fault.to, fault.ms);
        return;
      case 'partition':
        this.#partition(new Set(fault.side), fault.ms);
        return;
      case 'reset':
        this.#network.reset(this.#address(fault.x), this.#address(fault.y));
        return;
      case 'hint':
        this.#network.hint(this.#address(fault.at), this.#address(fault.of));
        return;
      case 'noise':
        this.#noise(fault);
        return;
      case 'slowDisk': {
        const { disk } = this.#member(fault.on).replica;
        if (fault.hangMs > 0) disk.hang(fault.hangMs);
        this.#diskRates(fault.on, { stall: fault.stall }, fault.ms);
        return;
      }
      case 'badDisk': {
        const { writeError, syncError, readError, shortWrite } = fault;
        this.#diskRates(fault.on, { writeError, syncError, readError, shortWrite }, fault.ms);
        return;
      }
      case 'fullDisk':
        this.#fillDisk(this.#member(fault.on), fault.ms);
        return;
      case 'damage':
        this.#damage(fault);
        return;
      case 'oldCopy':
        this.#putBack(this.#member(fault.on), fault.afterMs);
        return;
      case 'clone':
        // A copy beside its original comes with the membership's faults.
        return;
      case 'validatorCut':
        this.#cutValidators(this.#member(fault.on), fault.ms);
        return;
      case 'operator':
        this.#operate(fault);
        return;
      case 'key': {
        const member = this.#member(fault.on);
        member.keyFate = fault.how;
        this.#in(fault.ms, () => {
          member.keyFate = 'good';
        });
      }
    }
  }

  #bringDown(member: Member, how: 'kill' | 'powerLoss' | 'stop', downMs: number): void {
    const { replica } = member;
    if (replica.process !== null && how === 'stop') {
      // Orderly, and by force where that takes too long.
      void replica.stop().then(() => this.#down(member, 'stopped', downMs));
      this.#in(5000, () => {
        if (replica.process !== null && replica.process.loop === loop) {
          replica.kill();
          this.#down(member, 'killed', downMs);
        }
      });
      const { loop } = replica.process;
      return;
    }
    if (replica.process === null) {
      if (how === 'powerLoss') replica.losePower();
      return;
    }
    if (how === 'powerLoss') replica.losePower();
    else replica.kill();
    this.#down(member, how === 'powerLoss' ? 'powerLost' : 'killed', downMs);
  }

  #down(member: Member, how: 'killed' | 'powerLost' | 'stopped', downMs: number): void {
    if (member.replica.process !== null) return;
    this.#gone(member, how);
    this.#startIn(member, downMs);
  }

  #cut(from: number, to: number, ms: number): void {
    const [x, y] = [this.#address(from), this.#address(to)];
    this.#network.setPath(x, y, { cut: true });
    this.#in(ms, () => this.#network.setPath(x, y, { cut: false }));
  }

  #partition(side: ReadonlySet<number>, ms: number): void {
    for (const x of this.members) {
      for (const y of this.members) {
        if (side.has(x.number) !== side.has(y.number)) this.#cut(x.number, y.number, ms);
      }
    }
  }

  #noise({ loss, duplicate, reorder, stray, tail, ms }: Extract<Fault, { kind: 'noise' }>): void {
    const lateMs = this.swarm.timers.electionTimeoutMs;
    this.#allPaths({ loss, duplicate, reorder, stray, tail, tailMs: lateMs, lateMs });
    this.#in(ms, () =>
      this.#allPaths({ loss: 0, duplicate: 0, reorder: 0, stray: 0, tail: 0, tailMs: 0 }),
    );
  }

  #allPaths(change: Parameters<SimulatedNetwork['setPath']>[2]): void {
    for (const x of this.members) {
      for (const y of this.members) {
        if (x !== y)
          this.#network.setPath(this.#address(x.number), this.#address(y.number), change);
      }
    }
  }

  #diskRates(on: number, change: Partial<typeof soundDisk>, ms: number): void {
    const { disk } = this.#member(on).replica;
    disk.rates = { ...disk.rates, ...change };
    const back = Object.fromEntries(Object.keys(change).map((key) => [key, 0]));
    this.#in(ms, () => {
      disk.rates = { ...disk.rates, ...back };
    });
  }

  #fillDisk({ replica: { disk } }: Member, ms: number): void {
    disk.capacityBytes = 0;
    this.#in(ms, () => {
      disk.capacityBytes = Number.POSITIVE_INFINITY;
    });
  }

  /** Seen at the next start, or by nobody. */
  #damage({ on, how, ms }: Extract<Fault, { kind: 'damage' }>): void {
    const member = this.#member(on);
    member.marred = true;
    this.oracle.diskReplaced(member.id);
    if (how === 'misdirected') this.#diskRates(on, { misdirected: 0.02 }, ms);
    else member.replica.disk.flipBit();
  }

  /** A copy is made now, and put back later: all that was written between is forgotten. */
  #putBack(member: Member, afterMs: number): void {
    const image = member.replica.disk.snapshot();
    this.#in(afterMs, () => {
      if (this.#healing) return;
      member.marred = true;
      if (member.replica.process !== null) {
        member.replica.kill();
        this.#gone(member, 'killed');
      }
      this.oracle.diskReplaced(member.id);
      member.replica.disk.restore(image);
      this.trace.add(`${member.replica.name} has an old copy of its disk`);
      this.#startIn(member, 100);
    });
  }

  #cutValidators(member: Member, ms: number): void {
    member.validatorCut = true;
    this.#in(ms, () => {
      member.validatorCut = false;
    });
  }

  #operate({ deed, chain: n, ms }: Extract<Fault, { kind: 'operator' }>): void {
    const chain = this.chains[n];
    const leader = this.members.find((m) => m.replica.process?.replica?.node.mayServe());
    const replica = leader?.replica.process?.replica;
    if (chain === undefined || !replica) return;
    if (deed === 'handOver') {
      void replica.node.transferLeadership(null).catch(() => 'nobody took it');
    } else if (deed === 'floor') {
      const floor = { height: chain.height + 2n, round: 0, step: 1 as const };
      void replica.store.raiseFloor(chain.id, floor, true);
      for (const course of this.courses)
        if (course.chain === chain) course.catchUp(chain.height + 3n);
    } else {
      void replica.store.setHaltHeight(chain.id, chain.height + 2n);
      this.#in(ms, () => this.#clearHalt(chain));
    }
  }

  #clearHalt(chain: Chain): void {
    const leader = this.members.find((m) => m.replica.process?.replica?.node.mayServe());
    void leader?.replica.process?.replica?.store.setHaltHeight(chain.id, null);
  }

  #in(ms: number, run: () => void): void {
    this.timeline.plan(this.timeline.now + ms, arrivals, run);
  }

  // ------------------------------------------------------------------------------ the end

  /** All is healed: a leader, one state everywhere, and the next height of every chain, within a while. */
  async #settle(): Promise<void> {
    this.#healing = true;
    this.trace.add('HEAL');
    for (const course of this.courses) course.stop();
    this.#allPaths(soundPath);
    for (const member of this.members) {
      member.replica.disk.rates = soundDisk;
      member.replica.disk.capacityBytes = Number.POSITIVE_INFINITY;
      member.validatorCut = false;
      member.keyFate = 'good';
      if (member.replica.process === null && member.doomed < 3) this.#startIn(member, 100);
    }
    await this.#requireAgreement();
    for (const chain of this.chains) await this.#requireNextHeight(chain);
    await this.#requireAgreement();
  }

  async #requireAgreement(): Promise<void> {
    const deadline = this.timeline.now + 60 * this.swarm.timers.electionTimeoutMs + 30_000;
    await this.timeline.run(() => {
      this.#examine();
      return this.timeline.now > deadline || this.#disagreement() === null;
    });
    const disagreement = this.#disagreement();
    if (disagreement !== null) {
      throw new Violation('all converge under one leader once all is healed', disagreement);
    }
    for (const { replica } of this.members) {
      const running = replica.process?.replica;
      if (!running?.node.core) continue;
      this.oracle.looked(replica.name, running.node.core.applied, running.machine.hash());
    }
  }

  /** Who is not yet where all should come to; null: all are. */
  #disagreement(): string | null {
    const live = this.members.filter((m) => m.doomed < 3);
    if (live.length * 2 <= this.members.length) return `only ${live.length} may run`;
    const cores = live.map(({ replica }) => replica.process?.replica?.node.core ?? null);
    // Never founded, and one of them is gone for good: nothing was ever promised.
    if (live.length < this.members.length && cores.every((core) => core === null)) return null;
    const leaders = cores.filter((core) => core?.role.kind === 'leader');
    const places = new Set(cores.map((core) => (core === null ? -1 : core.commit)));
    const behind = cores.some((core) => core === null || core.applied !== core.commit);
    if (leaders.length === 1 && places.size === 1 && !behind) return null;
    return live
      .map(({ replica: { name } }, at) => {
        const core = cores[at];
        if (!core) return `${name} has not joined`;
        return `${name} ${core.role.kind} term ${core.hard.term} commit ${core.commit} applied ${core.applied}`;
      })
      .join(', ');
  }

  async #requireNextHeight(chain: Chain): Promise<void> {
    const record = this.oracle.truth.record(chain.id);
    // Waits for a member that is gone, or says nothing of it: named in the log, and right so.
    if (record === undefined || record.retired) return;
    this.#clearHalt(chain);
    const course = this.courses.find(
      (one) => one.chain === chain && this.#isReachable(one.validator),
    );
    if (course === undefined) return;
    const { last, floor } = record;
    const highest = [last?.hrs, floor ?? undefined].flatMap((hrs) =>
      hrs === undefined ? [] : [hrs],
    );
    const top = highest.sort(comparePosition).at(-1)?.height ?? 0n;
    let said: string | null = null;
    await this.#until(this.timeline.now + 1000);
    course.askNext(top + 1n, (answered) => {
      said = answered.kind === 'refused' ? answered.description : answered.kind;
    });
    await this.timeline.run(() => {
      this.#examine();
      return said !== null;
    });
    if (said === 'signed') return;
    throw new Violation(
      'the next height of every chain can be signed once all is healed',
      `${chain.id.chainId} at ${top + 1n}: ${said}`,
    );
  }

  /** Some replica that runs lists it. */
  #isReachable(validator: Validator): boolean {
    return this.members.some(
      ({ replica }) =>
        replica.process !== null &&
        replica.site.chains.some(({ validators }) => validators.includes(validator.address)),
    );
  }

  // ------------------------------------------------------------------------------ looking up

  #member(number: number): Member {
    const member = this.members[number];
    if (member === undefined) throw new RangeError(`no replica ${number}`);
    return member;
  }

  #address(number: number): string {
    return this.#member(number).replica.site.address;
  }

  #at(address: string): Member | null {
    return this.members.find(({ replica }) => replica.site.address === address) ?? null;
  }

  #where({ replica, id }: Member): At {
    return { replica: replica.name, id, start: replica.starts };
  }

  /** A violation within production code's own stack must not be caught by it. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#violation ??= error instanceof Error ? error : new Error(String(error));
    }
  }
}

/** Signed by whoever had the key before. */
function stateAt(id: RecordId, height: bigint, table: SignatureTable): StateFile {
  const hash = Buffer.alloc(32, 7);
  const blockId = { hash, partSetHeader: { total: 1, hash } };
  const vote = {
    type: 2,
    height,
    round: 0,
    blockId,
    timestamp: { seconds: 1_700_000_000n, nanos: 0 },
  } as const;
  const signBytes = voteSignBytes(id.chainId, vote);
  const signature = table.sign(signBytes);
  return { position: { height, round: 0, step: 3 }, signed: { signBytes, signature } };
}
