/**
 * The driver: the only place where the core meets sockets, disk and clock.
 *
 * Owns    the order in which inputs reach the core and outputs reach the world; founding; applying.
 * Never   decides anything about terms, votes or entries, and sends nothing after a write failed.
 * Rule    docs/architecture.md: a promise needs a receipt; a late wake proves nothing about peers.
 * Proof   test/node-*.test.ts: real logs and real links.
 */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { invariant } from '@cometkms/invariant';
import {
  type Core,
  type CoreConfig,
  checkCoreConfig,
  createCore,
  type Input,
  type MemberId,
  type Membership,
  mayServe,
  type Outbox,
  type ProposalOutcome,
  type RoleChange,
  type Snapshot,
  statusOf,
  step,
  type Ticket,
} from './core/index.js';
import { ConsensusError } from './errors.js';
import { type FoundingStep, type ListedMember, planFounding } from './founding.js';
import { decodeGenesis, encodeGenesis } from './log-codec.js';
import { LogWriter } from './log-writer.js';
import { PeerMarks } from './peer-marks.js';
import type { Boot, Genesis, LogStorage, RecoveredStorage } from './storage.js';
import type { Hello, LinkFault, LinkFrame, PeerEndpoint, Refusal, Transport } from './transport.js';

export interface StateMachine<Answer> {
  /** Deterministic and synchronous. A throw stops the process: an entry may not be skipped. */
  apply(command: Uint8Array, at: { readonly term: number; readonly index: number }): Answer;
  snapshot(): Uint8Array;
  restore(state: Uint8Array): void;
}

export interface RaftNodeOptions<Answer> {
  readonly storage: LogStorage;
  readonly transport: Transport;
  readonly self: { readonly id: MemberId; readonly name: string };
  readonly version: string;
  /** As configured, this replica included. After founding the log's membership holds. */
  readonly members: readonly ListedMember[];
  /** From the genesis that all homes share; null: the first by name draws one. */
  readonly clusterId: string | null;
  /** What the record beside the key says; null: this replica never joined. */
  readonly joined: { readonly clusterId: string } | null;
  /** Writes that record, synced; called once, after the genesis is on disk and before the first vote. */
  recordJoined(genesis: Genesis): Promise<void>;
  readonly stateMachine: StateMachine<Answer>;
  readonly timers: Pick<CoreConfig, 'heartbeatIntervalMs' | 'electionTimeoutMs' | 'leaseMs'>;
  /** Applied entries between two snapshots. */
  readonly snapshotEntries: number;
  /** Of what should be the same on every member. */
  configDigest(): string;
  /** The process must end now. Called at most once; nothing leaves this node afterwards. */
  onFatal(error: Error): void;
}

export interface Proposed<Answer> {
  readonly answer: Answer;
  readonly term: number;
  readonly index: number;
}

export interface NodeEvents {
  role: [RoleChange & { readonly previous: MemberId | null }];
  /** `mayServe` turned true or false; it is judged at each step, and a lease may run out between two. */
  serving: [boolean];
  founding: [FoundingStep];
  founded: [Genesis];
  application: [from: MemberId, payload: Uint8Array];
  linkUp: [peer: MemberId, hello: Hello];
  linkDown: [peer: MemberId, cause: 'closed' | 'lost', detail: string];
  dialFailed: [peer: PeerEndpoint, fault: LinkFault];
  inboundFailed: [fault: LinkFault];
  synced: [ms: number];
  handedOver: [to: MemberId | null, reason: string, tookMs: number];
}

interface PendingProposal<Answer> {
  readonly resolve: (proposed: Proposed<Answer>) => void;
  readonly reject: (error: ConsensusError) => void;
  readonly timer: NodeJS.Timeout;
}

const bounds = {
  maxInflightAppends: 64,
  maxAppendBytes: 1024 * 1024,
  maxUncommittedBytes: 16 * 1024 * 1024,
} as const;

/** A leader that is unfit hands over at most this often. */
const HAND_OVER_PAUSE_MS = 5000;

export class RaftNode<Answer> extends EventEmitter<NodeEvents> {
  readonly #options: RaftNodeOptions<Answer>;
  readonly #writer: LogWriter;
  readonly #inputs: Input[] = [];
  readonly #proposals = new Map<Ticket, PendingProposal<Answer>>();
  /** Committed and not applied yet, by index. */
  readonly #committed = new Map<number, { readonly ticket: Ticket; readonly term: number }>();
  /** The last accepted hello of each peer; of links that are up in `#hellos`. */
  readonly #judged = new Map<MemberId, Hello>();
  readonly #hellos = new Map<MemberId, Hello>();
  /** Promises of peers whose joining is not on our disk yet. */
  readonly #early = new Map<MemberId, Input[]>();
  readonly #runId = randomBytes(16).toString('hex');
  #marks = new PeerMarks([]);
  #core: Core | null = null;
  #genesis: Genesis | null = null;
  #told: Genesis | null = null;
  /** Of this process: the first one of a new log is 1. */
  #boot = 1;
  #joined = false;
  #founding = false;
  #lastTicket = 0;
  #applied = 0;
  #commitThrough = 0;
  #stepping = false;
  #timer: NodeJS.Timeout | null = null;
  #wakeAt = Number.POSITIVE_INFINITY;
  #leader: MemberId | null = null;
  #serving = false;
  #unfit: string | null = null;
  #handedOverAt = Number.NEGATIVE_INFINITY;
  #ended = false;
  #restored: Snapshot | null = null;

  constructor(options: RaftNodeOptions<Answer>) {
    super();
    this.#options = options;
    this.#writer = new LogWriter(options.storage, {
      durable: (through, marks) => {
        for (const peer of this.#marks.written(marks)) this.#admit(peer);
        if (this.#core !== null) this.#feed({ kind: 'durable', through });
      },
      takeMarks: () => this.#marks.takeDirty(),
      failed: (error) => this.#fatal(error),
      synced: (ms) => this.emit('synced', ms),
    });
  }

  // -------------------------------------------------------------------------------- life

  /**
   * Reads the log, numbers this start, listens, and links up. Founding, where it is still to be done, goes on
   * afterwards.
   * @throws ConsensusError  CONSENSUS_LOG_*, CONSENSUS_LISTEN_FAILED, CONSENSUS_INSECURE_ADDRESS,
   *   CONSENSUS_LOG_FOREIGN
   */
  async start(): Promise<void> {
    const { storage, transport } = this.#options;
    const recovered = await storage.open();
    this.#marks = new PeerMarks(recovered.marks);
    if (recovered.genesis !== null) await this.#resume(recovered.genesis, recovered);
    await transport.start(
      {
        onHello: (hello) => this.#judge(hello),
        onFrame: (from, frame) => this.#guard(() => this.#onFrame(from, frame)),
        onUp: (peer) => this.#guard(() => this.#onUp(peer)),
        onDown: (peer, cause, detail) => this.#guard(() => this.#onDown(peer, cause, detail)),
        onDialFailed: (peer, fault) => this.#onDialFailed(peer, fault),
        onInboundFailed: (fault) => this.emit('inboundFailed', fault),
      },
      () => this.#hello(),
    );
    transport.setPeers(
      this.#options.members
        .filter(({ name }) => name !== this.#options.self.name)
        .map(({ id, name, address }) => ({ id: this.#knownId(name) ?? id, name, address })),
    );
    if (recovered.genesis !== null) this.#run(recovered);
    else this.#tryFounding();
  }

  /** Hands leadership over where it can, then ends. Nothing is sent or written afterwards. */
  async stop(): Promise<void> {
    if (this.#core?.role.kind === 'leader') await this.transferLeadership(null).catch(() => null);
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const ticket of [...this.#proposals.keys()])
      this.#settle(ticket, null, 'this replica stops');
    await this.#options.transport.stop();
    await this.#writer.end();
    await this.#options.storage.close();
  }

  /**
   * Commits `command` and resolves with the state machine's answer, once it is applied on this replica.
   * @param command  copied before anything else happens
   * @param timeoutMs  from the call, on the monotonic clock
   * @throws ConsensusError CONSENSUS_NOT_LEADER  nothing was written here; asking the leader is safe
   * @throws ConsensusError CONSENSUS_OUTCOME_UNKNOWN  it may commit, or may have: propose the same bytes again
   * @see Raft dissertation, 3.4 and 6.3
   */
  propose(command: Uint8Array, timeoutMs: number): Promise<Proposed<Answer>> {
    const copy = Uint8Array.from(command);
    return new Promise((resolve, reject) => {
      if (this.#ended || this.#core === null) {
        reject(new ConsensusError('CONSENSUS_NOT_LEADER', { leader: null }));
        return;
      }
      this.#lastTicket += 1;
      const ticket = this.#lastTicket;
      const timer = setTimeout(() => {
        this.#settle(ticket, null, `no commit within ${timeoutMs} ms`);
      }, timeoutMs);
      this.#proposals.set(ticket, { resolve, reject, timer });
      this.#feed({ kind: 'propose', ticket, command: copy });
    });
  }

  /**
   * Hands leadership to `to`, or to the best matched voter.
   * @returns who leads then
   * @throws ConsensusError CONSENSUS_NOT_LEADER  this replica does not lead, or nobody took over in time
   */
  async transferLeadership(to: MemberId | null): Promise<MemberId> {
    const core = this.#core;
    if (core?.role.kind !== 'leader') {
      throw new ConsensusError('CONSENSUS_NOT_LEADER', { leader: this.#nameOf(this.#leader) });
    }
    const self = this.#options.self.id;
    return await new Promise((resolve, reject) => {
      const onRole = ({ leader }: { leader: MemberId | null }): void => {
        if (leader === null || leader === self) return;
        done();
        resolve(leader);
      };
      const timer = setTimeout(() => {
        done();
        reject(new ConsensusError('CONSENSUS_NOT_LEADER', { leader: null }));
      }, 2 * this.#options.timers.electionTimeoutMs);
      const done = (): void => {
        clearTimeout(timer);
        this.off('role', onRole);
      };
      this.on('role', onRole);
      this.#feed({ kind: 'transfer', to });
    });
  }

  /** A reason for which this replica should not lead (a key that fails, a slow disk); null: none. */
  setUnfit(reason: string | null): void {
    this.#unfit = reason;
  }

  /** Best effort, in order while the link lasts. False: dropped. */
  sendApplication(to: MemberId, payload: Uint8Array): boolean {
    return !this.#ended && this.#options.transport.send(to, { kind: 'application', payload });
  }

  /** Leads, holds the lease now, and has applied the first entry of its term. It refuses; it never permits. */
  mayServe(): boolean {
    return this.#core !== null && !this.#ended && mayServe(this.#core, performance.now());
  }

  get id(): MemberId {
    return this.#options.self.id;
  }

  get leader(): MemberId | null {
    return this.#core?.leader ?? null;
  }

  get clusterId(): string {
    return this.#genesis?.clusterId ?? this.#options.clusterId ?? '';
  }

  /** What the log says; before founding what the configuration lists. */
  get membership(): Membership | null {
    return this.#core?.snapshot.membership ?? null;
  }

  helloOf(peer: MemberId): Hello | null {
    return this.#hellos.get(peer) ?? null;
  }

  isUp(peer: MemberId): boolean {
    return this.#options.transport.isUp(peer);
  }

  /** When this member was last heard, on the monotonic clock in milliseconds; null: never in this run. */
  heardAt(peer: MemberId): number | null {
    return this.#core?.heardAt.get(peer) ?? null;
  }

  /** null until this replica has joined. */
  status(): ReturnType<typeof statusOf> | null {
    return this.#core === null ? null : statusOf(this.#core, performance.now());
  }

  logStats(): { readonly bytes: number; readonly lastSyncMs: number; readonly inFlightMs: number } {
    const inFlightMs = this.#writer.inFlightMs(performance.now());
    return { ...this.#options.storage.stats(), inFlightMs };
  }

  // ----------------------------------------------------------------------------- founding

  /** This log was founded before: number the start, synced, before anything is said to anybody. */
  async #resume(genesis: Genesis, recovered: RecoveredStorage): Promise<void> {
    if (genesis.self !== this.#options.self.id) {
      const facts = { found: genesis.self, wanted: this.#options.self.id };
      throw new ConsensusError('CONSENSUS_LOG_FOREIGN', facts);
    }
    this.#genesis = genesis;
    this.#boot = (recovered.boot?.boot ?? 0) + 1;
    this.#writer.add({ boot: this.#bootRecord() });
    await this.#writer.settled();
    // A crash between the genesis and the record beside the key: finish it, before any vote.
    if (this.#options.joined === null) await this.#options.recordJoined(genesis);
    this.#joined = true;
  }

  #tryFounding(): void {
    if (this.#genesis !== null || this.#founding || this.#ended) return;
    const byName = new Map([...this.#hellos.values()].map((hello) => [hello.name, hello]));
    const plan = planFounding({
      self: this.#options.self,
      members: this.#options.members,
      clusterId: this.#options.clusterId,
      hellos: byName,
      told: this.#told,
    });
    this.emit('founding', plan);
    if (plan.kind !== 'found') return;
    this.#founding = true;
    this.#found(plan.clusterId ?? `c-${randomBytes(8).toString('hex')}`, plan.membership).catch(
      (error: unknown) => this.#fatal(error),
    );
  }

  /** Genesis on disk, then the record beside the key, then the first vote: in this order it can crash anywhere. */
  async #found(clusterId: string, membership: Membership): Promise<void> {
    const genesis: Genesis = { clusterId, self: this.#options.self.id, membership };
    const state = this.#options.stateMachine.snapshot();
    const snapshot: Snapshot = { index: 0, term: 0, membership, state };
    const hard = { term: 0, votedFor: null };
    this.#writer.add({ genesis, boot: this.#bootRecord(), hard, snapshot });
    await this.#writer.settled();
    this.#genesis = genesis;
    await this.#options.recordJoined(genesis);
    this.#joined = true;
    this.#run({ genesis, hard, snapshot, entries: [], boot: null, marks: [], cutBytes: 0 });
    this.emit('founded', genesis);
    for (const peer of this.#hellos.keys()) this.#tellJoined(peer);
  }

  #tellJoined(peer: MemberId): void {
    const genesis = this.#genesis;
    if (genesis === null || !this.#joined) return;
    this.#options.transport.send(peer, { kind: 'hello', hello: this.#hello() });
    if (this.#hellos.get(peer)?.clusterId === '') {
      this.#options.transport.send(peer, { kind: 'found', genesis: encodeGenesis(genesis) });
    }
  }

  #bootRecord(): Boot {
    return { boot: this.#boot, runId: this.#runId };
  }

  #run(recovered: RecoveredStorage): void {
    const { snapshot, hard, entries } = recovered;
    invariant(snapshot !== null, 'a founded log begins with a snapshot');
    const verdict = checkCoreConfig({
      ...this.#options.timers,
      ...bounds,
      self: this.#options.self.id,
      seed: randomBytes(4).readUInt32LE(),
    });
    invariant(verdict.ok, 'timers were checked with the configuration', { verdict });
    this.#options.stateMachine.restore(snapshot.state);
    this.#applied = snapshot.index;
    this.#commitThrough = snapshot.index;
    this.#core = createCore(verdict.config, { hard, snapshot, entries }, performance.now());
    for (const peer of this.#hellos.keys()) this.#feed({ kind: 'link', peer, state: 'up' });
    this.#feed({ kind: 'wake' });
  }

  // -------------------------------------------------------------------------------- links

  #hello(): Hello {
    const core = this.#core;
    const { self, version, members } = this.#options;
    return {
      clusterId: this.clusterId,
      from: self.id,
      name: self.name,
      version,
      boot: this.#boot,
      runId: this.#runId,
      // What is durable, not what is in memory: a peer remembers it.
      term: core?.durability.termIsDurable ? core.hard.term : 0,
      lastIndex: core?.durability.durableIndex ?? 0,
      commitIndex: core?.commit ?? 0,
      joined: this.#joined,
      emptyLog: this.#genesis === null,
      membersDigest: members
        .map(({ name }) => name)
        .sort()
        .join(),
      configDigest: this.#options.configDigest(),
    };
  }

  #knownId(name: string): MemberId | undefined {
    return this.#genesis?.membership.voters.find((member) => member.name === name)?.id;
  }

  #nameOf(id: MemberId | null): string | null {
    if (id === null) return null;
    if (id === this.#options.self.id) return this.#options.self.name;
    return this.#hellos.get(id)?.name ?? id;
  }

  #judge(hello: Hello): { readonly accept: true } | { readonly accept: false; refusal: Refusal } {
    const refusal = this.#refusal(hello);
    if (refusal === null) this.#judged.set(hello.from, hello);
    return refusal === null ? { accept: true } : { accept: false, refusal };
  }

  #refusal(hello: Hello): Refusal | null {
    const { self, members } = this.#options;
    if (hello.from === self.id) return { code: 'self', detail: `${hello.name} has our identity` };
    const listed = members.find(({ name }) => name === hello.name);
    if (listed === undefined)
      return { code: 'notMember', detail: `${hello.name} is not listed here` };
    const id = this.#knownId(hello.name) ?? listed.id;
    if (id !== null && id !== hello.from) {
      return {
        code: 'nameDiffers',
        detail: `${hello.name} shows another identity than it joined with`,
      };
    }
    const own = this.clusterId;
    if (own !== '' && hello.clusterId !== '' && own !== hello.clusterId) {
      return { code: 'clusterDiffers', detail: `cluster ${hello.clusterId}, ours is ${own}` };
    }
    const digest = this.#hello().membersDigest;
    if (this.#genesis === null && hello.membersDigest !== digest) {
      return { code: 'other', detail: `it lists ${hello.membersDigest}, we list ${digest}` };
    }
    return this.#marks.judge(hello);
  }

  #onUp(peer: MemberId): void {
    const hello = this.#judged.get(peer);
    invariant(hello !== undefined, 'a link that is up has said hello');
    this.#learn(hello);
    this.emit('linkUp', peer, hello);
    this.#tellJoined(peer);
    if (this.#core !== null) this.#feed({ kind: 'link', peer, state: 'up' });
    else this.#tryFounding();
  }

  #learn(hello: Hello): void {
    this.#hellos.set(hello.from, hello);
    this.#marks.shown(hello);
    // Synced without waiting for the next entry: its first vote waits for this.
    if (hello.joined && !this.#marks.isJoinedDurably(hello.from) && this.#genesis !== null) {
      this.#writer.add({});
      this.#writer.kick();
    }
  }

  #onDown(peer: MemberId, cause: 'closed' | 'lost', detail: string): void {
    this.#hellos.delete(peer);
    this.#early.delete(peer);
    this.emit('linkDown', peer, cause, detail);
    if (this.#core !== null && cause === 'closed')
      this.#feed({ kind: 'link', peer, state: 'closed' });
    if (this.#core === null) this.#tryFounding();
  }

  /** A peer that remembers more of us than we show: this disk is an old one or a copy, and must not vote. */
  #onDialFailed(peer: PeerEndpoint, fault: LinkFault): void {
    this.emit('dialFailed', peer, fault);
    const code = fault.refusal?.code;
    if (fault.kind !== 'refusedByPeer' || code === undefined) return;
    if (code === 'rolledBack' || code === 'cloned' || code === 'wiped') {
      const { detail } = fault.refusal ?? { detail: '' };
      this.#fatal(new ConsensusError('CONSENSUS_DISK_DOUBTED', { peer: peer.name, code, detail }));
    }
  }

  #onFrame(from: MemberId, frame: LinkFrame): void {
    switch (frame.kind) {
      case 'raft':
        this.#onMessage(from, { kind: 'message', from, message: frame.message });
        return;
      case 'hello':
        this.#onHelloAgain(frame.hello);
        return;
      case 'found':
        this.#told = decodeGenesis(frame.genesis);
        this.#tryFounding();
        return;
      case 'application':
        this.emit('application', from, frame.payload);
        return;
    }
  }

  #onHelloAgain(hello: Hello): void {
    this.#learn(hello);
    this.#tryFounding();
  }

  #onMessage(from: MemberId, input: Extract<Input, { kind: 'message' }>): void {
    if (this.#core === null) return;
    const { kind } = input.message;
    const counts = kind === 'voteReply' || kind === 'appendReply';
    if (counts && !this.#marks.isJoinedDurably(from)) {
      // Held, not dropped: the vote of an election is said once.
      const held = this.#early.get(from) ?? [];
      if (held.length < bounds.maxInflightAppends) held.push(input);
      this.#early.set(from, held);
      return;
    }
    this.#feed(input);
    if (kind === 'appendReply') this.#noteAcknowledged(from, input.message);
  }

  /** What it had on disk and what is committed: less than that it may never show again. */
  #noteAcknowledged(from: MemberId, reply: { readonly kind: string }): void {
    if (reply.kind !== 'appendReply' || this.#core?.role.kind !== 'leader') return;
    const match = this.#core.role.peers.get(from)?.match ?? 0;
    this.#marks.acknowledged(from, Math.min(match, this.#core.commit), this.#core.hard.term);
  }

  #admit(peer: MemberId): void {
    const held = this.#early.get(peer) ?? [];
    this.#early.delete(peer);
    for (const input of held) this.#feed(input);
  }

  // --------------------------------------------------------------------------------- steps

  /** Inputs that arise within a step wait their turn, so that each step sees the state it left. */
  #feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#stepping || this.#ended) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        this.#step(next);
      }
    } catch (error) {
      this.#fatal(error);
    } finally {
      this.#stepping = false;
    }
    this.#writer.kick();
    this.#watch();
  }

  #step(input: Input): void {
    const core = this.#core;
    if (core === null || this.#ended) return;
    step(core, Math.max(performance.now(), core.lastNow), input, this.#outbox);
    if (this.#restored !== null) this.#restore(this.#restored);
    this.#apply(core);
  }

  readonly #outbox: Outbox = {
    persist: (batch) => this.#writer.persist(batch),
    send: (to, message) => {
      this.#options.transport.send(to, { kind: 'raft', message });
    },
    promise: (to, message, after) => {
      this.#writer.promise(after, () => {
        this.#options.transport.send(to, { kind: 'raft', message });
      });
    },
    commit: (through) => {
      this.#commitThrough = through;
    },
    restore: (snapshot) => {
      this.#restored = snapshot;
    },
    resolve: (ticket, outcome) => this.#onOutcome(ticket, outcome),
    wakeAt: (at) => this.#arm(at),
    changed: (change) => this.#onRole(change),
  };

  #restore(snapshot: Snapshot): void {
    this.#restored = null;
    this.#options.stateMachine.restore(snapshot.state);
    this.#applied = snapshot.index;
    this.#commitThrough = Math.max(this.#commitThrough, snapshot.index);
    // Passed over: what stood at these indexes is no longer known here.
    for (const [index, { ticket }] of this.#committed) {
      if (index <= snapshot.index) this.#forget(index, ticket);
    }
  }

  #forget(index: number, ticket: Ticket): void {
    this.#committed.delete(index);
    this.#settle(ticket, null, 'a snapshot passed over it');
  }

  #apply(core: Core): void {
    if (this.#applied >= this.#commitThrough) return;
    while (this.#applied < this.#commitThrough) {
      const index = this.#applied + 1;
      const entry = core.log.entryAt(index);
      invariant(entry !== null, 'what is committed and not applied is in the log', { index });
      const { term } = entry;
      const answer =
        entry.kind === 'command'
          ? this.#options.stateMachine.apply(entry.command, { term, index })
          : null;
      this.#applied = index;
      const waiting = this.#committed.get(index);
      if (waiting === undefined) continue;
      this.#committed.delete(index);
      // The entry that this ticket was given, by index and term: never whatever stands there now.
      const same = waiting.term === term && answer !== null;
      this.#settle(waiting.ticket, same ? { answer, term, index } : null, 'it was overwritten');
    }
    this.#inputs.push({ kind: 'applied', through: this.#applied });
    if (this.#applied - core.snapshot.index >= this.#options.snapshotEntries) {
      const state = this.#options.stateMachine.snapshot();
      this.#inputs.push({ kind: 'compact', index: this.#applied, state });
    }
  }

  #onOutcome(ticket: Ticket, outcome: ProposalOutcome): void {
    switch (outcome.kind) {
      case 'committed':
        if (outcome.index <= this.#applied) this.#settle(ticket, null, 'it was applied before');
        else this.#committed.set(outcome.index, { ticket, term: outcome.term });
        return;
      case 'notLeader':
        this.#reject(
          ticket,
          new ConsensusError('CONSENSUS_NOT_LEADER', { leader: this.#nameOf(outcome.leader) }),
        );
        return;
      case 'unknown':
        this.#settle(ticket, null, 'leadership ended before it was decided');
        return;
    }
  }

  #settle(ticket: Ticket, proposed: Proposed<Answer> | null, otherwise: string): void {
    if (proposed === null) {
      this.#reject(ticket, new ConsensusError('CONSENSUS_OUTCOME_UNKNOWN', { detail: otherwise }));
      return;
    }
    const pending = this.#proposals.get(ticket);
    this.#proposals.delete(ticket);
    clearTimeout(pending?.timer);
    pending?.resolve(proposed);
  }

  #reject(ticket: Ticket, error: ConsensusError): void {
    const pending = this.#proposals.get(ticket);
    this.#proposals.delete(ticket);
    clearTimeout(pending?.timer);
    pending?.reject(error);
  }

  // --------------------------------------------------------------------------------- clock

  /** One timer. Late is harmless: the core asks the clock, and knows a stall for what it is. */
  #arm(at: number): void {
    this.#wakeAt = at;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!Number.isFinite(at) || this.#ended) return;
    const delayMs = Math.max(0, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      // After a stall Node runs this timer before it reads what already waits in the sockets. One turn of
      // the loop reads them; only then is silence silence.
      setImmediate(() => {
        if (performance.now() >= this.#wakeAt) this.#feed({ kind: 'wake' });
        else this.#arm(this.#wakeAt);
      });
    }, delayMs);
  }

  #onRole(change: RoleChange): void {
    const previous = this.#leader;
    this.#leader = change.leader;
    // Told after the step: a listener may ask or propose.
    setImmediate(() => this.emit('role', { ...change, previous }));
  }

  /** What changed in passing: whether we may serve, and whether we should still want to. */
  #watch(): void {
    const serving = this.mayServe();
    if (serving !== this.#serving) {
      this.#serving = serving;
      setImmediate(() => this.emit('serving', serving));
    }
    if (this.#core?.role.kind === 'leader') this.#handOverIfUnfit();
  }

  #handOverIfUnfit(): void {
    const now = performance.now();
    const { electionTimeoutMs } = this.#options.timers;
    const slow = this.#writer.inFlightMs(now) > electionTimeoutMs;
    const reason = slow ? 'a log sync is slower than the election timeout' : this.#unfit;
    if (reason === null || now - this.#handedOverAt < HAND_OVER_PAUSE_MS) return;
    if ((this.membership?.voters.length ?? 0) < 2) return;
    this.#handedOverAt = now;
    this.transferLeadership(null).then(
      (to) => this.emit('handedOver', to, reason, performance.now() - now),
      () => this.emit('handedOver', null, reason, performance.now() - now),
    );
  }

  // -------------------------------------------------------------------------------- the end

  #guard(work: () => void): void {
    if (this.#ended) return;
    try {
      work();
    } catch (error) {
      this.#fatal(error);
    }
  }

  #fatal(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }
}
