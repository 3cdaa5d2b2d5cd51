/**
 * What `init` writes, the parser takes; what the schema says of itself, holds.
 *
 * Owns    the agreement of scaffold, schema and parser.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseConfigFile, readValue } from '../src/config/file.js';
import { loadSettings } from '../src/config/load.js';
import { scaffold } from '../src/config/scaffold.js';
import {
  chainKeys,
  type KeySpec,
  privvalKeys,
  raftKeys,
  raftProfiles,
  signingKeys,
  tlsKeys,
  topLevelKeys,
} from '../src/config/schema.js';
import { readers } from '../src/config/values.js';
import { around, scratch } from './scratch-homes.js';

const everyTable = [topLevelKeys, tlsKeys, raftKeys, signingKeys, privvalKeys, chainKeys];

test('an empty scaffold sets nothing', () => {
  const parsed = parseConfigFile(scaffold({}), 'config.toml');
  assert.deepEqual(parsed.top, {});
  assert.deepEqual(parsed.tables, { tls: {}, raft: {}, signing: {}, privval: {} });
  assert.deepEqual(parsed.chains, []);
});

test('with every line uncommented, the scaffold is still a valid file with every key', () => {
  const all = scaffold({}).replace(/^# (?=[a-z_]+ = |\[\[)/gm, '');
  const parsed = parseConfigFile(all, 'config.toml');
  const keys = (specs: object): readonly string[] => Object.keys(specs).sort();
  const expected = keys(topLevelKeys).filter((key) => key !== 'allow_unsafe');
  assert.deepEqual(keys(parsed.top), expected);
  assert.deepEqual(keys(parsed.tables.raft), keys(raftKeys));
  assert.deepEqual(keys(parsed.tables.signing), keys(signingKeys));
  assert.deepEqual(keys(parsed.tables.privval), keys(privvalKeys));
  assert.deepEqual(keys(parsed.tables.tls), keys(tlsKeys));
  assert.deepEqual(keys(parsed.chains[0] ?? {}), [...keys(chainKeys), 'where'].sort());
});

test('every default is a value that its own row would take', () => {
  for (const table of everyTable) {
    for (const [key, spec] of Object.entries<KeySpec>(table)) {
      if (spec.default === undefined) continue;
      const value: unknown = JSON.parse(spec.default);
      assert.doesNotThrow(() => readValue(spec, value), `${key} = ${spec.default}`);
    }
  }
});

test('every key has a default or an example, and a description in lines that fit', () => {
  for (const table of everyTable) {
    for (const [key, spec] of Object.entries<KeySpec>(table)) {
      assert.ok((spec.default ?? spec.example) !== undefined, key);
      assert.ok(spec.doc.length > 0 && spec.doc.every((line) => line.length <= 97), key);
    }
  }
});

test('every profile keeps the inequalities that single keys must keep', () => {
  for (const [name, profile] of Object.entries(raftProfiles)) {
    const election = readers.duration(profile.election_timeout);
    assert.ok(election >= 4 * readers.duration(profile.heartbeat_interval), name);
    assert.ok(readers.duration(profile.lease) < election, name);
  }
});

test('settings: defaults, a profile, and single keys over it, with their units', async (t) => {
  const home = await scratch(t);
  const load = async (toml: string) => {
    await writeFile(join(home, 'config.toml'), toml);
    const flags = { home, solo: true, chainId: 'c', validatorAddr: ['tcp://v:1'] };
    return loadSettings(flags, around(home));
  };
  const plain = await load('');
  assert.deepEqual(plain.raft, {
    heartbeatIntervalMs: 25,
    electionTimeoutMs: 120,
    leaseMs: 100,
    snapshotEntries: 1000,
    minFreeDiskBytes: 256 * 1024 * 1024,
  });
  assert.deepEqual(plain.signing, { deadlineMs: 1000, latencyBudgetMs: 10 });
  assert.deepEqual(plain.privval, {
    dialTimeoutMs: 3000,
    redialIntervalMs: 500,
    handshakeTimeoutMs: 10_000,
    idleTimeoutMs: 7000,
    maxMessageBytes: 2 * 1024 * 1024,
  });
  assert.equal(plain.tls.keyPath, join(home, 'tls/replica.key'));
  const wan = await load('[raft]\nprofile = "wan"\nlease = "500ms"\n');
  const { heartbeatIntervalMs, electionTimeoutMs, leaseMs } = wan.raft;
  assert.deepEqual([heartbeatIntervalMs, electionTimeoutMs, leaseMs], [100, 1000, 500]);
});

test('[[chain]]: several chains, two keys on one chain, one key on two chains', async (t) => {
  const home = await scratch(t);
  await writeFile(
    join(home, 'config.toml'),
    [
      'solo = true',
      '[[chain]]\nid = "hub"\nvalidators = "tcp://a:1"',
      `[[chain]]\nid = "hub"\nkey = "priv/new/key.json"\naddress = "${'0a'.repeat(20)}"\nvalidators = ["tcp://a:2"]`,
      '[[chain]]\nid = "consumer"\nkey = "priv/hub/priv_validator_key.json"\nstate = "priv/consumer.json"\nvalidators = ["unix:///run/x.sock"]',
    ].join('\n'),
  );
  const { chains } = loadSettings({ home }, around(home));
  const seen = chains.map((chain) => [chain.id, chain.keyPath, chain.statePath, chain.address]);
  const at = (path: string): string => join(home, path);
  const hubKey = at('priv/hub/priv_validator_key.json');
  assert.deepEqual(seen, [
    ['hub', hubKey, at('priv/hub/priv_validator_state.json'), null],
    ['hub', at('priv/new/key.json'), at('priv/new/priv_validator_state.json'), '0A'.repeat(20)],
    ['consumer', hubKey, at('priv/consumer.json'), null],
  ]);
});
