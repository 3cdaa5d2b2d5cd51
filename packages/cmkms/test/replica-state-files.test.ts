/** The derived state files: written soon, never lowered, loadable at any moment, and never a reason to stop. */
import assert from 'node:assert/strict';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Position, SigningRecord } from '@cometkms/sign-state';
import {
  readStateFile,
  type StateFile,
  systemClock,
  systemFiles,
  writeStateFile,
} from '@cometkms/signer';
import { StateFiles } from '../src/replica/state-files.js';
import { until } from './cluster.js';
import { CHAIN, keyOf, scratch, signedState } from './scratch-homes.js';

const key = keyOf(1);
const id = { chainId: CHAIN, key: key.publicKey };

interface Setup {
  readonly files: StateFiles;
  readonly path: string;
  readonly failed: string[];
  /** What is applied. */
  record: SigningRecord | undefined;
  add(found: Position | null): void;
  /** As on the disk; null: no file. */
  found(): Promise<StateFile | null>;
}

async function setUp(t: TestContext): Promise<Setup> {
  const path = join(await scratch(t), 'priv_validator_state.json');
  const failed: string[] = [];
  const files = new StateFiles(
    () => setup.record,
    { clock: systemClock, files: systemFiles },
    (at) => failed.push(at),
  );
  t.after(() => files.stop());
  const setup: Setup = {
    files,
    path,
    failed,
    record: undefined,
    add: (found) => files.add(id, path, found),
    found: () =>
      readStateFile(path).catch((error: { code: string }) => {
        assert.equal(error.code, 'SIGNER_STATE_MISSING');
        return null;
      }),
  };
  return setup;
}

/** Signed at this height, and the signature that belongs to it. */
async function signedAt(height: bigint) {
  const { position, signed } = await signedState(key, height);
  assert.ok(signed !== null && position.step !== 0);
  const hrs = { height, round: position.round, step: position.step };
  const record: SigningRecord = {
    id,
    last: { hrs, signBytes: signed.signBytes, by: 'a', at: 0 },
    floor: null,
    haltHeight: null,
    limits: { maxHeightJump: 10n, cutoverWindow: 10n },
    cutoverArmed: false,
    neverSigned: false,
    retired: false,
  };
  return { record, signature: { ...signed, hrs } };
}

test('until the chain is registered the file is what the operator put there', async (t) => {
  const s = await setUp(t);
  const put = await signedState(key, 7n);
  await writeStateFile(s.path, put);
  s.add(put.position);
  await s.files.writeNow(id);
  assert.deepEqual((await s.found())?.position, put.position);
});

test('a change is on the disk within about a second, without being asked for', async (t) => {
  const s = await setUp(t);
  s.add(null);
  const { record } = await signedAt(7n);
  s.record = record;
  s.files.changed(id);
  const written = await until('the file', async () => (await s.found()) ?? undefined);
  // The position alone: this replica has no signature of it, and bytes without one nobody could load.
  assert.deepEqual([written.position.height, written.signed], [7n, null]);
});

test('the signature that this replica released goes along, and only with its own bytes', async (t) => {
  const s = await setUp(t);
  s.add(null);
  const [seven, eight] = [await signedAt(7n), await signedAt(8n)];
  s.record = seven.record;
  s.files.released(id, seven.signature);
  await s.files.writeNow(id);
  assert.deepEqual((await s.found())?.signed?.signature, seven.signature.signature);
  s.record = eight.record;
  await s.files.writeNow(id);
  const after = await s.found();
  assert.deepEqual([after?.position.height, after?.signed], [8n, null]);
});

test('a file that is ahead of what is applied here is never lowered', async (t) => {
  const s = await setUp(t);
  const ahead = await signedState(key, 9n);
  await writeStateFile(s.path, ahead);
  s.add(ahead.position);
  s.record = (await signedAt(7n)).record;
  await s.files.writeNow(id);
  assert.deepEqual((await s.found())?.position, ahead.position);
  s.record = (await signedAt(10n)).record;
  await s.files.writeNow(id);
  s.record = (await signedAt(9n)).record;
  await s.files.writeNow(id);
  assert.equal((await s.found())?.position.height, 10n);
});

test('a floor above the last signature is the position of the file', async (t) => {
  const s = await setUp(t);
  s.add(null);
  const { record, signature } = await signedAt(7n);
  s.record = { ...record, floor: { height: 20n, round: 5, step: 3 } };
  s.files.released(id, signature);
  await s.files.writeNow(id);
  assert.deepEqual(await s.found(), { position: { height: 20n, round: 5, step: 3 }, signed: null });
});

test('what was not written yet is written at the stop; nothing afterwards', async (t) => {
  const s = await setUp(t);
  s.add(null);
  s.record = (await signedAt(7n)).record;
  s.files.changed(id);
  await s.files.stop();
  assert.equal((await s.found())?.position.height, 7n);
});

test('a file that cannot be written is told, and written once it can', async (t) => {
  const s = await setUp(t);
  s.add(null);
  s.record = (await signedAt(7n)).record;
  // A directory in its place: no user can rename a file over that.
  await mkdir(s.path);
  await writeFile(join(s.path, 'x'), '');
  await s.files.writeNow(id);
  assert.deepEqual(s.failed, [s.path]);
  await rm(s.path, { recursive: true });
  await s.files.writeNow(id);
  assert.equal((await s.found())?.position.height, 7n);
  assert.equal((await stat(s.path)).mode & 0o777, 0o600);
});
