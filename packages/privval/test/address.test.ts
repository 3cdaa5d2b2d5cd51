/**
 * Addresses: what `priv_validator_laddr` may say, and what it may not.
 *
 * Owns    nothing.
 * Never   dials.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseValidatorAddress } from '../src/address.js';
import { PrivvalError } from '../src/errors.js';

const longest = `/${'a'.repeat(106)}`;

const good: readonly (readonly [address: string, text: string])[] = [
  ['tcp://10.0.1.20:26659', 'tcp://10.0.1.20:26659'],
  ['10.0.1.20:26659', 'tcp://10.0.1.20:26659'],
  ['validator-1.example.org:1', 'tcp://validator-1.example.org:1'],
  ['tcp://[::1]:65535', 'tcp://[::1]:65535'],
  ['unix:///run/gaia/privval.sock', 'unix:///run/gaia/privval.sock'],
  [`unix://${longest}`, `unix://${longest}`],
];
for (const [address, text] of good) {
  test(`${address.slice(0, 40)} is read`, () => {
    assert.equal(parseValidatorAddress(address).text, text);
  });
}

test('the parts are what is dialled', () => {
  assert.deepEqual(parseValidatorAddress('tcp://[::1]:26659'), {
    ...{ kind: 'tcp', host: '::1', port: 26_659, text: 'tcp://[::1]:26659' },
  });
  assert.deepEqual(parseValidatorAddress('unix:///a b.sock'), {
    ...{ kind: 'unix', path: '/a b.sock', text: 'unix:///a b.sock' },
  });
});

const refused: readonly (readonly [address: string, says: RegExp])[] = [
  ['', /not host:port/],
  ['tcp://', /not host:port/],
  ['tcp://:26659', /not host:port/],
  ['tcp://host', /not host:port/],
  ['tcp://host:', /not host:port/],
  ['tcp://host:26659/path', /not host:port/],
  ['tcp://host:0', /0 is not a port/],
  ['tcp://host:65536', /65536 is not a port/],
  ['tcp://host:2e3', /not host:port/],
  ['tcp://::1:26659', /IPv6 host goes in brackets/],
  ['tcp://[10.0.0.1]:26659', /not host:port/],
  ['tcp://d08fca3ba74cf17c@host:26659', /peer id is no use/],
  ['noise://id@10.0.0.1:26659', /noise:\/\/ is not supported/],
  ['http://host:26657', /"http" is neither tcp nor unix/],
  ['unix://privval.sock', /absolute path/],
  ['unix://', /absolute path/],
  [`unix://${longest}a`, /107 bytes, this one has 108/],
  [`unix:///${'ä'.repeat(60)}`, /107 bytes, this one has 121/],
];
for (const [address, says] of refused) {
  test(`${JSON.stringify(address.slice(0, 40))} is refused`, () => {
    assert.throws(
      () => parseValidatorAddress(address),
      (error: unknown) =>
        error instanceof PrivvalError &&
        error.code === 'PRIVVAL_ADDRESS' &&
        says.test(error.message),
    );
  });
}
