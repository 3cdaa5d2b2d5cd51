/**
 * What every Leadership must do.
 *
 * Owns    the examination: who may serve knows who leads, and has applied whatever was committed before.
 * Never   asks that two replicas never believe at once that they lead: the promise does not rest on it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Leadership, ReservationStore } from '../seams.js';
import { committed, freshId, position, reservation, suiteLimits } from './requests.js';

export interface LeadershipUnderTest {
  /** The name under which `leader` knows this replica. */
  readonly self: string;
  readonly leadership: Leadership;
  readonly store: ReservationStore;
  /** Resolves when this replica may serve. */
  gain(): Promise<void>;
  /** Resolves when another replica, or none, leads, and this one knows it. */
  lose(): Promise<void>;
  /** A store of whoever leads now, if it is not this replica. */
  elsewhere?(): ReservationStore;
  close(): Promise<void>;
}

export function leadershipSuite(name: string, factory: () => Promise<LeadershipUnderTest>): void {
  describe(`leadership: ${name}`, () => {
    let subject: LeadershipUnderTest;
    before(async () => {
      subject = await factory();
    });
    after(() => subject.close());

    test('who may serve names itself as the leader', async () => {
      await subject.gain();
      assert.equal(subject.leadership.mayServe(), true);
      assert.equal(subject.leadership.leader(), subject.self);
    });

    test('who lost leadership may not serve, and names another or nobody', async () => {
      await subject.gain();
      await subject.lose();
      assert.equal(subject.leadership.mayServe(), false);
      assert.notEqual(subject.leadership.leader(), subject.self);
    });

    test('a proposal where another leads says so, and writes nothing', async () => {
      await subject.gain();
      const id = freshId();
      committed(await subject.store.registerChain(id, { kind: 'neverSigned' }, suiteLimits));
      await subject.lose();
      const result = await subject.store.reserve(reservation(id, position(7), 'X'));
      assert.equal(result.kind, 'notLeader');
      assert.notEqual(result.leader, subject.self);
      await subject.gain();
      assert.equal(subject.store.read(id)?.last, null);
    });

    test('who may serve again has applied what was committed meanwhile', async (t) => {
      await subject.gain();
      const id = freshId();
      committed(await subject.store.registerChain(id, { kind: 'neverSigned' }, suiteLimits));
      await subject.lose();
      const other = subject.elsewhere?.();
      if (other === undefined) return t.skip('nobody else leads here');
      committed(await other.reserve(reservation(id, position(7), 'X')));
      await subject.gain();
      assert.deepEqual(subject.store.read(id)?.last?.hrs, position(7));
    });
  });
}
