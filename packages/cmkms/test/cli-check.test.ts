/**
 * One home per way to be wrong, and the code and words that it gets.
 *
 * Owns    the checks that `start` makes before it binds: each row damages a good home in one place.
 * Rule    a row whose damage is not noticed fails: the good home passes first.
 */
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeStateFile } from '@cometkms/signer';
import type { Flags } from '../src/config/layers.js';
import { CmkmsError } from '../src/errors.js';
import { homePaths } from '../src/home.js';
import { writeJoinFile } from '../src/home-records.js';
import { writeImportNote } from '../src/import-note.js';
import {
  check,
  goodWorld,
  keepLog,
  markJoined,
  otherPeers,
  take,
  tls,
  type World,
} from './checked-world.js';
import {
  addressOfSeed,
  CHAIN,
  keyOf,
  makeNode,
  scratch,
  signedState,
  VALIDATOR,
  zeroState,
} from './scratch-homes.js';

type Row = readonly [
  why: string,
  damage: (world: World) => unknown,
  code: string,
  says: RegExp,
  flags?: Flags,
];

const rows: readonly Row[] = [
  [
    'no home',
    (w) => rm(w.home, { recursive: true }),
    'HOME_MISSING',
    /no home at .*\/a\.$/,
    { solo: true, chainId: CHAIN, validatorAddr: [VALIDATOR] },
  ],
  [
    'a log of the Go program',
    async (w) => {
      await mkdir(join(w.home, 'data', 'node-0'), { recursive: true });
      await writeFile(join(w.home, 'data', 'node-0', 'raft-log.bolt'), '');
    },
    'GO_DATA',
    /node-0\/raft-log\.bolt is from the Go CometKMS/,
  ],
  [
    'data is a file',
    (w) => writeFile(join(w.home, 'data'), ''),
    'NOT_WRITABLE',
    /data cannot be written: it is no directory/,
  ],
  [
    'no chain, in a home that holds a key',
    async (w) => {
      const path = join(w.home, 'config.toml');
      const toml = await readFile(path, 'utf8');
      await writeFile(
        path,
        toml.replace(/^(chain_id|validator_addr) = ("[^"]*"|\[[^\]]*\])/gm, ''),
      );
    },
    'CHAIN_MISSING',
    /config\.toml: no chain is configured, so there is nothing to sign\.$/,
  ],
  [
    'the records of a founder and of one that joins in one home',
    async (w) => {
      const join_ = { clusterId: 'c-1', name: 'a', identity: 'f'.repeat(64), witness: false };
      await writeJoinFile(join(w.home, 'join.json'), join_);
    },
    'CLUSTER_DIFFERS',
    /join\.json is of a home that joins a cluster, genesis\.json of one that founds it\.$/,
  ],
  [
    'the id of no peer',
    () => {},
    'ID_NOT_IN_PEERS',
    /^id "vm" \(from --id\) is not in peer \(a, b, c\)\.$/,
    { id: 'vm' },
  ],
  [
    "another replica's id",
    () => {},
    'CERT_ID',
    /tls\/replica\.crt is for a of cluster c-[0-9a-f]+, this replica is b of cluster c-/,
    { id: 'b' },
  ],
  [
    "another replica's tls, whole",
    (w) => take(w.sibling, w.home, tls('replica.crt'), tls('replica.key')),
    'CERT_ID',
    /is for b of cluster c-.*, this replica is a of/,
    { id: 'a' },
  ],
  [
    "another cluster's certificate",
    (w) => take(w.stranger, w.home, tls('ca.crt'), tls('replica.crt'), tls('replica.key')),
    'CERT_ID',
    /is for a of cluster c-(\w+), this replica is a of cluster c-(?!\1)/,
  ],
  [
    "another cluster's certificate under our authority",
    (w) => take(w.stranger, w.home, tls('replica.crt'), tls('replica.key')),
    'TLS_DAMAGED',
    /ca\.crt did not issue it: it is of another cluster/,
  ],
  [
    "another replica's private key",
    (w) => take(w.sibling, w.home, tls('replica.key')),
    'TLS_DAMAGED',
    /replica\.key cannot be used: it is not the private key of/,
  ],
  [
    'no certificate',
    (w) => rm(join(w.home, 'tls'), { recursive: true }),
    'TLS_MISSING',
    /tls\/replica\.crt is missing/,
  ],
  [
    'a certificate cut short',
    async (w) => {
      const path = join(w.home, tls('replica.crt'));
      await writeFile(path, (await readFile(path, 'utf8')).slice(0, 200));
    },
    'TLS_DAMAGED',
    /replica\.crt cannot be used/,
  ],
  [
    'a private key of the link that the group may read',
    (w) => chmod(join(w.home, tls('replica.key')), 0o640),
    'KEY_MODE',
    /replica\.key may be used by others \(mode 0640\)/,
  ],
  [
    '--insecure-raft in a home with certificates',
    () => {},
    'CONFIG',
    /^--insecure-raft: this home has certificates/,
    { insecureRaft: true },
  ],
  [
    '--solo in the home of a cluster',
    async (w) => {
      const path = join(w.home, 'config.toml');
      await writeFile(path, (await readFile(path, 'utf8')).replace(/^peer = \[[^\]]*\]/m, ''));
    },
    'MEMBERS_DIFFER',
    /config lists no peer; the cluster's members \(genesis\.json\) are a, b, c/,
    { solo: true },
  ],
  [
    'other members than the genesis',
    () => {},
    'MEMBERS_DIFFER',
    /config lists a, b, d; the cluster's members \(genesis\.json\) are a, b, c\.$/,
    { peer: otherPeers },
  ],
  [
    'a genesis that is no JSON',
    (w) => writeFile(join(w.home, 'genesis.json'), '{'),
    'RECORD_DAMAGED',
    /genesis\.json is damaged/,
  ],
  [
    'a genesis with a field missing',
    (w) =>
      writeFile(
        join(w.home, 'genesis.json'),
        '{"version":1,"clusterId":"c-1","members":[{"name":"a"}]}',
      ),
    'RECORD_DAMAGED',
    /is damaged: address is missing/,
  ],
  [
    'a replica.json of a later version',
    (w) => writeFile(join(w.home, 'priv', 'replica.json'), '{"version":2}'),
    'RECORD_DAMAGED',
    /replica\.json is damaged: its version is not 1/,
  ],
  [
    'joined, and no log',
    (w) => markJoined(w),
    'DATA_MISSING',
    /data\/wal holds no log, but this replica belongs to cluster c-.* \(priv\/replica\.json, since 2026-01-02/,
  ],
  [
    'joined, and an empty directory for the log',
    async (w) => {
      await markJoined(w);
      await mkdir(homePaths(w.home).wal, { recursive: true });
    },
    'DATA_MISSING',
    /volume is not mounted/,
  ],
  [
    'joined to another cluster',
    async (w) => {
      await markJoined(w, { clusterId: 'c-other' });
      await keepLog(w);
    },
    'CLUSTER_DIFFERS',
    /replica\.json is of cluster c-other, genesis\.json of cluster c-/,
  ],
  [
    'joined under another identity',
    async (w) => {
      await markJoined(w, { identity: 'ab'.repeat(32) });
      await keepLog(w);
    },
    'CERT_ID',
    /under the identity [0-9a-f]{16}, this replica is a under abababababababab/,
  ],
  [
    'no key',
    (w) => rm(w.key),
    'KEY_MISSING',
    /chain test-1: no consensus key at .*priv_validator_key\.json/,
  ],
  [
    'a key that the group may read',
    (w) => chmod(w.key, 0o640),
    'KEY_MODE',
    /priv_validator_key\.json may be used by its group \(mode 0640\)/,
  ],
  [
    'a key that is a link',
    async (w) => {
      await copyFile(w.key, join(w.directory, 'elsewhere'));
      await rm(w.key);
      await symlink(join(w.directory, 'elsewhere'), w.key);
    },
    'KEY_MODE',
    /is no plain file/,
  ],
  [
    'a key cut short',
    async (w) => writeFile(w.key, (await readFile(w.key)).subarray(0, 60)),
    'KEY_DAMAGED',
    /is no usable consensus key/,
  ],
  [
    'a key of another type',
    async (w) =>
      writeFile(w.key, (await readFile(w.key, 'utf8')).replaceAll('Ed25519', 'Secp256k1')),
    'KEY_DAMAGED',
    /Secp256k1; ed25519 is the type/,
  ],
  [
    'a state that is empty',
    (w) => writeFile(w.state, ''),
    'STATE_DAMAGED',
    /priv_validator_state\.json cannot be read: it is empty/,
  ],
  [
    'a state with a bare height',
    (w) => writeFile(w.state, '{"height":7,"round":0,"step":3}'),
    'STATE_DAMAGED',
    /bare number/,
  ],
  [
    "another key's state",
    async (w) => writeStateFile(w.state, await signedState(keyOf(2), 7n)),
    'STATE_FOREIGN',
    new RegExp(`its signature is not by the key ${addressOfSeed(1)}`),
  ],
  [
    "another chain's state",
    async (w) => writeStateFile(w.state, await signedState(keyOf(1), 7n, { chainId: 'other-1' })),
    'STATE_FOREIGN',
    /sign bytes are of chain other-1, not test-1/,
  ],
  [
    'a state beside the statement that the key never signed',
    () => {},
    'STATE_CONTRADICTS',
    /says that the key never signed, but .* is at 7\/0\/3/,
    { allowFreshState: [CHAIN] },
  ],
  [
    "a key that still lies in the node's home",
    async (w) => {
      const node = await makeNode(w.directory, keyOf(1), zeroState);
      const importedAt = '2026-01-02T00:00:00.000Z';
      await writeImportNote(w.state, {
        nodeKeyPath: node.key,
        nodeStatePath: node.state,
        keyAddress: addressOfSeed(1),
        position: '7/0/3',
        importedAt,
      });
    },
    'NODE_KEY_REMAINS',
    /still lies in the node's home \(.*node\/config\/priv_validator_key\.json\)/,
  ],
  [
    'the own address of the peer list under HTTP',
    () => {},
    'ADDR_CLASH',
    /http_addr "127\.0\.0\.1:39430" covers raft_addr "127\.0\.0\.1:39430"/,
    { httpAddr: '127.0.0.1:39430' },
  ],
];

for (const [why, damage, code, says, flags] of rows) {
  test(`${code}: ${why}`, async (t) => {
    const world = await goodWorld(await scratch(t));
    await check(world, {});
    await damage(world);
    await assert.rejects(check(world, flags ?? {}), (error) => {
      assert.ok(error instanceof CmkmsError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, says);
      return true;
    });
  });
}
