/** The preloaded library does to a process what the page says, below one directory, and nothing else; and what cmkms says of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compileDiskFaults, type DiskOrder, FaultyDisk } from '../src/chaos/disk.js';
import { survey } from '../src/chaos/tools.js';
import { cmkms, cmkmsPath } from '../src/fleet.js';
import { run } from '../src/processes.js';

const leftOut = !survey().found.has('preload') && process.env['CI'] !== 'true';
const options = { skip: leftOut ? 'no C compiler: failing disks are left out' : false };

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'chaos-disk-')));
const home = join(directory, 'home');
const elsewhere = join(directory, 'home-of-another');
const disk = new FaultyDisk(join(directory, 'page'), home);
let library = '';
before(async () => {
  for (const path of [home, elsewhere]) mkdirSync(path);
  if (!leftOut) library = await compileDiskFaults(directory);
});
after(() => rmSync(directory, { recursive: true }));

/** As the log does it: O_DSYNC for entries, a sync of its own for what is made new. */
const script = `
  const { open, constants: c } = require('node:fs/promises');
  const attempt = (work) => work.then(() => 'done', (error) => error.code);
  (async () => {
    const [path, flags] = [process.argv[1], c.O_RDWR | c.O_CREAT | c.O_TRUNC];
    const file = await open(path, flags | (process.argv[2] === 'dsync' ? c.O_DSYNC : 0), 0o600);
    const wrote = await attempt(file.write(Buffer.from('12345678'), 0, 8, 0));
    const synced = await attempt(file.sync());
    const datasynced = await attempt(file.datasync());
    console.log([wrote, synced, datasynced].join(' '));
  })();
`;

async function tried(order: DiskOrder | null, path: string, how: 'plain' | 'dsync' = 'plain') {
  if (order !== null) disk.fail(order);
  const preloaded = { ...disk.environment, LD_PRELOAD: library };
  const variables = Object.entries(preloaded).map(([name, value]) => `${name}=${value}`);
  const out = await run('env', [...variables, process.execPath, '-e', script, path, how]);
  disk.heal();
  return out.trim();
}

test('while the page says nothing, nothing happens', options, async () => {
  const before = disk.bites;
  assert.equal(await tried(null, join(home, 'quiet')), 'done done done');
  assert.equal(disk.bites, before);
});

const rows: readonly (readonly [string, DiskOrder, 'plain' | 'dsync', string])[] = [
  ['a write fails', { call: 'write', error: 'EIO' }, 'plain', 'EIO done done'],
  ['there is no space', { call: 'write', error: 'ENOSPC' }, 'plain', 'ENOSPC done done'],
  ['a sync fails', { call: 'sync', error: 'EIO' }, 'plain', 'done EIO EIO'],
  ['a write that syncs fails as a sync', { call: 'sync', error: 'EIO' }, 'dsync', 'EIO EIO EIO'],
  ['a sync is late', { call: 'sync', error: null, delayMs: 5 }, 'plain', 'done done done'],
];
for (const [what, order, how, outcome] of rows) {
  test(`${what}, and elsewhere it does not`, options, async () => {
    const before = disk.bites;
    assert.equal(await tried(order, join(home, 'file'), how), outcome);
    assert.ok(disk.bites > before, 'the counter tells');
    const after = disk.bites;
    assert.equal(await tried(order, join(elsewhere, 'file'), how), 'done done done');
    assert.equal(disk.bites, after);
  });
}

test('of a torn write half is in the file', options, async () => {
  const path = join(home, 'torn');
  assert.equal(await tried({ call: 'write', error: 'EIO', torn: true }, path), 'EIO done done');
  assert.equal(readFileSync(path, 'utf8'), '1234');
});

for (const call of ['write', 'sync'] as const) {
  test(
    `a start whose every ${call} fails ends in 4 and says that it is the disk`,
    options,
    async () => {
      const own = join(home, `start-${call}`);
      const chain = ['--chain-id', 'chaos', '--validator-addr', 'tcp://127.0.0.1:26659'];
      await cmkms('init', '--home', own, '--solo', ...chain);
      disk.fail({ call, error: 'EIO' });
      const ended = spawnSync(process.execPath, [cmkmsPath, 'start', '--home', own], {
        env: { ...process.env, ...disk.environment, LD_PRELOAD: library },
        encoding: 'utf8',
      });
      disk.heal();
      assert.match(ended.stderr, /^error DISK_FAILED: /m);
      assert.equal(ended.status, 4, ended.stderr);
    },
  );
}
