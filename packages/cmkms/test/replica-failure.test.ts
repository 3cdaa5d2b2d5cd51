/**
 * A whole replica that fails while a validator waits for its answer: nothing leaves any more, however far it had come.
 * A planned stop would give that answer first; a failure is none, and ends one that has begun.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { CheckedChain } from '../src/check-home.js';
import { Cluster, type Member } from './cluster.js';
import { CHAIN } from './scratch-homes.js';
import { Validator } from './validator.js';

const failure = new Error('the disk is gone');

/** One replica whose key is asked, and has not signed yet. */
async function signing(t: TestContext) {
  const validator = await Validator.listen(CHAIN);
  const cluster = await Cluster.create({
    ...{ names: ['a'], validators: [validator.address], neverSigned: true },
  });
  t.after(async () => {
    await cluster.dispose();
    await validator.stop();
  });
  const letItSign = deferred();
  const keyIsAsked = deferred();
  const slow = (key: CheckedChain['key']): CheckedChain['key'] => ({
    ...{ publicKey: key.publicKey, signsEarly: key.signsEarly },
    async sign(bytes) {
      keyIsAsked.resolve();
      await letItSign.promise;
      return await key.sign(bytes);
    },
  });
  const replica: Member = await cluster.start('a', {}, { key: slow });
  const asked = validator.sign(cluster.key.publicKey, { height: 1 });
  // Looked at only at the end, by `answered`.
  asked.catch(() => 'it ended without an answer');
  await keyIsAsked.promise;
  const answered = async (): Promise<boolean> => {
    await validator.stop();
    return await asked.then(
      () => true,
      () => false,
    );
  };
  return { cluster, replica, answered, letItSign: letItSign.resolve };
}

function deferred() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

const options = { timeout: 20_000 };

test('a replica that stops gives the answer that is under way', options, async (t) => {
  const { cluster, letItSign, answered } = await signing(t);
  const stopped = cluster.stop('a');
  await turnOfTheLoop();
  letItSign();
  await stopped;
  assert.equal(await answered(), true);
});

test(
  'a replica that failed gives none, though its key signs before it ends',
  options,
  async (t) => {
    const { replica, letItSign, answered } = await signing(t);
    replica.running.replica.fail(failure);
    await turnOfTheLoop();
    letItSign();
    assert.equal(await replica.failure, failure);
    assert.equal(await answered(), false);
  },
);

test('nor does one that fails while a planned stop waits for it', options, async (t) => {
  const { cluster, replica, letItSign, answered } = await signing(t);
  const stopped = cluster.stop('a');
  await turnOfTheLoop();
  replica.running.replica.fail(failure);
  letItSign();
  await stopped;
  assert.equal(await answered(), false);
});
