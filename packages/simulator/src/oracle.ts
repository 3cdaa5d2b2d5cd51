/**
 * Who watches a simulated world: all invariants, told of the same things in the same order.
 *
 * Owns    the list of invariants, and what one tells another.
 * Never   is asked by the world what to do.
 */
import type { LinkFrame, LogBatch, MemberId, RecoveredStorage } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import {
  type Hrs,
  idKey,
  type Position,
  type RecordId,
  type SigningRecord,
} from '@cometkms/sign-state';
import { AcknowledgedIsTheLeaders } from './invariants/acknowledged-is-the-leaders.js';
import { ChangesOneAtATime } from './invariants/changes-one-at-a-time.js';
import { CommitsOwnTerm } from './invariants/commits-own-term.js';
import { type CommittedEntry, CommittedIsForEver } from './invariants/committed-is-for-ever.js';
import { ConfigurationOfItsLog } from './invariants/configuration-of-its-log.js';
import { CopiesAreRefused } from './invariants/copies-are-refused.js';
import { CountedHadJoined } from './invariants/counted-had-joined.js';
import { ElectedByMajority } from './invariants/elected-by-majority.js';
import { ForgettersAreRefused } from './invariants/forgetters-are-refused.js';
import { GrantsRise } from './invariants/grants-rise.js';
import { LogMatching } from './invariants/log-matching.js';
import { LogRemembers } from './invariants/log-remembers.js';
import { MarksFollowRequests } from './invariants/marks-follow-requests.js';
import { NothingFalls } from './invariants/nothing-falls.js';
import { OneContentPerPosition } from './invariants/one-content-per-position.js';
import { OneGenesis } from './invariants/one-genesis.js';
import { OneLeaderPerTerm } from './invariants/one-leader-per-term.js';
import { OnlyConflictsShorten } from './invariants/only-conflicts-shorten.js';
import { PromisesAreDurable } from './invariants/promises-are-durable.js';
import { RefusalsAreTrue } from './invariants/refusals-are-true.js';
import { RegisteredAboveAllHomes } from './invariants/registered-above-all-homes.js';
import { ReleasedWasCommitted } from './invariants/released-was-committed.js';
import { SameState } from './invariants/same-state.js';
import { StallsAreNoSilence } from './invariants/stalls-are-no-silence.js';
import { TransfersAreAskedFor } from './invariants/transfers-are-asked-for.js';
import { WitnessesServeNobody } from './invariants/witnesses-serve-nobody.js';
import type {
  AskedFor,
  At,
  HomeKnowledge,
  Invariant,
  Observer,
  Refusal,
  Release,
} from './observations.js';
import { ProductTruth, requireSame } from './product-truth.js';

export class Oracle implements Required<Omit<Observer, 'settled'>> {
  readonly logs = new LogRemembers();
  readonly truth: ProductTruth;
  readonly committed: CommittedIsForEver;
  readonly memberships: ChangesOneAtATime;
  readonly sameState = new SameState();
  readonly #contents = new OneContentPerPosition();
  readonly #grants = new GrantsRise();
  readonly #watermarks: MarksFollowRequests;
  readonly #registrations = new RegisteredAboveAllHomes();
  readonly #all: readonly Invariant[];
  #releases = 0;

  /**
   * @param now  simulated milliseconds
   * @param signedBy  what a signature is over; null: it is none
   */
  constructor(now: () => number, signedBy: (signature: Uint8Array) => Uint8Array | null) {
    this.truth = new ProductTruth(now);
    this.#watermarks = new MarksFollowRequests(this.truth, now);
    this.memberships = new ChangesOneAtATime(
      (index) => this.committed.termAt(index),
      () => this.committed.lastIndex,
    );
    this.committed = new CommittedIsForEver(this.logs, (index, entry) =>
      this.#onCommitted(index, entry),
    );
    this.#all = [
      // Before the record of the logs goes on: it judges by what they were.
      new OnlyConflictsShorten(this.logs, this.committed),
      this.logs,
      new OneGenesis(this.logs),
      new ConfigurationOfItsLog(),
      new WitnessesServeNobody(),
      new ForgettersAreRefused(this.logs),
      new CopiesAreRefused(),
      new LogMatching(),
      new CountedHadJoined(this.logs),
      new CommitsOwnTerm(),
      new PromisesAreDurable(this.logs),
      new AcknowledgedIsTheLeaders(this.logs),
      new ElectedByMajority(),
      new OneLeaderPerTerm(),
      new TransfersAreAskedFor(),
      new StallsAreNoSilence(now),
      new NothingFalls(),
      this.committed,
      this.memberships,
      this.#contents,
      new ReleasedWasCommitted(this.truth, signedBy),
      this.#watermarks,
      new RefusalsAreTrue(this.truth, this.#watermarks),
      this.#registrations,
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

  stalled(at: At, untilMs: number): void {
    for (const one of this.#all) one.stalled?.(at, untilMs);
  }

  logOpened(at: At, recovered: RecoveredStorage): void {
    for (const one of this.#all) one.logOpened?.(at, recovered);
  }

  linked(at: At, to: MemberId): void {
    for (const one of this.#all) one.linked?.(at, to);
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

  asked(asked: AskedFor): void {
    for (const one of this.#all) one.asked?.(asked);
  }

  refused(refusal: Refusal): void {
    for (const one of this.#all) one.refused?.(refusal);
  }

  marked(at: At, id: RecordId, hrs: Hrs): void {
    for (const one of this.#all) one.marked?.(at, id, hrs);
  }

  homeMade(member: MemberId, witness: boolean): void {
    for (const one of this.#all) one.homeMade?.(member, witness);
  }

  copyMade(copy: MemberId): void {
    for (const one of this.#all) one.copyMade?.(copy);
  }

  keyOpened(at: At): void {
    for (const one of this.#all) one.keyOpened?.(at);
  }

  linkOpened(at: At): void {
    for (const one of this.#all) one.linkOpened?.(at);
  }

  serving(at: At): void {
    for (const one of this.#all) one.serving?.(at);
  }

  homeKnows(member: MemberId, id: RecordId, known: HomeKnowledge): void {
    for (const one of this.#all) one.homeKnows?.(member, id, known);
  }

  homeHasFile(member: MemberId, id: RecordId): boolean {
    return this.#registrations.homeHasFile(member, id);
  }

  signedElsewhere(id: RecordId, signBytes: Uint8Array): void {
    for (const one of this.#all) one.signedElsewhere?.(id, signBytes);
  }

  /** The record of this replica, which has applied as much. */
  stateSeen(at: At, applied: number, id: RecordId, said: SigningRecord | undefined): void {
    const expected = this.truth.referenceAfter(id, applied);
    if (expected === null || applied > this.truth.applied) return;
    requireSame(applied, said, expected.record, at.replica);
  }

  /** Whether anybody released a signature there. */
  isReleasedAt(id: RecordId, position: Position): boolean {
    return this.#contents.isReleasedAt(id, position);
  }

  /** The highest place for which anything proposable was ever asked. */
  reachOf(id: RecordId): Position | null {
    return this.#watermarks.reachOf(id);
  }

  /** Where any replica's watermark ever stood. */
  markedUpTo(id: RecordId): Position | null {
    return this.#watermarks.markedUpTo(id);
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
    this.memberships.committed(index, committed.entry);
    const seen = this.truth.committed(index, committed);
    if (seen === null) return;
    const { command, grant, isFirst } = seen;
    if (command.kind === 'registerChain' && isFirst) this.#registrations.registered(command);
    this.#watermarks.changed(command.id);
    if (grant !== null) this.#grants.granted(command.id, idKey(command.id), grant);
  }
}
