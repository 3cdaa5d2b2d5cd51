/**
 * The links of this replica to its validators.
 *
 * Owns    one link per (chain, validator), and giving each the order that `link-plan.ts` answers.
 * Never   decides who holds a link, or who signs.
 * Proof   test/replica-validator-links.test.ts, test/replica-cluster.test.ts; real nodes in packages/interop.
 */
import type {
  DialOutcome,
  LinkEvents,
  LinkState,
  ProposalRequest,
  SignAnswer,
  VoteRequest,
} from '@cometkms/privval';
import type { RecordId } from '@cometkms/sign-state';
import type { ValidatorAddress } from '../config/addresses.js';
import type { ChainKey, ValidatorStatus } from '../status.js';
import type { Edges, OpenedLink, ReplicaClock } from './edges.js';
import { givesWay, LEADERLESS_HOLD_OFF_MS, planLink, REDIAL_CLAIM_MS } from './link-plan.js';

export interface LinkedChain extends ChainKey {
  readonly id: RecordId;
  readonly validators: readonly ValidatorAddress[];
}

export interface LinksWorld {
  readonly clock: ReplicaClock;
  readonly openLink: Edges['openLink'];
  founded(): boolean;
  /** By the newest membership of the log. */
  member(): boolean;
  leaderlessMs(): number;
  oursToDial(chain: LinkedChain, address: string): boolean;
  /** A member that we hear from says that it holds the link. */
  heldElsewhere(chain: LinkedChain, address: string): boolean;
  exclusive(chain: LinkedChain, address: string): boolean;
  sign(
    chain: LinkedChain,
    validator: string,
    request: VoteRequest | ProposalRequest,
    /** When it had come whole; monotonic. */
    receivedMs: number,
  ): Promise<SignAnswer>;
  /** What this replica holds has changed: the others must know. */
  heldChanged(): void;
  readonly observer: LinkObserver;
}

/** For log and metrics. */
export interface LinkObserver {
  state(chain: LinkedChain, validator: string, state: LinkState, detail: string): void;
  dialed(chain: LinkedChain, validator: string, outcome: DialOutcome, detail: string): void;
  badFrame(chain: LinkedChain, validator: string, reason: string): void;
  request: (
    chain: LinkedChain,
    validator: string,
    kind: Parameters<LinkEvents['onRequest']>[0],
  ) => void;
  invalid: (
    chain: LinkedChain,
    validator: string,
    ...args: Parameters<LinkEvents['onInvalidRequest']>
  ) => void;
}

interface Held {
  readonly chain: LinkedChain;
  readonly address: string;
  readonly link: OpenedLink;
  state: LinkState;
  /** Monotonic; set while the validator talks to us. */
  connectedSince: number | null;
  /** Nothing comes from this validator; forgotten once anybody talks to it. */
  silent: boolean;
  /** Monotonic; set while nobody is known to hold the link. */
  unheldSince: number | null;
  /** Monotonic; set while the link is down because this replica had no answer in time. */
  droppedAt: number | null;
  /** Requests in a row that had no answer in time. */
  drops: number;
  since: number;
  lastRequestAt: number | null;
  lastError: string | null;
}

const isConnected = (state: LinkState): boolean => state === 'connected' || state === 'active';

/** Ages count in the plan (two seconds without a leader), so it is made anew this often. */
const PLAN_EVERY_MS = 250;

/** The others are told at once, and then not so soon again: where many links come up, each would be told of. */
const TELL_EVERY_MS = 20;

export class ValidatorLinks {
  readonly #world: LinksWorld;
  readonly #links: readonly Held[];
  #cancelTimer: () => void = () => {};
  #stopped = false;
  /** What the others were told last. */
  #told = ' ';
  /** A moment ago; what changes meanwhile is told when it is over. */
  #toldNow = false;

  constructor(chains: readonly LinkedChain[], world: LinksWorld) {
    this.#world = world;
    this.#links = chains.flatMap((chain) =>
      chain.validators.map((address) => this.#open(chain, address)),
    );
    this.#planLater();
  }

  #planLater(): void {
    this.#cancelTimer = this.#world.clock.after(PLAN_EVERY_MS, () => {
      this.#planLater();
      this.plan();
    });
  }

  /** Gives every link its order. Call it when leadership or another member's links changed. */
  plan(): void {
    if (this.#stopped) return;
    const founded = this.#world.founded();
    const member = this.#world.member();
    const cluster = { founded, member, leaderlessMs: this.#world.leaderlessMs() };
    for (const held of this.#links) {
      const { chain, address, link, connectedSince } = held;
      const now = this.#world.clock.nowMs();
      const heldElsewhere = this.#world.heldElsewhere(chain, address);
      if (!founded || heldElsewhere || connectedSince !== null) held.unheldSince = null;
      else held.unheldSince ??= now;
      if (heldElsewhere) {
        held.droppedAt = null;
        held.silent = false;
      }
      const order = planLink(cluster, {
        oursToDial: this.#world.oursToDial(chain, address),
        exclusive: this.#world.exclusive(chain, address),
        connectedMs: connectedSince === null ? null : now - connectedSince,
        heldElsewhere,
        dropped: held.droppedAt !== null,
        unheldMs: held.unheldSince === null ? 0 : now - held.unheldSince,
      });
      if (order === 'hold') link.hold();
      else if (order === 'release') void link.release();
      else link.reset(LEADERLESS_HOLD_OFF_MS);
    }
    this.#tellOthers();
  }

  /** Addresses of the validators that talk to this replica. */
  held(): readonly string[] {
    return this.#links.filter((held) => isConnected(held.state)).map((held) => held.address);
  }

  /** What the other replicas leave to this one: what it holds, and what it dials again after a drop. */
  claimed(): readonly string[] {
    const since = this.#world.clock.nowMs() - REDIAL_CLAIM_MS;
    return this.#links
      .filter(({ state, droppedAt }) => {
        if (isConnected(state)) return true;
        return state !== 'idle' && droppedAt !== null && droppedAt > since;
      })
      .map(({ address }) => address);
  }

  /** From which this replica hears nothing, though it dialled: another may reach them. */
  silent(): readonly string[] {
    return this.#links.filter(({ silent }) => silent).map(({ address }) => address);
  }

  status(chain: ChainKey): readonly ValidatorStatus[] {
    return this.#links
      .filter((h) => h.chain.chainId === chain.chainId && h.chain.keyAddress === chain.keyAddress)
      .map(({ address, state, since, lastRequestAt, lastError }) => ({
        address,
        state,
        since,
        lastRequestAt,
        lastError,
      }));
  }

  /**
   * Resets every link: a node notices a reset one retry sooner than a FIN.
   * @param closing  `resetOnceAnswered` where all is well: a request that is being answered gets its answer first, so
   *   that a planned stop costs a node one retry, of the next request. After a fatal error `reset`: nothing may leave.
   * @returns how many were open
   */
  async stop(closing: 'reset' | 'resetOnceAnswered'): Promise<number> {
    this.#stopped = true;
    this.#cancelTimer();
    const open = this.held().length;
    await Promise.all(this.#links.map(({ link }) => link.release(closing)));
    this.#toldNow = false;
    this.#tellOthers();
    return open;
  }

  #open(chain: LinkedChain, validator: ValidatorAddress): Held {
    const address = validator.text;
    const { observer } = this.#world;
    const sign = async (
      request: VoteRequest | ProposalRequest,
      receivedMs: number,
    ): Promise<SignAnswer> => {
      const answer = await this.#world.sign(chain, address, request, receivedMs);
      if (answer.kind === 'drop') this.#dropped(held);
      else held.drops = 0;
      return answer;
    };
    const events: LinkEvents = {
      onState: (state, detail) => this.#stateChanged(held, state, detail),
      onDial: (outcome, detail) => {
        if (outcome !== 'ok') held.lastError = detail;
        observer.dialed(chain, address, outcome, detail);
      },
      onSilent: () => {
        held.silent = true;
        this.#tellOthers();
      },
      onBadFrame: (reason) => observer.badFrame(chain, address, reason),
      onRequest: (kind) => {
        held.lastRequestAt = this.#world.clock.wallMs();
        observer.request(chain, address, kind);
      },
      onInvalidRequest: (kind, error) => observer.invalid(chain, address, kind, error),
      // Each of these is an event above, with a name of its own.
      onLog: () => {},
    };
    const handler = {
      chainId: chain.chainId,
      publicKey: () => ({ type: 'ed25519' as const, bytes: chain.id.key.bytes }),
      signVote: sign,
      signProposal: sign,
    };
    const link = this.#world.openLink(validator, handler, events);
    const held: Held = {
      chain,
      address,
      link,
      state: 'idle',
      connectedSince: null,
      silent: false,
      unheldSince: null,
      droppedAt: null,
      drops: 0,
      since: this.#world.clock.wallMs(),
      lastRequestAt: null,
      lastError: null,
    };
    return held;
  }

  /** The session ends the link after this, unless the node has done so already. */
  #dropped(held: Held): void {
    if (!isConnected(held.state)) return;
    const { chain, address, link } = held;
    held.drops += 1;
    held.droppedAt = this.#world.clock.nowMs();
    const exclusive = this.#world.exclusive(chain, address);
    const oursToDial = this.#world.oursToDial(chain, address);
    if (!givesWay(held.drops, { exclusive, oursToDial })) return;
    held.drops = 0;
    held.droppedAt = null;
    held.unheldSince = null;
    // Whose turn it is now dials as soon as it hears of it; this replica again once nobody has for a while.
    void link.release('reset', 'no answer in time, again and again; another replica may have one');
  }

  #tellOthers(): void {
    if (this.#toldNow) return;
    const told = [this.claimed().join(), this.silent().join()].join(' ');
    if (told === this.#told) return;
    this.#told = told;
    this.#toldNow = true;
    this.#world.clock.after(TELL_EVERY_MS, () => {
      this.#toldNow = false;
      if (!this.#stopped) this.#tellOthers();
    });
    this.#world.heldChanged();
  }

  #stateChanged(held: Held, state: LinkState, detail: string): void {
    const before = isConnected(held.state);
    held.state = state;
    held.since = this.#world.clock.wallMs();
    if (isConnected(state) !== before) {
      held.connectedSince = before ? null : this.#world.clock.nowMs();
      if (!before) {
        held.lastError = null;
        held.droppedAt = null;
        held.silent = false;
      }
      this.#tellOthers();
    }
    this.#world.observer.state(held.chain, held.address, state, detail);
  }
}
