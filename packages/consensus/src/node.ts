/**
 * The driver: the only place where the core meets sockets, disk and clock.
 *
 * Owns    the order in which inputs reach the core and outputs reach the world; founding; applying.
 * Never   decides anything about terms, votes or entries, and sends nothing after a write failed.
 * Rule    docs/architecture.md, consensus 2, 5 and 8: a promise needs a receipt; a late wake proves
 *         nothing about peers; genesis on disk, then the record beside the key, then the first vote.
 * Proof   test/node-*.test.ts: real logs and real links.
 */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { invariant } from '@cometkms/invariant';
import {
  type Core,
  checkCoreConfig,
  createCore,
  type Input,
  type MemberId,
  type Membership,
  mayServe,
  type Outbox,
  type ProposalOutcome,
  type RecoveredLog,
  type RoleChange,
  type Snapshot,
  statusOf,
  step,
  type Ticket,
} from './core/index.js';
import { DurableShowing } from './durable-showing.js';
import { ConsensusError } from './errors.js';
import { planFounding } from './founding.js';
import { Introductions } from './introductions.js';
import { decodeGenesis, encodeGenesis } from './log-codec.js';
import { LogWriter } from './log-writer.js';
import type { NodeEvents, RaftNodeOptions } from './node-contract.js';
import { PendingProposals, type Proposed } from './pending-proposals.js';
import type { Boot, Genesis, RecoveredStorage } from './storage.js';
import type { Hello, LinkFault, LinkFrame } from './transport.js';
import { WakeTimer } from './wake-timer.js';

const bounds = {
  maxInflightAppends: 64,
  maxAppendBytes: 1024 * 1024,
  maxUncommittedBytes: 16 * 1024 * 1024,
} as const;

/** A leader that is unfit hands over at most this often. */
const handOverPauseMs = 5_000;

export class RaftNode<Answer> extends EventEmitter<NodeEvents> {
  readonly #options: RaftNodeOptions<Answer>;
  readonly #writer: LogWriter;
  readonly #showing = new DurableShowing();
  readonly #introductions: Introductions;
  readonly #proposals = new PendingProposals<Answer>();
  readonly #timer = new WakeTimer(() => this.#feed({ kind: 'wake' }));
  readonly #inputs: Input[] = [];
  /** What the step under way wants to say: said once it is over. */
  readonly #sayings: (() => void)[] = [];
  readonly #runId = randomBytes(16).toString('hex');
  /** Of this process: the first one of a new log is 1. */
  #boot = 1;
  #core: Core | null = null;
  #genesis: Genesis | null = null;
  /** What founded members say the genesis is. */
  #told: Genesis | null = null;
  #joined = false;
  #founding = false;
  #applied = 0;
  #commitThrough = 0;
  #restored: Snapshot | null = null;
  #stepping = false;
  #leader: MemberId | null = null;
  #serving = false;
  #unfit: string | null = null;
  #handedOverAt = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(options: RaftNodeOptions<Answer>) {
    super();
    this.#options = options;
    this.#introductions = new Introductions({
      self: options.self,
      members: options.members,
      clusterId: () => this.clusterId,
      genesis: () => this.#genesis,
    });
    this.#writer = new LogWriter(options.storage, {
      durable: (through, marks) => {
        this.#showing.durable(through);
        for (const input of this.#introductions.written(marks)) this.#onMessage(input);
        if (this.#core !== null) this.#feed({ kind: 'durable', through });
      },
      takeMarks: () => this.#introductions.takeDirtyMarks(),
      failed: (error) => this.#fatal(error),
      synced: (ms) => this.emit('synced', ms),
    });
  }

  // -------------------------------------------------------------------------------- life

  /**
   * Reads the log, numbers this start, listens, and links up. Founding, where it is still to be done,
   * goes on afterwards.
   * @throws ConsensusError  CONSENSUS_LOG_*, CONSENSUS_RECORD_UNKNOWN, CONSENSUS_CLUSTER_DIFFERS,
   *   CONSENSUS_LISTEN_FAILED, CONSENSUS_INSECURE_ADDRESS
   */
  async start(): Promise<void> {
    const { storage, transport, joined } = this.#options;
    const recovered = await storage.open();
    this.#introductions.recovered(recovered.marks);
    if (recovered.genesis !== null) await this.#resume(recovered.genesis, recovered);
    else if (joined !== null) {
      // Before anybody is asked: this replica has promised things that are not here.
      throw new ConsensusError('CONSENSUS_LOG_MISSING', { clusterId: joined.clusterId });
    }
    await transport.start(
      {
        onHello: (hello) => this.#introductions.judge(hello),
        onFrame: (from, frame) => this.#guard(() => this.#onFrame(from, frame)),
        onUp: (peer) => this.#guard(() => this.#onUp(peer)),
        onDown: (peer, cause, detail) => this.#guard(() => this.#onDown(peer, cause, detail)),
        onDialFailed: (peer, fault) => {
          this.emit('dialFailed', peer, fault);
          this.#onRefused(peer.name, fault);
        },
        onInboundFailed: (fault) => {
          this.emit('inboundFailed', fault);
          this.#onRefused(fault.remoteAddress, fault);
        },
      },
      () => this.#hello(),
    );
    transport.setPeers(
      this.#options.members
        .filter(({ name }) => name !== this.#options.self.name)
        .map(({ name, address }) => ({ id: this.#introductions.knownId(name), name, address })),
    );
    if (recovered.genesis !== null) this.#run(recovered);
    else this.#tryFounding();
  }

  /** Hands leadership over where it can, then ends. Nothing is sent or written afterwards. */
  async stop(): Promise<void> {
    if (this.#core?.role.kind === 'leader' && this.#hasSuccessor()) {
      // Nobody took it in time: then the others elect one when this one is gone.
      await this.transferLeadership(null).catch(() => null);
    }
    this.#end('this replica stops');
    await this.#options.transport.stop();
    await this.#writer.end();
    await this.#options.storage.close();
  }

  /**
   * Commits `command` and resolves with the state machine's answer, once it is applied here.
   * @param command  copied before anything else happens
   * @param timeoutMs  from the call, on the monotonic clock
   * @throws ConsensusError CONSENSUS_NOT_LEADER  nothing was written here; asking the leader is safe
   * @throws ConsensusError CONSENSUS_OUTCOME_UNKNOWN  it may commit, or may have: propose the same
   *   bytes again, never others
   * @see Raft dissertation, 3.4 and 6.3
   */
  propose(command: Uint8Array, timeoutMs: number): Promise<Proposed<Answer>> {
    const copy = Uint8Array.from(command);
    if (this.#ended || this.#core === null) {
      return Promise.reject(new ConsensusError('CONSENSUS_NOT_LEADER', { leader: null }));
    }
    const { ticket, outcome } = this.#proposals.open(timeoutMs);
    this.#feed({ kind: 'propose', ticket, command: copy });
    return outcome;
  }

  /**
   * Hands leadership to `to`, or to the best matched voter.
   * @returns who leads then
   * @throws ConsensusError CONSENSUS_NOT_LEADER  this replica does not lead, or nobody took over
   *   within two election timeouts
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

  /** Why this replica should not lead (a key that fails, a full disk); null: it may. */
  setUnfit(reason: string | null): void {
    this.#unfit = reason;
  }

  /** Best effort, in order while the link lasts. False: dropped. */
  sendApplication(to: MemberId, payload: Uint8Array): boolean {
    return !this.#ended && this.#options.transport.send(to, { kind: 'application', payload });
  }

  // ------------------------------------------------------------------------- what is so now

  /**
   * Leads, holds the lease now, and has applied the first entry of its term. It refuses; it never
   * permits.
   */
  mayServe(): boolean {
    return this.#core !== null && !this.#ended && mayServe(this.#core, performance.now());
  }

  get id(): MemberId {
    return this.#options.self.id;
  }

  get leader(): MemberId | null {
    return this.#core?.leader ?? null;
  }

  /** Empty until it is known. */
  get clusterId(): string {
    return this.#genesis?.clusterId ?? this.#options.clusterId ?? '';
  }

  /** What the log says; null until this replica has joined. */
  get membership(): Membership | null {
    return this.#core?.snapshot.membership ?? null;
  }

  helloOf(peer: MemberId): Hello | null {
    return this.#introductions.linked.get(peer) ?? null;
  }

  isUp(peer: MemberId): boolean {
    return this.#options.transport.isUp(peer);
  }

  /** When this member was last heard, on the monotonic clock in milliseconds; null: not in this run. */
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
    const { self, joined, clusterId } = this.#options;
    if (genesis.self !== self.id) {
      throw new ConsensusError('CONSENSUS_LOG_FOREIGN', { found: genesis.self, wanted: self.id });
    }
    for (const given of [joined?.clusterId ?? null, clusterId]) {
      if (given === null || given === genesis.clusterId) continue;
      const facts = { found: genesis.clusterId, wanted: given };
      throw new ConsensusError('CONSENSUS_CLUSTER_DIFFERS', facts);
    }
    this.#genesis = genesis;
    this.#boot = (recovered.boot?.boot ?? 0) + 1;
    this.#showing.recovered(founded(recovered));
    this.#writer.add({ boot: this.#bootRecord() });
    await this.#writer.settled();
    // A crash between the genesis and the record beside the key: finish it, before any vote.
    if (joined === null) await this.#options.recordJoined(genesis);
    this.#joined = true;
  }

  #tryFounding(): void {
    if (this.#genesis !== null || this.#founding || this.#ended) return;
    const { self, members, clusterId } = this.#options;
    const hellos = [...this.#introductions.linked.values()];
    const byName = new Map(hellos.map((hello) => [hello.name, hello]));
    const plan = planFounding({ self, members, clusterId, hellos: byName, told: this.#told });
    this.emit('founding', plan);
    if (plan.kind !== 'found') return;
    this.#founding = true;
    const drawn = plan.clusterId ?? `c-${randomBytes(8).toString('hex')}`;
    this.#found(drawn, plan.membership).catch((error: unknown) => this.#fatal(error));
  }

  /** Genesis on disk, then the record beside the key, then the first vote: it can crash anywhere. */
  async #found(clusterId: string, membership: Membership): Promise<void> {
    const { self, stateMachine, recordJoined } = this.#options;
    const genesis: Genesis = { clusterId, self: self.id, membership };
    const snapshot = { index: 0, term: 0, membership, state: stateMachine.snapshot() };
    const hard = { term: 0, votedFor: null };
    this.#writer.add({ genesis, boot: this.#bootRecord(), hard, snapshot });
    await this.#writer.settled();
    this.#genesis = genesis;
    await recordJoined.call(this.#options, genesis);
    if (this.#ended) return;
    this.#joined = true;
    this.#run({ hard, snapshot, entries: [] });
    this.emit('founded', genesis);
    for (const peer of this.#introductions.linked.keys()) this.#tellJoined(peer);
  }

  #tellJoined(peer: MemberId): void {
    const genesis = this.#genesis;
    if (genesis === null || !this.#joined) return;
    this.#options.transport.send(peer, { kind: 'hello', hello: this.#hello() });
    if (this.helloOf(peer)?.clusterId === '') {
      this.#options.transport.send(peer, { kind: 'found', genesis: encodeGenesis(genesis) });
    }
  }

  #bootRecord(): Boot {
    return { boot: this.#boot, runId: this.#runId };
  }

  #run(recovered: Pick<RecoveredStorage, 'hard' | 'snapshot' | 'entries'>): void {
    const log = founded(recovered);
    const verdict = checkCoreConfig({
      ...this.#options.timers,
      ...bounds,
      self: this.#options.self.id,
      seed: randomBytes(4).readUInt32LE(),
    });
    invariant(verdict.ok, 'timers were checked with the configuration', { verdict });
    this.#options.stateMachine.restore(log.snapshot.state);
    this.#applied = log.snapshot.index;
    this.#commitThrough = log.snapshot.index;
    this.#core = createCore(verdict.config, log, performance.now());
    for (const peer of this.#introductions.linked.keys()) {
      this.#feed({ kind: 'link', peer, state: 'up' });
    }
    this.#feed({ kind: 'wake' });
  }

  // -------------------------------------------------------------------------------- links

  #hello(): Hello {
    const { self, version, configDigest } = this.#options;
    return {
      ...{ clusterId: this.clusterId, from: self.id, name: self.name, version },
      ...this.#bootRecord(),
      term: this.#showing.term,
      lastIndex: this.#showing.lastIndex,
      commitIndex: this.#core?.commit ?? 0,
      joined: this.#joined,
      emptyLog: this.#genesis === null,
      membersDigest: this.#introductions.membersDigest(),
      configDigest: configDigest.call(this.#options),
    };
  }

  #nameOf(id: MemberId | null): string | null {
    if (id === null) return null;
    if (id === this.#options.self.id) return this.#options.self.name;
    return this.helloOf(id)?.name ?? id;
  }

  #onUp(peer: MemberId): void {
    const hello = this.#introductions.up(peer);
    invariant(hello !== null, 'a link that is up has said hello');
    this.#noteJoined(peer);
    this.emit('linkUp', peer, hello);
    this.#tellJoined(peer);
    if (this.#core !== null) this.#feed({ kind: 'link', peer, state: 'up' });
    else this.#tryFounding();
  }

  /** Synced without waiting for the next entry: the peer's first vote waits for this. */
  #noteJoined(peer: MemberId): void {
    if (this.#genesis === null || !this.#introductions.isToBeWritten(peer)) return;
    this.#writer.add({});
    this.#writer.kick();
  }

  #onDown(peer: MemberId, cause: 'closed' | 'lost', detail: string): void {
    this.#introductions.down(peer);
    this.emit('linkDown', peer, cause, detail);
    if (this.#core === null) this.#tryFounding();
    else if (cause === 'closed') this.#feed({ kind: 'link', peer, state: 'closed' });
  }

  /** A peer remembers more of us than we show: this disk is old or a copy, and must not vote. */
  #onRefused(peer: string, { kind, refusal }: LinkFault): void {
    if (kind !== 'refusedByPeer' || refusal === undefined) return;
    const { code, detail } = refusal;
    if (code !== 'rolledBack' && code !== 'cloned' && code !== 'wiped') return;
    this.#fatal(new ConsensusError('CONSENSUS_DISK_DOUBTED', { peer, code, detail }));
  }

  #onFrame(from: MemberId, frame: LinkFrame): void {
    switch (frame.kind) {
      case 'raft':
        this.#onMessage({ kind: 'message', from, message: frame.message });
        return;
      case 'hello':
        this.#introductions.again(frame.hello);
        this.#noteJoined(from);
        this.#tryFounding();
        return;
      case 'found':
        this.#onTold(frame.genesis);
        return;
      case 'application':
        this.emit('application', from, frame.payload);
        return;
    }
  }

  #onTold(genesis: Uint8Array): void {
    if (this.#genesis !== null) return;
    try {
      this.#told = decodeGenesis(genesis);
    } catch (error) {
      // What a peer sends must not end this process; it says it again with its next link.
      if (!(error instanceof ConsensusError)) throw error;
      return;
    }
    this.#tryFounding();
  }

  #onMessage(input: Extract<Input, { kind: 'message' }>): void {
    const core = this.#core;
    const { from, message } = input;
    if (core === null || this.#introductions.hold(input)) return;
    this.#introductions.heard(from, message);
    this.#feed(input);
    // What it has on disk, as it said to this leadership, and what is committed: never less again.
    if (message.kind !== 'appendReply' || core.role.kind !== 'leader') return;
    const match = core.role.peers.get(from)?.match ?? 0;
    this.#introductions.acknowledged(from, Math.min(match, core.commit));
  }

  // --------------------------------------------------------------------------------- steps

  /** Inputs that arise within a step wait their turn, so that each step sees the state it left. */
  #feed(input: Input): void {
    if (this.#ended) return;
    this.#inputs.push(input);
    if (this.#stepping) return;
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
    for (const say of this.#sayings.splice(0)) say();
    if (this.#restored !== null) this.#restore(this.#restored);
    this.#apply(core);
  }

  readonly #outbox: Outbox = {
    persist: (batch) => {
      const receipt = this.#writer.persist(batch);
      this.#showing.handedOut(receipt, batch);
      return receipt;
    },
    send: (to, message) => {
      this.#sayings.push(() => this.#options.transport.send(to, { kind: 'raft', message }));
    },
    promise: (to, message, after) => {
      const send = () => this.#options.transport.send(to, { kind: 'raft', message });
      this.#sayings.push(() => this.#writer.promise(after, send));
    },
    commit: (through) => {
      this.#commitThrough = through;
    },
    restore: (snapshot) => {
      this.#restored = snapshot;
    },
    resolve: (ticket, outcome) => this.#onOutcome(ticket, outcome),
    wakeAt: (at) => this.#timer.arm(at),
    changed: (change) => this.#onRole(change),
  };

  #restore(snapshot: Snapshot): void {
    this.#restored = null;
    this.#options.stateMachine.restore(snapshot.state);
    this.#applied = snapshot.index;
    this.#commitThrough = Math.max(this.#commitThrough, snapshot.index);
    this.#proposals.passedOver(snapshot.index);
  }

  #apply(core: Core): void {
    if (this.#applied >= this.#commitThrough) return;
    const { stateMachine, snapshotEntries } = this.#options;
    while (this.#applied < this.#commitThrough) {
      const index = this.#applied + 1;
      const entry = core.log.entryAt(index);
      invariant(entry !== null, 'what is committed and not applied is in the log', { index });
      const { term } = entry;
      const answer =
        entry.kind === 'command'
          ? { value: stateMachine.apply(entry.command, { term, index }) }
          : null;
      this.#applied = index;
      this.#proposals.applied(term, index, answer);
    }
    this.#inputs.push({ kind: 'applied', through: this.#applied });
    if (this.#applied - core.snapshot.index >= snapshotEntries) {
      const state = stateMachine.snapshot();
      this.#inputs.push({ kind: 'compact', index: this.#applied, state });
    }
  }

  #onOutcome(ticket: Ticket, outcome: ProposalOutcome): void {
    switch (outcome.kind) {
      case 'committed':
        this.#proposals.committed(ticket, outcome.term, outcome.index, this.#applied);
        return;
      case 'notLeader':
        this.#proposals.notLeader(ticket, this.#nameOf(outcome.leader));
        return;
      case 'unknown':
        this.#proposals.unknown(ticket, 'leadership ended before it was decided');
        return;
    }
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
    const slow = this.#writer.inFlightMs(now) > this.#options.timers.electionTimeoutMs;
    const reason = slow ? 'a log sync is slower than the election timeout' : this.#unfit;
    if (reason === null || now - this.#handedOverAt < handOverPauseMs) return;
    if (!this.#hasSuccessor()) return;
    this.#handedOverAt = now;
    const told = (to: MemberId | null): void => {
      this.emit('handedOver', to, reason, performance.now() - now);
    };
    this.transferLeadership(null).then(told, () => told(null));
  }

  #hasSuccessor(): boolean {
    return (this.membership?.voters.length ?? 0) > 1;
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

  /** From here on nothing is stepped, written or said. */
  #end(why: string): void {
    this.#ended = true;
    this.#timer.stop();
    this.#writer.latch();
    this.#sayings.length = 0;
    this.#proposals.abandon(why);
  }

  #fatal(error: unknown): void {
    if (this.#ended) return;
    this.#end('this replica had to stop');
    this.#options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }
}

function founded({
  hard,
  snapshot,
  entries,
}: Pick<RecoveredStorage, 'hard' | 'snapshot' | 'entries'>): RecoveredLog {
  invariant(snapshot !== null, 'a founded log begins with a snapshot');
  return { hard, snapshot, entries };
}
