/**
 * Sets the repository up: the pinned pnpm, the dependencies, the build, and a real CometBFT node to test
 * against where there is Go. Runs before every npm script that needs them, with nothing but Node and npm on
 * the machine.
 *
 * Owns    the order of the steps, and saying what is being done.
 * Never   installs anything outside this directory (npm and go keep what they fetch in their own caches).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { packageManager, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const numbers = (version) =>
  version
    .replace(/^[^0-9]*/, '')
    .split('.')
    .map(Number);
const [major, minor] = numbers(process.versions.node);
const [needMajor, needMinor] = numbers(engines.node);
if (major < needMajor || (major === needMajor && minor < needMinor)) {
  console.error(
    `error NODE_VERSION: this is Node ${process.versions.node}, CometKMS needs ${engines.node}.`,
  );
  console.error('fix: install a current Node LTS, then run the same command again.');
  process.exit(2);
}

function run(what, command, args) {
  const started = Date.now();
  process.stdout.write(`set-up: ${what} ... `);
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status !== 0) {
    console.log('failed');
    console.error(`${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`);
    console.error(`error SETUP: "${command} ${args.join(' ')}" failed; its output is above.`);
    process.exit(4);
  }
  console.log(since(started));
}

const since = (started) => `${((Date.now() - started) / 1000).toFixed(1)} s`;

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
const wanted = Math.max(
  ...['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((f) => modified(join(root, f))),
  ...packages.map((dir) => modified(join(dir, 'package.json'))),
);
const stamp = join(root, 'node_modules', '.set-up');
const pnpm = (...args) => ['--yes', packageManager, ...args];
if (modified(stamp) < wanted) {
  run(
    `installing dependencies with ${packageManager}`,
    'npx',
    pnpm('install', '--frozen-lockfile'),
  );
  writeFileSync(stamp, '');
}
run('generating protobuf code', 'npx', pnpm('-r', 'run', 'generate'));
run('compiling', process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b']);

// Here and not in the first test that needs it: with an empty cache it takes longer than a test may.
const { goProgram, goVersion } = await import('../interop/dist/src/go-module.js');
const go = goVersion();
if (go === null) {
  console.log('set-up: no Go on the path: what needs a real CometBFT node will be left out');
} else {
  const started = Date.now();
  process.stdout.write(
    `set-up: building a CometBFT node with ${go} (the first time may take some minutes) ... `,
  );
  try {
    await goProgram('cometnode');
    console.log(since(started));
  } catch (error) {
    // Nothing but the tests with a real node rests on it: they build it again, and fail with these words.
    console.log(`failed\n${error.stderr ?? error.message}`);
  }
}
