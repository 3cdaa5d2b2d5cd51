/** The reference implementations pass the suites that every other must pass, and broken ones do not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  durableFilesSuite,
  keyBackendSuite,
  leadershipSuite,
  reservationStoreSuite,
} from '../src/conformance/index.js';
import { MemoryCluster, SoftwareKey, systemFiles } from '../src/index.js';
import { bugNames } from './broken-store.js';
import { seed } from './worlds.js';

reservationStoreSuite('in memory', async () => {
  const cluster = new MemoryCluster();
  cluster.elect('a');
  return {
    store: () => cluster.replica('a'),
    second: () => cluster.replica('a'),
    restart: async () => cluster.restart(),
    close: async () => {},
  };
});

leadershipSuite('in memory', async () => {
  const cluster = new MemoryCluster();
  const replica = cluster.replica('a');
  return {
    self: 'a',
    leadership: replica,
    store: replica,
    gain: async () => cluster.elect('a'),
    lose: async () => cluster.elect('b'),
    elsewhere: () => cluster.replica('b'),
    close: async () => {},
  };
});

keyBackendSuite('in software', async () => {
  return { key: new SoftwareKey(seed), secret: seed, close: async () => {} };
});

durableFilesSuite('of the system', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cmkms-signer-'));
  return {
    files: () => systemFiles,
    path: (name) => join(directory, name),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
});

for (const bug of bugNames) {
  test(`the suite fails a store that has the bug ${bug}`, () => {
    const script = fileURLToPath(new URL('./broken-store.js', import.meta.url));
    // A test runner inside a test runner reports to its parent unless it is told that it is alone.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const run = spawnSync(process.execPath, ['--test-reporter=tap', script, bug], {
      encoding: 'utf8',
      env,
    });
    assert.equal(run.status, 1, run.stdout);
    assert.match(run.stdout, /^# fail [1-9]/m);
  });
}

test('the same wrapping without a bug passes', () => {
  const script = fileURLToPath(new URL('./broken-store.js', import.meta.url));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const run = spawnSync(process.execPath, ['--test-reporter=tap', script, 'none'], {
    encoding: 'utf8',
    env,
  });
  assert.equal(run.status, 0, run.stdout);
  assert.match(run.stdout, /^# pass [1-9][0-9]/m);
});
