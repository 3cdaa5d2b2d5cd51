/** The transport's suite through LinkTransport on simulated connections: as bytes, as they are, and on bad paths. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transportSuite } from '@cometkms/consensus/conformance';
import type { RaftFrame } from '../src/network.js';
import { Life, NetworkPlace } from './network-place.js';

transportSuite('simulated', {
  supports: { silence: true },
  place: async (names) => new NetworkPlace(names, 1),
});
transportSuite('simulated, without the codec', {
  supports: { silence: true },
  place: async (names) => new NetworkPlace(names, 2, { codec: 0 }),
});
transportSuite('simulated, slow and uneven', {
  supports: { silence: true },
  place: async (names) => {
    const place = new NetworkPlace(names, 3, { codec: 0.5 });
    place.faults({ baseMs: 5, jitterMs: 20, tail: 0.02, tailMs: 200 });
    return place;
  },
});

async function history(seed: number): Promise<string> {
  const lines: string[] = [];
  const note = (what: string) => (from: string, to: string, frame: RaftFrame) => {
    const { message } = frame;
    const round = message.kind === 'appendReply' ? message.round : message.kind;
    lines.push(`${place.timeline.now} ${what} ${from} ${to} ${round}`);
  };
  const observer = { onSent: note('sent'), onDelivered: note('delivered') };
  const place = new NetworkPlace(['a', 'b', 'c'], seed, { observer });
  const body = async (): Promise<void> => {
    place.faults({ jitterMs: 3, loss: 0.1, duplicate: 0.1, reorder: 0.2, lateMs: 9, stray: 0.5 });
    const lives = await Promise.all(place.names.map((name) => new Life(place, name).start()));
    for (let round = 0; round < 200; round += 1) {
      for (const from of lives) for (const to of lives) if (from !== to) from.raft(to, round);
      if (round === 100) place.network.reset(place.addressOf('a'), place.addressOf('b'));
      await place.pass(2);
    }
    lines.push(...lives.map((life) => JSON.stringify(life.diary.seen.length)));
  };
  await place.lettingTimePass(body());
  await place.dispose();
  return lines.join('\n');
}

test('one seed gives one history, another seed another one', async () => {
  const [first, again, other] = [await history(7), await history(7), await history(8)];
  // Names of runs are counted through, but no line says them.
  assert.equal(first, again);
  assert.notEqual(first, other);
  assert.ok(first.split('\n').length > 1000);
});

test('what a station shows is what the other side holds its hello against', async () => {
  const place = new NetworkPlace(['a', 'b'], 9);
  place.station('b').loop.die();
  const certificate = { clusterId: 'conformance', replicaName: 'b', notAfter: new Date(0) };
  place.begin('b', { kind: 'certificate', certificate: { ...certificate, identity: 'another' } });
  const work = async (): Promise<void> => {
    const [a, b] = [await new Life(place, 'a').start(), await new Life(place, 'b').start()];
    const refused = (): boolean =>
      ['dialFailed', 'inboundFailed'].every((way) =>
        a.diary.seen.some(
          (one) => one.kind === way && 'fault' in one && /not of its cert/.test(one.fault.detail),
        ),
      );
    await a.diary.until(refused);
    assert.deepEqual([a.diary.all('up'), b.diary.all('up')], [[], []]);
  };
  await place.lettingTimePass(work());
  await place.dispose();
});
