/**
 * One core on a bench: an input goes in, the whole list of what it asked for comes out.
 *
 * Owns    the outbox that records, and short ways to bring a core into a role by real inputs.
 * Never   reaches into a core to change it, or hides an output: an extra send fails a test too.
 *
 * Timers here: heartbeat 5, election timeout 20, lease 16; small enough that there is no jitter, so
 * ranks are 5 ms apart and every deadline is exact.
 */
import assert from 'node:assert/strict';
import {
  type Core,
  type CoreConfig,
  checkCoreConfig,
  createCore,
  type Entry,
  type HardState,
  type Index,
  type Input,
  type MemberId,
  type Membership,
  type MembershipChange,
  type Message,
  type Millis,
  type Outbox,
  type PersistBatch,
  type ProposalOutcome,
  type Receipt,
  type RoleChange,
  type Snapshot,
  standingOf,
  step,
  type Term,
  type Ticket,
} from '../src/core/index.js';

export type Output =
  | readonly ['persist', Receipt, PersistBatch]
  | readonly ['send', MemberId, Message]
  | readonly ['promise', MemberId, Message, Receipt]
  | readonly ['commit', Index]
  | readonly ['restore', Snapshot]
  | readonly ['resolve', Ticket, ProposalOutcome]
  | readonly ['wakeAt', Millis]
  | readonly ['changed', RoleChange];

export function receipt(position: number): Receipt {
  return position as Receipt;
}

export function membershipOf(voters: string, learners = '', witnesses = ''): Membership {
  const member = (id: string) => ({
    id,
    name: id,
    address: `${id}:1`,
    witness: witnesses.includes(id),
  });
  return { voters: [...voters].map(member), learners: [...learners].map(member) };
}

export function command(index: Index, term: Term, text = `${term}.${index}`): Entry {
  return { kind: 'command', index, term, command: new TextEncoder().encode(text) };
}

export function membershipEntry(index: Index, term: Term, membership: Membership): Entry {
  return { kind: 'membership', index, term, membership };
}

export function rulesEntry(index: Index, term: Term, version: number): Entry {
  return { kind: 'rules', index, term, version };
}

/** Entries 1, 2, … of these terms. */
export function entriesOf(...terms: readonly Term[]): readonly Entry[] {
  return terms.map((term, n) => command(n + 1, term));
}

export function checkedConfig(config: Partial<CoreConfig> = {}) {
  const verdict = checkCoreConfig({
    self: 'a',
    heartbeatIntervalMs: 5,
    electionTimeoutMs: 20,
    leaseMs: 16,
    seed: 1,
    maxInflightAppends: 4,
    maxAppendBytes: 1000,
    maxUncommittedBytes: 1000,
    ...config,
  });
  assert.ok(verdict.ok);
  return verdict.config;
}

export interface BenchStart {
  readonly voters?: string;
  readonly learners?: string;
  readonly witnesses?: string;
  readonly hard?: HardState;
  /** The terms of the entries after the snapshot. */
  readonly terms?: readonly Term[];
  readonly snapshot?: { readonly index: Index; readonly term: Term };
  /** Instead of `terms`. */
  readonly entries?: readonly Entry[];
  readonly config?: Partial<CoreConfig>;
}

export class Bench implements Outbox {
  readonly core: Core;
  /** Well past the start, when a restarted voter speaks again (rule 36). */
  now: Millis = 1000;
  #outputs: Output[] = [];
  #lastReceipt = 0;

  constructor(start: BenchStart = {}) {
    const { index, term } = start.snapshot ?? { index: 0, term: 0 };
    const terms = start.terms ?? [];
    const membership = membershipOf(start.voters ?? 'abc', start.learners, start.witnesses);
    const recovered = {
      hard: start.hard ?? {
        term: start.entries?.at(-1)?.term ?? terms.at(-1) ?? term,
        votedFor: null,
      },
      snapshot: { index, term, membership, state: new Uint8Array() },
      entries: start.entries ?? terms.map((each, n) => command(index + n + 1, each)),
    };
    this.core = createCore(checkedConfig(start.config), recovered, 0);
  }

  persist(batch: PersistBatch): Receipt {
    this.#lastReceipt += 1;
    this.#outputs.push(['persist', receipt(this.#lastReceipt), batch]);
    return receipt(this.#lastReceipt);
  }
  send(to: MemberId, message: Message): void {
    this.#outputs.push(['send', to, message]);
  }
  promise(to: MemberId, message: Message, after: Receipt): void {
    this.#outputs.push(['promise', to, message, after]);
  }
  commit(through: Index): void {
    this.#outputs.push(['commit', through]);
  }
  restore(snapshot: Snapshot): void {
    this.#outputs.push(['restore', snapshot]);
  }
  resolve(ticket: Ticket, outcome: ProposalOutcome): void {
    this.#outputs.push(['resolve', ticket, outcome]);
  }
  wakeAt(at: Millis): void {
    this.#outputs.push(['wakeAt', at]);
  }
  changed(change: RoleChange): void {
    this.#outputs.push(['changed', change]);
  }

  // ---------------------------------------------------------------------------------- inputs

  tell(input: Input): readonly Output[] {
    this.#outputs = [];
    step(this.core, this.now, input, this);
    return this.#outputs;
  }

  hear(from: MemberId, message: Message): readonly Output[] {
    return this.tell({ kind: 'message', from, message });
  }

  /** All that was handed out is on disk. */
  durable(through = this.#lastReceipt): readonly Output[] {
    return this.tell({ kind: 'durable', through: receipt(through) });
  }

  /** The driver wakes the core at `now`. */
  wake(now: Millis): readonly Output[] {
    this.now = now;
    return this.tell({ kind: 'wake' });
  }

  propose(ticket: Ticket, text: string): readonly Output[] {
    return this.tell({ kind: 'propose', ticket, command: new TextEncoder().encode(text) });
  }

  change(ticket: Ticket, change: MembershipChange): readonly Output[] {
    return this.tell({ kind: 'change', ticket, change });
  }

  /** The peer answers that it holds everything up to `match`. */
  acknowledge(from: MemberId, match: Index, round = 0): readonly Output[] {
    return this.hear(from, accepted(this.core.hard.term, match, round));
  }

  // ----------------------------------------------------------------------------------- roles

  /** Hears a heartbeat, so that it follows `leader` in `term`. */
  follow(leader: MemberId, term: Term): this {
    this.hear(leader, append(term, [0, 0], []));
    this.durable();
    return this;
  }

  /** Wins with as few votes as will do, the first voters'. Its empty entry is durable. */
  lead(): this {
    this.campaign();
    for (const voter of this.#others()) {
      if (this.core.role.kind !== 'candidate') break;
      this.hear(voter, { kind: 'voteReply', term: this.core.hard.term, granted: true });
    }
    this.durable();
    return this;
  }

  /** Runs out of patience and asks ahead; as far as candidate, with its own vote durable. */
  campaign(): this {
    this.tell({ kind: 'wake' });
    for (const voter of this.#others()) {
      if (this.core.role.kind !== 'preCandidate') break;
      this.hear(voter, { kind: 'preVoteReply', term: this.core.hard.term + 1, granted: true });
    }
    this.durable();
    return this;
  }

  #others(): readonly MemberId[] {
    const { voters } = standingOf(this.core).inForce.membership;
    return voters.map(({ id }) => id).filter((id) => id !== this.core.config.self);
  }
}

// ------------------------------------------------------------------------------------ messages

export function append(
  term: Term,
  [prevIndex, prevTerm]: readonly [Index, Term],
  entries: readonly Entry[],
  commit: Index = 0,
  round = 1,
): Message {
  return { kind: 'append', term, prevIndex, prevTerm, entries, commit, round };
}

export function accepted(term: Term, match: Index, round = 1): Message {
  const { hintIndex, hintTerm } = { hintIndex: 0, hintTerm: 0 };
  return { kind: 'appendReply', term, round, match, refused: false, hintIndex, hintTerm };
}

export function refused(term: Term, hintIndex: Index, hintTerm: Term, round = 1): Message {
  return { kind: 'appendReply', term, round, match: 0, refused: true, hintIndex, hintTerm };
}

/** Drops the deadlines: for tests that are about something else and would only repeat them. */
export function withoutWakes(outputs: readonly Output[]): readonly Output[] {
  return outputs.filter(([kind]) => kind !== 'wakeAt');
}
