/** What a replica that runs does not carry with it: the library that makes certificates is half of all modules. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = new URL('../src/cli/run.js', import.meta.url);

test('the program is loaded without what makes certificates', async () => {
  // That library brings `reflect-metadata`, which leaves its mark on a global.
  const code = `await import('${program}'); console.log('getMetadata' in Reflect);`;
  const loads = async (source: string): Promise<string> => {
    const args = ['--input-type=module', '--eval', source];
    const cwd = fileURLToPath(new URL('.', import.meta.url));
    return (await promisify(execFile)(process.execPath, args, { cwd })).stdout.trim();
  };
  assert.equal(await loads(code), 'false');
  const authority = "await import('@cometkms/consensus/authority');";
  assert.equal(await loads(`${authority} ${code}`), 'true', 'the mark is no mark');
});
