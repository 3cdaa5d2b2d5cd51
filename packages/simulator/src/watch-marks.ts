/**
 * From what happens in a world to the situations that it reached.
 *
 * Owns    which log line, answer, end or state of a core is which situation.
 * Never   judges.
 */
import type { LogBatch } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import type { Marks, Situation } from './marks.js';
import type { Member } from './member.js';
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
  stalls: number;
  failed: number;
}

export function watchMarks(marks: Marks, members: () => readonly Member[]) {
  const seen = new Map<Member, Seen>();
  const lead = (member: Member): Core | null => {
    const core = member.replica.process?.replica?.node.core ?? null;
    return core?.role.kind === 'leader' ? core : null;
  };
  return {
    stepped(member: Member, core: Core): void {
      const before = seen.get(member);
      const start = member.replica.starts;
      const now: Seen = {
        start,
        role: core.role.kind,
        commit: core.commit,
        snapshot: core.snapshot.index,
        stalls: core.stalls.count,
        failed: core.failedAttempts,
      };
      seen.set(member, now);
      if (before?.start !== start) return;
      if (before.role === 'leader' && commitsOlder(core, before.commit)) {
        marks.mark('an older term’s entry commits with a later one');
      }
      if (now.failed > before.failed) marks.mark('an election is lost');
      if (now.stalls > before.stalls) marks.mark('a process stands still longer than an election');
      if (now.role === before.role) return;
      if (before.role === 'leader') marks.mark('a leader steps down');
      if (now.role !== 'leader') return;
      marks.mark('a leader is elected');
      const leaders = members().filter((other) => lead(other) !== null);
      if (leaders.length < 2) return;
      marks.mark('two lead at once');
      const leases = leaders.filter((other) => other.replica.process?.replica?.node.mayServe());
      if (leases.length > 1) marks.mark('two hold leases at once');
    },
    /** A batch of a log, as it is handed out. */
    begun(batches: readonly LogBatch[]): void {
      for (const { truncateFrom, resetLog, genesis } of batches) {
        if (truncateFrom !== undefined) marks.mark('an entry is overwritten');
        if (resetLog === true && genesis === undefined) marks.mark('a snapshot is installed');
      }
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
    ended(code: string): void {
      if (code === 'DISK_DOUBTED') marks.mark('a disk is doubted by its peers');
      else if (code === 'CONSENSUS_LOG_FAILED') marks.mark('a failed write ends a process');
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
