/**
 * Making a world: its chains and validators, its replicas, and what each is given.
 *
 * Owns    who is there at the beginning, what lies in the homes, and which edge tells the oracle what.
 * Never   decides what a replica does: the production code does.
 */
import { LinkTransport } from '@cometkms/consensus';
import type { RecordId } from '@cometkms/sign-state';
import { SimulatedDisk } from './disk.js';
import type { EventLoop } from './event-loop.js';
import { simulatedKey } from './keys.js';
import type { Lives } from './lives.js';
import type { Looking } from './looking.js';
import type { Member } from './member.js';
import type { SimulatedNetwork } from './network.js';
import { soundPath } from './network-path.js';
import type { At } from './observations.js';
import { topOf } from './reference-verdicts.js';
import { SimulatedReplica, type Site, type SiteChain, type SiteMember } from './replica.js';
import type { Scene } from './scene.js';
import { wordsOf } from './trace.js';
import { Validator } from './validator.js';
import { SimulatedValidatorLink } from './validator-link.js';
import { type Asked, Chain, ValidatorCourse } from './workload.js';

const names = 'abcdefghijklmnopqrstuvwxyz'.split('');

export interface Newcomer {
  /** Null: one that nobody had. */
  readonly name: string | null;
  readonly witness: boolean;
  /** In whose place, if in somebody's. */
  readonly instead: Member | null;
  /** All that its configuration lists besides itself. */
  readonly others: readonly SiteMember[];
}

/** Of calls to a disk. */
const failures: ReadonlySet<string> = new Set([
  ...['readError', 'writeError', 'syncError', 'shortWrite', 'full', 'readOnly'],
]);

const addressOf = (number: number): string => `10.0.0.${number + 1}:9430`;

export class Making {
  readonly #scene: Scene;
  readonly #lives: Lives;
  readonly #looking: Looking;

  constructor(scene: Scene, lives: Lives, looking: Looking) {
    this.#scene = scene;
    this.#lives = lives;
    this.#looking = looking;
  }

  makeChains(): void {
    const random = this.#scene.seed.fork('chains');
    for (const [n, drawn] of this.#scene.swarm.chains.entries()) {
      const key = { type: 'ed25519' as const, bytes: random.bytes(32) };
      const isNew = drawn.beginning === 'neverSigned' || drawn.beginning === 'nothing';
      const start = isNew ? 1n : BigInt(random.between(2, 5000));
      const chain = new Chain({ chainId: `chain-${n}`, key }, start);
      this.#scene.chains.push(chain);
      for (let v = 0; v < drawn.validators; v += 1) {
        const validator = new Validator(this.#scene.timeline, `tcp://10.9.${n}.${v}:26659`);
        this.#scene.validators.set(validator.address, validator);
        const stream = this.#scene.seed.fork(`validator ${n}.${v}`);
        this.#scene.courses.push(
          new ValidatorCourse(
            chain,
            validator,
            this.#scene.timeline,
            stream,
            drawn.habits,
            (asked) => this.#answered(chain, asked),
          ),
        );
      }
    }
  }

  makeMembers(): void {
    const random = this.#scene.seed.fork('identities');
    const { replicas, witnesses } = this.#scene.swarm;
    const founders = names.slice(0, replicas).map((name, number) => ({
      name,
      address: addressOf(number),
      identity: Buffer.from(random.bytes(32)).toString('hex'),
      witness: witnesses.includes(number),
    }));
    for (const [number, founder] of founders.entries()) {
      const chains = this.#chainsOf(founder.witness, (chain) => ({
        validators: this.#validatorsOf(chain, number),
        neverSigned: this.#saysNever(chain, number),
      }));
      const site = { ...founder, label: founder.name, members: founders, founders, chains };
      this.#scene.members.push(this.#makeMember(site));
    }
    for (const { address } of founders) this.#pave(address);
  }

  /** As `cmkms cluster home` makes one: an identity that nobody ever had, and no state. */
  makeNewcomer({ name, witness, instead, others }: Newcomer): Member {
    const number = this.#scene.members.length;
    const taken = new Set(this.#scene.members.map(({ replica }) => replica.site.name));
    const own = {
      name: name ?? names.find((one) => !taken.has(one)) ?? `z${number}`,
      address: addressOf(number),
      identity: Buffer.from(this.#scene.seed.fork(`identity ${number}`).bytes(32)).toString('hex'),
      witness,
    };
    const listed = others.filter((other) => other.name !== own.name);
    const chains = this.#chainsOf(witness, (chain) => ({
      validators: this.#validatorsFor(chain, instead),
      neverSigned: false,
    }));
    const label = name === null ? own.name : `${name}${number}`;
    const members = [...listed, own].sort((x, y) => (x.name < y.name ? -1 : 1));
    const member = this.#makeMember({ ...own, label, members, founders: null, chains });
    this.#scene.members.push(member);
    this.#pave(own.address);
    for (const { id } of chains)
      this.#scene.oracle.homeKnows(own.identity, id, { kind: 'nothing' });
    return member;
  }

  /** To all who are there, and back. */
  #pave(address: string): void {
    const baseMs = this.#scene.swarm.baseDelayMs;
    for (const { replica } of this.#scene.members) {
      const other = replica.site.address;
      if (other === address) continue;
      this.#scene.network.setPath(address, other, { ...soundPath, baseMs });
      this.#scene.network.setPath(other, address, { ...soundPath, baseMs });
    }
  }

  #chainsOf(witness: boolean, of: (chain: number) => Omit<SiteChain, 'id'>): SiteChain[] {
    if (witness) return [];
    return this.#scene.chains.map(({ id }, chain) => ({ id, ...of(chain) }));
  }

  #makeMember(
    own: Omit<
      Site,
      | 'clusterId'
      | 'timers'
      | 'segmentBytes'
      | 'snapshotEntries'
      | 'stateHashEntries'
      | 'applyEntries'
    >,
  ): Member {
    const { timers, snapshotEntries, stateHashEntries, applyEntries, segmentBytes } =
      this.#scene.swarm;
    const number = this.#scene.members.length;
    const site: Site = {
      ...own,
      ...{ clusterId: 'c-simulated', timers, segmentBytes },
      ...{ snapshotEntries, stateHashEntries, applyEntries },
    };
    this.#scene.oracle.homeMade(own.identity, own.witness);
    const disk = new SimulatedDisk(this.#diskOptions(own.label, () => member));
    const { diskMs, spoilt } = this.#scene.swarm;
    disk.rates = { ...disk.rates, diskMs: diskMs[number] ?? disk.rates.diskMs };
    if (this.#scene.plan.marred.includes(number))
      disk.rates = { ...disk.rates, zero: spoilt, garbage: spoilt };
    const member = this.#memberAt(site, disk, { number, id: own.identity, copyOf: null });
    return member;
  }

  /**
   * Of its machine as it is at this moment, at an address of its own. What is seen of it goes under an id that nobody
   * has: what it promises is nobody's (copies.ts).
   */
  makeCopy(original: Member): Member {
    const { members, copies, oracle } = this.#scene;
    const { site, disk } = original.replica;
    const number = copies.length;
    const label = `${site.label}’${number}`;
    const address = addressOf(100 + number);
    const id = `copy ${number} of ${original.id}`;
    oracle.homeMade(id, original.witness);
    oracle.copyMade(id);
    // It opens with what it never acknowledged itself.
    oracle.diskReplaced(id);
    const own = disk.clone(this.#diskOptions(label, () => copy));
    const as = { number: members.length + number, id, copyOf: original };
    const copy = this.#memberAt({ ...site, label, address }, own, as);
    // The program is part of the machine.
    copy.replica.install(original.replica.newestRules);
    copies.push(copy);
    this.#pave(address);
    return copy;
  }

  #diskOptions(label: string, self: () => Member): ConstructorParameters<typeof SimulatedDisk>[0] {
    return {
      timeline: this.#scene.timeline,
      random: this.#scene.seed.fork(`disk ${label}`),
      observe: (event) => {
        if (event.kind !== 'fault') return;
        this.#scene.trace.add(`${label} disk ${event.fault} ${event.path}`);
        if (failures.has(event.fault)) self().diskFailed = true;
        // Neither blank nor whole: for a log that is damage, though nothing acknowledged stands there.
        if (event.fault === 'shorn' && event.path.endsWith('.wal')) self().marred = true;
      },
    };
  }

  #memberAt(site: Site, disk: SimulatedDisk, as: Pick<Member, 'number' | 'id' | 'copyOf'>): Member {
    const member: Member = {
      ...as,
      replica: new SimulatedReplica(
        site,
        disk,
        this.#siteWorld(() => member),
        this.#scene.seed.fork(`replica ${site.label}`),
      ),
      witness: site.witness,
      station: null,
      links: [],
      // A log that finds garbage where a sector was being written cannot know that nothing acknowledged stood there.
      marred: disk.rates.garbage > 0,
      diskFailed: false,
      trip: null,
      keyFate: 'good',
      validatorCut: false,
      left: false,
      lost: false,
      doomed: 0,
      doomedUnder: null,
      cancelStart: () => {},
    };
    return member;
  }

  /** In a contradiction the last one says so, whoever has the file. */
  #saysNever(chain: number, replica: number): boolean {
    const beginning = this.#scene.swarm.chains[chain]?.beginning;
    if (beginning === 'contradiction') return replica === this.#scene.swarm.replicas - 1;
    return beginning === 'neverSigned';
  }

  #allValidatorsOf(chain: number): string[] {
    const count = this.#scene.swarm.chains[chain]?.validators ?? 0;
    return Array.from({ length: count }, (_, v) => `tcp://10.9.${chain}.${v}:26659`);
  }

  #validatorsOf(chain: number, replica: number): string[] {
    const { replicas, witnesses, chains } = this.#scene.swarm;
    const all = this.#allValidatorsOf(chain);
    if (!chains[chain]?.exclusive) return all;
    const holders = Array.from({ length: replicas }, (_, n) => n).filter(
      (n) => !witnesses.includes(n),
    );
    return all.filter((_, v) => holders[v % holders.length] === replica);
  }

  /** Of a newcomer: where each is listed by one alone, those of whom it stands in for. */
  #validatorsFor(chain: number, instead: Member | null): readonly string[] {
    if (!this.#scene.swarm.chains[chain]?.exclusive) return this.#allValidatorsOf(chain);
    return instead?.replica.site.chains[chain]?.validators ?? [];
  }

  #siteWorld(self: () => Member): ConstructorParameters<typeof SimulatedReplica>[2] {
    const { timeline } = this.#scene;
    const devices = this.#scene.seed.fork('devices');
    return {
      timeline,
      transport: (loop) => {
        const member = self();
        const { site } = member.replica;
        const station = this.#scene.network.station(site.address, loop, {
          kind: 'certificate',
          certificate: {
            ...{ clusterId: site.clusterId, replicaName: site.name, identity: site.identity },
            notAfter: new Date(0),
          },
        } as Parameters<SimulatedNetwork['station']>[2]);
        member.station = station;
        const random = this.#scene.seed.fork(`links ${site.label} ${member.replica.starts}`);
        return new LinkTransport({
          ...{ self: site.identity, listen: site.address, network: station },
          ...{
            clock: loop,
            entropy: (bytes) => random.bytes(bytes),
          },
        });
      },
      key: (id, loop) => {
        this.#scene.guard(() => this.#scene.oracle.keyOpened(this.#scene.where(self())));
        return simulatedKey(id.key, this.#scene.table, loop, !this.#scene.swarm.devices, {
          fate: () => self().keyFate,
          delayMs: () => devices.range(0.2, 5),
        });
      },
      verify: this.#scene.table.verify,
      openLink: (loop, address, handler, events) =>
        this.#openLink(self(), loop, address.text, handler, events),
      log: (start) => {
        const where = (): At => ({ ...this.#scene.where(self()), start });
        return {
          opened: (recovered) => {
            this.#scene.recording?.logOpened(self().replica.name, recovered);
            if (recovered.cutBytes > 0) this.#scene.marks.mark('a torn tail is cut');
            this.#scene.guard(() => this.#scene.oracle.logOpened(where(), recovered));
          },
          begun: (batches) => {
            this.#scene.watch.begun(self(), batches, this.#scene.oracle.logs.given(self().id));
            this.#lives.writes(self(), batches);
            this.#scene.guard(() => this.#scene.oracle.logBegun(where(), batches));
          },
          acknowledged: (batches) =>
            this.#scene.guard(() => this.#scene.oracle.logAcknowledged(where(), batches)),
        };
      },
      logged: (event, facts) => {
        if (event === 'trace') return;
        this.#scene.trace.add(`${self().replica.name} ${event} ${wordsOf(facts)}`);
        this.#scene.watch.logged(event, facts as Record<string, unknown>);
        if (event !== 'peer_up') return;
        const { peer } = facts as { readonly peer: string };
        const other = this.#scene.members.find(({ replica }) => replica.name === peer);
        if (other !== undefined) this.#scene.oracle.linked(this.#scene.where(self()), other.id);
      },
      assembled: (replica) => this.#scene.recording?.assembled(self().replica.name, replica),
      calledBack: () => this.#looking.touched(self()),
      ended: (error) => this.#lives.ended(self(), error),
    };
  }

  #openLink(
    member: Member,
    loop: EventLoop,
    address: string,
    handler: ConstructorParameters<typeof SimulatedValidatorLink>[2],
    events: ConstructorParameters<typeof SimulatedValidatorLink>[3],
  ): SimulatedValidatorLink {
    const validator = this.#scene.validators.get(address);
    if (validator === undefined) throw new Error(`no validator at ${address}`);
    const random = this.#scene.seed.fork(
      `link ${member.replica.name} ${address} ${member.replica.starts}`,
    );
    const where = this.#scene.where(member);
    this.#scene.guard(() => this.#scene.oracle.linkOpened(where));
    const id: RecordId = { chainId: handler.chainId, key: handler.publicKey() };
    const key = Buffer.from(id.key.bytes).toString('hex');
    const link = new SimulatedValidatorLink(
      {
        timeline: this.#scene.timeline,
        loop,
        random,
        path: {
          delayMs: () => this.#scene.swarm.baseDelayMs + random.exponential(0.2),
          isCut: () => member.validatorCut,
        },
        asked: (request) =>
          this.#scene.guard(() => this.#scene.oracle.asked({ at: where, id, request })),
        refused: (request, answer, askedAtMs) =>
          this.#scene.guard(() => {
            this.#looking.lookAtCores();
            const { description } = answer;
            const code = / ([A-Z_]+):/.exec(description)?.[1] ?? '';
            const leaderlessMs = this.#looking.product.leaderlessMs(member);
            const keysFail = this.#keysFail();
            const facts = { code, description, askedAtMs, leaderlessMs, keysFail };
            this.#scene.oracle.refused({ at: where, id, request, ...facts });
          }),
        released: (request, answer) =>
          this.#scene.guard(() => {
            // What this very event has committed comes first.
            this.#looking.lookAtCores();
            const { chainId } = handler;
            const signBytes = this.#scene.table.signedBy(answer.signature);
            this.#scene.oracle.released({
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

  /** Now, or so lately that a request may have met it. */
  #keysFail(): boolean {
    const { members, timeline, keysFailedAtMs } = this.#scene;
    return (
      members.some(({ keyFate }) => keyFate !== 'good') || timeline.now - keysFailedAtMs < 20_000
    );
  }

  #answered(chain: Chain, { validator, request, answered }: Asked): void {
    const what =
      request.kind === 'vote' ? (request.type === 1 ? 'prevote' : 'precommit') : 'proposal';
    const where = `${request.height}/${request.round}/${what}`;
    const how =
      answered.kind === 'refused' ? `refused ${answered.description.slice(0, 90)}` : answered.kind;
    this.#scene.trace.add(`${validator.address} ${where} ${how}`);
    this.#scene.watch.answered(answered);
    if (answered.kind !== 'refused' || !answered.description.includes('REGRESSED')) return;
    const record = this.#scene.oracle.truth.reference(chain.id);
    const top = record === undefined ? null : topOf(record);
    if (top !== null && top.height > chain.height) chain.height = top.height + 1n;
  }
}
