/**
 * Who watches a simulated world: all invariants, told of the same things in the same order.
 *
 * Owns    the list of invariants, and what one tells another.
 * Never   is asked by the world what to do.
 */
import type { LinkFrame, LogBatch, MemberId, RecoveredStorage } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import { decodeCommand, idKey } from '@cometkms/sign-state';
import { CommitsOwnTerm } from './invariants/commits-own-term.js';
import { type CommittedEntry, CommittedIsForEver } from './invariants/committed-is-for-ever.js';
import { CountedHadJoined } from './invariants/counted-had-joined.js';
import { ElectedByMajority } from './invariants/elected-by-majority.js';
import { ForgettersAreRefused } from './invariants/forgetters-are-refused.js';
import { GrantsRise } from './invariants/grants-rise.js';
import { LogMatching } from './invariants/log-matching.js';
import { LogRemembers } from './invariants/log-remembers.js';
import { NothingFalls } from './invariants/nothing-falls.js';
import { OneContentPerPosition } from './invariants/one-content-per-position.js';
import { OneGenesis } from './invariants/one-genesis.js';
import { OneLeaderPerTerm } from './invariants/one-leader-per-term.js';
import { OnlyConflictsShorten } from './invariants/only-conflicts-shorten.js';
import { PromisesAreDurable } from './invariants/promises-are-durable.js';
import { ReleasedWasCommitted } from './invariants/released-was-committed.js';
import { SameState } from './invariants/same-state.js';
import type { At, Invariant, Observer, Release } from './observations.js';
import { ProductTruth } from './product-truth.js';

export class Oracle implements Required<Omit<Observer, 'settled'>> {
  readonly logs = new LogRemembers();
  readonly truth = new ProductTruth();
  readonly committed: CommittedIsForEver;
  readonly sameState = new SameState();
  readonly #grants = new GrantsRise();
  readonly #all: readonly Invariant[];
  #releases = 0;

  constructor() {
    this.committed = new CommittedIsForEver(this.logs, (index, entry) =>
      this.#onCommitted(index, entry),
    );
    this.#all = [
      // Before the record of the logs goes on: it judges by what they were.
      new OnlyConflictsShorten(this.logs, this.committed),
      this.logs,
      new OneGenesis(this.logs),
      new ForgettersAreRefused(this.logs),
      new LogMatching(),
      new CountedHadJoined(this.logs),
      new CommitsOwnTerm(),
      new PromisesAreDurable(this.logs),
      new ElectedByMajority(this.logs),
      new OneLeaderPerTerm(),
      new NothingFalls(),
      this.committed,
      new OneContentPerPosition(),
      new ReleasedWasCommitted(this.truth),
    ];
  }

  get releases(): number {
    return this.#releases;
  }

  stepped(at: At, core: Core): void {
    for (const one of this.#all) one.stepped?.(at, core);
  }

  sent(at: At, to: MemberId, frame: Extract<LinkFrame, { kind: 'raft' }>): void {
    for (const one of this.#all) one.sent?.(at, to, frame);
  }

  logOpened(at: At, recovered: RecoveredStorage): void {
    for (const one of this.#all) one.logOpened?.(at, recovered);
  }

  logBegun(at: At, batches: readonly LogBatch[]): void {
    for (const one of this.#all) one.logBegun?.(at, batches);
  }

  logAcknowledged(at: At, batches: readonly LogBatch[]): void {
    for (const one of this.#all) one.logAcknowledged?.(at, batches);
  }

  released(release: Release): void {
    this.#releases += 1;
    for (const one of this.#all) one.released?.(release);
  }

  gone(at: At, how: Parameters<NonNullable<Observer['gone']>>[1]): void {
    for (const one of this.#all) one.gone?.(at, how);
  }

  diskReplaced(id: MemberId): void {
    for (const one of this.#all) one.diskReplaced?.(id);
  }

  /** This replica has applied as much, and its state has this hash. */
  looked(replica: string, applied: number, hash: string): void {
    this.sameState.looked(replica, applied, hash);
  }

  #onCommitted(index: number, committed: CommittedEntry): void {
    const grant = this.truth.committed(index, committed);
    if (grant === null || committed.entry.kind !== 'command') return;
    const { id } = decodeCommand(committed.entry.command);
    this.#grants.granted(id, idKey(id), grant);
  }
}
