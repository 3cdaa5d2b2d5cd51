/**
 * The way of a request to the leader: same bytes at every try, one answer, nothing late to another request.
 * The world is a table of who leads; the clock is the real one, and no test depends on how fast it runs.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemEntropy } from '@cometkms/consensus';
import type { Released, SignOutcome, SignRequest } from '@cometkms/signer';
import { systemClock } from '@cometkms/signer';
import type { SignAsk } from '../src/replica/message.js';
import { Router, type RouterWorld } from '../src/replica/router.js';

const request: SignRequest = {
  id: { chainId: 'test-1', key: { type: 'ed25519', bytes: new Uint8Array(32) } },
  hrs: { height: 7n, round: 0, step: 2 },
  signBytes: Uint8Array.of(1, 2, 3),
  extensionSignBytes: null,
};
const released = (mark: number): Released => ({
  kind: 'released',
  verdict: 'granted',
  signBytes: request.signBytes,
  signature: Uint8Array.of(mark),
  extensionSignature: null,
  proof: { term: 1, index: mark, commitMs: 0 },
  stages: { queue: 0, commit: 0, watermark: 0, sign: 0, verify: 0, total: 0 },
});
const notNow = (reason: 'notLeader' | 'unknown'): SignOutcome => ({
  kind: 'notNow',
  reason,
  leader: null,
});

function world(): {
  -readonly [K in keyof RouterWorld]: RouterWorld[K];
} & { asked: { leader: string; ask: SignAsk }[]; sentOne: Promise<void> } {
  const asked: { leader: string; ask: SignAsk }[] = [];
  let sent = (): void => {};
  const state = {
    asked,
    sentOne: new Promise<void>((resolve) => {
      sent = resolve;
    }),
    clock: systemClock,
    entropy: systemEntropy,
    mayServe: () => false,
    isLeader: () => false,
    reachableLeader: (): string | null => null,
    leaderlessMs: () => 0,
    gate: () => undefined,
    ask: (leader: string, ask: SignAsk) => {
      asked.push({ leader, ask });
      sent();
      return true;
    },
  };
  return state;
}
const soon = (): number => performance.now() + 30_000;

test('the leader signs itself', async () => {
  const here = world();
  here.mayServe = () => true;
  here.gate = () => ({ sign: async () => released(1) });
  assert.deepEqual(await new Router(here).sign(request, 'tcp://v', soon()), {
    outcome: released(1),
    answeredBy: null,
  });
  assert.equal(here.asked.length, 0);
});

test('a follower hands the very bytes to the leader and passes its answer back', async () => {
  const here = world();
  here.reachableLeader = () => 'a';
  const router = new Router(here);
  const outcome = router.sign(request, 'tcp://v', soon());
  const [sent] = here.asked;
  assert.equal(sent?.leader, 'a');
  assert.deepEqual(sent.ask.request, request);
  router.answered('a', { kind: 'answer', number: sent.ask.number, outcome: released(2) });
  assert.deepEqual((await outcome).outcome, released(2));
});

test('an answer counts only from the one that was asked, and only once', async () => {
  const here = world();
  here.reachableLeader = () => 'a';
  const router = new Router(here);
  const first = router.sign(request, 'tcp://v', soon());
  const number = here.asked[0]?.ask.number ?? 0;
  router.answered('b', { kind: 'answer', number, outcome: released(66) });
  router.answered('a', { kind: 'answer', number, outcome: released(3) });
  assert.deepEqual((await first).outcome, released(3));

  const second = router.sign(request, 'tcp://v', soon());
  router.answered('a', { kind: 'answer', number, outcome: released(66) });
  const next = here.asked[1]?.ask.number ?? 0;
  assert.notEqual(next, number);
  router.answered('a', { kind: 'answer', number: next, outcome: released(4) });
  assert.deepEqual((await second).outcome, released(4), 'a late answer reached another request');
});

test('an answer to the process before is given to no request of this one', async () => {
  const asks = async (): Promise<{ router: Router; number: number; answer: Promise<unknown> }> => {
    const here = world();
    here.reachableLeader = () => 'a';
    const router = new Router(here);
    const answer = router.sign(request, 'tcp://v', soon()).then(({ outcome }) => outcome);
    await here.sentOne;
    return { router, number: here.asked[0]?.ask.number ?? 0, answer };
  };
  const before = await asks();
  const now = await asks();
  now.router.answered('a', { kind: 'answer', number: before.number, outcome: released(66) });
  now.router.answered('a', { kind: 'answer', number: now.number, outcome: released(5) });
  assert.deepEqual(await now.answer, released(5));
  before.router.answered('a', { kind: 'answer', number: before.number, outcome: released(6) });
  assert.deepEqual(await before.answer, released(6));
});

test('when the leader dies the same bytes go to its successor', async () => {
  const here = world();
  here.reachableLeader = () => 'a';
  const router = new Router(here);
  const outcome = router.sign(request, 'tcp://v', soon());
  here.reachableLeader = () => null;
  router.changed();
  await Promise.resolve();
  here.reachableLeader = () => 'b';
  router.changed();
  while (here.asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const again = here.asked[1];
  assert.equal(again?.leader, 'b');
  assert.deepEqual(again.ask.request, here.asked[0]?.ask.request);
  router.answered('b', { kind: 'answer', number: again.ask.number, outcome: released(5) });
  assert.deepEqual((await outcome).outcome, released(5));
});

test('a change between looking and waiting is not missed', async () => {
  const here = world();
  const router = new Router(here);
  here.reachableLeader = () => {
    // The new leader shows up just after this look at it.
    here.reachableLeader = () => 'a';
    router.changed();
    return null;
  };
  const outcome = router.sign(request, 'tcp://v', soon());
  await here.sentOne;
  const number = here.asked[0]?.ask.number ?? 0;
  router.answered('a', { kind: 'answer', number, outcome: released(6) });
  assert.deepEqual((await outcome).outcome, released(6));
});

test('no leader within the deadline: not now, so that the node asks again', async () => {
  const outcome = await new Router(world()).sign(request, 'tcp://v', performance.now() + 20);
  assert.deepEqual(outcome.outcome, { kind: 'notNow', reason: 'timeout', leader: null });
});

test('no leader for two seconds: a final answer at once, so that the node does not freeze', async () => {
  const here = world();
  here.leaderlessMs = () => 2500;
  const outcome = await new Router(here).sign(request, 'tcp://v', soon());
  assert.deepEqual(outcome.outcome, { kind: 'noQuorum', leaderlessMs: 2500 });
});

test('a refusal is final: it is not tried elsewhere', async () => {
  const here = world();
  here.mayServe = () => true;
  const refused: SignOutcome = { kind: 'refused', code: 'CONFLICT', detail: 'stored X' };
  let asked = 0;
  here.gate = () => ({
    sign: async () => {
      asked += 1;
      return refused;
    },
  });
  const { outcome } = await new Router(here).sign(request, 'tcp://v', soon());
  assert.deepEqual(outcome, refused);
  assert.equal(asked, 1);
});

test('a request from another member waits for the barrier, and is sent away by a replica that does not lead', async () => {
  const here = world();
  const router = new Router(here);
  assert.deepEqual(await router.serve(request, soon()), notNow('notLeader'));
  here.isLeader = () => true;
  const waiting = router.serve(request, soon());
  here.mayServe = () => true;
  here.gate = () => ({ sign: async () => released(7) });
  router.changed();
  assert.deepEqual(await waiting, released(7));
});

test('a leader that never answers has answered nothing: whoever holds the link says that it dropped it', async () => {
  const here = world();
  here.reachableLeader = () => 'a';
  const routed = await new Router(here).sign(request, 'tcp://v', performance.now() + 20);
  const outcome = { kind: 'notNow', reason: 'timeout', leader: null };
  assert.deepEqual(routed, { outcome, answeredBy: null });
});
