/**
 * The lock of a home, with real processes.
 *
 * Owns    that two never hold it, that a kill -9 leaves nothing behind, and that what is wrong with its files is said.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rename, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CmkmsError } from '../src/errors.js';
import { EXIT } from '../src/exit-codes.js';
import { homePaths } from '../src/home.js';
import { lockHome } from '../src/home-lock.js';
import { scratch } from './scratch-homes.js';

const holder = `
  import { lockHome } from ${JSON.stringify(new URL('../src/home-lock.js', import.meta.url).href)};
  import { homePaths } from ${JSON.stringify(new URL('../src/home.js', import.meta.url).href)};
  await lockHome(homePaths(process.argv[1]), 'cmkms start');
  process.stdout.write('locked');
  setInterval(() => {}, 60_000);
`;

test('a home that another process holds is refused by name, and free once that one is killed', async (t) => {
  const home = await scratch(t);
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder, home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await assert.rejects(lockHome(homePaths(home), 'cmkms start'), (error) => {
    assert.ok(error instanceof CmkmsError);
    assert.equal(error.code, 'HOME_LOCKED');
    assert.match(
      error.message,
      new RegExp(`in use by process ${child.pid} \\(cmkms start, since 2`),
    );
    return true;
  });
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  const lock = await lockHome(homePaths(home), 'cmkms start');
  await lock.release();
});

test('within one process too: released, it can be taken again', async (t) => {
  const paths = homePaths(await scratch(t));
  const lock = await lockHome(paths, 'cmkms start');
  await assert.rejects(lockHome(paths, 'cmkms start'), { code: 'HOME_LOCKED' });
  await lock.release();
  await (await lockHome(paths, 'cmkms start')).release();
});

test('a lock whose files are damaged is refused with what may be moved away, and then free', async (t) => {
  const paths = homePaths(await scratch(t));
  await (await lockHome(paths, 'cmkms start')).release();
  const manifest = (await readdir(paths.lock)).find((name) => name.startsWith('MANIFEST'));
  await writeFile(join(paths.lock, manifest ?? ''), 'no manifest');
  await assert.rejects(lockHome(paths, 'cmkms start'), (error) => {
    assert.ok(error instanceof CmkmsError);
    assert.deepEqual([error.code, error.exitCode], ['LOCK_DAMAGED', EXIT.ENVIRONMENT]);
    assert.match(error.remedy, new RegExp(`move ${paths.lock} away`));
    return true;
  });
  await rename(paths.lock, `${paths.lock}.damaged`);
  await (await lockHome(paths, 'cmkms start')).release();
});

test('a note about the holder that cannot be written leaves the lock free', async (t) => {
  const paths = homePaths(await scratch(t));
  await mkdir(join(paths.lock, 'holder.json'), { recursive: true });
  await assert.rejects(lockHome(paths, 'cmkms start'), { code: 'EISDIR' });
  await rmdir(join(paths.lock, 'holder.json'));
  await (await lockHome(paths, 'cmkms start')).release();
});
