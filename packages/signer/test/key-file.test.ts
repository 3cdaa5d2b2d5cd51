/** priv_validator_key.json on a real disk: what is taken, what is refused with which words, and what is never said. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, link, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { readKeyFile, type SignerCode, SignerError, writeKeyFile } from '../src/index.js';
import { inTemporaryDirectory } from './temporary.js';
import { fixture, key } from './worlds.js';

/** As `cometbft init` writes it. */
const good = {
  address: fixture.address,
  pub_key: { type: 'tendermint/PubKeyEd25519', value: fixture.publicBase64 },
  priv_key: { type: 'tendermint/PrivKeyEd25519', value: fixture.privateBase64 },
};

async function written(dir: string, text: string, mode = 0o600): Promise<string> {
  const path = join(dir, 'priv_validator_key.json');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

async function refusal(path: string): Promise<SignerError> {
  try {
    await readKeyFile(path);
  } catch (error) {
    assert.ok(error instanceof SignerError, String(error));
    assertSilent(error);
    return error;
  }
  return assert.fail('the key file was taken');
}

/** Neither half of the private key, nor any eight bytes of it, in the error or its causes. */
function assertSilent(error: unknown): void {
  const shown = inspect(error, { depth: null, showHidden: true });
  const seedBase64 = fixture.privateBase64.slice(0, 43);
  for (let i = 0; i + 12 <= seedBase64.length; i++) {
    assert.ok(!shown.includes(seedBase64.slice(i, i + 12)), `the error shows the key:\n${shown}`);
  }
}

test('a file as CometBFT writes it is read', () =>
  inTemporaryDirectory(async (dir) => {
    for (const mode of [0o600, 0o400]) {
      const read = await readKeyFile(await written(dir, JSON.stringify(good, null, 2), mode));
      assert.deepEqual(read.publicKey, key.publicKey);
      await chmod(join(dir, 'priv_validator_key.json'), 0o600);
    }
  }));

const other = Buffer.alloc(32, 9).toString('base64');
const halves = Buffer.concat([
  Buffer.from(fixture.privateBase64, 'base64').subarray(0, 32),
  Buffer.alloc(32, 9),
]).toString('base64');
const seedAlone = Buffer.from(fixture.privateBase64, 'base64').subarray(0, 32).toString('base64');
const withPriv = (value: unknown) => ({ ...good, priv_key: { ...good.priv_key, value } });
const withPub = (value: unknown) => ({ ...good, pub_key: { ...good.pub_key, value } });

const damages: readonly (readonly [why: string, file: unknown, code: SignerCode])[] = [
  ['an empty file', '', 'SIGNER_KEY_DAMAGED'],
  ['half a file', JSON.stringify(good).slice(0, 250), 'SIGNER_KEY_DAMAGED'],
  ['a stray letter beside the key', `${JSON.stringify(good)}x`, 'SIGNER_KEY_DAMAGED'],
  ['the key without quotes', JSON.stringify(good).replace(/"8O39/, '8O39'), 'SIGNER_KEY_DAMAGED'],
  ['null', null, 'SIGNER_KEY_DAMAGED'],
  ['a list', [good], 'SIGNER_KEY_DAMAGED'],
  ['no private key', { address: good.address, pub_key: good.pub_key }, 'SIGNER_KEY_DAMAGED'],
  ['a field more', { ...good, [fixture.privateBase64]: 1 }, 'SIGNER_KEY_DAMAGED'],
  ['a key that is text', { ...good, priv_key: fixture.privateBase64 }, 'SIGNER_KEY_DAMAGED'],
  ['a number for the key', withPriv(7), 'SIGNER_KEY_DAMAGED'],
  ['a letter that is no base64', withPriv(`*${fixture.privateBase64}`), 'SIGNER_KEY_DAMAGED'],
  ['a seed without the public half', withPriv(seedAlone), 'SIGNER_KEY_DAMAGED'],
  ['an address that is a number', { ...good, address: 7 }, 'SIGNER_KEY_DAMAGED'],
  [
    'an address in lower case',
    { ...good, address: good.address.toLowerCase() },
    'SIGNER_KEY_MISMATCH',
  ],
  ['another address', { ...good, address: '00'.repeat(20) }, 'SIGNER_KEY_MISMATCH'],
  [
    'the private key for an address',
    { ...good, address: fixture.privateBase64 },
    'SIGNER_KEY_MISMATCH',
  ],
  ['another public key', withPub(other), 'SIGNER_KEY_MISMATCH'],
  ['the private key for a public one', withPub(fixture.privateBase64), 'SIGNER_KEY_MISMATCH'],
  ['two halves that do not belong', withPriv(halves), 'SIGNER_KEY_MISMATCH'],
  [
    'a key of another type',
    { ...good, priv_key: { type: 'tendermint/PrivKeySecp256k1', value: seedAlone } },
    'SIGNER_KEY_TYPE',
  ],
  [
    'a public key of another type',
    { ...good, pub_key: { type: 'cometbft/PubKeyBls12_381', value: other } },
    'SIGNER_KEY_TYPE',
  ],
];
for (const [why, file, code] of damages) {
  test(`${code}: ${why}, and the key is not quoted`, () =>
    inTemporaryDirectory(async (dir) => {
      const text = typeof file === 'string' ? file : JSON.stringify(file);
      assert.equal((await refusal(await written(dir, text))).code, code);
    }));
}

for (const mode of [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o777]) {
  test(`SIGNER_KEY_MODE: mode 0${mode.toString(8)} is refused, with mode and path`, () =>
    inTemporaryDirectory(async (dir) => {
      const path = await written(dir, JSON.stringify(good), mode);
      const error = await refusal(path);
      assert.equal(error.code, 'SIGNER_KEY_MODE');
      assert.ok(error.message.includes(`0${mode.toString(8)}`) && error.message.includes(path));
    }));
}

test('a link, a pipe, a directory and a huge file are refused; a missing one is missing', () =>
  inTemporaryDirectory(async (dir) => {
    const real = await written(dir, JSON.stringify(good));
    const at = (name: string) => join(dir, name);
    await symlink(real, at('link'));
    await symlink(at('nowhere'), at('dangling'));
    await mkdir(at('directory'));
    assert.equal(spawnSync('mkfifo', [at('pipe')]).status, 0);
    await writeFile(at('huge'), Buffer.alloc(65 * 1024), { mode: 0o600 });
    for (const name of ['link', 'dangling', 'directory', 'pipe', 'huge']) {
      assert.equal((await refusal(at(name))).code, 'SIGNER_FILE_KIND', name);
    }
    assert.equal((await refusal(at('missing'))).code, 'SIGNER_KEY_MISSING');
    // A second name of the same file is the file: its mode is the one that was checked.
    await link(real, at('hard'));
    assert.deepEqual((await readKeyFile(at('hard'))).publicKey, key.publicKey);
  }));

test('what is written is CometBFT’s format, owner-only whatever the umask, and read back', () =>
  inTemporaryDirectory(async (dir) => {
    const path = join(dir, 'priv_validator_key.json');
    const umask = process.umask(0);
    try {
      await writeKeyFile(path, key);
    } finally {
      process.umask(umask);
    }
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(await readFile(path, 'utf8'), JSON.stringify(good, null, 2));
    const read = await readKeyFile(path);
    const bytes = Uint8Array.of(1, 2, 3);
    assert.deepEqual(await read.sign(bytes), await key.sign(bytes));
  }));
