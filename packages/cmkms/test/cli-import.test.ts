/**
 * `import filepv`: whole, cut short after each of its steps, and refused.
 *
 * Owns    the promise that at no moment the key is gone from the node while a home lacks it, and that the
 *         same command completes what was cut short.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  addressOf,
  formatStateFile,
  readKeyFile,
  readStateFile,
  type StateFile,
  writeKeyFile,
  writeStateFile,
} from '@cometkms/signer';
import { exists } from '../src/home.js';
import { type ImportOutcome, type ImportStep, importFilePv } from '../src/import/filepv.js';
import { readImportNote } from '../src/import-note.js';
import {
  addressOfSeed,
  CHAIN,
  cmkms,
  keyOf,
  makeFleet,
  makeNode,
  type NodeHome,
  scratch,
  signedState,
  writeOldState,
  zeroState,
} from './scratch-homes.js';

interface World {
  readonly directory: string;
  readonly node: NodeHome;
  readonly homes: readonly string[];
}

async function world(t: TestContext, state?: StateFile): Promise<World> {
  const directory = await scratch(t);
  const fleet = await makeFleet(directory, ['a', 'b']);
  const node = await makeNode(directory, keyOf(1), state ?? (await signedState(keyOf(1), 7n)));
  return { directory, node, homes: Object.values(fleet) };
}

const quick = { quietForMs: 60_000, lookForMs: 1 };

function run(w: World, onStep: (step: ImportStep) => void = () => {}): Promise<ImportOutcome> {
  return importFilePv({ from: w.node.home, homes: w.homes, chainId: CHAIN, look: quick, onStep });
}

const keyIn = (home: string): string => join(home, 'priv', 'priv_validator_key.json');
const stateIn = (home: string): string => join(home, 'priv', 'priv_validator_state.json');
const aside = (path: string): string => `${path}.moved-to-cmkms`;

async function heightIn(home: string): Promise<bigint | null> {
  const path = stateIn(home);
  return (await exists(path)) ? (await readStateFile(path)).position.height : null;
}

async function assertComplete(w: World, height: bigint | null): Promise<void> {
  for (const home of w.homes) {
    assert.equal(addressOf((await readKeyFile(keyIn(home))).publicKey), addressOfSeed(1));
    assert.equal(await heightIn(home), height);
  }
  assert.ok(!(await exists(w.node.key)), 'the node finds no key');
  assert.ok(await exists(aside(w.node.key)), 'an operator does');
}

test('key and state are in every home, and the node has neither under its own name', async (t) => {
  const w = await world(t);
  const outcome = await run(w);
  assert.deepEqual([outcome.keyAddress, outcome.position], [addressOfSeed(1), '7/0/3']);
  await assertComplete(w, 7n);
  assert.ok(!(await exists(w.node.state)));
  assert.ok(await exists(aside(w.node.state)));
  const expected = await signedState(keyOf(1), 7n);
  for (const home of w.homes) {
    assert.deepEqual(await readStateFile(stateIn(home)), expected, 'sign bytes come along');
    const note = await readImportNote(stateIn(home));
    assert.deepEqual([note?.position, note?.nodeKeyPath], ['7/0/3', w.node.key]);
    for (const name of await readdir(join(home, 'priv'))) {
      const { mode, uid } = await stat(join(home, 'priv', name));
      assert.deepEqual([mode & 0o7777, uid], [0o600, process.getuid?.()], name);
    }
  }
});

test('cut short after each step: the key is never gone while a home lacks it, and again completes it', async (t) => {
  let cuts = 0;
  for (let after = 1; ; after += 1) {
    const w = await world(t);
    let steps = 0;
    const cut = run(w, () => {
      steps += 1;
      if (steps === after) throw new Error('power cut');
    });
    const whole = await cut.then(
      () => true,
      () => false,
    );
    if (whole) break;
    cuts += 1;
    if (!(await exists(w.node.key))) {
      for (const home of w.homes) {
        assert.ok(await exists(keyIn(home)), `after step ${after}: ${home} has the key`);
        assert.equal(await heightIn(home), 7n, `after step ${after}: ${home} has the state`);
      }
    }
    for (const home of w.homes) {
      if (await exists(keyIn(home))) assert.equal(await heightIn(home), 7n, 'no key without state');
    }
    await run(w);
    await assertComplete(w, 7n);
    assert.ok(!(await exists(w.node.state)), `after step ${after}: the state is aside too`);
  }
  // State, note and key of two homes, then key and state of the node.
  assert.equal(cuts, 8);
});

test('a node that started between the two renames made a new key: the old one still completes', async (t) => {
  const w = await world(t);
  const cut = run(w, ({ kind }) => {
    if (kind === 'setAside') throw new Error('power cut');
  });
  await assert.rejects(cut, /power cut/);
  // What CometBFT does at a start without a key: a new one, and a zero state over the old file.
  await writeKeyFile(w.node.key, keyOf(9));
  await writeOldState(w.node.state, zeroState);
  await run(w);
  for (const home of w.homes) assert.equal(await heightIn(home), 7n);
  assert.equal(addressOf((await readKeyFile(w.node.key)).publicKey), addressOfSeed(9));
  assert.ok(await exists(w.node.state), "the new key's state is not touched");
});

test('the same import again changes nothing, also after the cluster signed on', async (t) => {
  const w = await world(t);
  await run(w);
  const later = await signedState(keyOf(1), 900n);
  await writeStateFile(stateIn(w.homes[0] ?? ''), later);
  await run(w);
  assert.equal(await heightIn(w.homes[0] ?? ''), 900n, 'never lowered');
  assert.equal(await heightIn(w.homes[1] ?? ''), 7n);
});

test('a state at height 0 counts as nothing: no home gets a state', async (t) => {
  const w = await world(t, zeroState);
  const outcome = await run(w);
  assert.equal(outcome.position, null);
  await assertComplete(w, null);
  assert.equal((await readImportNote(stateIn(w.homes[0] ?? '')))?.position, null);
});

test('a home that was behind is raised, one that knows nothing gets the state', async (t) => {
  const w = await world(t);
  const behind = w.homes[0] ?? '';
  await writeKeyFile(keyIn(behind), keyOf(1));
  await writeStateFile(stateIn(behind), await signedState(keyOf(1), 6n));
  await run(w);
  await assertComplete(w, 7n);
});

// ------------------------------------------------------------------------------------- refusals

/** What must be the same after a refusal: all files of the homes, and the node's two. */
async function picture(w: World): Promise<unknown> {
  const files: string[] = [];
  for (const root of [...w.homes, w.node.home]) {
    for (const name of await readdir(root, { recursive: true })) {
      const path = join(root, name);
      if ((await stat(path)).isFile()) files.push(`${path} ${await readFile(path, 'utf8')}`);
    }
  }
  return files.sort();
}

const last = (w: World): string => w.homes[1] ?? '';

const refusals: readonly (readonly [
  why: string,
  prepare: (w: World) => unknown,
  code: string,
  says: RegExp,
])[] = [
  [
    'the state was written just now',
    async (w) => writeStateFile(w.node.state, await signedState(keyOf(1), 7n)),
    'NODE_RUNS',
    /\(at 7\/0\/3\) was written \d+ s ago/,
  ],
  [
    "the state is another key's",
    async (w) => writeOldState(w.node.state, await signedState(keyOf(2), 7n)),
    'STATE_FOREIGN',
    /its signature is not by the key/,
  ],
  [
    "the state is another chain's",
    async (w) =>
      writeOldState(w.node.state, await signedState(keyOf(1), 7n, { chainId: 'other-1' })),
    'STATE_FOREIGN',
    /of chain other-1, not test-1/,
  ],
  ['the state is damaged', (w) => writeFile(w.node.state, '{'), 'STATE_DAMAGED', /it is not JSON/],
  ['the node has no key', (w) => rm(w.node.key), 'NODE_FILES', /there is no key/],
  [
    "the node's key may be read by others",
    (w) => chmod(w.node.key, 0o644),
    'KEY_MODE',
    /may be used by/,
  ],
  [
    'the last home has another key',
    (w) => writeKeyFile(keyIn(last(w)), keyOf(3)),
    'IMPORT_KEY',
    new RegExp(
      `holds another key already \\(${addressOfSeed(3)}; imported: ${addressOfSeed(1)}\\)`,
    ),
  ],
  [
    'the last home is ahead',
    async (w) => {
      await writeKeyFile(keyIn(last(w)), keyOf(1));
      await writeStateFile(stateIn(last(w)), await signedState(keyOf(1), 8n));
    },
    'IMPORT_BEHIND',
    /is at 8\/0\/3, above the node's state at 7\/0\/3/,
  ],
  [
    'the last home is equal with other bytes',
    async (w) => {
      await writeKeyFile(keyIn(last(w)), keyOf(1));
      await writeStateFile(stateIn(last(w)), await signedState(keyOf(1), 7n, { seconds: 1n }));
    },
    'IMPORT_CONFLICT',
    /both at 7\/0\/3, with different sign bytes/,
  ],
  [
    'the last home is of another chain',
    async (w) => {
      const path = join(last(w), 'config.toml');
      await writeFile(path, (await readFile(path, 'utf8')).replace('"test-1"', '"test-2"'));
    },
    'CHAIN_UNKNOWN',
    /chain test-1 is not configured \(test-2\)/,
  ],
  ['the last home is none', (w) => rm(last(w), { recursive: true }), 'HOME_MISSING', /no home at/],
  [
    'an earlier key lies aside',
    (w) => writeKeyFile(aside(w.node.key), keyOf(4)),
    'EXISTS',
    /moved-to-cmkms exists already/,
  ],
];
for (const [why, prepare, code, says] of refusals) {
  test(`${code}: ${why}; nothing is written anywhere`, async (t) => {
    const w = await world(t);
    await prepare(w);
    const homes = [];
    for (const home of w.homes) if (await exists(home)) homes.push(home);
    const there = { ...w, homes };
    const before = await picture(there);
    await assert.rejects(run(w), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, says);
      assert.equal((error as Error & { code?: string }).code, code);
      return true;
    });
    assert.deepEqual(await picture(there), before);
  });
}

test('a state that changes while we look betrays a running node', async (t) => {
  const w = await world(t);
  const old = await readFile(w.node.state);
  let looking = true;
  // Like the node: a new file over the old one, again and again, with an old time of change.
  const node = (async () => {
    while (looking) {
      await writeOldState(`${w.node.state}.tmp`, await readStateFile(w.node.state));
      await rename(`${w.node.state}.tmp`, w.node.state);
    }
  })();
  const look = { quietForMs: 60_000, lookForMs: 50 };
  const asked = importFilePv({
    from: w.node.home,
    homes: w.homes,
    chainId: CHAIN,
    look,
    onStep: () => {},
  });
  await assert.rejects(asked, /changes while we look/);
  looking = false;
  await node;
  assert.deepEqual(await readFile(w.node.state), old);
  for (const home of w.homes) assert.ok(!(await exists(keyIn(home))));
});

test('a node that signs through it all is found out, and again takes what it signed', async (t) => {
  const w = await world(t);
  const later = await signedState(keyOf(1), 9n);
  const asked = run(w, ({ kind }) => {
    if (kind === 'key') writeFileSync(w.node.state, formatStateFile(later));
  });
  await assert.rejects(asked, {
    code: 'NODE_RUNS',
    message: /rose to 9\/0\/3 while it was copied/,
  });
  assert.ok(!(await exists(w.node.key)), 'the key is aside all the same');
  await run(w);
  await assertComplete(w, 9n);
});

test('a home on which a replica runs is refused', async (t) => {
  const w = await world(t);
  await mkdir(join(last(w), 'data'));
  const server = createServer().listen(join(last(w), 'data', 'admin.sock'));
  t.after(() => server.close());
  await assert.rejects(run(w), { code: 'HOME_LOCKED' });
});

test('two keys on one chain: the address in config.toml says where this one goes', async (t) => {
  const w = await world(t);
  const tables = (address: string): string =>
    `solo = true\n${['old', 'new']
      .map(
        (name, i) =>
          `[[chain]]\nid = "${CHAIN}"\nkey = "priv/${name}.json"\nstate = "priv/${name}-state.json"\n${name === 'new' ? address : ''}validators = ["tcp://v:${i + 1}"]\n`,
      )
      .join('')}`;
  const home = w.homes[0] ?? '';
  const one = { ...w, homes: [home] };
  await writeFile(join(home, 'config.toml'), tables(''));
  await assert.rejects(run(one), { code: 'CONFIG', message: /2 \[\[chain\]\] tables of test-1/ });
  await writeFile(join(home, 'config.toml'), tables(`address = "${addressOfSeed(1)}"\n`));
  await run(one);
  const taken = await readKeyFile(join(home, 'priv', 'new.json'));
  assert.equal(addressOf(taken.publicKey), addressOfSeed(1));
  assert.ok(!(await exists(join(home, 'priv', 'old.json'))));
});

test("the node's config.toml may keep the two files elsewhere", async (t) => {
  const w = await world(t);
  const moved = { ...w.node, key: join(w.node.home, 'k.json'), state: join(w.node.home, 's.json') };
  await rename(w.node.key, moved.key);
  await rename(w.node.state, moved.state);
  await writeFile(
    join(w.node.home, 'config', 'config.toml'),
    'priv_validator_key_file = "k.json"\npriv_validator_state_file = "s.json"\n',
  );
  await run({ ...w, node: moved });
  await assertComplete({ ...w, node: moved }, 7n);
});

// ------------------------------------------------------------------------------ the real program

const plainUser = process.getuid?.() === 0 ? 65_534 : undefined;

test('where the node keeps its directory closed, all homes have copies and the one step is printed', async (t) => {
  const w = await world(t);
  const paths = [w.directory, join(w.directory, 'fleet')];
  for (const path of paths) await chmod(path, 0o755);
  for (const root of [...w.homes, w.node.home]) {
    for (const name of ['', ...(await readdir(root, { recursive: true }))]) {
      if (plainUser !== undefined) await chown(join(root, name), plainUser, plainUser);
    }
  }
  await chmod(join(w.node.home, 'config'), 0o500);
  const args = ['import', 'filepv', '--from', w.node.home, '--chain-id', CHAIN];
  const all = [...args, ...w.homes.flatMap((home) => ['--home', home])];
  const ended = await cmkms(all, plainUser === undefined ? {} : { uid: plainUser });
  await chmod(join(w.node.home, 'config'), 0o700);
  assert.equal(ended.code, 3);
  const [key, state] = [w.node.key, w.node.state];
  assert.match(
    ended.err,
    /^error NODE_KEY_REMAINS: all homes have their copies, but .*\(EACCES\)\.\n/,
  );
  assert.ok(ended.err.endsWith(`fix: mv ${key} ${aside(key)} && mv ${state} ${aside(state)}\n`));
  for (const home of w.homes) assert.equal(await heightIn(home), 7n);
  const check = await cmkms(['check', '--home', w.homes[0] ?? '']);
  assert.equal(check.code, 3, 'until the step is done, no replica starts with this key');
  assert.match(check.err, /^error NODE_KEY_REMAINS: the key still lies in the node's home/);
});

test('the real program says what it did, and that height 0 counts as nothing', async (t) => {
  const w = await world(t, zeroState);
  const args = ['import', 'filepv', '--from', w.node.home, '--chain-id', CHAIN];
  const ended = await cmkms([...args, ...w.homes.flatMap((home) => ['--home', home])]);
  assert.deepEqual([ended.code, ended.err], [0, '']);
  assert.match(ended.out, /at height 0, which counts as nothing/);
  assert.match(ended.out, /start once with --allow-fresh-state test-1/);
  await assertComplete(w, null);
});
