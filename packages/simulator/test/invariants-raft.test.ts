/**
 * The invariants about logs and disks see what they are there for, and nothing else.
 *
 * Owns    one broken and one sound history for each, written by hand. That a simulated world reaches such histories is
 *         what the planted bugs prove (planted.test.ts).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry, Genesis, LinkFrame, LogBatch, PeerMark, Snapshot } from '@cometkms/consensus';
import { type Core, checkCoreConfig, createCore } from '@cometkms/consensus/core';
import { StallsAreNoSilence } from '../src/invariants/stalls-are-no-silence.js';
import type { At } from '../src/observations.js';
import { Oracle } from '../src/oracle.js';
import { Violation } from '../src/violation.js';

const ids = ['a', 'b', 'c'].map((name) => name.repeat(64));
const [a = '', b = '', c = ''] = ids;
const at = (id: string, start = 1): At => ({ replica: id.slice(0, 1), id, start });
const voters = ids.map((id) => ({
  ...{ id, name: id.slice(0, 1), address: '10.0.0.1:1', witness: false },
}));
const membership = { voters, learners: [] };
const genesis = (self: string, clusterId = 'c-1'): Genesis => ({ clusterId, self, membership });
const founded = (self: string): LogBatch => ({
  ...{ genesis: genesis(self), boot: { boot: 1, runId: 'r' }, hard: { term: 0, votedFor: null } },
  snapshot: { index: 0, term: 0, membership, state: Buffer.alloc(0) },
});
const entry = (index: number, term: number, text = 'x'): Entry => ({
  ...{ kind: 'command', index, term },
  command: Buffer.from(text),
});
const snapshotAt = (index: number, term: number): Snapshot => ({
  ...{ index, term, membership, state: Buffer.alloc(0) },
});
const mark = (peer: string, facts: Partial<PeerMark> = {}): PeerMark => ({
  ...{ peer, boot: 1, runId: 'r', term: 1, acknowledged: 0, joined: true, ...facts },
});

/** A world without replicas: only what is told of them. */
function told() {
  const oracle = new Oracle(
    () => 0,
    () => null,
  );
  const write = (id: string, ...batches: LogBatch[]): void => {
    oracle.logBegun(at(id), batches);
    oracle.logAcknowledged(at(id), batches);
  };
  for (const id of ids) write(id, founded(id));
  return { oracle, write };
}

const breaks = (work: () => void, promise: RegExp): void => {
  assert.throws(
    work,
    (error: unknown) => error instanceof Violation && promise.test(error.promise),
  );
};

test('two logs that have an entry of one index and term are the same up to there', () => {
  const { write } = told();
  write(a, { entries: [entry(1, 1), entry(2, 1)] });
  write(b, { entries: [entry(1, 1), entry(2, 1)] });
  breaks(() => write(c, { entries: [entry(1, 1, 'y')] }), /the same up to there/);
});

test('a difference shows in the first entry that both have, wherever it lies before it', () => {
  const { write } = told();
  write(a, { entries: [entry(1, 1), entry(2, 3)] });
  breaks(() => write(b, { entries: [entry(1, 2), entry(2, 3)] }), /the same up to there/);
});

test('a log is cut only for another entry in that place', () => {
  const { write } = told();
  write(a, { entries: [entry(1, 1), entry(2, 1)] });
  write(a, { truncateFrom: 2, entries: [entry(2, 2)] });
  breaks(() => write(a, { truncateFrom: 2, entries: [entry(2, 2)] }), /loses entries only/);
  breaks(() => write(a, { truncateFrom: 1 }), /loses entries only/);
});

test('a snapshot whose end the log holds leaves what stands behind it', () => {
  const { write } = told();
  write(a, { entries: [entry(1, 1), entry(2, 1)] });
  write(b, { entries: [entry(1, 1)] });
  write(b, { snapshot: snapshotAt(1, 1), resetLog: true });
  breaks(() => write(a, { snapshot: snapshotAt(1, 1), resetLog: true }), /loses entries only/);
});

test('on disk a vote stands for its term, and the term never falls', () => {
  const { write } = told();
  write(a, { hard: { term: 2, votedFor: null } });
  write(a, { hard: { term: 2, votedFor: b } });
  breaks(() => write(a, { hard: { term: 2, votedFor: c } }), /never go back/);
  breaks(
    () => write(b, { hard: { term: 3, votedFor: a } }, { hard: { term: 2, votedFor: null } }),
    /never go back/,
  );
});

test('a cluster is founded once, by everybody, and not again by who is known to have joined', () => {
  const { oracle, write } = told();
  breaks(() => write(c, { genesis: genesis(c, 'c-2') }), /founded/);
  write(a, { marks: [mark(b)] });
  oracle.diskReplaced(b);
  breaks(() => write(b, founded(b)), /founded/);
});

type Raft = Extract<LinkFrame, { kind: 'raft' }>;

const appendReply = (term: number, match: number): Raft => ({
  kind: 'raft',
  message: {
    ...{ kind: 'appendReply', term, round: 1, match, refused: false },
    ...{ hintIndex: 0, hintTerm: 0 },
  },
  holds: 0,
});

test('what is acknowledged to a leader is its own entry', () => {
  const { oracle, write } = told();
  write(a, { hard: { term: 2, votedFor: a }, entries: [entry(1, 1), entry(2, 2)] });
  write(b, { hard: { term: 2, votedFor: a }, entries: [entry(1, 1), entry(2, 1)] });
  oracle.sent(at(b), a, appendReply(2, 1));
  breaks(() => oracle.sent(at(b), a, appendReply(2, 2)), /leader’s own entry/);
});

/** As much of a follower's core as this promise is about. */
function committedTo(index: number, entries: readonly Entry[]): Core {
  const recovered = { hard: { term: 1, votedFor: null }, snapshot: snapshotAt(0, 0), entries };
  const timers = { heartbeatIntervalMs: 25, electionTimeoutMs: 120, leaseMs: 90 };
  const bounds = { maxInflightAppends: 8, maxUncommittedBytes: 1000, maxAppendBytes: 1000 };
  const verdict = checkCoreConfig({ ...timers, ...bounds, self: a, seed: 1 });
  assert.ok(verdict.ok);
  return Object.assign(createCore(verdict.config, recovered, 0), { commit: index });
}

test('what is committed is on the disks of a majority, or was until one of them was put back', () => {
  for (const acknowledges of [true, false]) {
    const { oracle, write } = told();
    const entries: Entry[] = [{ kind: 'empty', index: 1, term: 1 }];
    write(a, { entries });
    if (acknowledges) write(b, { entries });
    oracle.diskReplaced(b);
    oracle.logOpened(at(b, 2), {
      ...{ genesis: genesis(b), hard: { term: 0, votedFor: null }, snapshot: snapshotAt(0, 0) },
      ...{ entries: [], boot: { boot: 1, runId: 'r' }, marks: [], cutBytes: 0 },
    });
    const commits = () => oracle.stepped(at(a), committedTo(1, entries));
    if (acknowledges) commits();
    else breaks(commits, /on the disks of a majority/);
  }
});

test('who starts with less than another has on disk of it does not speak to that one', () => {
  const { oracle, write } = told();
  write(a, { marks: [mark(b, { term: 4 })] });
  oracle.diskReplaced(b);
  oracle.logOpened(at(b, 2), {
    ...{ genesis: genesis(b), hard: { term: 2, votedFor: null }, snapshot: snapshotAt(0, 0) },
    ...{ entries: [], boot: { boot: 1, runId: 'r' }, marks: [], cutBytes: 0 },
  });
  oracle.sent(at(b, 2), c, appendReply(2, 0));
  oracle.linked(at(b, 2), a);
  breaks(() => oracle.sent(at(b, 2), a, appendReply(2, 0)), /refused by those that know/);
  // Come as far again with c alone, it shows a no less than it had.
  write(b, { boot: { boot: 2, runId: 's' }, hard: { term: 4, votedFor: null } });
  oracle.linked(at(b, 2), a);
  oracle.sent(at(b, 2), a, appendReply(4, 0));
});

const raft = (message: Raft['message']): Raft => ({ kind: 'raft', message, holds: 0 });
const campaign = (term: number, lastIndex: number, transfer: boolean): Raft =>
  raft({ kind: 'vote', term, lastIndex, lastTerm: 1, transfer });

test('a copy of a machine speaks to nobody, and nobody to it', () => {
  const { oracle } = told();
  const preVote: Extract<LinkFrame, { kind: 'raft' }> = {
    ...{ kind: 'raft', holds: 0 },
    message: { kind: 'preVote', term: 1, lastIndex: 0, lastTerm: 0 },
  } as Extract<LinkFrame, { kind: 'raft' }>;
  const copy = 'copy 0 of a';
  oracle.copyMade(copy);
  oracle.sent(at(a), b, preVote);
  breaks(() => oracle.sent(at(copy), b, preVote), /taken in by nobody/);
  breaks(() => oracle.sent(at(b), copy, preVote), /taken in by nobody/);
});

test('a campaign for a transfer was asked for: in the term before, and for that very log', () => {
  const { oracle, write } = told();
  write(a, { hard: { term: 1, votedFor: a } });
  write(b, { hard: { term: 9, votedFor: b } });
  oracle.sent(at(a), b, raft({ kind: 'timeoutNow', term: 1, lastIndex: 4 }));
  oracle.sent(at(b), c, campaign(2, 4, true));
  oracle.sent(at(b), c, campaign(3, 4, false));
  breaks(() => oracle.sent(at(b), c, campaign(2, 5, true)), /called by the leader/);
  breaks(() => oracle.sent(at(b), c, campaign(3, 4, true)), /called by the leader/);
});

test('a leader that stood still does not give up at once for that; a later term ends it rightly', () => {
  const stands = (role: 'leader' | 'follower', term: number): Core =>
    Object.assign(committedTo(0, []), { role: { kind: role, peers: new Map() }, hard: { term } });
  for (const [afterMs, term, isBroken] of [
    [10, 1, true],
    [10, 2, false],
    [200, 1, false],
  ] as const) {
    let now = 0;
    const stalls = new StallsAreNoSilence(() => now);
    stalls.stepped(at(a), stands('leader', 1));
    stalls.stalled(at(a), 500);
    now = 500 + afterMs;
    const gives = () => stalls.stepped(at(a), stands('follower', term));
    if (isBroken) breaks(gives, /nobody’s silence/);
    else gives();
  }
});
