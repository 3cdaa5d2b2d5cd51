/**
 * Which versions of the state machine's rules a program can apply, and when a leader raises the one in force.
 *
 * Owns    the judgement that every member can apply a version, and the end of a replica that meets one which it
 *         cannot.
 * Never   raises on what was once heard: a member that is away may come back as an older program. Never skips.
 * Rule    docs/architecture.md, consensus 11. All members count, learners and witnesses too: who cannot apply what
 *         follows has to stop.
 * Proof   test/rules-range.test.ts (each row), test/node-rules.test.ts (real nodes).
 */
import {
  type Core,
  type Entry,
  type MemberId,
  type Message,
  membershipAt,
  membersOf,
  type Note,
  type RecoveredLog,
  type RulesVersion,
  rulesAt,
  rulesOf,
} from './core/index.js';
import { ConsensusError } from './errors.js';

/** All versions from the first to the second, both included. */
export interface RulesRange {
  readonly oldest: RulesVersion;
  readonly newest: RulesVersion;
}

export const applies = ({ oldest, newest }: RulesRange, version: RulesVersion): boolean =>
  oldest <= version && version <= newest;

/**
 * The newest version that this leader and all other members can apply, where it is above the one in its log.
 * @param spoken  by a member that is linked now; null: it is not, so nobody knows what it will be
 * @returns null  nothing is to be raised
 */
export function raiseOf(
  core: Core,
  own: RulesRange,
  spoken: (member: MemberId) => RulesRange | null,
): Note | null {
  const { role, log, config, applied } = core;
  // Two comparisons, for this is asked after each step, and as a rule there is nothing to raise.
  const now = rulesAt(core, log.lastIndex);
  if (own.newest <= now || role.kind !== 'leader' || applied < role.barrierIndex) return null;
  let version = own.newest;
  const ranges = [];
  for (const { id } of membersOf(membershipAt(core, log.lastIndex).membership)) {
    if (id === config.self) continue;
    const range = spoken(id);
    if (range === null) return null;
    version = Math.min(version, range.newest);
    ranges.push(range);
  }
  if (version <= now || !ranges.every((range) => applies(range, version))) return null;
  return { kind: 'rules', version };
}

/**
 * What this replica recovered, before any of it is applied.
 * @throws ConsensusError CONSENSUS_RULES_UNKNOWN
 */
export function requireLogApplies(own: RulesRange, { snapshot, entries }: RecoveredLog): void {
  requireApplies(own, rulesOf(snapshot), snapshot.index);
  requireEntriesApply(own, entries);
}

/**
 * What a leader sends, before any of it is taken: what is acknowledged must be applied one day.
 * @throws ConsensusError CONSENSUS_RULES_UNKNOWN
 */
export function requireMessageApplies(own: RulesRange, message: Message): void {
  if (message.kind === 'append') requireEntriesApply(own, message.entries);
  if (message.kind !== 'installSnapshot') return;
  requireApplies(own, rulesOf(message.snapshot), message.snapshot.index);
}

function requireEntriesApply(own: RulesRange, entries: readonly Entry[]): void {
  for (const entry of entries) {
    if (entry.kind === 'rules') requireApplies(own, entry.version, entry.index);
  }
}

function requireApplies(own: RulesRange, version: RulesVersion, index: number): void {
  if (applies(own, version)) return;
  throw new ConsensusError('CONSENSUS_RULES_UNKNOWN', { version, index, ...own });
}
