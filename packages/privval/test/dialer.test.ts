/**
 * One dial: against listeners that are there, missing, forbidden and frozen.
 *
 * Owns    nothing.
 * Never   leaves loopback: what only another network could cause is tested on the system's error
 *         alone.
 */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { test } from 'node:test';
import { parseValidatorAddress, type ValidatorAddress } from '../src/address.js';
import { dial, dialError } from '../src/dialer.js';
import { asPrivvalError, type PrivvalCode, type PrivvalError } from '../src/errors.js';
import { frozenListener, Listener } from './validator-side.js';

async function failureOf(address: ValidatorAddress, timeoutMs?: number): Promise<PrivvalError> {
  return dial(address, timeoutMs).then(
    () => assert.fail('it connected'),
    (error: unknown) => asPrivvalError(error),
  );
}

for (const kind of ['tcp', 'unix'] as const) {
  test(`${kind}: a listener is reached`, async (t) => {
    const listener = await Listener.open(t, kind);
    const plain = await dial(listener.address);
    t.after(() => plain.reset());
    assert.equal(plain.transport, kind);
    await listener.accepted.next();
  });

  test(`${kind}: an attempt that was given up leaves no connection`, async (t) => {
    const listener = await Listener.open(t, kind);
    const aborter = new AbortController();
    const dialled = dial(listener.address, 1000, aborter.signal);
    aborter.abort();
    await assert.rejects(dialled, { code: 'PRIVVAL_CLOSED' });
    await assert.rejects(dial(listener.address, 1000, aborter.signal), { code: 'PRIVVAL_CLOSED' });
  });
}

test('tcp: nobody listens', async (t) => {
  const listener = await Listener.open(t, 'tcp');
  await listener.close();
  const error = await failureOf(listener.address);
  assert.equal(error.code, 'PRIVVAL_REFUSED');
  assert.match(error.message, /node down or priv_validator_laddr unset/);
});

test('unix: there is no socket', async () => {
  const error = await failureOf(parseValidatorAddress('unix:///nonexistent/privval.sock'));
  assert.equal(error.code, 'PRIVVAL_SOCKET_MISSING');
  assert.match(error.message, /no such unix socket/);
});

test('unix: the socket is not ours to open', async (t) => {
  const listener = await Listener.open(t, 'unix');
  assert.ok(listener.address.kind === 'unix');
  await chmod(listener.address.path, 0);
  // For root no mode forbids anything: be nobody while the system is asked.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  const failure = failureOf(listener.address);
  if (isRoot) process.seteuid?.(0);
  const error = await failure;
  assert.equal(error.code, 'PRIVVAL_SOCKET_DENIED');
  assert.match(error.message, /permission denied on the unix socket/);
});

test('tcp: no answer at all', async (t) => {
  const address = await frozenListener(t);
  let error: PrivvalError | undefined;
  for (let i = 0; i < 20 && error === undefined; i++) {
    await dial(address, 150).then(
      (plain) => t.after(() => plain.reset()),
      (failure: unknown) => {
        error = asPrivvalError(failure);
      },
    );
  }
  assert.equal(error?.code, 'PRIVVAL_DIAL_TIMEOUT');
});

const tcp = parseValidatorAddress('10.0.0.1:26659');
const unix = parseValidatorAddress('unix:///run/privval.sock');
const systemErrors: readonly (readonly [code: string, at: ValidatorAddress, is: PrivvalCode])[] = [
  ['EHOSTUNREACH', tcp, 'PRIVVAL_UNREACHABLE'],
  ['ENETUNREACH', tcp, 'PRIVVAL_UNREACHABLE'],
  ['EACCES', tcp, 'PRIVVAL_UNREACHABLE'],
  ['EPERM', unix, 'PRIVVAL_SOCKET_DENIED'],
  ['ENOTFOUND', tcp, 'PRIVVAL_UNKNOWN_HOST'],
  ['EAI_AGAIN', tcp, 'PRIVVAL_UNKNOWN_HOST'],
  ['EMFILE', tcp, 'PRIVVAL_DIAL_FAILED'],
];
for (const [code, at, is] of systemErrors) {
  test(`${code} on ${at.kind} is ${is}`, () => {
    const error = dialError(Object.assign(new Error(`connect ${code}`), { code }), at);
    assert.equal(error.code, is);
    assert.match(error.message, new RegExp(code));
  });
}
