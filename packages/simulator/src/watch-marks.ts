/**
 * From what happens in a world to the situations that it reached.
 *
 * Owns    which log line, answer, end or state of a core is which situation.
 * Never   judges.
 */
import { type LogBatch, type Membership, membersOf } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import type { Marks, Situation } from './marks.js';
import type { Member } from './member.js';
import type { ShadowLog } from './shadow-log.js';
import type { Answered } from './validator.js';

const byRefusal: Readonly<Record<string, Situation>> = {
  CONFLICT: 'a conflict is refused',
  REGRESSED: 'a regression is refused',
  LEAP: 'a leap is refused',
  CUTOVER: 'the cut-over guard refuses',
  HALTED: 'a halted height is refused',
  WATERMARK: 'the watermark refuses',
  PROPOSAL_RETIMED: 'a proposal is refused for its time',
  NO_QUORUM: 'nobody leads and the validator is told',
};

interface Seen {
  readonly start: number;
  role: string;
  commit: number;
  snapshot: number;
  leader: string | null;
  stalls: number;
  failed: number;
}

export function watchMarks(marks: Marks, members: () => readonly Member[]) {
  const seen = new Map<Member, Seen>();
  const lead = (member: Member): Core | null => {
    const core = member.replica.process?.replica?.node.core ?? null;
    return core?.role.kind === 'leader' ? core : null;
  };
  /** Allowed: neither commits what the other one does not know. Seen once for each pair of starts. */
  const pairs = new Set<string>();
  const leasesBeside = (member: Member): void => {
    for (const other of members()) {
      if (other === member || lead(other) === null) continue;
      const [x, y] = [member, other].map(({ replica }) => replica);
      if (!x?.process?.replica?.node.mayServe() || !y?.process?.replica?.node.mayServe()) continue;
      const pair = `${x.name} ${x.starts} ${y.name} ${y.starts}`;
      if (!pairs.has(pair)) marks.mark('two hold leases at once');
      pairs.add(pair);
    }
  };
  return {
    stepped(member: Member, core: Core): void {
      const before = seen.get(member);
      const start = member.replica.starts;
      const now: Seen = {
        start,
        role: core.role.kind,
        commit: core.commit,
        leader: core.leader,
        snapshot: core.snapshot.index,
        stalls: core.stalls.count,
        failed: core.failedAttempts,
      };
      seen.set(member, now);
      if (before?.start !== start) return;
      if (before.leader !== null && now.leader === null && before.role === 'follower') {
        const left = members().find(({ id }) => id === before.leader);
        const isUp = left !== undefined && lead(left) !== null;
        if (isUp && core.closedLinks.has(before.leader)) marks.mark('a link closes and is a hint');
      }
      if (before.role === 'leader' && commitsOlder(core, before.commit)) {
        marks.mark('an older term’s entry commits with a later one');
      }
      if (now.failed > before.failed) marks.mark('an election is lost');
      if (now.stalls > before.stalls) marks.mark('a process stands still longer than an election');
      if (now.role === 'leader') leasesBeside(member);
      if (now.role === before.role) return;
      if (before.role === 'leader') marks.mark('a leader steps down');
      if (now.role !== 'leader') return;
      marks.mark('a leader is elected');
      if (member.witness) marks.mark('a witness leads');
      const leaders = members().filter((other) => lead(other) !== null);
      if (leaders.length < 2) return;
      marks.mark('two lead at once');
    },
    /** A batch of a log, as it is handed out. */
    begun(member: Member, batches: readonly LogBatch[], { entries }: ShadowLog): void {
      for (const { truncateFrom, resetLog, genesis, hard } of batches) {
        if (truncateFrom !== undefined) marks.mark('an entry is overwritten');
        const gone = entries.filter(({ index }) => index >= (truncateFrom ?? index + 1));
        if (gone.some(({ kind }) => kind === 'membership')) marks.mark('a change is rolled back');
        const { learners = [] } = member.replica.process?.replica?.node.membership ?? {};
        const votes = hard?.votedFor != null && hard.votedFor !== member.id;
        if (votes && learners.some(({ id }) => id === member.id)) marks.mark('a learner votes');
        if (resetLog === true && genesis === undefined) marks.mark('a snapshot is installed');
      }
    },
    /** Committed, for the first time that anybody sees. */
    changed(before: Membership, after: Membership, isParted: boolean): void {
      if (isParted) marks.mark('a change commits during a partition');
      const isNew = ({ id }: { readonly id: string }): boolean =>
        membersOf(before).every((one) => one.id !== id);
      const gone = (after.departed ?? []).slice((before.departed ?? []).length);
      const comes = after.learners.some(isNew);
      if (comes) marks.mark(gone.length > 0 ? 'a member is replaced' : 'a member is added');
      else if (gone.length > 0) marks.mark('a member is removed');
      if (after.learners.some((one) => isNew(one) && one.witness)) marks.mark('a witness is added');
      if (after.voters.length > before.voters.length) marks.mark('a learner becomes a voter');
      const leaving = members().filter((member) => gone.some(({ id }) => id === member.id));
      // It steps down with the commit: what it was is what was seen before.
      if (leaving.some((member) => seen.get(member)?.role === 'leader'))
        marks.mark('a leader is removed');
      if (leaving.some(({ lost }) => lost))
        marks.mark('a member is removed that has lost its disk');
    },
    logged(event: string, facts: Record<string, unknown>): void {
      if (event === 'rules_raised') marks.mark('later rules come into force');
      if (event === 'handed_over') marks.mark('leadership is handed over');
      if (event === 'signed') marks.mark('a verdict is granted');
      if (event === 'signed' && facts['via'] !== null) marks.mark('a request is forwarded');
      if (event === 'replayed' && facts['verdict'] === 'repeated')
        marks.mark('a verdict is repeated');
      if (event === 'replayed' && facts['verdict'] === 'retimed') marks.mark('a vote is retimed');
      if (event === 'dropped') marks.mark('an outcome stays unknown');
      if (event === 'watermark_rebuilt') marks.mark('a watermark is made anew');
      if (event === 'registration_wait') marks.mark('a chain waits for a member');
      if (event === 'registered' && String(facts['start']).startsWith('imported')) {
        marks.mark('a chain is registered by a file');
      }
      if (event === 'floor_raised') marks.mark('a state file ahead becomes a floor');
      if (event === 'peer_refused' && String(facts['reason']).includes('another process')) {
        marks.mark('a copy beside its original waits');
      }
    },
    answered(answered: Answered): void {
      if (answered.kind !== 'refused') return;
      const code = / ([A-Z_]+):/.exec(answered.description)?.[1] ?? '';
      const situation = byRefusal[code];
      if (situation !== undefined) marks.mark(situation);
    },
    ended(code: string, isFull: boolean): void {
      if (isFull && code === 'CONSENSUS_LOG_FAILED') marks.mark('a full disk ends a process');
      if (code === 'DISK_DOUBTED') marks.mark('a disk is doubted by its peers');
      else if (code === 'CONSENSUS_LOG_FAILED') marks.mark('a failed write ends a process');
      else if (code === 'REMOVED') marks.mark('a removed replica is told so');
      else if (code === 'CONSENSUS_RULES_UNKNOWN') marks.mark('a newcomer’s program is too old');
      else if (code === 'MEMBERS_DIFFER') marks.mark('a list of members is refused');
      else if (code.startsWith('CONSENSUS_LOG')) marks.mark('a log refuses to open');
    },
  };
}

function commitsOlder({ commit, hard, log }: Core, from: number): boolean {
  const first = log.termAt(from + 1);
  return (
    commit > from + 1 && first !== null && first < hard.term && log.termAt(commit) === hard.term
  );
}
