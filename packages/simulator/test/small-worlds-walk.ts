/**
 * A random walk of three replicas on two versions of the core at once: one opened and copied before each step, as the
 * search has it; one closed and stepped where it stands, as production has it.
 *
 * Owns    that they say the same, word for word, and show the same of themselves.
 */
import assert from 'node:assert/strict';
import type { Core, Input, MemberId, Message, Outbox, Receipt } from '@cometkms/consensus/core';
import { statusOf } from '@cometkms/consensus/core';
import { Random } from '../src/random.js';
import { copy } from '../src/small-worlds/canonical.js';
import type { Rooms } from '../src/small-worlds/opening.js';
import { genesisOf, namesOf } from '../src/small-worlds/replica.js';

interface Walker {
  readonly self: MemberId;
  opened: Core;
  readonly closed: Core;
  wakeAt: number;
  receipts: number;
}

type Said = readonly [kind: string, ...what: unknown[]];

/** Writes down all that a step says; receipts go on from `from`. */
function listener(from: number): { readonly said: Said[]; readonly out: Outbox } {
  const said: Said[] = [];
  let receipts = from;
  const out: Outbox = {
    persist: (batch) => {
      receipts += 1;
      said.push(['persist', batch]);
      return receipts as Receipt;
    },
    send: (to, message) => said.push(['send', to, message]),
    promise: (to, message, after) => said.push(['promise', to, message, after]),
    commit: (through) => said.push(['commit', through]),
    restore: (snapshot) => said.push(['restore', snapshot]),
    resolve: (ticket, outcome) => said.push(['resolve', ticket, outcome]),
    wakeAt: (at) => said.push(['wakeAt', at]),
    changed: (change) => said.push(['changed', change]),
  };
  return { said, out };
}

export function walkBoth(opened: Rooms, closed: Rooms, seed: number): void {
  const random = new Random(seed);
  const names = namesOf(3);
  const snapshot = genesisOf(names);
  const log = { hard: { term: 0, votedFor: null }, snapshot, entries: [] };
  const begin = (rooms: Rooms, self: MemberId): Core => {
    const verdict = rooms.core.checkCoreConfig({
      self,
      seed: 1,
      heartbeatIntervalMs: 25,
      electionTimeoutMs: 120,
      leaseMs: 100,
      maxInflightAppends: 4,
      maxAppendBytes: 1 << 20,
      maxUncommittedBytes: 1 << 20,
    });
    assert.ok(verdict.ok);
    return rooms.core.createCore(verdict.config, log, 0);
  };
  const walkers = names.map(
    (self): Walker => ({
      self,
      opened: begin(opened, self),
      closed: begin(closed, self),
      wakeAt: 0,
      receipts: 0,
    }),
  );
  const onItsWay: { to: MemberId; from: MemberId; message: Message }[] = [];
  let now = 0;

  const feed = (walker: Walker, input: Input): void => {
    const [one, other] = [listener(walker.receipts), listener(walker.receipts)];
    walker.opened = copy(walker.opened);
    opened.core.step(walker.opened, now, input, one.out);
    closed.core.step(walker.closed, now, input, other.out);
    assert.deepEqual(one.said, other.said);
    assert.deepEqual(statusOf(walker.opened, now), statusOf(walker.closed, now));
    for (const [kind, ...what] of other.said) {
      if (kind === 'persist') walker.receipts += 1;
      if (kind === 'wakeAt') walker.wakeAt = what[0] as number;
      if (kind !== 'send' && kind !== 'promise') continue;
      const [to, message] = what as [MemberId, Message];
      onItsWay.push({ to, from: walker.self, message });
    }
    const { commit, applied } = walker.closed;
    if (commit > applied) feed(walker, { kind: 'applied', through: commit });
    if (walker.receipts > 0 && input.kind !== 'durable' && random.between(0, 1) === 0) {
      feed(walker, { kind: 'durable', through: walker.receipts as Receipt });
    }
  };

  for (let moves = 0; moves < 150; moves += 1) {
    const at = random.between(0, onItsWay.length + 1);
    const [arrived] = at < onItsWay.length ? onItsWay.splice(at, 1) : [];
    const receiver = walkers.find(({ self }) => self === arrived?.to);
    if (arrived !== undefined && receiver !== undefined) {
      feed(receiver, { kind: 'message', from: arrived.from, message: arrived.message });
      continue;
    }
    const walker = walkers[random.between(0, 2)] as Walker;
    now = Math.max(now, Number.isFinite(walker.wakeAt) ? walker.wakeAt : now);
    const { kind } = walker.closed.role;
    const proposes = kind === 'leader' && random.between(0, 2) === 0;
    feed(
      walker,
      proposes ? { kind: 'propose', ticket: moves, command: Buffer.of(7) } : { kind: 'wake' },
    );
  }
}
