/**
 * One running replica: consensus, the gates, the validators' links, put together.
 *
 * Owns    who is told what when leadership, links, statements or records change.
 * Never   decides what may be signed (sign-state), who leads (consensus), or who dials (link-plan).
 * Proof   test/replica-cluster.test.ts (real replicas in one process), packages/interop (real processes).
 */
import { membersOf, type RaftNode, type RoleChange } from '@cometkms/consensus';
import { type Answer, idKey, type RecordId } from '@cometkms/sign-state';
import type { GateObserver } from '@cometkms/signer';
import type { Journal } from '../journal/index.js';
import type { Log } from '../log/index.js';
import { Memberships } from '../memberships.js';
import type { Metrics } from '../metrics/index.js';
import { type HeldChain, openChains } from './chains.js';
import { Conversation } from './conversation.js';
import { Dialling } from './dialling.js';
import { dismissalError } from './dismissal-error.js';
import type { Edges, ReplicaClock } from './edges.js';
import { inOwnWords } from './fatal-errors.js';
import { Fitness } from './fitness.js';
import { observeGate, reportGateFailure } from './gate-reports.js';
import { handOver, reportLeadership } from './leadership-reports.js';
import { describeLinks } from './link-reports.js';
import { Members } from './members.js';
import type { Dismissal } from './message.js';
import { makeNode, type NodeMaterial } from './node.js';
import { OwnMembership } from './own-membership.js';
import { reportPeers } from './peer-reports.js';
import { RaftStore } from './raft-store.js';
import { Registrar } from './registrar.js';
import { describeMissing, newRegistrarNews } from './registrar-reports.js';
import { planRegistration } from './registration.js';
import { Reports } from './reports.js';
import { Requests } from './requests.js';
import { Router } from './router.js';
import { StateFiles } from './state-files.js';
import { SigningStateMachine } from './state-machine.js';
import { reportState } from './state-reports.js';
import { ValidatorLinks } from './validator-links.js';

export interface ReplicaOptions extends NodeMaterial {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly edges: Edges;
  readonly journal: Pick<Journal, 'append'>;
  /** The process must end now. Called once; nothing is signed after it. */
  readonly onFatal: (error: Error) => void;
}

const limits = { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n } as const;

export class Replica {
  readonly options: ReplicaOptions;
  readonly node: RaftNode<Answer>;
  readonly machine = new SigningStateMachine();
  readonly store: RaftStore;
  readonly members: Members;
  readonly reports: Reports;
  readonly stateFiles: StateFiles;
  readonly registrar: Registrar;
  readonly fitness: Fitness;
  readonly startedAt: number;
  chains: readonly HeldChain[] = [];
  links: ValidatorLinks | null = null;
  /** Who is waited for until the cluster is founded. */
  foundingMissing: readonly string[] = [];
  stopping = false;
  readonly #router: Router;
  readonly membership: OwnMembership;
  readonly #memberships: Memberships;
  readonly #dialling: Dialling;
  readonly #conversation: Conversation;
  readonly #requests: Requests;
  readonly #byId = new Map<string, HeldChain>();
  readonly #flagTold = new Set<string>();
  readonly #clock: ReplicaClock;
  #leaderlessSince: number | null;
  #failed = false;

  constructor(options: ReplicaOptions) {
    this.options = options;
    const { checked, identity, journal, log, metrics, edges } = options;
    const { clock } = edges;
    this.#clock = clock;
    this.startedAt = clock.wallMs();
    this.#leaderlessSince = clock.nowMs();
    this.#memberships = new Memberships(checked.paths.memberships, edges.files);
    const fail = (error: unknown): void => this.fail(error);
    this.node = makeNode(options, edges, this.machine, this.#memberships, fail);
    this.membership = new OwnMembership({
      ...{ checked, identity, log, fail, memberships: this.#memberships },
      changed: () => this.#onMembership(),
    });
    const { deadlineMs } = options.settings.signing;
    this.store = new RaftStore(this.node, this.machine, checked.name, deadlineMs, clock);
    this.members = new Members(identity);
    const addresses = checked.members.map((member) => member.address);
    this.#dialling = new Dialling(this.node, this.members, addresses, clock);
    const read = (id: RecordId) => this.machine.read(id);
    this.reports = new Reports(log, metrics, journal, clock, read);
    this.stateFiles = new StateFiles(read, edges, (path, error) =>
      log('state_file_failed', { path, detail: String(error) }),
    );
    this.fitness = new Fitness({
      now: () => this.#clock.nowMs(),
      setUnfit: (reason) => this.node.setUnfit(reason),
      log,
    });
    this.registrar = this.#makeRegistrar();
    this.#conversation = this.#makeConversation();
    this.#router = this.#makeRouter();
    this.#requests = this.#makeRequests(deadlineMs);
    this.machine.onChanged = (id) => this.#onRecord(id);
  }

  /** Opens everything, links up with the other members, and begins to dial. */
  async start(): Promise<void> {
    const { checked, identity } = this.options;
    await this.#openChains();
    await this.#memberships.read();
    this.#listen();
    this.members.setMembers([{ id: identity, name: checked.name, address: '', witness: false }]);
    this.#conversation.stateToAll();
    await this.node.start();
    if (this.node.membership !== null) {
      this.membership.judge(this.node.membership);
      this.#onMembership();
    }
    this.links = this.#makeLinks();
    this.links.plan();
  }

  /** Hands leadership over, then ends everything. @returns how many validator links were open */
  async stop(): Promise<number> {
    this.stopping = true;
    await handOver(this.node, this.members, this.#clock, this.options.log);
    // Looked at after the await: what failed meanwhile counts too.
    const closing = this.#failed ? 'reset' : 'resetOnceAnswered';
    const open = (await this.links?.stop(closing)) ?? 0;
    await this.node.stop();
    this.reports.tellNow();
    await this.stateFiles.stop();
    for (const { watermark } of this.chains) await watermark.close();
    return open;
  }

  /** Milliseconds without a known leader; 0 where there is one, of which this is told a turn of the loop late. */
  leaderlessMs(): number {
    if (this.#leaderlessSince === null || this.node.leader !== null) return 0;
    return this.#clock.nowMs() - this.#leaderlessSince;
  }

  leaderName(): string | null {
    return this.members.nameOf(this.node.leader);
  }

  /** Whom the registration of this chain waits for, in words; null where nobody is missing. */
  waitingFor(id: RecordId): string | null {
    const steps = planRegistration(id, this.machine.read(id), this.members.views());
    const [wait] = steps.flatMap((step) => (step.kind === 'wait' ? [step] : []));
    return wait === undefined ? null : describeMissing(wait.missing);
  }

  /** Leads, and every state file that is ahead of the log has become a floor. */
  mayServe(): boolean {
    const { term } = this.node;
    return !this.#failed && this.node.mayServe() && term !== null && this.registrar.passedIn(term);
  }

  // ------------------------------------------------------------------------------- assembly

  async #openChains(): Promise<void> {
    const { checked } = this.options;
    const opened = await openChains(checked.chains, {
      edges: this.options.edges,
      replica: checked.name,
      watermarkDirectory: checked.paths.watermark,
      isNew: checked.replica === null,
      store: this.store,
      mayServe: () => this.mayServe(),
      leader: () => this.members.nameOf(this.node.leader),
      observer: (chain) => this.#observer(chain),
      watermarkAlarm: ({ id, keyAddress }, { to, reason }) =>
        this.options.log('watermark_rebuilt', { chain: id.chainId, key: keyAddress, to, reason }),
      fatal: (error, { id, keyAddress }) => {
        const chain = { chainId: id.chainId, keyAddress };
        reportGateFailure(chain, error, this.options.log, this.options.metrics);
        this.fail(error);
      },
    });
    for (const [key, chain] of opened) this.#byId.set(key, chain);
    this.chains = [...opened.values()];
    for (const chain of this.chains) {
      const { settings, state } = chain.checked;
      this.stateFiles.add(chain.id, settings.statePath, state?.position ?? null);
    }
  }

  #observer({ id, keyAddress }: { id: RecordId; keyAddress: string }): GateObserver {
    const { metrics } = this.options;
    return observeGate(
      { chainId: id.chainId, keyAddress },
      {
        metrics,
        fitness: this.fitness,
        watermarkRefusal: () => this.#byId.get(idKey(id))?.watermark.lastRefusal ?? null,
        released: (signed) => this.stateFiles.released(id, signed),
      },
    );
  }

  #makeConversation(): Conversation {
    return new Conversation(
      this.node,
      this.members,
      {
        chains: () => this.chains,
        linksHeld: () => this.links?.claimed() ?? [],
        linksSilent: () => this.links?.silent() ?? [],
        certificateNotAfter: this.options.checked.tls?.certificate.notAfter.getTime() ?? null,
      },
      {
        asked: (from, ask) => void this.#requests.ofMember(from, ask),
        answered: (from, answer) => this.#router.answered(from, answer),
        stated: () => this.#leadershipChanged(),
        dismissed: (dismissal) => this.#onDismissed(dismissal),
      },
      this.options.log,
      this.#clock,
    );
  }

  #makeRouter(): Router {
    const { node } = this;
    return new Router({
      clock: this.#clock,
      entropy: this.options.edges.entropy,
      mayServe: () => this.mayServe(),
      isLeader: () => node.leader === node.id,
      reachableLeader: () => {
        const { leader } = node;
        return leader !== null && leader !== node.id && node.isUp(leader) ? leader : null;
      },
      leaderlessMs: () => this.leaderlessMs(),
      gate: (id) => this.#byId.get(idKey(id))?.gate,
      ask: (leader, ask) => this.#conversation.send(leader, ask),
    });
  }

  #makeRequests(deadlineMs: number): Requests {
    return new Requests(this.options.checked.name, deadlineMs, {
      clock: this.#clock,
      router: this.#router,
      members: this.members,
      reports: this.reports,
      chain: (id) => this.#byId.get(idKey(id)),
      answer: (to, answer) => this.#conversation.send(to, answer),
    });
  }

  #makeRegistrar(): Registrar {
    const tell = newRegistrarNews(this.options.log, this.#clock);
    return new Registrar(
      {
        clock: this.#clock,
        leadingTerm: () => (this.node.mayServe() ? this.node.term : null),
        members: () => this.members.views(),
        limits: () => limits,
        dismiss: (member, id, reason) => this.#conversation.dismiss(member, id, reason),
        tell,
        changed: () => this.#leadershipChanged(),
      },
      this.store,
    );
  }

  #makeLinks(): ValidatorLinks {
    const { log, metrics, edges } = this.options;
    return new ValidatorLinks(this.chains, {
      clock: this.#clock,
      openLink: edges.openLink,
      founded: () => this.node.membership !== null,
      member: () => this.members.all.some(({ id }) => id === this.node.id),
      leaderlessMs: () => this.leaderlessMs(),
      oursToDial: (chain, address) => this.#dialling.oursToDial(chain, address),
      heldElsewhere: (_chain, address) => this.#dialling.heldElsewhere(address),
      exclusive: (chain, address) => this.#dialling.exclusive(chain, address),
      sign: (...asked) => this.#requests.ofValidator(...asked),
      heldChanged: () => this.#stateToAll(),
      observer: describeLinks(log, metrics, this.#clock),
    });
  }

  // ----------------------------------------------------------------------------- consensus

  #listen(): void {
    const { node } = this;
    const { log, metrics } = this.options;
    node.on('founding', (step) => {
      this.foundingMissing = step.kind === 'wait' ? step.missing.map((m) => m.name) : [];
    });
    node.on('founded', ({ clusterId, membership }) => {
      this.#onMembership();
      const names = membership.voters.map((member) => member.name);
      log('founded', { cluster: clusterId, members: names, coordinator: names[0] ?? '' });
    });
    this.membership.listen(node);
    node.on('role', (change) => this.#onRole(change));
    node.on('serving', (serving) => {
      if (serving) void this.#onServing();
      else this.#leadershipChanged();
    });
    node.on('application', (from, payload) => this.#conversation.heard(from, payload));
    reportPeers(node, this.options, log, this.#clock);
    node.on('linkUp', (peer) => {
      this.#conversation.stateTo(peer);
      this.#leadershipChanged();
    });
    node.on('linkDown', (peer) => {
      this.members.linkEnded(peer);
      this.#leadershipChanged();
    });
    node.on('handedOver', (to, reason, tookMs) =>
      log('handed_over', { to: this.members.nameOf(to), reason, took_ms: tookMs }),
    );
    reportState(node, log, metrics);
  }

  #stateToAll(): void {
    this.#conversation.stateToAll();
    this.registrar.kick();
  }

  #onMembership(): void {
    const { membership } = this.node;
    this.members.setMembers(membership === null ? [] : membersOf(membership));
    this.foundingMissing = [];
    this.#leadershipChanged();
    this.#stateToAll();
  }

  #onRole(change: RoleChange & { readonly previous: string | null }): void {
    const { log, metrics } = this.options;
    const { leader } = change;
    if (leader === null) this.#leaderlessSince ??= this.#clock.nowMs();
    const facts = {
      change,
      self: this.node.id,
      leaderlessMs: this.#leaderlessSince === null ? null : this.leaderlessMs(),
      unreachable: this.members.all.filter((m) => !this.#dialling.hears(m.id)).map((m) => m.name),
      nameOf: (id: string | null) => this.members.nameOf(id),
    };
    reportLeadership(facts, log, metrics);
    if (leader !== null) this.#leaderlessSince = null;
    this.#leadershipChanged();
  }

  /** The barrier of a new term has passed: what is applied here is all that was ever released. */
  async #onServing(): Promise<void> {
    const { log } = this.options;
    try {
      for (const { id, watermark } of this.chains) await watermark.restore(this.store.read(id));
    } catch (error) {
      this.fail(error);
      return;
    }
    const status = this.node.status();
    const validators = this.chains.reduce((sum, chain) => sum + chain.validators.length, 0);
    log('serving', {
      term: this.node.term ?? 0,
      barrier: status?.applied ?? 0,
      chains: this.chains.length,
      validators,
    });
    this.#leadershipChanged();
  }

  /** Anything on which routing, registration or links depend has changed. */
  #leadershipChanged(): void {
    this.#router.changed();
    this.registrar.kick();
    this.links?.plan();
  }

  #onRecord(id: RecordId): void {
    const record = this.machine.read(id);
    this.stateFiles.changed(id);
    const chain = this.#byId.get(idKey(id));
    if (chain === undefined || record === undefined) return;
    if (record.last) this.options.metrics.reserved(chain, record.last.hrs);
    this.#noteIdleFlag(chain);
  }

  /** Of a home that joined before: what the log says of the chain stands, whatever the flag says. */
  #noteIdleFlag({ id, chainId, checked }: HeldChain): void {
    if (!checked.neverSigned || this.options.checked.replica === null) return;
    if (this.#flagTold.has(idKey(id))) return;
    this.#flagTold.add(idKey(id));
    const note = `--allow-fresh-state ${chainId}: the chain is registered, so the flag means nothing; leave it out`;
    this.options.log('config_note', { note });
  }

  // ------------------------------------------------------------------------- other members

  #onDismissed({ id, reason }: Dismissal): void {
    const chain = this.#byId.get(idKey(id));
    if (chain !== undefined) this.fail(dismissalError(chain.checked, reason));
  }

  // ------------------------------------------------------------------------------- the end

  fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    // The answers that a planned stop waits for shall not leave any more.
    if (this.stopping) void this.links?.stop('reset');
    this.options.onFatal(inOwnWords(error));
  }
}
