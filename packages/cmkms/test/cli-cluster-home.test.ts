/** `cluster home` and `cluster cert renew`: a new identity, and an old one that stays. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readReplicaCertificate } from '@cometkms/consensus';
import { writeKeyFile } from '@cometkms/signer';
import { checkHome } from '../src/check-home.js';
import { run } from '../src/cli/run.js';
import { loadSettings } from '../src/config/load.js';
import { readJoinFile } from '../src/home-records.js';
import {
  around,
  CHAIN,
  cmkms,
  keyOf,
  makeFleet,
  scratch,
  terminal,
  VALIDATOR,
} from './scratch-homes.js';

const peers = ['a', 'b', 'd'].map((name, i) => `${name}=127.0.0.1:${39_430 + i}`);

async function typed(directory: string, ...args: readonly string[]) {
  const said = terminal(directory);
  const code = await run(args, said);
  return { code, ...said.printed };
}

const homeArgs = [
  ...['cluster', 'home', '--ca', 'fleet/ca', '--id', 'd', '--chain-id', CHAIN],
  ...['--validator-addr', VALIDATOR, ...peers.flatMap((peer) => ['--peer', peer])],
];

test('a home that joins: the identity of its certificate, a record of joining, no genesis', async (t) => {
  const directory = await scratch(t);
  const fleet = await makeFleet(directory);
  const made = await typed(directory, ...homeArgs, '--out', 'fleet');
  assert.deepEqual([made.code, made.err], [0, '']);
  const home = join(directory, 'fleet', 'd');
  assert.deepEqual((await readdir(home, { recursive: true })).sort(), [
    ...[
      'config.toml',
      'join.json',
      'priv',
      'tls',
      'tls/ca.crt',
      'tls/replica.crt',
      'tls/replica.key',
    ],
  ]);
  const certificate = readReplicaCertificate(await readFile(join(home, 'tls', 'replica.crt')));
  const joins = await readJoinFile(join(home, 'join.json'));
  const { clusterId, identity } = certificate;
  assert.deepEqual(joins, { clusterId, identity, name: 'd', witness: false });
  const other = readReplicaCertificate(await readFile(join(fleet['a'] ?? '', 'tls/replica.crt')));
  assert.equal(other.clusterId, clusterId);
  for (const command of [
    `cmkms cluster add d=127.0.0.1:39432 --identity ${identity}\n`,
    `cmkms cluster replace <old id> --with d=127.0.0.1:39432 --identity ${identity}\n`,
  ]) {
    assert.ok(made.out.includes(command), command);
  }
  assert.equal((await stat(join(home, 'tls', 'replica.key'))).mode & 0o777, 0o600);
  await writeKeyFile(join(home, 'priv', 'priv_validator_key.json'), keyOf(1));
  const checked = await checkHome(loadSettings({ home }, around(directory)));
  assert.deepEqual([checked.join?.name, checked.genesis, checked.witness], ['d', null, false]);
});

test('a second one of the same name is another identity; nothing is written over', async (t) => {
  const directory = await scratch(t);
  await makeFleet(directory);
  const first = await typed(directory, ...homeArgs, '--out', 'new', '--json');
  const { identity, home } = JSON.parse(first.out) as Record<string, string>;
  assert.equal(home, join(directory, 'new'), 'a directory that is not there is the home itself');
  const second = await typed(directory, ...homeArgs, '--out', 'other', '--json');
  assert.notEqual((JSON.parse(second.out) as Record<string, string>)['identity'], identity);
  assert.equal((await typed(directory, ...homeArgs, '--out', 'fleet')).code, 0);
  const again = await typed(directory, ...homeArgs, '--out', 'fleet');
  assert.deepEqual([again.code, again.err.split(':')[0]], [2, 'error EXISTS']);
  assert.deepEqual((await readdir(directory)).sort(), ['fleet', 'new', 'other']);
});

test('a witness that joins has no chain, and its home says what it is', async (t) => {
  const directory = await scratch(t);
  await makeFleet(directory);
  const args = ['cluster', 'home', '--ca', 'fleet/ca', '--id', 'w', '--out', 'w', '--witness'];
  const made = await typed(directory, ...args);
  assert.deepEqual([made.code, made.err], [0, '']);
  assert.match(made.out, /cluster add w=<host:port> --identity [0-9a-f]{64} --witness\n/);
  assert.equal((await readJoinFile(join(directory, 'w', 'join.json')))?.witness, true);
  const chained = await typed(directory, ...args, '--chain-id', CHAIN);
  assert.match(chained.err, /^error CONFIG: --witness: a witness signs for no chain\./);
});

test('no authority, half of one, another certificate in its place', async (t) => {
  const directory = await scratch(t);
  const fleet = await makeFleet(directory);
  const ca = (name: string) => join(directory, name);
  await mkdir(ca('half'));
  await copyFile(ca('fleet/ca/ca.crt'), ca('half/ca.crt'));
  await mkdir(ca('leaf'));
  await copyFile(join(fleet['a'] ?? '', 'tls/replica.crt'), ca('leaf/ca.crt'));
  await copyFile(join(fleet['a'] ?? '', 'tls/replica.key'), ca('leaf/ca.key'));
  await mkdir(ca('mixed'));
  await copyFile(ca('fleet/ca/ca.crt'), ca('mixed/ca.crt'));
  await copyFile(join(fleet['a'] ?? '', 'tls/replica.key'), ca('mixed/ca.key'));
  const rows: readonly (readonly [string, RegExp])[] = [
    ['nowhere', /nowhere\/ca\.crt cannot issue certificates: it is missing/],
    ['half', /half\/ca\.key cannot issue certificates: it is missing/],
    ['leaf', /leaf\/ca\.crt cannot issue certificates: it is not the authority of a cluster/],
    ['mixed', /mixed\/ca\.key cannot issue certificates: it is not the private key of ca\.crt/],
  ];
  for (const [place, says] of rows) {
    const args = ['cluster', 'home', '--ca', place, '--id', 'd', '--out', 'd'];
    const { code, err } = await typed(directory, ...args);
    assert.deepEqual([code, err.split(':')[0]], [2, 'error AUTHORITY']);
    assert.match(err, says);
  }
  assert.ok(!(await readdir(directory)).some((name) => /^\.?d\b/.test(name)), 'nothing was begun');
});

test('a renewed certificate is for the same key pair, and takes the place of the old one', async (t) => {
  const directory = await scratch(t);
  const fleet = await makeFleet(directory);
  const path = join(fleet['a'] ?? '', 'tls', 'replica.crt');
  const old = await readFile(path, 'utf8');
  const args = ['cluster', 'cert', 'renew', '--ca', 'fleet/ca', '--cert', path, '--out', 'new.crt'];
  const { code, out, err } = await cmkms(args, { cwd: directory });
  assert.deepEqual([code, err], [0, '']);
  const renewed = await readFile(join(directory, 'new.crt'), 'utf8');
  assert.notEqual(renewed, old);
  assert.notEqual(new X509Certificate(renewed).serialNumber, new X509Certificate(old).serialNumber);
  const said = readReplicaCertificate(old);
  const { identity, replicaName, clusterId } = readReplicaCertificate(renewed);
  assert.deepEqual([identity, replicaName, clusterId], [said.identity, 'a', said.clusterId]);
  assert.ok(out.includes(`identity ${identity}, as before\n`), out);
  await writeFile(path, renewed);
  await writeKeyFile(join(fleet['a'] ?? '', 'priv', 'priv_validator_key.json'), keyOf(1));
  await checkHome(loadSettings({ home: fleet['a'] ?? '' }, around(directory)));
  const again = await typed(directory, ...args);
  assert.equal(again.err.split(':')[0], 'error EXISTS');
});

test('another cluster’s certificate is not renewed, nor is what is none', async (t) => {
  const directory = await scratch(t);
  await makeFleet(directory);
  const theirs = await makeFleet(directory, ['a', 'b'], 'theirs');
  const renew = (cert: string) =>
    typed(directory, 'cluster', 'cert', 'renew', '--ca', 'fleet/ca', '--cert', cert, '--out', 'n');
  const foreign = await renew(join(theirs['a'] ?? '', 'tls', 'replica.crt'));
  assert.match(foreign.err, /^error USAGE: --cert .*: another authority issued it/);
  const key = await renew(join(theirs['a'] ?? '', 'tls', 'replica.key'));
  assert.match(key.err, /^error USAGE: --cert .*: not a usable replica certificate/);
  assert.match((await renew('nowhere')).err, /^error USAGE: --cert .*nowhere: no such file/);
  assert.ok(!(await readdir(directory)).includes('n'));
});
