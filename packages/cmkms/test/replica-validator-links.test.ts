/** One link to a real listener, and orders from a world that the test plays. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type LinkEvents, type LinkState, type SignAnswer, ValidatorLink } from '@cometkms/privval';
import { addressOf, systemClock } from '@cometkms/signer';
import { parseValidator } from '../src/config/addresses.js';
import { UNHELD_DIAL_MS } from '../src/replica/link-plan.js';
import { ValidatorLinks } from '../src/replica/validator-links.js';
import { until } from './cluster.js';
import { CHAIN, keyOf } from './scratch-homes.js';
import { Validator } from './validator.js';

const key = keyOf(1).publicKey;
const refusal: SignAnswer = { kind: 'refused', code: 1, description: 'asked again' };

/** Connected, and not this replica's to dial any more; `answers` are given one by one. */
async function held(
  t: TestContext,
  answers: (SignAnswer | Promise<SignAnswer>)[],
  onDialling: (validator: Validator) => void = () => undefined,
) {
  const validator = await Validator.listen(CHAIN);
  const chain = {
    ...{ id: { chainId: CHAIN, key }, chainId: CHAIN, keyAddress: addressOf(key) },
    validators: [parseValidator(validator.address)],
  };
  const states: LinkState[] = [];
  const claims: number[] = [];
  let ours = true;
  let aheadMs = 0;
  const links = new ValidatorLinks([chain], {
    clock: { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs },
    openLink: (address, handler, events) => new ValidatorLink(address, handler, events, {}),
    founded: () => true,
    member: () => true,
    leaderlessMs: () => 0,
    oursToDial: () => ours,
    heldElsewhere: () => false,
    exclusive: () => false,
    sign: async () => answers.shift() ?? refusal,
    heldChanged: () => claims.push(links.claimed().length),
    observer: {
      state: (_chain, _validator, state) => {
        states.push(state);
        if (state !== 'dialing' || ours) return;
        onDialling(validator);
        // As when leadership changes at this very moment.
        links.plan();
      },
      dialed: () => undefined,
      badFrame: () => undefined,
      request: () => undefined,
      invalid: () => undefined,
    },
  });
  t.after(async () => {
    await links.stop('reset');
    await validator.stop();
  });
  links.plan();
  await validator.ask({ kind: 'pubKeyRequest', chainId: CHAIN });
  // Held by one that does not lead, from here on.
  ours = false;
  links.plan();
  const pass = (ms: number): void => {
    links.plan();
    aheadMs += ms;
    links.plan();
  };
  return { validator, links, states, claims, pass };
}

test('dropped for want of an answer, a link is dialled again at once by who held it', async (t) => {
  const drop: SignAnswer = { kind: 'drop', reason: 'no leader took the request in time' };
  const { validator, links, states, claims } = await held(t, [drop]);
  await assert.rejects(validator.sign(key, { height: 1 }), /asked again/);
  assert.ok(!states.includes('idle'), states.join());
  assert.deepEqual(links.held(), [validator.address]);
  assert.deepEqual(claims, [1], 'nobody else was told to dial it meanwhile');
});

test('dropped, and gone: the claim ends, and the others are told', async (t) => {
  const drop: SignAnswer = { kind: 'drop', reason: 'timeout' };
  const { validator, links, claims } = await held(t, [drop], (gone) => void gone.stop());
  const asked = validator.sign(key, { height: 1 }).catch(() => null);
  await until('the claim ends', () => (claims.at(-1) === 0 ? true : undefined));
  assert.deepEqual(links.claimed(), []);
  await asked;
});

test('without an answer three times in a row, who does not lead leaves the link to the others', async (t) => {
  const drop: SignAnswer = { kind: 'drop', reason: 'timeout' };
  const { validator, links, states, pass } = await held(t, [drop, drop, drop]);
  const asked = assert.rejects(validator.sign(key, { height: 1 }), /asked again/);
  await until('it gives way', () => (states.at(-1) === 'idle' ? true : undefined));
  assert.deepEqual(links.claimed(), []);
  pass(UNHELD_DIAL_MS - 500);
  assert.equal(states.at(-1), 'idle', 'and does not dial it again meanwhile');
  // Where none of them can reach it either.
  pass(500);
  await asked;
  assert.deepEqual(links.held(), [validator.address]);
});

test('an answer between them, and the count of those that had none begins anew', async (t) => {
  const drop: SignAnswer = { kind: 'drop', reason: 'timeout' };
  const { validator, states, claims } = await held(t, [drop, drop, refusal, drop, drop]);
  await assert.rejects(validator.sign(key, { height: 1 }), /asked again/);
  await assert.rejects(validator.sign(key, { height: 2 }), /asked again/);
  assert.ok(!states.includes('idle'), states.join());
  assert.deepEqual(claims, [1]);
});

test('stopped while a request is being answered, that answer is given first', async (t) => {
  let give = (_: SignAnswer): void => undefined;
  const answer = new Promise<SignAnswer>((resolve) => {
    give = resolve;
  });
  const { validator, links, states } = await held(t, [answer]);
  const asked = assert.rejects(validator.sign(key, { height: 1 }), /given at last/);
  await until('it is asked', () => (states.includes('active') ? true : undefined));
  const stopped = links.stop('resetOnceAnswered');
  give({ kind: 'refused', code: 1, description: 'given at last' });
  await asked;
  assert.equal(await stopped, 1);
});

const atOnce = { timeout: 5000 };
test('stopped after a fatal error, it waits for no answer, and gives none', atOnce, async (t) => {
  const never = new Promise<SignAnswer>(() => undefined);
  const { validator, links, states } = await held(t, [never]);
  const asked = validator.sign(key, { height: 1 }).catch(() => null);
  await until('it is asked', () => (states.includes('active') ? true : undefined));
  assert.equal(await links.stop('reset'), 1);
  assert.deepEqual(links.held(), []);
  await validator.stop();
  await asked;
});

test('ended by the node itself, a link is left to whoever leads', async (t) => {
  const { validator, states } = await held(t, []);
  await validator.stop();
  await until('it is let go', () => (states.at(-1) === 'idle' ? true : undefined));
});

test('a validator that is silent is told to the others, until one of them talks to it', () => {
  let events: LinkEvents | null = null;
  let heldElsewhere = false;
  const told: (readonly string[])[] = [];
  const address = parseValidator('tcp://10.0.1.20:26659');
  const chain = {
    ...{ id: { chainId: CHAIN, key }, chainId: CHAIN, keyAddress: addressOf(key) },
    validators: [address],
  };
  const nothing = (): undefined => undefined;
  const due: (() => void)[] = [];
  const after = (ms: number, run: () => void) => {
    // The others look at the plan, which this test does itself.
    if (ms < 100) due.push(run);
    return nothing;
  };
  const aMomentLater = () => {
    for (const run of due.splice(0)) run();
  };
  const links = new ValidatorLinks([chain], {
    clock: { nowMs: () => 0, wallMs: () => 0, soon: nothing, after },
    openLink: (_address, _handler, given) => {
      events = given;
      return { hold: nothing, release: () => Promise.resolve(), reset: nothing };
    },
    founded: () => true,
    member: () => true,
    leaderlessMs: () => 0,
    oursToDial: () => true,
    heldElsewhere: () => heldElsewhere,
    exclusive: () => false,
    sign: async () => refusal,
    heldChanged: () => told.push(links.silent()),
    observer: {
      ...{ state: nothing, dialed: nothing, badFrame: nothing, request: nothing, invalid: nothing },
    },
  });
  const said = events as LinkEvents | null;
  said?.onSilent();
  assert.deepEqual(told, [[address.text]]);
  said?.onSilent();
  links.plan();
  assert.equal(told.length, 1, 'said once');
  heldElsewhere = true;
  links.plan();
  assert.equal(told.length, 1, 'not again at once: many links may be under way');
  aMomentLater();
  assert.deepEqual(told.at(-1), []);
  said?.onSilent();
  said?.onState('connected', 'asked by ping');
  aMomentLater();
  assert.deepEqual([told.length, told.at(-1), links.held()], [3, [], [address.text]]);
  aMomentLater();
  assert.equal(told.length, 3, 'nothing changed');
});
