/**
 * Copies of machines, started beside their originals; and whom a copy reaches, or a disk that was put back.
 *
 * Owns    the beginning and the end of copies, what becomes of the original meanwhile, and whom they reach.
 * Never   explains an end of the original: nothing that its copy does may harm it.
 * Atlas   A copy has the identity and the keys of its original, and two that promise under one name are two votes: of
 *         three members, one may go with the original, and the other, cut off from that one, with the copy. Raft is
 *         not Byzantine, so nobody can see that, and it is left out here: a copy reaches a member only while that one
 *         knows better. That is while it is linked with the original, or has on its disk that the original once
 *         showed more, or another run of the same start. All of them must refuse it: so it is never taken in, neither
 *         leads nor follows, and its original goes on as if it were not there. It does dial the validators, with its
 *         keys, as one that knows no leader: what it releases and refuses is judged like anybody's.
 *         A disk that was put back, and has forgotten a promise, likewise (docs/security.md): while those that know are
 *         cut off, one that does not would take it in, and both would be a majority. If its disk forgot nothing that
 *         it ever promised, it reaches everybody.
 * Oracle  A copy is observed under an id of its own, which no membership has. So its vote and its disk count for nobody
 *         (invariants/elected-by-majority.ts, committed-is-for-ever.ts), and what its original acknowledged is not
 *         asked of it. What is judged by process, by position or by index holds for it as for all. What its home knew
 *         of a chain is not told anew: it is what its original's knew.
 */
import type { PeerMark } from '@cometkms/consensus';
import type { Fault } from './faults.js';
import type { Lives } from './lives.js';
import type { Making } from './making.js';
import type { Member } from './member.js';
import type { SimulatedProcess } from './replica.js';
import type { Scene } from './scene.js';
import { lastIndexOf, type ShadowLog } from './shadow-log.js';

type Clone = Extract<Fault, { kind: 'clone' }>;

interface Running {
  readonly copy: Member;
  readonly original: Member;
  /** Of the original, when the copy began. */
  readonly beside: SimulatedProcess | null;
  /** Addresses of those that it reaches. */
  readonly open: Set<string>;
}

/** A disk that another hand put back. */
interface PutBack {
  /** How many times it had lost something before it was put back like this, and before it first forgot. */
  readonly before: number;
  readonly since: number;
  /** Anything that it promised; null: not opened yet. */
  forgets: boolean | null;
}

export class Copies {
  readonly #scene: Scene;
  readonly #lives: Lives;
  readonly #making: Making;
  readonly #running = new Set<Running>();
  readonly #putBack = new Map<Member, PutBack>();

  constructor(scene: Scene, lives: Lives, making: Making) {
    this.#scene = scene;
    this.#lives = lives;
    this.#making = making;
  }

  /** Of this moment; it starts when it is as old as it is to be. */
  make(original: Member, fault: Clone): void {
    const copy = this.#making.makeCopy(original);
    for (const { replica } of this.#scene.members)
      this.#setReach(copy, replica.site.address, false);
    this.#scene.in(fault.afterMs, () => {
      if (this.#scene.isHealing) return;
      this.#begin(copy, original, fault);
    });
  }

  /** Before it starts again. */
  putBack(member: Member): void {
    const before = this.#scene.oracle.logs.lost(member.id).length;
    // Put back once more, it may show more than a moment ago and still have forgotten what it had forgotten then.
    const since = this.#putBack.get(member)?.since ?? before;
    this.#putBack.set(member, { before, since, forgets: null });
    this.#reachAll(member, false);
  }

  /** For good: no copy is left when all is healed, and no disk that forgot what only others know. */
  endAll(): void {
    for (const running of [...this.#running]) this.#end(running);
    for (const [member, { forgets }] of this.#putBack) {
      if (forgets !== true) continue;
      member.doomed = 3;
      member.cancelStart();
      this.#lives.kill(member);
    }
    this.#putBack.clear();
  }

  /** To be called before any event: who knows better now may not know it a moment later. */
  keepApart(): void {
    for (const [member, state] of this.#putBack) this.#keepForgetfulApart(member, state);
    for (const running of this.#running) {
      const { copy, original, open } = running;
      if (copy.replica.process === null) {
        if (copy.replica.starts > 0) this.#end(running);
        continue;
      }
      const shown = this.#scene.oracle.logs.acknowledged(copy.id);
      const marks = new Map(this.#scene.oracle.logs.marksOf(original.id));
      for (const member of this.#scene.members) {
        const { address } = member.replica.site;
        const mark = marks.get(member.id);
        const knows = (mark !== undefined && isMore(mark, shown)) || isLinked(member, original);
        if (knows === open.has(address)) continue;
        if (knows) open.add(address);
        else open.delete(address);
        this.#setReach(copy, address, knows);
      }
    }
  }

  #keepForgetfulApart(member: Member, state: PutBack): void {
    const { logs } = this.#scene.oracle;
    const lost = logs.lost(member.id);
    if (lost.length === state.before) return;
    const shown = logs.acknowledged(member.id);
    state.forgets ??= lost.slice(state.since).some((known) => forgets(known, shown));
    if (!state.forgets) {
      this.#putBack.delete(member);
      this.#reachAll(member, true);
      return;
    }
    const marks = new Map(logs.marksOf(member.id));
    for (const other of this.#scene.members) {
      const mark = marks.get(other.id);
      const knows = mark !== undefined && isMore(mark, shown);
      this.#setReach(member, other.replica.site.address, knows);
    }
  }

  #reachAll(member: Member, isOpen: boolean): void {
    for (const { replica } of this.#scene.members)
      this.#setReach(member, replica.site.address, isOpen);
  }

  #begin(copy: Member, original: Member, { ms, original: fate, downMs }: Clone): void {
    const { process: beside } = original.replica;
    const running: Running = { copy, original, beside, open: new Set() };
    this.#running.add(running);
    if (beside !== null) this.#scene.marks.mark('a copy runs beside its original');
    this.#lives.startIn(copy, 0);
    this.#scene.in(ms, () => this.#end(running));
    if (fate === 'runs') return;
    this.#scene.in(ms * this.#scene.seed.fork(`fate ${copy.id}`).range(0, 0.5), () => {
      if (!this.#scene.isHealing) this.#lives.bringDown(original, fate, downMs);
    });
  }

  #end(running: Running): void {
    if (!this.#running.delete(running)) return;
    const { copy, original, beside } = running;
    copy.cancelStart();
    if (copy.replica.process !== null) {
      this.#scene.trace.add(`${copy.replica.name} is ended`);
      copy.replica.kill();
      this.#lives.gone(copy, 'killed');
    }
    const goesOn = beside !== null && original.replica.process === beside;
    if (goesOn && beside.replica?.node.core?.leader != null)
      this.#scene.marks.mark('a copy ends and its original goes on');
  }

  /** What the copy says; what it is told it may hear. */
  #setReach({ replica }: Member, address: string, isOpen: boolean): void {
    this.#scene.network.setPath(replica.site.address, address, { closed: !isOpen });
  }
}

/** By its own view. One that stands still would judge later, when it may have lost that link. */
function isLinked({ replica }: Member, original: Member): boolean {
  const { process } = replica;
  if (process === null || process.loop.isStalled) return false;
  return process.replica?.node.helloOf(original.id) != null;
}

/** What is on a member's disk of the original, against what the copy shows. */
function isMore(mark: PeerMark, shown: ShadowLog): boolean {
  const { founded, boot, hard } = shown;
  if (!founded) return mark.joined;
  if (mark.boot > boot || (mark.boot === boot && mark.runId !== '')) return true;
  return mark.term > hard.term || mark.acknowledged > lastIndexOf(shown);
}

/** Of what its disk once promised. */
function forgets(known: ShadowLog, shown: ShadowLog): boolean {
  const [then, now] = [known.hard, shown.hard];
  const vote = then.term === now.term && then.votedFor !== null && then.votedFor !== now.votedFor;
  return then.term > now.term || vote || lastIndexOf(known) > lastIndexOf(shown);
}
