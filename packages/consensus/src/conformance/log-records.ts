/**
 * The records that the storage suite writes.
 *
 * Owns    one example of each kind, and what must be read back of a log that was just founded.
 * Never   used by the program.
 */
import type { Entry, Index, Member, Membership, Snapshot, Term } from '../core/types.js';
import type { Genesis, LogBatch, PeerMark, RecoveredStorage } from '../storage.js';

export const member = (letter: string, witness = false): Member => ({
  id: letter.repeat(64),
  name: `replica-${letter}`,
  address: `${letter}.example.org:7100`,
  witness,
});

const membership: Membership = {
  voters: [member('a'), member('b'), member('c', true)],
  learners: [member('d')],
};

export const genesis: Genesis = { clusterId: 'cluster-1', self: member('a').id, membership };

export const entry = (index: Index, term: Term, text = `command ${index}`): Entry => ({
  kind: 'command',
  index,
  term,
  command: new TextEncoder().encode(text),
});

export const entries = (from: Index, to: Index, term: Term): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, offset) => entry(from + offset, term));

/** A change: b left, and e is to learn. */
export const change = (index: Index, term: Term): Entry => ({
  kind: 'membership',
  index,
  term,
  membership: {
    voters: [member('a'), member('c', true)],
    learners: [member('d'), member('e')],
    departed: [member('b')],
  },
});

export const rulesEntry = (index: Index, term: Term): Entry => ({
  ...{ kind: 'rules', index, term },
  version: 2,
});

export const stateHash = (index: Index, term: Term): Entry => ({
  ...{ kind: 'stateHash', index, term },
  ...{ at: index - 1, hash: 'c0'.repeat(32) },
});

export const snapshot = (index: Index, term: Term): Snapshot => ({
  index,
  term,
  membership,
  state: new TextEncoder().encode(`state at ${index}`),
});

export const mark = (letter: string, facts: Partial<PeerMark> = {}): PeerMark => ({
  peer: member(letter).id,
  boot: 1,
  runId: 'run-1',
  term: 1,
  acknowledged: 0,
  joined: false,
  ...facts,
});

export const founding: LogBatch = {
  genesis,
  snapshot: snapshot(0, 0),
  boot: { boot: 1, runId: 'r1' },
};

export const nothing: RecoveredStorage = {
  genesis: null,
  hard: { term: 0, votedFor: null },
  snapshot: null,
  entries: [],
  boot: null,
  marks: [],
  cutBytes: 0,
};

export const founded: RecoveredStorage = {
  ...nothing,
  genesis,
  snapshot: snapshot(0, 0),
  boot: { boot: 1, runId: 'r1' },
};
