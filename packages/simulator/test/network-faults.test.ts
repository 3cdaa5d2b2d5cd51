/** What the simulated network does to links, fault by fault: that it happens, and to whom it is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RaftFrame } from '../src/network.js';
import type { PathFaults } from '../src/network-path.js';
import { Life, NetworkPlace } from './network-place.js';

type Body = (place: NetworkPlace, a: Life, b: Life) => Promise<void>;

/** With a and b linked, on paths without faults. */
function linkedTest(
  says: string,
  body: Body,
  place = () => new NetworkPlace(['a', 'b'], 11),
): void {
  test(says, { timeout: 30_000 }, async () => {
    const here = place();
    const work = async (): Promise<void> => {
      const [a, b] = [await new Life(here, 'a').start(), await new Life(here, 'b').start()];
      await a.linkedWith(b);
      // The dials that came second are over.
      await here.pass(50);
      await body(here, a, b);
    };
    await here.lettingTimePass(work());
    await here.dispose();
  });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const downs = ({ diary }: Life): string[] => diary.all('down').map(({ cause }) => cause);

linkedTest(
  'a letter takes its time, and none overtakes another of its connection',
  async (place, a, b) => {
    place.faults({ baseMs: 7, jitterMs: 5, tail: 0.1, tailMs: 40 });
    const sentAt = place.timeline.now;
    for (const round of upTo(200)) assert.ok(a.raft(b, round));
    await b.diary.until(() => b.rounds().length > 0);
    assert.ok(place.timeline.now - sentAt >= 7);
    await b.diary.until(() => b.rounds().length === 200);
    assert.deepEqual(b.rounds(), upTo(200));
    assert.ok(place.timeline.now - sentAt > 50, 'now and then a letter takes very long');
  },
);

linkedTest(
  'half a cut: one way nothing passes and nobody is told; healed, all of it comes',
  async (place, a, b) => {
    place.faults({ cut: true }, 'a', 'b');
    for (const round of upTo(20)) assert.ok(a.raft(b, round));
    assert.ok(a.say(b, 'with them'));
    b.say(a, 'the other way');
    await a.diary.until(() => a.diary.payloads().includes('the other way'));
    await place.pass(200);
    assert.deepEqual([b.rounds(), b.diary.payloads(), downs(a), downs(b)], [[], [], [], []]);
    place.faults({ cut: false });
    const healedAt = place.timeline.now;
    await b.diary.until(() => b.diary.payloads().length === 1);
    assert.ok(place.timeline.now - healedAt < 10, 'it does not wait for the next letter');
    assert.deepEqual(b.rounds(), upTo(20));
    assert.deepEqual([downs(a), downs(b)], [[], []]);
  },
);

linkedTest(
  'half a cut that lasts: who hears nothing gives up, and who is heard is not told',
  async (place, a, b) => {
    place.faults({ cut: true }, 'a', 'b');
    await b.diary.until(() => downs(b).length === 1);
    assert.deepEqual(downs(b), ['lost']);
    // b's end reaches a: that way is whole.
    await a.diary.until(() => downs(a).length === 1);
    assert.deepEqual(downs(a), ['closed']);
    place.faults({ cut: false });
    await a.linkedWith(b);
  },
);

linkedTest(
  'a reset tells both sides, swallows an end of what was under way, and they link again',
  async (place, a, b) => {
    place.faults({ baseMs: 20 });
    for (const round of upTo(50)) a.raft(b, round);
    await place.pass(1);
    place.network.reset(place.addressOf('a'), place.addressOf('b'));
    await a.diary.until(() => downs(a).length === 1);
    await b.diary.until(() => downs(b).length === 1);
    assert.deepEqual([downs(a), downs(b)], [['closed'], ['closed']]);
    const arrived = b.rounds();
    assert.ok(arrived.length < 50, `${arrived.length} of 50`);
    assert.deepEqual(arrived, upTo(arrived.length));
    await a.linkedWith(b);
    await place.pass(200);
    assert.deepEqual(b.rounds(), arrived, 'nothing strays where nothing should');
  },
);

type Harm = readonly [
  says: string,
  faults: Partial<PathFaults>,
  expect: (rounds: number[]) => void,
];
const sorted = (rounds: readonly number[]): number[] => [...rounds].sort((x, y) => x - y);
const harms: readonly Harm[] = [
  [
    'are lost',
    { loss: 0.2 },
    (rounds) => {
      assert.ok(rounds.length > 200 && rounds.length < 280, `${rounds.length} of 300`);
      assert.deepEqual(rounds, sorted(rounds));
    },
  ],
  [
    'come twice',
    { duplicate: 0.2, lateMs: 5 },
    (rounds) => {
      assert.ok(rounds.length > 320 && rounds.length < 400, `${rounds.length} of 300`);
      assert.deepEqual(sorted([...new Set(rounds)]), upTo(300));
    },
  ],
  [
    'are overtaken',
    { reorder: 0.2, lateMs: 5 },
    (rounds) => {
      assert.notDeepEqual(rounds, upTo(300));
      assert.deepEqual(sorted(rounds), upTo(300));
    },
  ],
];
for (const [says, faults, expect] of harms) {
  linkedTest(`Raft frames ${says}; what applications say is not`, async (place, a, b) => {
    place.faults(faults);
    const texts = upTo(300).map((round) => `text ${round}`);
    for (const [round, text] of texts.entries()) {
      a.raft(b, round);
      a.say(b, text);
      await place.pass(1);
    }
    await place.pass(500);
    assert.deepEqual(b.diary.payloads(), texts);
    expect(b.rounds());
    assert.deepEqual([downs(a), downs(b)], [[], []]);
  });
}

for (const stray of [0, 1]) {
  linkedTest(
    `with stray ${stray}: a Raft frame of a dead process ${stray ? 'arrives' : 'does not arrive'} after its successor linked`,
    async (place, a, b) => {
      // Nothing gets out any more: what a said last waits, also its end.
      place.faults({ cut: true, stray }, 'a', 'b');
      a.raft(b, 1);
      place.station('a').loop.die();
      place.station('a').killed();
      await b.diary.until(() => downs(b).length === 1);
      place.begin('a');
      place.faults({ cut: false }, 'a', 'b');
      const heir = await new Life(place, 'a').start();
      await heir.linkedWith(b);
      const before = b.diary.all('up').length;
      heir.raft(b, 2);
      await b.diary.until(() => b.rounds().includes(2));
      await place.pass(100);
      assert.equal(before, 2);
      assert.deepEqual(b.rounds().sort(), stray ? [1, 2] : [2]);
      assert.deepEqual(downs(b).length, 1, 'the stray frame did not end the new link');
    },
  );
}

linkedTest(
  'a stray frame of another cluster does not reach, and so not end, the new link',
  async (place, a, b) => {
    place.faults({ cut: true, stray: 1 }, 'a', 'b');
    a.raft(b, 1);
    place.station('a').loop.die();
    place.station('a').killed();
    await b.diary.until(() => downs(b).length === 1);
    place.begin('a');
    place.faults({ cut: false }, 'a', 'b');
    const heir = await new Life(place, 'a', 'another').start();
    await heir.linkedWith(b);
    await place.pass(1_000);
    assert.deepEqual([b.rounds(), downs(b)], [[], ['lost']]);
  },
);

linkedTest(
  'a Raft frame that was under way to a dead process may reach its successor',
  async (place, a, b) => {
    place.faults({ baseMs: 30, stray: 1 });
    a.raft(b, 1);
    await place.pass(1);
    place.station('b').loop.die();
    place.station('b').killed();
    place.begin('b');
    const heir = await new Life(place, 'b').start();
    await heir.linkedWith(a);
    await heir.diary.until(() => heir.rounds().length === 1);
    assert.deepEqual(heir.rounds(), [1]);
  },
);

linkedTest(
  'a hint tells one side that its living peer is gone; the other learns of it later',
  async (place, a, b) => {
    place.network.hint(place.addressOf('a'), place.addressOf('b'));
    await a.diary.until(() => downs(a).length === 1);
    assert.deepEqual([downs(a), downs(b)], [['closed'], []]);
    // Whatever b says on it next is answered with a reset.
    b.raft(a, 1);
    await b.diary.until(() => downs(b).length === 1);
    assert.deepEqual([downs(b), a.rounds()], [['closed'], []]);
    await a.linkedWith(b);
  },
);

linkedTest('kill -9: what was under way arrives, then the others are told', async (place, a, b) => {
  place.faults({ baseMs: 10 });
  for (const round of upTo(5)) a.raft(b, round);
  place.station('a').loop.die();
  assert.equal(a.raft(b, 99), false);
  place.station('a').killed();
  assert.equal(a.raft(b, 99), false);
  await b.diary.until(() => downs(b).length === 1);
  assert.deepEqual([downs(b), b.rounds()], [['closed'], upTo(5)]);
  await place.pass(1_000);
  assert.deepEqual(downs(a), [], 'a dead process is told nothing');
  assert.ok(b.diary.faults().some(({ detail }) => /refused/.test(detail)));
});

linkedTest('kill -9 behind a cut: nobody is told', async (place, a, b) => {
  place.faults({ cut: true }, 'a', 'b');
  place.station('a').loop.die();
  place.station('a').killed();
  await b.diary.until(() => downs(b).length === 1);
  assert.deepEqual(downs(b), ['lost']);
  assert.deepEqual(downs(a), []);
});

linkedTest(
  'power loss: silence, dials that get no answer, and then the successor',
  async (place, _a, b) => {
    place.station('a').loop.die();
    place.station('a').powerLost();
    await b.diary.until(() => downs(b).length === 1);
    assert.deepEqual(downs(b), ['lost']);
    const unanswered = (): boolean =>
      b.diary.faults().some(({ kind, detail }) => kind === 'unreachable' && /within/.test(detail));
    await b.diary.until(unanswered);
    place.begin('a');
    await (await new Life(place, 'a').start()).linkedWith(b);
  },
);

linkedTest(
  'power loss and a quick start: the new kernel knows nothing of the old connection',
  async (place, a, b) => {
    place.station('a').loop.die();
    place.station('a').powerLost();
    place.begin('a');
    b.raft(a, 1);
    await b.diary.until(() => downs(b).length === 1);
    assert.deepEqual(downs(b), ['closed']);
  },
);

linkedTest(
  'a process that stands still is connected to, and reads all of it when it wakes',
  async (place, a, b) => {
    for (const round of upTo(10)) a.raft(b, round);
    place.station('b').loop.stall(300);
    await place.pass(299);
    assert.deepEqual(b.rounds(), []);
    await b.diary.until(() => b.rounds().length === 10);
    assert.deepEqual([b.rounds(), downs(a), downs(b)], [upTo(10), [], []]);
  },
);

linkedTest(
  'two processes that stood still longer than their patience do not lose each other',
  async (place, a, b) => {
    // Ticks are counted, not time: the overdue timer runs before what has arrived, and counts one.
    a.raft(b, 1);
    b.raft(a, 1);
    for (const name of place.names) place.station(name).loop.stall(2_000);
    await place.pass(2_500);
    assert.deepEqual([a.rounds(), b.rounds()], [[1], [1]]);
    assert.deepEqual([downs(a), downs(b)], [[], []]);
  },
);

test('the observer sees every Raft frame when it is sent, and each that is read', async () => {
  const seen: string[] = [];
  const note =
    (what: string) =>
    (from: string, to: string, { message }: RaftFrame) => {
      if (message.kind === 'appendReply') seen.push(`${what} ${from} ${to} ${message.round}`);
    };
  const observer = { onSent: note('sent'), onDelivered: note('read') };
  const place = new NetworkPlace(['a', 'b'], 5, { observer });
  const work = async (): Promise<void> => {
    const [a, b] = [await new Life(place, 'a').start(), await new Life(place, 'b').start()];
    await a.linkedWith(b);
    place.faults({ loss: 1 }, 'a', 'b');
    a.raft(b, 1);
    assert.deepEqual(seen.splice(0), ['sent a:26670 b:26670 1']);
    place.faults({ loss: 0, duplicate: 1 }, 'a', 'b');
    a.raft(b, 2);
    await place.pass(10);
    const read = 'read a:26670 b:26670 2';
    assert.deepEqual(seen.splice(0), ['sent a:26670 b:26670 2', read, read]);
  };
  await place.lettingTimePass(work());
  await place.dispose();
});
