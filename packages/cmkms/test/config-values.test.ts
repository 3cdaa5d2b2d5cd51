/**
 * Single values: durations, sizes, addresses, names.
 *
 * Owns    the table of what is taken and what is refused, with the words of the refusal.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  covers,
  formatHostPort,
  isLoopback,
  parseHostPort,
  parsePeer,
  parseValidator,
} from '../src/config/addresses.js';
import { BadValue, readers, splitList } from '../src/config/values.js';

function says(read: () => unknown): string {
  try {
    return JSON.stringify(read());
  } catch (error) {
    assert.ok(error instanceof BadValue, String(error));
    return error.message;
  }
}

const durations: readonly (readonly [value: unknown, said: string])[] = [
  ['25ms', '25'],
  ['1s', '1000'],
  ['1.5s', '1500'],
  ['10m', '600000'],
  ['1h', '3600000'],
  [25, '25 has no unit'],
  ['25', '"25" is not a duration'],
  ['0.5ms', '"0.5ms" is not a duration'],
  ['-1s', '"-1s" is not a duration'],
  ['1d', '"1d" is not a duration'],
  ['1 s', '"1 s" is not a duration'],
  ['9999999999999h', '"9999999999999h" is not a duration'],
  [true, 'true is not a duration'],
];
for (const [value, said] of durations) {
  test(`a duration ${JSON.stringify(value)}: ${said}`, () =>
    assert.equal(
      says(() => readers.duration(value)),
      said,
    ));
}

const sizes: readonly (readonly [value: unknown, said: string])[] = [
  ['256MiB', '268435456'],
  ['512B', '512'],
  ['1GiB', '1073741824'],
  ['64KiB', '65536'],
  [1024, '1024 has no unit'],
  ['1MB', '"1MB" is not a size'],
];
for (const [value, said] of sizes) {
  test(`a size ${JSON.stringify(value)}: ${said}`, () =>
    assert.equal(
      says(() => readers.size(value)),
      said,
    ));
}

test('a list in a variable: blanks and empty items do not count', () =>
  assert.deepEqual(splitList(' a=1:1, b=2:2 ,,'), ['a=1:1', 'b=2:2']));

const listens: readonly (readonly [value: string, said: string])[] = [
  [':8080', '{"host":"","port":8080}'],
  ['10.0.0.10:9430', '{"host":"10.0.0.10","port":9430}'],
  ['[::1]:9430', '{"host":"::1","port":9430}'],
  ['kms-a.internal:9430', '{"host":"kms-a.internal","port":9430}'],
  ['127.0.0.1:0', '{"host":"127.0.0.1","port":0}'],
  ['::1:9430', '"::1:9430" is not host:port'],
  ['8080', '"8080" is not host:port'],
  ['http://a:80', '"http://a:80" is not host:port'],
  ['a:65536', '"a:65536" has no usable port'],
  ['a b:80', '"a b:80" is not host:port'],
];
for (const [value, said] of listens) {
  test(`listening on ${value}: ${said}`, () =>
    assert.equal(
      says(() => parseHostPort(value, 'listen')),
      said,
    ));
}

test('what is listened on cannot be dialled', () => {
  for (const value of ['0.0.0.0:9430', '[::]:9430', ':9430']) {
    assert.match(
      says(() => parseHostPort(value, 'dial')),
      /no address that can be dialled/,
    );
  }
  assert.match(
    says(() => parseHostPort('a:0', 'dial')),
    /no usable port/,
  );
});

const peers: readonly (readonly [value: string, said: string])[] = [
  ['kms-a=10.0.0.10:9430', '{"name":"kms-a","host":"10.0.0.10","port":9430}'],
  ['kms-a@10.0.0.10:9430', '"kms-a@10.0.0.10:9430" is not id=host:port'],
  ['=10.0.0.10:9430', '"" is no name for a replica'],
  ['../x=10.0.0.10:9430', '"../x" is no name for a replica'],
  ['a=', '"" is not host:port'],
];
for (const [value, said] of peers) {
  test(`a peer ${value}: ${said}`, () =>
    assert.equal(
      says(() => parsePeer(value)),
      said,
    ));
}

test('a validator: tcp, unix, and the Go form without a scheme', () => {
  assert.equal(parseValidator('tcp://10.0.1.20:26659').text, 'tcp://10.0.1.20:26659');
  assert.equal(parseValidator('10.0.1.20:26659').text, 'tcp://10.0.1.20:26659');
  const unix = parseValidator('unix:///run/node/privval.sock');
  assert.equal(unix.kind === 'unix' && unix.path, '/run/node/privval.sock');
  assert.match(
    says(() => parseValidator('unix://privval.sock')),
    /has no absolute path/,
  );
  assert.match(
    says(() => parseValidator('noise://a:1')),
    /scheme noise:\/\/, which is not/,
  );
  assert.match(
    says(() => parseValidator('tcp://0.0.0.0:26659')),
    /cannot be|can be dialled/,
  );
});

test('a socket path has at most 107 bytes, counted in bytes', () => {
  const path = (length: number): string => `unix:///${'a'.repeat(length - 1)}`;
  assert.equal(parseValidator(path(107)).kind, 'unix');
  assert.match(
    says(() => parseValidator(path(108))),
    /is 108 bytes long/,
  );
  assert.match(
    says(() => parseValidator(`unix:///${'ü'.repeat(54)}`)),
    /is 109 bytes long/,
  );
});

test('an IPv6 address is printed as it is written', () =>
  assert.equal(formatHostPort({ host: '::1', port: 1 }), '[::1]:1'));

test('loopback is 127/8, ::1 and localhost, and nothing else', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) assert.ok(isLoopback(host));
  for (const host of ['', '0.0.0.0', '10.0.0.1', '128.0.0.1', 'vm', '127.0.0.1.example.org']) {
    assert.ok(!isLoopback(host), host);
  }
});

const local = new Set(['10.0.0.10']);
const overlaps: readonly (readonly [listen: string, target: string, covered: boolean])[] = [
  [':8080', '127.0.0.1:8080', true],
  ['0.0.0.0:8080', 'localhost:8080', true],
  [':8080', '10.0.0.10:8080', true],
  [':8080', '10.0.0.11:8080', false],
  [':8080', '127.0.0.1:8081', false],
  ['127.0.0.1:8080', 'localhost:8080', true],
  ['10.0.0.10:8080', '127.0.0.1:8080', false],
  ['127.0.0.1:0', '127.0.0.1:0', false],
];
for (const [listen, target, covered] of overlaps) {
  test(`${listen} ${covered ? 'covers' : 'leaves'} ${target}`, () => {
    const [a, b] = [parseHostPort(listen, 'listen'), parseHostPort(target, 'listen')];
    assert.equal(covers(a, b, local), covered);
  });
}
