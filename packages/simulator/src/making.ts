/**
 * Making a world: its chains and validators, its replicas, and what each is given.
 *
 * Owns    who is there at the beginning, what lies in the homes, and which edge tells the oracle what.
 * Never   decides what a replica does: the production code does.
 */
import { LinkTransport } from '@cometkms/consensus';
import { type RecordId, voteSignBytes } from '@cometkms/sign-state';
import { type StateFile, writeStateFile } from '@cometkms/signer';
import { SimulatedDisk } from './disk.js';
import { EventLoop } from './event-loop.js';
import { type SignatureTable, simulatedKey } from './keys.js';
import type { Lives } from './lives.js';
import type { Looking } from './looking.js';
import type { Member } from './member.js';
import type { SimulatedNetwork } from './network.js';
import { soundPath } from './network-path.js';
import type { At } from './observations.js';
import { SimulatedReplica, type Site, statePathOf } from './replica.js';
import type { Scene } from './scene.js';
import { wordsOf } from './trace.js';
import { Validator } from './validator.js';
import { SimulatedValidatorLink } from './validator-link.js';
import { type Asked, Chain, ValidatorCourse } from './workload.js';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

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
      const start = drawn.beginning === 'neverSigned' ? 1n : BigInt(random.between(2, 5000));
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
    const sites = names.slice(0, this.#scene.swarm.replicas).map((name) => ({
      name,
      address: `10.0.0.${names.indexOf(name) + 1}:9430`,
      identity: Buffer.from(random.bytes(32)).toString('hex'),
    }));
    for (const [number, site] of sites.entries())
      this.#scene.members.push(this.#makeMember(number, site, sites));
    for (const x of sites) {
      for (const y of sites) {
        if (x !== y)
          this.#scene.network.setPath(x.address, y.address, {
            ...soundPath,
            baseMs: this.#scene.swarm.baseDelayMs,
          });
      }
    }
  }

  #makeMember(
    number: number,
    own: Pick<Site, 'name' | 'address' | 'identity'>,
    all: Site['members'],
  ): Member {
    const { timers, snapshotEntries, segmentBytes } = this.#scene.swarm;
    const site: Site = {
      ...own,
      members: all,
      clusterId: 'c-simulated',
      chains: this.#scene.chains.map((chain, n) => ({
        id: chain.id,
        validators: this.#validatorsOf(n, number),
        neverSigned: this.#scene.swarm.chains[n]?.beginning === 'neverSigned',
      })),
      timers,
      snapshotEntries,
      segmentBytes,
    };
    const disk = new SimulatedDisk({
      timeline: this.#scene.timeline,
      random: this.#scene.seed.fork(`disk ${own.name}`),
      observe: (event) => {
        if (event.kind !== 'fault') return;
        this.#scene.trace.add(`${own.name} disk ${event.fault} ${event.path}`);
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
        this.#scene.seed.fork(`replica ${own.name}`),
      ),
      station: null,
      links: [],
      marred: false,
      diskFailed: false,
      trip: null,
      keyFate: 'good',
      validatorCut: false,
      doomed: 0,
      cancelStart: () => {},
    };
    return member;
  }

  #validatorsOf(chain: number, replica: number): string[] {
    const drawn = this.#scene.swarm.chains[chain];
    const all = Array.from(
      { length: drawn?.validators ?? 0 },
      (_, v) => `tcp://10.9.${chain}.${v}:26659`,
    );
    if (!drawn?.exclusive) return all;
    return all.filter((_, v) => v % this.#scene.swarm.replicas === replica);
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
        const random = this.#scene.seed.fork(`links ${site.name} ${member.replica.starts}`);
        return new LinkTransport({
          ...{ self: site.identity, listen: site.address, network: station },
          ...{
            clock: loop,
            entropy: (bytes) => random.bytes(bytes),
          },
        });
      },
      key: (id, loop) =>
        simulatedKey(id.key, this.#scene.table, loop, !this.#scene.swarm.devices, {
          fate: () => self().keyFate,
          delayMs: () => devices.range(0.2, 5),
        }),
      verify: this.#scene.table.verify,
      openLink: (loop, address, handler, events) =>
        this.#openLink(self(), loop, address.text, handler, events),
      log: (start) => {
        const where = (): At => ({ ...this.#scene.where(self()), start });
        return {
          opened: (recovered) => {
            if (recovered.cutBytes > 0) this.#scene.marks.mark('a torn tail is cut');
            this.#scene.guard(() => this.#scene.oracle.logOpened(where(), recovered));
          },
          begun: (batches) => {
            this.#scene.watch.begun(batches);
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
      },
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
    const key = Buffer.from(handler.publicKey().bytes).toString('hex');
    const link = new SimulatedValidatorLink(
      {
        timeline: this.#scene.timeline,
        loop,
        random,
        path: {
          delayMs: () => this.#scene.swarm.baseDelayMs + random.exponential(0.2),
          isCut: () => member.validatorCut,
        },
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

  #answered(chain: Chain, { validator, request, answered }: Asked): void {
    const what =
      request.kind === 'vote' ? (request.type === 1 ? 'prevote' : 'precommit') : 'proposal';
    const where = `${request.height}/${request.round}/${what}`;
    const how =
      answered.kind === 'refused' ? `refused ${answered.description.slice(0, 90)}` : answered.kind;
    this.#scene.trace.add(`${validator.address} ${where} ${how}`);
    this.#scene.watch.answered(answered);
    if (answered.kind !== 'refused' || !answered.description.includes('REGRESSED')) return;
    const last = this.#scene.oracle.truth.grants(chain.id).at(-1);
    if (last !== undefined && last.hrs.height > chain.height) chain.height = last.hrs.height + 1n;
  }

  /** The state files that the homes begin with. */
  async install(): Promise<void> {
    const random = this.#scene.seed.fork('install');
    for (const [n, chain] of this.#scene.chains.entries()) {
      const beginning = this.#scene.swarm.chains[n]?.beginning ?? 'neverSigned';
      if (beginning === 'neverSigned') continue;
      const chosen = random.between(0, this.#scene.members.length - 1);
      for (const member of this.#scene.members) {
        if (beginning === 'oneFile' && member.number !== chosen) continue;
        const below = beginning === 'differentFiles' ? BigInt(random.between(0, 3)) : 0n;
        await this.#write(
          member,
          chain.id,
          stateAt(chain.id, chain.height - 1n - below, this.#scene.table),
        );
      }
    }
  }

  async #write(member: Member, id: RecordId, state: StateFile): Promise<void> {
    const loop = new EventLoop(this.#scene.timeline, 0);
    const mounted = member.replica.disk.mount(loop);
    let done = false;
    void writeStateFile(statePathOf(id), state, mounted.durableFiles).then(() => {
      done = true;
    });
    await this.#scene.timeline.run(() => done);
    loop.die();
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
