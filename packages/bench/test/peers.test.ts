/** What is found in the directory of --peers, and what is said of what is not. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { goVersion, run } from '@cometkms/interop';
import { NotThere, programOf } from '../src/peers/build.js';
import { locate } from '../src/peers/locate.js';
import { cosmosKms } from '../src/systems/cosmos-kms.js';
import { goCometkms } from '../src/systems/go-cometkms.js';
import { horcrux } from '../src/systems/horcrux.js';
import { findSystems } from '../src/systems/index.js';
import { tmkms } from '../src/systems/tmkms.js';

const root = mkdtempSync(join(tmpdir(), 'bench-peers-'));
after(() => rmSync(root, { recursive: true }));

const peers = [tmkms, cosmosKms, goCometkms, horcrux];
const ours = ['cmkms-1', 'cmkms-3', 'cmkms-5'];
const silent = (): void => undefined;
let directories = 0;

/** Names ending in `/` are sources, in `*` programs, all others plain files. */
function directoryWith(...entries: readonly string[]): string {
  directories += 1;
  const directory = join(root, `${directories}`);
  mkdirSync(directory);
  for (const entry of entries) {
    const path = join(directory, entry.replace(/[/*]$/, ''));
    if (entry.endsWith('/')) {
      mkdirSync(path);
      writeFileSync(join(path, 'go.mod'), 'module example\n');
    } else {
      writeFileSync(path, 'not what it should be', { mode: entry.endsWith('*') ? 0o755 : 0o644 });
    }
  }
  return directory;
}

const located = [
  { holds: ['horcrux*', 'horcrux.tar.gz'], peer: horcrux, kind: 'program', name: 'horcrux' },
  { holds: ['horcrux/', 'horcrux.tar.gz'], peer: horcrux, kind: 'source', name: 'horcrux' },
  { holds: ['horcrux.tar.gz'], peer: horcrux, kind: 'archive', name: 'horcrux.tar.gz' },
  { holds: ['kms', 'kms.tar.gz'], peer: cosmosKms, kind: 'archive', name: 'kms.tar.gz' },
  { holds: ['cometkms*'], peer: goCometkms, kind: 'program', name: 'cometkms' },
  { holds: ['CometKMS/'], peer: goCometkms, kind: 'source', name: 'CometKMS' },
  { holds: ['tmkms*'], peer: tmkms, kind: 'program', name: 'tmkms' },
] as const;

for (const { holds, peer, kind, name } of located) {
  test(`${peer.name} in a directory with ${holds.join(' and ')}: ${kind} ${name}`, () => {
    const directory = directoryWith(...holds);
    assert.deepEqual(locate(directory, peer), { kind, path: join(directory, name) });
  });
}

test('nothing is found in an empty directory, nor sources without a go.mod', () => {
  const directory = directoryWith();
  mkdirSync(join(directory, 'horcrux'));
  for (const peer of peers) assert.equal(locate(directory, peer), null);
});

test('a path is found from the root on, so that no program of the same name on the path is run', () => {
  const directory = directoryWith('kms*');
  const path = locate(relative(process.cwd(), directory), cosmosKms)?.path;
  assert.equal(path, join(directory, 'kms'));
});

test('a program that is there is taken as it is', async () => {
  const directory = directoryWith('tmkms*');
  assert.equal(await programOf(tmkms, directory, silent), join(directory, 'tmkms'));
});

test('a peer that is not there says under which names it was looked for', async () => {
  await assert.rejects(programOf(horcrux, directoryWith(), silent), (error) => {
    assert.ok(error instanceof NotThere);
    assert.match(error.message, /a program horcrux, its sources in horcrux\/, or horcrux\.tar\.gz/);
    return true;
  });
});

const options = { skip: goVersion() === null ? 'no go on the path' : false };

test(
  'an archive is built once, also where its directory has the name of its program',
  options,
  async () => {
    const directory = directoryWith('kms/');
    const sources = join(directory, 'kms', 'cmd', 'kms');
    mkdirSync(sources, { recursive: true });
    const text = `package main\n\nfunc main() { println("${directory}") }\n`;
    writeFileSync(join(sources, 'main.go'), text);
    await run('tar', ['-czf', join(directory, 'kms.tar.gz'), '-C', directory, 'kms']);
    rmSync(join(directory, 'kms'), { recursive: true });
    const said: string[] = [];
    const program = await programOf(cosmosKms, directory, (line) => said.push(line));
    try {
      assert.equal(await run(program, []), `${directory}\n`);
      assert.equal(await programOf(cosmosKms, directory, silent), program);
      assert.deepEqual(said, [
        'cosmos-kms: building from kms.tar.gz; the first time takes minutes',
      ]);
    } finally {
      rmSync(program);
    }
  },
);

test('an archive that cannot be built is named, without a path of this machine', async () => {
  const directory = directoryWith('kms.tar.gz');
  await assert.rejects(programOf(cosmosKms, directory, silent), (error) => {
    assert.ok(error instanceof NotThere);
    assert.match(error.message, /kms\.tar\.gz/);
    assert.ok(!error.message.includes(directory));
    return true;
  });
});

test('systems are ours and those that are there, in the order of their turns', async () => {
  const directory = directoryWith('horcrux*', 'kms*', 'tmkms*', 'cometkms*');
  const { systems, missing } = await findSystems(directory, {}, null, silent);
  assert.deepEqual(
    systems.map(({ name }) => name),
    [...ours, 'tmkms', 'cosmos-kms', 'go-cometkms', 'horcrux'],
  );
  assert.deepEqual(missing, []);
});

test('without --peers each of the others is named, with the page that says how to get it', async () => {
  const { systems, missing } = await findSystems(null, {}, null, silent);
  assert.deepEqual(
    systems.map(({ name }) => name),
    ours,
  );
  assert.deepEqual(
    missing,
    peers.map(({ name }) => `${name}: needs --peers DIR (docs/performance/peers.md)`),
  );
});

test('nothing is looked for that --systems does not name', async () => {
  const { systems, missing } = await findSystems(
    directoryWith(),
    {},
    ['cmkms-3', 'horcrux'],
    silent,
  );
  assert.deepEqual(
    systems.map(({ name }) => name),
    ours,
  );
  assert.equal(missing.length, 1);
  assert.match(missing[0] ?? '', /^horcrux: needs /);
});
