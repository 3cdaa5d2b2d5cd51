/**
 * One replica of the log: its start, its links, its founding, its end.
 *
 * Owns    who is talked to, and the order on disk: boot or genesis, the record beside the key, the first vote.
 * Never   decides anything about terms, votes or entries (core/), or says anything after a write failed.
 * Rule    docs/architecture.md, consensus 8: founded once, an identity used once.
 * Proof   test/node-*.test.ts: real logs and real links.
 */
import { EventEmitter } from 'node:events';
import { invariant } from '@cometkms/invariant';
import { type Clock, systemClock, systemEntropy } from './clock.js';
import {
  type Core,
  committedOnDisk,
  type MemberId,
  type Membership,
  type MembershipChange,
  type Message,
  mayServe,
  type RecoveredLog,
  standingOf,
  statusOf,
} from './core/index.js';
import { CoreDriver } from './core-driver.js';
import { DurableShowing } from './durable-showing.js';
import { HandOver } from './hand-over.js';
import { Introductions } from './introductions.js';
import { Joining, logOf } from './joining.js';
import { KnownMembers } from './known-members.js';
import { LeadershipNews } from './leadership-news.js';
import { LogWriter } from './log-writer.js';
import { checkNewMember, MemberLinks } from './member-links.js';
import type { NodeEvents, RaftNodeOptions } from './node-contract.js';
import type { Proposed } from './pending-proposals.js';
import { Reception } from './reception.js';
import { endBy } from './refusals.js';
import type { Genesis } from './storage.js';
import type { HeardFrame, Hello, LinkFault } from './transport.js';

export class RaftNode<Answer> extends EventEmitter<NodeEvents> {
  readonly #options: RaftNodeOptions<Answer>;
  readonly #clock: Clock;
  readonly #writer: LogWriter;
  readonly #showing = new DurableShowing();
  readonly #known: KnownMembers;
  readonly #introductions: Introductions;
  readonly #reception: Reception;
  readonly #memberLinks: MemberLinks;
  readonly #driver: CoreDriver<Answer>;
  readonly #handOver: HandOver;
  readonly #joining: Joining;
  readonly #news: LeadershipNews;
  #starting: Promise<void> = Promise.resolve();
  #ended = false;
  #failure: Error | null = null;

  constructor(options: RaftNodeOptions<Answer>) {
    super();
    this.#options = options;
    const { clock = systemClock, entropy = systemEntropy } = options;
    this.#clock = clock;
    this.#news = new LeadershipNews(clock, {
      role: (change) => {
        this.#tell('role', change);
        this.#handOver.leaderChanged(change.leader);
      },
      serving: (serving) => this.#tell('serving', serving),
    });
    this.#known = new KnownMembers(options.self, options.members);
    this.#introductions = new Introductions({
      ...{ self: options.self, members: options.members, known: this.#known },
      joins: options.joins === true,
      clusterId: () => this.clusterId,
      genesis: () => this.#joining.genesis,
    });
    this.#writer = new LogWriter(options.storage, clock, {
      durable: (through, marks) => {
        this.#showing.durable(through);
        for (const input of this.#introductions.written(marks)) this.#reception.take(input);
        this.#driver.feed({ kind: 'durable', through });
      },
      takeMarks: () => this.#introductions.takeDirtyMarks(),
      failed: (error) => this.#fatal(error),
      synced: (ms) => this.#tell('synced', ms),
    });
    this.#driver = new CoreDriver(
      { ...options, self: options.self.id, clock, entropy },
      this.#writer,
      this.#showing,
      {
        send: (to, message) => this.#say(to, message),
        changed: (change) => this.#news.changed(change),
        nameOf: (id) => this.#nameOf(id),
        rulesOf: (id) => this.helloOf(id)?.rules ?? null,
        stepping: () => this.#news.serves(this.mayServe()),
        stepped: () => {
          if (this.#ended) return;
          this.#memberLinks.follow();
          this.#news.serves(this.mayServe());
          this.#handOver.watch();
        },
        applied: (event, ...facts) => this.#tell(event, ...facts),
        failed: (error) => this.#fatal(error),
      },
    );
    this.#memberLinks = new MemberLinks(this.#known, options.members, options.transport, {
      core: () => this.core,
      joinedWith: () => (this.#joining.joined ? this.#joining.genesis : null),
      linked: () => this.#introductions.linked.keys(),
      hasJoined: (peer) => this.helloOf(peer)?.joined === true,
      joins: options.joins === true,
      changed: (news) => clock.soon(() => this.#tell('membership', news)),
      undialable: (peer, { message }) => {
        const fault = { kind: 'insecureAddress', detail: message } as const;
        this.#tell('dialFailed', peer, { ...fault, remoteAddress: peer.address });
      },
    });
    this.#reception = new Reception(this.#introductions, this.#known, options.rules, {
      core: () => this.core,
      feed: (input) => this.#driver.feed(input),
      dropped: (from, kind, why) => this.#tell('messageDropped', from, kind, why),
    });
    this.#handOver = new HandOver(options.self.id, options.timers.electionTimeoutMs, clock, {
      core: () => this.core,
      feed: (input) => this.#driver.feed(input),
      nameOf: (id) => this.#nameOf(id),
      isUp: (peer) => this.isUp(peer),
      inFlightMs: (now) => this.#writer.inFlightMs(now),
      handedOver: (to, reason, tookMs) => this.#tell('handedOver', to, reason, tookMs),
    });
    this.#joining = new Joining({ ...options, entropy }, this.#writer, {
      hellos: () => this.#introductions.linked.values(),
      firstState: () => options.stateMachine.snapshot(),
      planned: (plan) => this.#tell('founding', plan),
      asked: (plan) => this.#tell('joining', plan),
      founded: (genesis, log) => this.#guard(() => this.#onFounded(genesis, log)),
      failed: (error) => this.#fatal(error),
    });
  }

  /** For who examines it from outside, and changes nothing there; null until this replica has joined. */
  get core(): Core | null {
    return this.#driver.core;
  }

  // -------------------------------------------------------------------------------- life

  /**
   * Reads the log, numbers this start, listens, and links up. Founding, where it is still to be done,
   * goes on afterwards.
   * @throws ConsensusError  CONSENSUS_LOG_*, CONSENSUS_RECORD_UNKNOWN, CONSENSUS_RULES_UNKNOWN,
   *   CONSENSUS_CLUSTER_DIFFERS, CONSENSUS_LISTEN_FAILED, CONSENSUS_INSECURE_ADDRESS
   */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { storage, transport } = this.#options;
    const recovered = await storage.open();
    this.#introductions.recovered(recovered.marks);
    const log = logOf(recovered);
    if (log !== null) this.#showing.recovered(log);
    this.#memberLinks.learn(recovered.genesis, log);
    // False: stopped, or failed, meanwhile. Then nothing may listen or dial any more.
    const resumed = await this.#joining.resume(recovered);
    if (this.#endedMeanwhile() || !resumed) return;
    await transport.start(
      {
        onHello: (hello) => this.#introductions.judge(hello),
        onFrame: (from, frame) => this.#guard(() => this.#onFrame(from, frame)),
        onUp: (peer) => this.#guard(() => this.#onUp(peer)),
        onDown: (peer, cause, detail) => this.#guard(() => this.#onDown(peer, cause, detail)),
        onDialFailed: (peer, fault) => {
          this.#tell('dialFailed', peer, fault);
          this.#onRefused(peer.name, fault);
        },
        onInboundFailed: (fault) => {
          this.#tell('inboundFailed', fault);
          this.#onRefused(fault.remoteAddress, fault);
        },
      },
      () => this.#hello(),
    );
    if (this.#endedMeanwhile()) return;
    this.#memberLinks.dial();
    if (log !== null) this.#run(log);
    else this.#joining.tryToBegin();
  }

  /** @throws what ended it, where that was a failure */
  #endedMeanwhile(): boolean {
    if (this.#failure !== null) throw this.#failure;
    return this.#ended;
  }

  /** Hands leadership over where it can, then ends. Nothing is sent or written afterwards. */
  async stop(): Promise<void> {
    if (this.core?.role.kind === 'leader' && this.#handOver.hasSuccessor()) {
      // Nobody took it in time: then the others elect one when this one is gone.
      await this.transferLeadership(null).catch(() => null);
    }
    this.#end('this replica stops');
    // However far that came: what it started is ended below. Its failure was told to who called it.
    await this.#starting.catch(() => null);
    await this.#options.transport.stop();
    await this.#joining.settled();
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
    return this.#driver.propose(Uint8Array.from(command), timeoutMs);
  }

  /**
   * Changes who is a member: one step at a time, made by the leader. Resolves once it is committed.
   * @param change  of a new member: its identity, from its certificate, and the name and address in it
   * @param timeoutMs  from the call, on the monotonic clock
   * @returns the membership that it made
   * @throws ConsensusError CONSENSUS_NOT_LEADER  nothing was written here; asking the leader is safe
   * @throws ConsensusError CONSENSUS_CHANGE_REFUSED  nothing was written; its facts say why
   * @throws ConsensusError CONSENSUS_ADDRESS_INVALID, CONSENSUS_NAME_INVALID  of the new member
   * @throws ConsensusError CONSENSUS_OUTCOME_UNKNOWN  see what `membership` says once a leader is there: asked
   *   again, a change that was made is refused, so that is safe
   */
  async change(change: MembershipChange, timeoutMs: number): Promise<Membership> {
    if ('member' in change) checkNewMember(change.member);
    return await this.#driver.change(change, timeoutMs);
  }

  /**
   * Hands leadership to `to`, or to the best matched voter.
   * @returns who leads then
   * @throws ConsensusError CONSENSUS_NOT_LEADER  this replica does not lead, or nobody took over
   *   within two election timeouts
   */
  async transferLeadership(to: MemberId | null): Promise<MemberId> {
    return await this.#handOver.transfer(to);
  }

  /** Why this replica should not lead (a key that fails, a full disk); null: it may. */
  setUnfit(reason: string | null): void {
    this.#handOver.setUnfit(reason);
  }

  /** Best effort, in order while the link lasts. False: dropped. */
  sendApplication(to: MemberId, payload: Uint8Array): boolean {
    return !this.#ended && this.#options.transport.send(to, { kind: 'application', payload });
  }

  // ------------------------------------------------------------------------- what is so now

  /** Leads, holds the lease now, and has applied the first entry of its term. It refuses; it never permits. */
  mayServe(): boolean {
    return this.core !== null && !this.#ended && mayServe(this.core, this.#clock.nowMs());
  }

  get id(): MemberId {
    return this.#options.self.id;
  }

  get leader(): MemberId | null {
    return this.core?.leader ?? null;
  }

  get term(): number | null {
    return this.core?.hard.term ?? null;
  }

  /** Empty until it is known. */
  get clusterId(): string {
    return this.#joining.clusterId;
  }

  /** The one in force, by the log of this replica: null until it has joined, old while it lags. */
  get membership(): Membership | null {
    return this.core === null ? null : standingOf(this.core).inForce.membership;
  }

  helloOf(peer: MemberId): Hello | null {
    return this.#introductions.linked.get(peer) ?? null;
  }

  isUp(peer: MemberId): boolean {
    return this.#options.transport.isUp(peer);
  }

  /** When this member was last heard, on the monotonic clock in milliseconds; null: not in this run. */
  heardAt(peer: MemberId): number | null {
    return this.core?.heardAt.get(peer) ?? null;
  }

  /** null until this replica has joined. */
  status(): ReturnType<typeof statusOf> | null {
    return this.core === null ? null : statusOf(this.core, this.#clock.nowMs());
  }

  logStats(): { readonly bytes: number; readonly lastSyncMs: number; readonly inFlightMs: number } {
    const inFlightMs = this.#writer.inFlightMs(this.#clock.nowMs());
    return { ...this.#options.storage.stats(), inFlightMs };
  }

  // -------------------------------------------------------------------------------- links

  #onFounded(genesis: Genesis, log: RecoveredLog): void {
    this.#memberLinks.learn(genesis, log);
    this.#run(log);
    this.#tell(genesis.admitted === undefined ? 'founded' : 'joined', genesis);
    for (const peer of this.#introductions.linked.keys()) this.#tellJoined(peer);
  }

  #tellJoined(peer: MemberId): void {
    if (!this.#joining.joined) return;
    this.#options.transport.send(peer, { kind: 'hello', hello: this.#hello() });
    this.#memberLinks.tellMembers(peer);
  }

  #run(log: RecoveredLog): void {
    this.#driver.run(log);
    for (const peer of this.#introductions.linked.keys()) {
      this.#driver.feed({ kind: 'link', peer, state: 'up' });
    }
    this.#driver.feed({ kind: 'wake' });
  }

  #hello(): Hello {
    const { self, version, configDigest, rules } = this.#options;
    return {
      ...{ clusterId: this.clusterId, from: self.id, name: self.name, version },
      ...this.#joining.boot,
      ...{ term: this.#showing.term, lastIndex: this.#showing.lastIndex },
      commitIndex: this.core?.commit ?? 0,
      ...{ joined: this.#joining.joined, emptyLog: this.#joining.genesis === null },
      membersDigest: this.#introductions.membersDigest(),
      ...{ configDigest: configDigest.call(this.#options), rules },
    };
  }

  #nameOf(id: MemberId | null): string | null {
    if (id === null) return null;
    if (id === this.#options.self.id) return this.#options.self.name;
    return this.helloOf(id)?.name ?? this.#known.nameOf(id) ?? id;
  }

  #onUp(peer: MemberId): void {
    const hello = this.#introductions.up(peer);
    invariant(hello !== null, 'a link that is up has said hello');
    this.#noteJoined(peer);
    this.#tell('linkUp', peer, hello);
    this.#tellJoined(peer);
    if (this.core !== null) this.#driver.feed({ kind: 'link', peer, state: 'up' });
    else this.#joining.tryToBegin();
  }

  /** Synced without waiting for the next entry: the peer's first vote waits for this. */
  #noteJoined(peer: MemberId): void {
    if (this.#joining.genesis === null || !this.#introductions.isToBeWritten(peer)) return;
    this.#writer.add({});
    this.#writer.kick();
  }

  #onDown(peer: MemberId, cause: 'closed' | 'lost', detail: string): void {
    this.#introductions.down(peer);
    this.#joining.linkEnded(peer);
    this.#tell('linkDown', peer, cause, detail);
    if (this.core === null) this.#joining.tryToBegin();
    else if (cause === 'closed') this.#driver.feed({ kind: 'link', peer, state: 'closed' });
  }

  #onRefused(peer: string, fault: LinkFault): void {
    const end = endBy(peer, fault, this.#joining);
    if (end !== null) this.#fatal(end);
  }

  /** Followers must remember what their leader had on its disk, too, not only it what they had. */
  #say(to: MemberId, message: Message): void {
    invariant(this.core !== null, 'a message is of a core', { to });
    const holds = committedOnDisk(this.core);
    this.#options.transport.send(to, { kind: 'raft', message, holds });
  }

  #onFrame(from: MemberId, frame: HeardFrame): void {
    switch (frame.kind) {
      case 'raft':
        this.#reception.take({ kind: 'message', from, message: frame.message }, frame.holds);
        return;
      case 'hello':
        this.#introductions.again(frame.hello);
        this.#noteJoined(from);
        if (frame.hello.joined) this.#memberLinks.tellMembers(from);
        this.#joining.tryToBegin();
        return;
      case 'found':
        this.#memberLinks.onTold(this.#joining.onTold(from, frame.genesis));
        return;
      case 'application':
        this.#tell('application', from, frame.payload);
        return;
      case 'unknownRecord':
        this.#reception.unknown(from, frame.detail);
        return;
    }
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

  /** A listener that throws is a fault of this program: it ends the node here, not some other place. */
  #tell<E extends keyof NodeEvents>(event: E, ...facts: NodeEvents[E]): void {
    this.#guard(() => (this as EventEmitter).emit(event, ...facts));
  }

  /** From here on nothing is stepped, written or said. */
  #end(why: string): void {
    this.#ended = true;
    this.#writer.latch();
    this.#driver.end(why);
    this.#handOver.end();
  }

  #fatal(error: unknown): void {
    if (this.#ended) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#end('this replica had to stop');
    // No greeting, no sign of life; and the others need not wait for silence to tell them. What fails
    // in this is not told: the first failure is the one to act on, and the process ends with it.
    this.#options.transport.stop().catch(() => null);
    this.#options.onFatal(this.#failure);
  }
}
