/** The gate as its callers see it: queue, deadlines, and what becomes of it when store, disk, key or observer fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantViolation, onViolation } from '@cometkms/invariant';
import { type KeyBackend, type SignOutcome, verifierFor } from '../src/index.js';
import { Bench } from './gate-bench.js';
import { bytesOf, hrs, id, key, request } from './worlds.js';

const verify = verifierFor(id.key);
const proof = { term: 9, index: 9, commitMs: 0 };

function say(outcome: SignOutcome): string {
  if (outcome.kind === 'released') return outcome.verdict;
  return outcome.kind === 'refused' ? outcome.code : outcome.reason;
}

test('a granted vote and its extension come out verified, with commit and stages', () =>
  Bench.run(async (bench) => {
    const asked = request(hrs(7, 0, 3), 'X', 0, true);
    const outcome = await bench.gate.sign(asked, bench.clock.nowMs() + 1000);
    assert.equal(outcome.kind, 'released');
    assert.deepEqual(outcome.signBytes, asked.signBytes);
    assert.ok(verify(asked.signBytes, outcome.signature));
    assert.ok(asked.extensionSignBytes && outcome.extensionSignature);
    assert.ok(verify(asked.extensionSignBytes, outcome.extensionSignature));
    assert.deepEqual(outcome.proof, { term: 2, index: 2, commitMs: 0 });
    assert.deepEqual(Object.keys(outcome.stages).sort(), [
      'commit',
      'queue',
      'sign',
      'total',
      'verify',
      'watermark',
    ]);
    assert.deepEqual(bench.watermark.current(), { hrs: asked.hrs });
    assert.equal(bench.clock.waiting, 0, 'no timer is left behind');
  }));

test('asked again with another timestamp, a vote gets the stored bytes, a proposal a refusal', () =>
  Bench.run(async (bench) => {
    await bench.ask(hrs(7), 'X');
    const again = await bench.ask(hrs(7), 'X', 1);
    assert.ok(again.kind === 'released' && again.verdict === 'retimed');
    assert.deepEqual(again.signBytes, bytesOf(hrs(7), 'X'));
    assert.ok(verify(again.signBytes, again.signature));
    await bench.ask(hrs(8, 0, 1), 'X');
    assert.equal(say(await bench.ask(hrs(8, 0, 1), 'X', 1)), 'PROPOSAL_RETIMED');
    assert.equal(say(await bench.ask(hrs(8, 0, 1), 'X')), 'repeated');
  }));

test('the reservation goes out first, the mark beside it, nothing before step 1', () =>
  Bench.run(async (bench) => {
    bench.holdsReservations = true;
    void bench.ask(hrs(7), 'X');
    assert.deepEqual(bench.calls, ['reserve 7', 'mark 7'], 'in the same turn of the loop');
    await bench.settle();
    bench.clock.advance(1000);
    await bench.settle();
    assert.equal(say(await bench.ask(hrs(5_000_000_000), 'X')), 'LEAP');
    assert.deepEqual(bench.calls, ['reserve 7', 'mark 7'], 'a refused height is never marked');
  }));

test('one at a time, first in first out', () =>
  Bench.run(async (bench) => {
    bench.holdsReservations = true;
    const all = [7, 8, 9].map((height) => bench.ask(hrs(height), 'X'));
    await bench.settle();
    assert.deepEqual([bench.reservations.length, bench.gate.queued], [1, 2]);
    assert.equal(bench.gate.busy, true);
    for (let i = 0; i < 3; i++) {
      const held = bench.reservations[i];
      assert.equal(held?.asked.hrs.height, BigInt(7 + i));
      held?.answer(await bench.cluster.replica('a').reserve(held.asked));
      await all[i];
      await bench.settle();
    }
    assert.deepEqual((await Promise.all(all)).map(say), ['granted', 'granted', 'granted']);
    assert.deepEqual([bench.gate.queued, bench.gate.busy], [0, false]);
  }));

test('a request whose deadline passes in the queue is answered then, and never proposed', () =>
  Bench.run(
    async (bench) => {
      bench.holdsReservations = true;
      const first = bench.ask(hrs(7), 'X');
      const soon = bench.gate.sign(request(hrs(8), 'X'), bench.clock.nowMs() + 50);
      const past = bench.gate.sign(request(hrs(9), 'X'), bench.clock.nowMs() - 50);
      const late = bench.ask(hrs(10), 'X');
      bench.clock.advance(60);
      assert.deepEqual([await soon, await past].map(say), ['timeout', 'timeout']);
      assert.equal(bench.gate.queued, 1, 'their places are free again, and no other');
      bench.clock.advance(1000);
      assert.equal(say(await first), 'timeout');
      await until(() => bench.reservations.length === 2);
      assert.deepEqual(bench.calls, ['reserve 7', 'mark 7', 'reserve 10', 'mark 10']);
      bench.clock.advance(1000);
      assert.equal(say(await late), 'timeout');
    },
    { commitTimeoutMs: 1000 },
  ));

test('a full queue answers busy', () =>
  Bench.run(
    async (bench) => {
      bench.holdsReservations = true;
      const all = [7, 8, 9, 10].map((height) => bench.ask(hrs(height), 'X'));
      assert.deepEqual(await all[3], { kind: 'notNow', reason: 'busy', leader: 'a' });
      bench.clock.advance(5000);
      assert.deepEqual((await Promise.all(all)).map(say), [
        'timeout',
        'timeout',
        'timeout',
        'busy',
      ]);
    },
    { maxQueued: 2 },
  ));

test('no commit within a second frees the turn; the late verdict answers nobody', () =>
  Bench.run(async (bench) => {
    bench.holdsReservations = true;
    const first = bench.ask(hrs(7), 'X');
    const second = bench.ask(hrs(8), 'Y');
    await bench.settle();
    let answered = false;
    void first.then(() => {
      answered = true;
    });
    bench.clock.advance(999);
    await bench.settle();
    assert.equal(answered, false, 'not before the second is over');
    bench.clock.advance(1);
    assert.equal(say(await first), 'timeout');
    await until(() => bench.reservations.length === 2);
    const [late, current] = bench.reservations;
    const stored = { hrs: hrs(7), signBytes: bytesOf(hrs(7), 'X'), by: 'a', at: 0 };
    const value = { kind: 'granted', signBytes: stored.signBytes, stored } as const;
    late?.answer({ kind: 'committed', value, proof });
    await bench.settle();
    assert.equal(bench.gate.busy, true, 'the second still waits for its own verdict');
    if (current) current.answer(await bench.cluster.replica('a').reserve(current.asked));
    const outcome = await second;
    assert.ok(outcome.kind === 'released');
    assert.deepEqual(outcome.signBytes, bytesOf(hrs(8), 'Y'));
  }));

test('a mark that hangs keeps the turn after the answer, and the next goes on when it is done', () =>
  Bench.run(async (bench) => {
    bench.holdsMarks = true;
    const first = bench.ask(hrs(7), 'X');
    const second = bench.ask(hrs(8), 'X');
    await bench.settle();
    bench.clock.advance(1000);
    assert.equal(say(await first), 'timeout');
    await bench.settle();
    assert.deepEqual(bench.calls, ['reserve 7', 'mark 7']);
    assert.equal(bench.gate.busy, true, 'nobody has the turn, but one waits for it');
    bench.holdsMarks = false;
    bench.marks[0]?.answer({ kind: 'raised', syncMs: 1000 });
    assert.equal(say(await second), 'granted');
  }));

test('the bytes are those that came in, whatever the caller does with its buffer', () =>
  Bench.run(async (bench) => {
    const first = bench.ask(hrs(7), 'X');
    const asked = request(hrs(8, 0, 3), 'X', 0, true);
    const queued = bench.gate.sign(asked, bench.clock.nowMs() + 1000);
    asked.signBytes.set(bytesOf(hrs(8, 0, 3), 'Y'));
    asked.extensionSignBytes?.fill(0);
    await first;
    const outcome = await queued;
    assert.ok(outcome.kind === 'released');
    assert.deepEqual(outcome.signBytes, bytesOf(hrs(8, 0, 3), 'X'));
  }));

test('leadership lost between commit and release: released all the same; before: not now', () =>
  Bench.run(async (bench) => {
    bench.holdsMarks = true;
    const outcome = bench.ask(hrs(7), 'X');
    await bench.settle();
    bench.cluster.elect('b');
    bench.holdsMarks = false;
    bench.marks[0]?.answer({ kind: 'raised', syncMs: 1 });
    assert.equal(say(await outcome), 'granted');
    assert.deepEqual(await bench.ask(hrs(8), 'X'), {
      kind: 'notNow',
      reason: 'notLeader',
      leader: 'b',
    });
  }));

test('a store that rejects or throws is an unknown outcome', () =>
  Bench.run(async (bench) => {
    bench.holdsReservations = true;
    const outcome = bench.ask(hrs(7), 'X');
    bench.reservations[0]?.fail(new Error('the socket closed'));
    assert.equal(say(await outcome), 'unknown');
  }));

test('a proposal of ours that was lost costs this replica that place, by name, and no other', () =>
  Bench.run(async (bench) => {
    bench.holdsReservations = true;
    const lost = bench.ask(hrs(7), 'X');
    await until(() => bench.watermark.current() !== null);
    bench.reservations[0]?.answer({ kind: 'unknown', detail: 'overwritten' });
    assert.equal(say(await lost), 'unknown');
    bench.holdsReservations = false;
    // Another leader commits Y there; then this replica leads again and is asked for it.
    bench.cluster.elect('b');
    const other = bench.cluster.replica('b');
    const { signBytes } = request(hrs(7), 'Y');
    await other.reserve({ id, hrs: hrs(7), signBytes, by: 'b', at: 0 });
    bench.cluster.elect('a');
    assert.equal(say(await bench.ask(hrs(7), 'Y')), 'WATERMARK');
    await bench.settle();
    assert.deepEqual(bench.alarms, [], 'harmless, so no alarm');
    assert.equal(say(await bench.ask(hrs(7, 0, 3), 'Y')), 'granted');
  }));

test('a mark that cannot be written stops everything; nothing is released any more', () =>
  Bench.run(async (bench) => {
    bench.holdsMarks = true;
    const all = [7, 8].map((height) => bench.ask(hrs(height), 'X'));
    await bench.settle();
    const cause = new Error('EIO');
    bench.marks[0]?.fail(cause);
    assert.deepEqual((await Promise.all(all)).map(say), ['stopped', 'stopped']);
    assert.deepEqual(
      bench.fatals.map((error) => [error.code, error.facts, error.cause]),
      [['SIGNER_WATERMARK_FAILED', { path: 'test-1', detail: 'EIO' }, cause]],
    );
    assert.equal(say(await bench.ask(hrs(9), 'X')), 'stopped');
    assert.deepEqual(bench.calls, ['reserve 7', 'mark 7']);
  }));

test('what is asked for while the process is stopped waits for the answers before it', async () => {
  const answers: Promise<SignOutcome>[] = [];
  let ask = (): void => {};
  await Bench.run(
    async (bench) => {
      ask = () => answers.push(bench.ask(hrs(8), 'X'));
      bench.holdsMarks = true;
      const first = bench.ask(hrs(7), 'X');
      await bench.settle();
      bench.marks[0]?.fail(new Error('EIO'));
      assert.equal(say(await first), 'stopped');
      assert.deepEqual((await Promise.all(answers)).map(say), ['stopped']);
      assert.equal(answers.length, 1);
    },
    { fatal: () => ask() },
  );
});

test('a verifier that fails does not agree', () =>
  Bench.run(
    async (bench) => {
      assert.equal(say(await bench.ask(hrs(7), 'X')), 'stopped');
      assert.deepEqual(
        bench.fatals.map((error) => error.code),
        ['SIGNER_SIGNATURE_WRONG'],
      );
    },
    {
      verify: () => {
        throw new Error('cannot read it');
      },
    },
  ));

for (const signsEarly of [true, false]) {
  const when = signsEarly
    ? 'early, a key works only after reservation and mark are on their way'
    : 'after the verdict, a key works at once';
  test(when, () => {
    let calls = 0;
    const sign: KeyBackend['sign'] = (bytes) => {
      calls += 1;
      return key.sign(bytes);
    };
    return Bench.run(
      async (bench) => {
        bench.holdsReservations = true;
        const outcome = bench.ask(hrs(7), 'X');
        const [held] = bench.reservations;
        assert.ok(held !== undefined);
        assert.equal(calls, 0);
        if (signsEarly) await bench.settle();
        assert.equal(calls, signsEarly ? 1 : 0);
        held.answer(await bench.cluster.replica('a').reserve(held.asked));
        // Its promises, but no further turn of the loop.
        for (let i = 0; i < 10; i++) await Promise.resolve();
        assert.equal(calls, 1);
        assert.equal(say(await outcome), 'granted');
      },
      { key: { publicKey: key.publicKey, signsEarly, sign } },
    );
  });
}

const backends: readonly (readonly [string, KeyBackend['sign'], string, readonly string[]])[] = [
  [
    'signs other bytes',
    () => key.sign(Buffer.from('other')),
    'stopped',
    ['SIGNER_SIGNATURE_WRONG'],
  ],
  ['gives too few bytes', async () => new Uint8Array(63), 'stopped', ['SIGNER_SIGNATURE_WRONG']],
  ['rejects', async () => Promise.reject(new Error('device gone')), 'BACKEND', []],
  [
    'throws at once',
    () => {
      throw new Error('device gone');
    },
    'BACKEND',
    [],
  ],
];
for (const [why, sign, expected, fatals] of backends) {
  for (const signsEarly of [true, false]) {
    test(`a key that ${why}, ${signsEarly ? 'early' : 'late'}: ${expected}`, () =>
      Bench.run(
        async (bench) => {
          assert.equal(say(await bench.ask(hrs(7), 'X')), expected);
          assert.deepEqual(
            bench.fatals.map((error) => error.code),
            fatals,
          );
        },
        { key: { publicKey: key.publicKey, signsEarly, sign } },
      ));
  }
}

test('after a failure of the key the same content is signed when asked again', () => {
  let broken = true;
  const sign: KeyBackend['sign'] = async (bytes) => {
    if (broken) throw new Error('device gone');
    return key.sign(bytes);
  };
  return Bench.run(
    async (bench) => {
      assert.equal(say(await bench.ask(hrs(7), 'X')), 'BACKEND');
      broken = false;
      assert.equal(say(await bench.ask(hrs(7), 'Y')), 'CONFLICT');
      assert.equal(say(await bench.ask(hrs(7), 'X')), 'repeated');
    },
    { key: { publicKey: key.publicKey, signsEarly: false, sign } },
  );
});

test('the observer hears of every answer after it left, and cannot harm by failing', async () => {
  const order: string[] = [];
  const observer = {
    answered: () => {
      order.push('observed');
      throw new Error('metrics broke');
    },
    // An async function passes for one that returns nothing.
    alarm: async () => Promise.reject(new Error('log broke')),
  };
  await Bench.run(
    async (bench) => {
      const first = bench.ask(hrs(7), 'X').then((outcome) => order.push(say(outcome)));
      await first;
      await bench.settle();
      assert.deepEqual(order, ['granted', 'observed']);
      assert.equal(say(await bench.ask(hrs(7), 'Y')), 'CONFLICT');
      assert.equal(say(await bench.ask(hrs(8), 'Y')), 'granted');
      await bench.settle();
    },
    { observer },
  );
});

test('the observer hears how long it took from the arrival on', () => {
  const totals: number[] = [];
  return Bench.run(
    async (bench) => {
      bench.holdsReservations = true;
      const outcome = bench.ask(hrs(7), 'X');
      await bench.settle();
      bench.clock.advance(30);
      bench.reservations[0]?.answer({ kind: 'unknown', detail: 'd' });
      await outcome;
      await bench.settle();
      assert.deepEqual(totals, [30]);
    },
    { observer: { answered: (_request, _outcome, totalMs) => totals.push(totalMs) } },
  );
});

test('conflicts are observed as alarms', () =>
  Bench.run(async (bench) => {
    await bench.ask(hrs(7), 'X');
    await bench.ask(hrs(7), null);
    await bench.settle();
    assert.deepEqual(
      bench.alarms.map(({ code, hrs }) => `${code} ${hrs.height}`),
      ['CONFLICT 7'],
    );
    assert.deepEqual(bench.observed.map(say), ['granted', 'CONFLICT']);
  }));

test('a request of another key or chain, or without a deadline, breaks an invariant', () =>
  Bench.run(async (bench) => {
    const restore = onViolation((violation) => {
      throw violation;
    });
    try {
      const foreign = { ...request(hrs(7), 'X'), id: { ...id, chainId: 'test-2' } };
      assert.throws(() => bench.gate.sign(foreign, 5000), InvariantViolation);
      assert.throws(() => bench.gate.sign(request(hrs(7), 'X'), Number.NaN), InvariantViolation);
    } finally {
      restore();
    }
  }));

/** Real files take their time: turns of the loop until it is so, and never for ever. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000; i++) {
    if (holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail('it never came to be so');
}
