/** Addresses as operators write them, and what is loopback. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isForeignAddress, isLoopback, parseAddress } from '../src/transport/address.js';

test('host:port, with brackets around IPv6 and nothing else', () => {
  assert.deepEqual(parseAddress('kms-a:9430'), { host: 'kms-a', port: 9430 });
  assert.deepEqual(parseAddress('10.0.0.10:0'), { host: '10.0.0.10', port: 0 });
  assert.deepEqual(parseAddress('[::1]:9430'), { host: '::1', port: 9430 });
  for (const wrong of [
    '',
    'a',
    'a:',
    ':1',
    'a:b',
    '::1:9430',
    '[a]:1',
    'a:65536',
    'a:1:2',
    '[]:1',
  ]) {
    assert.throws(() => parseAddress(wrong), { code: 'CONSENSUS_ADDRESS_INVALID' }, wrong);
  }
});

const rows: readonly (readonly [address: string, loopback: boolean])[] = [
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['128.0.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['fe80::1', false],
];
for (const [address, expected] of rows) {
  test(`${address} is ${expected ? '' : 'not '}loopback`, () => {
    assert.equal(isLoopback(address), expected);
    assert.equal(isForeignAddress(address), !expected);
  });
}

test('a name is neither until it is resolved', () => {
  assert.equal(isLoopback('localhost'), false);
  assert.equal(isForeignAddress('localhost'), false);
});
