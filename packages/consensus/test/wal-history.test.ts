/** Any history of batches, with stops between: what is read back is what a plain reading of the contract says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from '../src/core/types.js';
import type { LogBatch, PeerMark } from '../src/storage.js';
import { founding, walOn } from './log-samples.js';
import { PowerLossDisk } from './power-loss-disk.js';

type Act =
  | { readonly do: 'append'; readonly count: number; readonly bytes: number }
  | { readonly do: 'overwrite'; readonly back: number }
  | { readonly do: 'compact'; readonly back: number }
  | { readonly do: 'install'; readonly ahead: number }
  | { readonly do: 'vote'; readonly whom: string | null }
  | { readonly do: 'mark'; readonly peer: string; readonly boot: number }
  | { readonly do: 'reopen' };

const small = fc.nat(5);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    count: small,
    bytes: fc.constantFrom(0, 90, 9000),
  }),
  fc.record({ do: fc.constant('overwrite' as const), back: small }),
  fc.record({ do: fc.constant('compact' as const), back: small }),
  fc.record({ do: fc.constant('install' as const), ahead: small }),
  fc.record({ do: fc.constant('vote' as const), whom: fc.constantFrom('aa', 'bb', null) }),
  fc.record({ do: fc.constant('mark' as const), peer: fc.constantFrom('bb', 'cc'), boot: small }),
  fc.record({ do: fc.constant('reopen' as const) }),
);

const membership = { voters: [], learners: [] };

/** The log as a map from index to entry: no arrays, no arithmetic on positions. */
class Model {
  term = 1;
  vote: string | null = null;
  base = { index: 0, term: 0 };
  log = new Map<number, Entry>();
  marks = new Map<string, PeerMark>();

  get last(): number {
    return Math.max(this.base.index, ...this.log.keys());
  }

  batchFor(action: Exclude<Act, { do: 'reopen' }>): LogBatch {
    switch (action.do) {
      case 'append':
        return { entries: this.#put(this.last + 1, action.count, action.bytes) };
      case 'overwrite': {
        const from = Math.max(this.base.index + 1, this.last - action.back);
        this.term += 1;
        for (const index of [...this.log.keys()]) if (index >= from) this.log.delete(index);
        const hard = { term: this.term, votedFor: null };
        this.vote = null;
        return { hard, truncateFrom: from, entries: this.#put(from, 2, 5) };
      }
      case 'compact': {
        const index = Math.max(this.base.index, this.last - action.back);
        this.base = { index, term: this.log.get(index)?.term ?? this.base.term };
        for (const at of [...this.log.keys()]) if (at <= index) this.log.delete(at);
        return { snapshot: this.#snapshot() };
      }
      case 'install':
        this.base = { index: this.last + action.ahead, term: this.term };
        this.log.clear();
        return { snapshot: this.#snapshot(), resetLog: true };
      case 'vote':
        this.term += 1;
        this.vote = action.whom;
        return { hard: { term: this.term, votedFor: this.vote } };
      case 'mark': {
        const { peer, boot } = action;
        const mark = { peer, boot, runId: '', term: this.term, acknowledged: 0, joined: boot > 2 };
        this.marks.set(peer, mark);
        return { marks: [mark] };
      }
    }
  }

  #snapshot() {
    return { ...this.base, membership, state: new Uint8Array([this.base.index % 256]) };
  }

  #put(from: number, count: number, bytes: number): Entry[] {
    const entries = Array.from({ length: count }, (_, at): Entry => {
      const place = { index: from + at, term: this.term };
      return bytes === 0
        ? { kind: 'empty', ...place }
        : { kind: 'command', ...place, command: new Uint8Array(bytes).fill(from + at) };
    });
    for (const entry of entries) this.log.set(entry.index, entry);
    return entries;
  }
}

test('any history, in calls of any size, is read back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (acts, perCall) => {
        const disk = new PowerLossDisk();
        const model = new Model();
        let wal = walOn(disk);
        await wal.open();
        await wal.append([founding, { hard: { term: 1, votedFor: null } }]);
        let waiting: LogBatch[] = [];
        const flush = async (): Promise<void> => {
          if (waiting.length > 0) await wal.append(waiting);
          waiting = [];
        };
        for (const action of [...acts, { do: 'reopen' } as const]) {
          if (action.do !== 'reopen') {
            waiting.push(model.batchFor(action));
            if (waiting.length >= perCall) await flush();
            continue;
          }
          await flush();
          await wal.close();
          wal = walOn(disk);
          const found = await wal.open();
          assert.deepEqual(found.hard, { term: model.term, votedFor: model.vote });
          assert.equal(found.snapshot?.index, model.base.index);
          assert.equal(found.snapshot?.term, model.base.term);
          const expected = [...model.log.values()].sort((a, b) => a.index - b.index);
          assert.deepEqual(found.entries, expected);
          assert.deepEqual(new Map(found.marks.map((mark) => [mark.peer, mark])), model.marks);
          assert.equal(found.cutBytes, 0);
        }
        await wal.close();
      },
    ),
    { numRuns: 150 },
  );
});
