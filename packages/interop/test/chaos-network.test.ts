/** The suite's own network: who hears whom after a cut, and that nothing of it stays behind. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addressOf, buildNetwork, launcherInto, Network } from '../src/chaos/network.js';
import { openScope, removeScope, scopeDirectory, scopeName } from '../src/chaos/scope.js';
import { survey } from '../src/chaos/tools.js';

const { found } = survey();
const able = found.has('nftables') && found.has('tmpfs');
const leftOut = !able && process.env['CI'] !== 'true';
const options = { skip: leftOut ? 'no root, ip or nft: networks are left out' : false };

const PORT = 9430;
let scope = '';
before(() => {
  if (leftOut) return;
  scope = openScope();
  buildNetwork(scope);
});
after(() => {
  if (!leftOut) removeScope(scope);
});

/** Runs a line of Node in a host's network; resolves with its exit code. */
async function inside(host: string, code: string, ...args: string[]): Promise<number> {
  const [command = '', ...rest] = [...launcherInto(scope, host), process.execPath];
  const child = spawn(command, [...rest, '-e', code, ...args], { stdio: 'ignore' });
  const [exit] = (await once(child, 'exit')) as [number];
  return exit;
}

const connects = `
  const socket = require('node:net').connect(${PORT}, process.argv[1]);
  socket.once('connect', () => process.exit(0));
  socket.once('error', () => process.exit(2));
  setTimeout(() => process.exit(1), 700);
`;
const listens = `require('node:net').createServer(() => {}).listen(${PORT}, () => process.send(0));`;

/** Packets of both directions are needed for this. */
const reaches = async (from: string, to: string): Promise<boolean> =>
  (await inside(from, connects, addressOf(to))) === 0;

async function withListener(host: string, work: () => Promise<void>): Promise<void> {
  const [command = '', ...rest] = [...launcherInto(scope, host), process.execPath];
  const stdio = ['ignore', 'ignore', 'ignore', 'ipc'] as const;
  const child = spawn(command, [...rest, '-e', listens], { stdio: [...stdio] });
  await once(child, 'message');
  try {
    await work();
  } finally {
    child.kill('SIGKILL');
  }
}

test('a cut stops one direction, a healed one carries again', options, async () => {
  const network = new Network(scope);
  await withListener('kms-a', async () => {
    assert.equal(await reaches('kms-b', 'kms-a'), true);
    const heal = await network.cut('kms-a', 'kms-b');
    assert.equal(await reaches('kms-b', 'kms-a'), false);
    assert.equal(await reaches('kms-c', 'kms-a'), true);
    const other = await network.cut('kms-a', 'kms-c');
    await heal();
    assert.equal(await reaches('kms-b', 'kms-a'), true);
    assert.equal(await reaches('kms-c', 'kms-a'), false, 'each undoes its own');
    await other();
    const replug = await network.unplug('kms-a');
    assert.equal(await reaches('kms-c', 'kms-a'), false);
    await replug();
    assert.equal(await reaches('kms-c', 'kms-a'), true);
  });
});

test('what a dead suite left is swept by the next one', options, () => {
  const { pid } = spawnSync('true');
  const dead = scopeName(pid);
  mkdirSync(join(scopeDirectory(dead), 'disk'), { recursive: true });
  spawnSync('mount', ['-t', 'tmpfs', 'none', join(scopeDirectory(dead), 'disk')]);
  spawnSync('ip', ['netns', 'add', `${dead}-kms-a`]);
  removeScope(scope);
  scope = openScope();
  assert.equal(existsSync(scopeDirectory(dead)), false);
  const namespaces = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  assert.deepEqual(
    namespaces.filter((name) => name.startsWith(`${dead}-`)),
    [],
  );
});
