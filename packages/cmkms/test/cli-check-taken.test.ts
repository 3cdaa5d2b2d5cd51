/**
 * What `check` takes, what it hands on, and what only the kernel refuses.
 *
 * Owns    the cases in which a home is good although it looks odd, and that nothing is written.
 */
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatStateFile, writeKeyFile } from '@cometkms/signer';
import { type Checked, checkHome } from '../src/check-home.js';
import { loadSettings } from '../src/config/load.js';
import { CmkmsError } from '../src/errors.js';
import { check, goodWorld, keepLog, markJoined, otherPeers } from './checked-world.js';
import {
  addressOfSeed,
  around,
  CHAIN,
  cmkms,
  keyOf,
  scratch,
  VALIDATOR,
  zeroState,
} from './scratch-homes.js';

test('what was checked is handed on, loaded once', async (t) => {
  const world = await goodWorld(await scratch(t));
  const checked = await check(world, {});
  assert.equal(checked.name, 'a');
  assert.deepEqual(
    checked.members.map((member) => member.name),
    ['a', 'b', 'c'],
  );
  assert.ok(checked.members.every((member) => /^[0-9a-f]{64}$/.test(member.identity ?? '')));
  assert.deepEqual(checked.raftListen, { host: '127.0.0.1', port: 39_430 });
  assert.equal(checked.tls?.certificate.replicaName, 'a');
  assert.equal(checked.replica, null);
  const [chain] = checked.chains;
  assert.equal(chain?.keyAddress, addressOfSeed(1));
  assert.equal(chain?.state?.position.height, 7n);
  assert.deepEqual([chain?.neverSigned, chain?.imported], [false, null]);
});

test('nothing is written: the home is the same after a check', async (t) => {
  const world = await goodWorld(await scratch(t));
  const look = async (): Promise<readonly string[]> =>
    (await readdir(world.home, { recursive: true })).sort();
  const before = await look();
  await check(world, {});
  assert.deepEqual(await look(), before);
});

test('a state at height 0 counts as nothing, so the statement may stand beside it', async (t) => {
  const world = await goodWorld(await scratch(t));
  await writeFile(world.state, formatStateFile(zeroState));
  const checked = await check(world, { allowFreshState: [CHAIN] });
  assert.deepEqual([checked.chains[0]?.state, checked.chains[0]?.neverSigned], [null, true]);
});

test('in a cluster a replica without a state may start: another one may have it', async (t) => {
  const world = await goodWorld(await scratch(t));
  await rm(world.state);
  assert.equal((await check(world, {})).chains[0]?.state, null);
});

test('after joining: other peers are for the log to judge, and the statement is no contradiction', async (t) => {
  const world = await goodWorld(await scratch(t));
  await markJoined(world);
  await keepLog(world);
  const checked = await check(world, { peer: otherPeers, allowFreshState: [CHAIN] });
  assert.equal(checked.replica?.name, 'a');
  // Never alone, though: a member that is told so would be a second signer.
  const solo = { solo: true, peer: [] };
  await assert.rejects(check(world, solo), { code: 'MEMBERS_DIFFER' });
});

test('one key in two places is one record: refused', async (t) => {
  const world = await goodWorld(await scratch(t));
  const table = (name: string, port: number): string =>
    `[[chain]]\nid = "${CHAIN}"\nkey = "priv/${name}.json"\nstate = "priv/${name}-state.json"\nvalidators = ["tcp://127.0.0.1:${port}"]\n`;
  await writeFile(
    join(world.home, 'config.toml'),
    `peer = ["a=127.0.0.1:1", "b=127.0.0.1:2", "c=127.0.0.1:3"]\n${table('one', 4)}${table('two', 5)}`,
  );
  await writeKeyFile(join(world.home, 'priv', 'one.json'), keyOf(1));
  await writeKeyFile(join(world.home, 'priv', 'two.json'), keyOf(1));
  await assert.rejects(check(world, {}), { code: 'ADDR_CLASH' });
  await writeKeyFile(join(world.home, 'priv', 'two.json'), keyOf(2));
  assert.equal((await check(world, {})).chains.length, 2);
});

test('the address in the config holds the key to it', async (t) => {
  const world = await goodWorld(await scratch(t));
  await writeFile(
    join(world.home, 'config.toml'),
    `peer = ["a=127.0.0.1:1", "b=127.0.0.1:2", "c=127.0.0.1:3"]\n[[chain]]\nid = "${CHAIN}"\nkey = "priv/priv_validator_key.json"\naddress = "${addressOfSeed(2)}"\nvalidators = ["${VALIDATOR}"]\n`,
  );
  await assert.rejects(check(world, {}), { code: 'KEY_DIFFERS' });
});

test('on loopback the flags of the Go program are enough, with the host name as id', async (t) => {
  const directory = await scratch(t);
  await mkdir(join(directory, 'priv'));
  await writeKeyFile(join(directory, 'priv', 'priv_validator_key.json'), keyOf(1));
  const flags = {
    home: directory,
    insecureRaft: true,
    peer: ['vm=127.0.0.1:1', 'b=127.0.0.1:2'],
    chainId: CHAIN,
    validatorAddr: [VALIDATOR],
  };
  const checked = await checkHome(loadSettings(flags, around(directory)));
  assert.deepEqual([checked.name, checked.tls, checked.genesis], ['vm', null, null]);
  assert.deepEqual(await readdir(directory), ['priv'], 'no config.toml is written');
  const without = { ...flags, insecureRaft: false };
  await assert.rejects(checkHome(loadSettings(without, around(directory))), {
    code: 'TLS_MISSING',
  });
});

test('a certificate is good until its last day, and warns sixty days before', async (t) => {
  const world = await goodWorld(await scratch(t));
  const settings = loadSettings({ home: world.home }, around(world.directory));
  const end = (await checkHome(settings)).tls?.certificate.notAfter.getTime() ?? 0;
  const day = 24 * 3_600_000;
  const at = (daysBefore: number): Promise<Checked> =>
    checkHome(settings, new Date(end - daysBefore * day));
  assert.deepEqual((await at(61)).warnings, []);
  assert.equal((await at(59)).warnings[0]?.code, 'CERT_EXPIRES');
  await assert.rejects(at(-1), { code: 'TLS_DAMAGED', message: /it expired on 2/ });
});

test('an admin socket whose path is too long is refused by name', async (t) => {
  const directory = await scratch(t);
  const home = join(directory, 'a'.repeat(100));
  await mkdir(home);
  const flags = { home, solo: true, chainId: CHAIN, validatorAddr: [VALIDATOR] };
  await assert.rejects(checkHome(loadSettings(flags, around(directory))), (error) => {
    assert.ok(error instanceof CmkmsError);
    assert.equal(error.code, 'SOCKET_PATH');
    assert.match(error.message, /the admin socket .*admin\.sock is 1\d\d bytes long/);
    return true;
  });
});

/** Root may write everywhere: there the program runs as the user nobody. */
const plainUser = process.getuid?.() === 0 ? 65_534 : undefined;

test('a home that this user cannot write, or a key that it cannot read, ends in 4', async (t) => {
  const world = await goodWorld(await scratch(t));
  const own = async (path: string): Promise<void> => {
    if (plainUser !== undefined) await chown(path, plainUser, plainUser);
  };
  await chmod(world.directory, 0o755);
  await chmod(join(world.directory, 'fleet'), 0o755);
  for (const path of await readdir(world.home, { recursive: true }))
    await own(join(world.home, path));
  await own(world.home);
  const run = () =>
    cmkms(['check', '--home', world.home], plainUser === undefined ? {} : { uid: plainUser });
  assert.deepEqual((await run()).err, '');
  await chmod(join(world.home, 'priv'), 0o500);
  const unwritable = await run();
  assert.equal(unwritable.code, 4);
  assert.match(
    unwritable.err,
    /^error NOT_WRITABLE: .*\/priv cannot be written: EACCES\.\nfix: let/,
  );
  await chmod(join(world.home, 'priv'), 0o700);
  await chmod(world.key, 0o000);
  const unreadable = await run();
  assert.equal(unreadable.code, 4);
  assert.match(unreadable.err, /^error PERMISSION: permission denied: .*priv_validator_key\.json/);
  assert.equal((await stat(world.key)).mode & 0o777, 0, 'nothing was changed');
});
