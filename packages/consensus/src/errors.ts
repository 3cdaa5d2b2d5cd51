/**
 * Every error of this room that the world or an operator can cause.
 *
 * Owns    the codes, what each says, and its remedy. A code keeps its meaning for ever.
 * Never   used for our own broken rules: those are `invariant`.
 */

interface Row {
  // biome-ignore lint/suspicious/noExplicitAny: each row has its own facts; `Facts` recovers them
  readonly says: (facts: any) => string;
  readonly remedy: string;
}

export const consensusErrors = {
  CONSENSUS_NOT_LEADER: {
    says: (f: { leader: string | null }) =>
      f.leader === null ? 'no replica leads now' : `replica ${f.leader} leads`,
    remedy: 'Nothing was written here: ask the leader.',
  },
  CONSENSUS_OUTCOME_UNKNOWN: {
    says: (f: { detail: string }) => `the proposal's outcome is unknown: ${f.detail}`,
    remedy: 'It may have committed, or may yet: propose the same bytes again, never others.',
  },
  CONSENSUS_LOG_DAMAGED: {
    says: (f: { path: string; offset: number; detail: string }) =>
      `the log ${f.path} is damaged at byte ${f.offset}: ${f.detail}`,
    remedy:
      'This replica may have forgotten what it promised and must not vote. Keep the directory for a post-mortem; admit a replacement under a new identity.',
  },
  CONSENSUS_LOG_VERSION: {
    says: (f: { path: string; found: number; known: number }) =>
      `${f.path} is of version ${f.found}, this program knows version ${f.known}`,
    remedy: 'Run the version that wrote it, or a later one.',
  },
  CONSENSUS_LOG_FAILED: {
    says: (f: { path: string; detail: string }) => `writing the log ${f.path} failed: ${f.detail}`,
    remedy: 'The replica stopped, as it must. Check the disk (space, errors), then start it again.',
  },
} as const satisfies Record<string, Row>;

export type ConsensusCode = keyof typeof consensusErrors;
type Facts<C extends ConsensusCode> = Parameters<(typeof consensusErrors)[C]['says']>[0];

export class ConsensusError<C extends ConsensusCode = ConsensusCode> extends Error {
  override readonly name = 'ConsensusError';
  readonly remedy: string;
  constructor(
    readonly code: C,
    readonly facts: Facts<C>,
    options?: ErrorOptions,
  ) {
    const row: Row = consensusErrors[code];
    super(row.says(facts), options);
    this.remedy = row.remedy;
  }
}
