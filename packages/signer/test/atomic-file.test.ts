/** Replacing files on a real disk: whole or not at all, and nothing left behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeLeftovers, replaceFile, SignerError } from '../src/index.js';
import { inTemporaryDirectory } from './temporary.js';

test('the new file has mode 0600 and nothing else stays in the directory', () =>
  inTemporaryDirectory(async (dir) => {
    const path = join(dir, 'state');
    await writeFile(path, 'old', { mode: 0o644 });
    await replaceFile(path, Buffer.from('new'));
    assert.equal(await readFile(path, 'utf8'), 'new');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dir), ['state']);
  }));

test('a link at the target is replaced, what it pointed to stays', () =>
  inTemporaryDirectory(async (dir) => {
    await writeFile(join(dir, 'elsewhere'), 'untouched');
    await symlink(join(dir, 'elsewhere'), join(dir, 'state'));
    await replaceFile(join(dir, 'state'), Buffer.from('new'));
    assert.equal(await readFile(join(dir, 'elsewhere'), 'utf8'), 'untouched');
    assert.equal(await readFile(join(dir, 'state'), 'utf8'), 'new');
  }));

test('a failure is typed, names its step, and leaves old file and directory as they were', () =>
  inTemporaryDirectory(async (dir) => {
    await mkdir(join(dir, 'target'));
    for (const [path, doing] of [
      [join(dir, 'target'), 'renaming'],
      [join(dir, 'missing', 'state'), 'creating a temporary file'],
    ] as const) {
      await assert.rejects(replaceFile(path, Buffer.from('new')), (error: unknown) => {
        assert.ok(error instanceof SignerError && error.code === 'SIGNER_FILE_FAILED');
        assert.deepEqual((error.facts as { doing: string }).doing, doing);
        return true;
      });
    }
    assert.deepEqual(await readdir(dir), ['target']);
  }));

test('a process killed while it replaces leaves a whole file, and leftovers can be removed', () =>
  inTemporaryDirectory(async (dir) => {
    const path = join(dir, 'state');
    const script = `
      import { replaceFile } from ${JSON.stringify(new URL('../src/index.js', import.meta.url).href)};
      for (let n = 1; ; n++) {
        await replaceFile(${JSON.stringify(path)}, Buffer.alloc(20_000, n % 251));
        if (n === 3) process.stdout.write('going');
      }`;
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
      const bytes = await readFile(path);
      assert.equal(bytes.length, 20_000);
      assert.ok(
        bytes.every((byte) => byte === bytes[0]),
        'a file of two writes',
      );
    }
    await writeFile(join(dir, '.state.0123456789abcdef.tmp'), 'left over');
    await writeFile(join(dir, '.other.0123456789abcdef.tmp'), 'of another file');
    await removeLeftovers(path);
    assert.deepEqual((await readdir(dir)).sort(), ['.other.0123456789abcdef.tmp', 'state']);
  }));
