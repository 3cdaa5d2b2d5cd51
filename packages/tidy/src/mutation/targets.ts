/**
 * What is mutated, and which tests must notice.
 *
 * Owns    the list. Tests are few and fast: a rule should be told by the test that is named for it, not found
 *         by a whole cluster half a minute later.
 * Never   runs anything.
 */
export interface Target {
  /** The package. The names below are of files in its src/ and test/, without their endings. */
  readonly room: string;
  readonly sources: readonly string[];
  readonly tests: readonly string[];
}

export const targets: Readonly<Record<string, Target>> = {
  quorum: { room: 'consensus', sources: ['core/quorum'], tests: ['core-quorum'] },
  log: { room: 'consensus', sources: ['core/log'], tests: ['core-log'] },
  recovery: {
    room: 'consensus',
    sources: ['wal/recovery'],
    tests: ['wal-recovery', 'wal-history'],
  },
  verdicts: { room: 'sign-state', sources: ['decide'], tests: ['decide'] },
  gate: {
    room: 'signer',
    sources: ['gate/judge', 'gate/step', 'gate/driver'],
    tests: ['gate-judge', 'gate-step', 'gate'],
  },
};
