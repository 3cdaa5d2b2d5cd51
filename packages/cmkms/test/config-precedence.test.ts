/**
 * Flag over environment over file over default, for every key that has all of them.
 *
 * Owns    the walk over the schema: a key that gets a flag or a variable must be added here.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Flags } from '../src/config/layers.js';
import { loadHttpAddress, loadSettings } from '../src/config/load.js';
import { type KeySpec, topLevelKeys } from '../src/config/schema.js';
import type { Settings } from '../src/config/settings.js';
import { CmkmsError } from '../src/errors.js';
import { around, scratch } from './scratch-homes.js';

const two = (port: number) => [`a=127.0.0.1:${port}`, `b=127.0.0.1:${port + 1}`];

interface Row {
  readonly key: Exclude<keyof typeof topLevelKeys, 'solo'>;
  readonly flag: Partial<Flags>;
  readonly variable: string;
  readonly inFile: string;
  readonly of: (settings: Settings) => unknown;
  /** What comes out for flag, variable, file and default. */
  readonly expected: readonly [unknown, unknown, unknown, unknown];
}

const rows: readonly Row[] = [
  {
    key: 'id',
    flag: { id: 'by-flag' },
    variable: 'by-env',
    inFile: '"by-file"',
    of: (settings) => settings.id?.value ?? null,
    expected: ['by-flag', 'by-env', 'by-file', null],
  },
  {
    key: 'raft_addr',
    flag: { raftAddr: ':1' },
    variable: ':2',
    inFile: '":3"',
    of: (settings) => settings.raftAddress?.port ?? null,
    expected: [1, 2, 3, null],
  },
  {
    key: 'http_addr',
    flag: { httpAddr: '' },
    variable: ':2',
    inFile: '":3"',
    of: (settings) => settings.httpAddress,
    expected: [
      null,
      { host: '', port: 2 },
      { host: '', port: 3 },
      { host: '127.0.0.1', port: 8080 },
    ],
  },
  {
    key: 'peer',
    flag: { peer: two(1000) },
    variable: two(2000).join(' , '),
    inFile: JSON.stringify(two(3000)),
    of: (settings) => settings.peers[0]?.port ?? null,
    expected: [1000, 2000, 3000, null],
  },
  {
    key: 'validator_addr',
    flag: { validatorAddr: ['tcp://f:1', 'tcp://f:2'] },
    variable: 'tcp://e:1,tcp://e:2',
    inFile: '"tcp://t:1"',
    of: (settings) => settings.chains[0]?.validators.map((validator) => validator.text),
    expected: [['tcp://f:1', 'tcp://f:2'], ['tcp://e:1', 'tcp://e:2'], ['tcp://t:1'], 'CONFIG'],
  },
  {
    key: 'chain_id',
    flag: { chainId: 'by-flag' },
    variable: 'by-env',
    inFile: '"by-file"',
    of: (settings) => settings.chains[0]?.id,
    expected: ['by-flag', 'by-env', 'by-file', 'CONFIG'],
  },
  {
    key: 'log_level',
    flag: { logLevel: 'debug' },
    variable: 'warn',
    inFile: '"error"',
    of: (settings) => settings.log.level,
    expected: ['debug', 'warn', 'error', 'info'],
  },
  {
    key: 'log_format',
    flag: { logFormat: 'json' },
    variable: 'plain',
    inFile: '"json"',
    of: (settings) => settings.log.format,
    expected: ['json', 'plain', 'json', 'plain'],
  },
];

/** All that a start needs, unless it is the key under test. */
const rest: Readonly<Record<string, string>> = {
  chain_id: '"c"',
  validator_addr: '"tcp://v:1"',
};

async function load(
  t: TestContext,
  row: Row,
  from: { readonly flag?: boolean; readonly env?: string; readonly file?: boolean },
): Promise<unknown> {
  const home = await scratch(t);
  const lines = Object.entries(rest).filter(([key]) => key !== row.key);
  if (from.file === true) lines.push([row.key, row.inFile]);
  await writeFile(
    join(home, 'config.toml'),
    lines.map(([key, value]) => `${key} = ${value}\n`).join(''),
  );
  const flags = { home, ...(from.flag === true ? row.flag : {}) };
  const solo = row.key === 'peer' && Object.keys(from).length > 0 ? {} : { solo: true };
  const variable = topLevelKeys[row.key].env;
  const env = from.env === undefined ? {} : { [variable]: from.env };
  try {
    return row.of(loadSettings({ ...solo, ...flags }, around(home, env)));
  } catch (error) {
    assert.ok(error instanceof CmkmsError, String(error));
    return error.code;
  }
}

for (const row of rows) {
  test(`${row.key}: flag, then ${topLevelKeys[row.key].env}, then file, then default`, async (t) => {
    const [flag, variable, file, fallback] = row.expected;
    const env = row.variable;
    assert.deepEqual(await load(t, row, { flag: true, env, file: true }), flag);
    assert.deepEqual(await load(t, row, { env, file: true }), variable);
    assert.deepEqual(await load(t, row, { env: '', file: true }), file, 'an empty one is unset');
    assert.deepEqual(await load(t, row, { file: true }), file);
    assert.deepEqual(await load(t, row, {}), fallback);
  });
}

test('no key with a flag and a variable is left out of this table', () => {
  const both = Object.entries<KeySpec>(topLevelKeys)
    .filter(([, spec]) => spec.flag !== undefined && spec.env !== undefined)
    .map(([key]) => key);
  assert.deepEqual(both.sort(), rows.map((row) => row.key).sort());
});

test('the home: flag, then COMETKMS_HOME, then ~/.cmkms', () => {
  const home = (flag: string | undefined, variable: string): string => {
    const flags = flag === undefined ? {} : { home: flag };
    const needed = { solo: true, chainId: 'c', validatorAddr: ['tcp://v:1'] };
    return loadSettings({ ...needed, ...flags }, around('/nowhere', { COMETKMS_HOME: variable }))
      .home;
  };
  assert.equal(home('/by-flag', '/by-env'), '/by-flag');
  assert.equal(home('relative', ''), '/nowhere/relative');
  assert.equal(home('~/x', ''), '/nowhere/x');
  assert.equal(home(undefined, '/by-env'), '/by-env');
  assert.equal(home(undefined, ''), '/nowhere/.cmkms');
});

test('status finds the HTTP address by the same precedence, whatever else is missing', async (t) => {
  const home = await scratch(t);
  assert.deepEqual(loadHttpAddress({ home }, around(home)), { host: '127.0.0.1', port: 8080 });
  const env = { COMETKMS_HTTP_ADDR: ':9' };
  assert.deepEqual(loadHttpAddress({ home }, around(home, env)), { host: '', port: 9 });
  assert.equal(loadHttpAddress({ home, httpAddr: '' }, around(home, env)), null);
});

// ------------------------------------------------------------------------- what has no precedence

const alone: Flags = { solo: true, chainId: 'c', validatorAddr: ['tcp://v:1'] };

function warnings(flags: Flags, env: Readonly<Record<string, string>> = {}): readonly string[] {
  return loadSettings(flags, around('/nowhere', env)).warnings.map(
    ({ code, text }) => `${code}: ${text}`,
  );
}

test('what lowers safety is read from no variable, and a variable that says so is named', () => {
  for (const name of ['SOLO', 'INSECURE_RAFT', 'ALLOW_FRESH_STATE', 'PEERS']) {
    const env = { [`COMETKMS_${name}`]: 'c' };
    const settings = loadSettings(alone, around('/nowhere', env));
    assert.equal(settings.insecureRaft, false);
    assert.deepEqual(settings.allowFreshState, []);
    assert.match(settings.warnings[0]?.text ?? '', new RegExp(`^COMETKMS_${name} is not read`));
  }
  assert.throws(
    () => loadSettings({ ...alone, solo: false }, around('/nowhere', { COMETKMS_SOLO: 'true' })),
    { code: 'PEERS_EMPTY' },
  );
});

test('--allow-fresh-state is a flag alone: in the file it is an unknown key', async (t) => {
  const home = await scratch(t);
  await writeFile(join(home, 'config.toml'), 'allow_fresh_state = ["c"]\n');
  assert.throws(() => loadSettings({ ...alone, home }, around(home)), { code: 'CONFIG' });
  assert.deepEqual(warnings({ ...alone, allowFreshState: ['c'] }), []);
  assert.deepEqual(warnings({ ...alone, allowFreshState: ['d'] }), [
    'FRESH_STATE_CHAIN: --allow-fresh-state d: no such chain is configured (c).',
  ]);
});

test('--default-ttl of the Go program is ignored with a warning', () =>
  assert.deepEqual(warnings({ ...alone, defaultTtl: '400ms' }), [
    'DEFAULT_TTL: --default-ttl has no meaning here; remove it.',
  ]));

test('allow_unsafe: false is taken, true is refused, wherever it is said', () => {
  assert.deepEqual(warnings(alone, { COMETKMS_ALLOW_UNSAFE: 'false' }), []);
  assert.throws(
    () => loadSettings(alone, around('/nowhere', { COMETKMS_ALLOW_UNSAFE: 'true' })),
    /COMETKMS_ALLOW_UNSAFE: allow_unsafe = true/,
  );
});

const sizes: readonly (readonly [replicas: number, warning: string | null])[] = [
  [2, '2 replicas tolerate no failure: if either stops, signing stops. Add a third, or a witness.'],
  [3, null],
  [4, '4 replicas tolerate the loss of 1, no more than 3 do.'],
  [5, null],
  [6, '6 replicas tolerate the loss of 2, no more than 5 do.'],
];
for (const [replicas, warning] of sizes) {
  test(`${replicas} replicas: ${warning === null ? 'no warning' : 'a warning'}`, () => {
    const peer = Array.from({ length: replicas }, (_unused, i) => `r${i}=127.0.0.1:${1000 + i}`);
    const said = warnings({ ...alone, solo: false, peer });
    assert.deepEqual(said, warning === null ? [] : [`NO_FAULT_TOLERANCE: ${warning}`]);
  });
}

test('--insecure-raft beyond loopback is refused, by the peer or by the listening address', () => {
  const peer = ['a=127.0.0.1:1', 'b=10.0.0.11:9430'];
  const flags = { ...alone, solo: false, insecureRaft: true };
  assert.throws(() => loadSettings({ ...flags, peer }, around('/nowhere')), {
    code: 'INSECURE_RAFT',
    message: '--insecure-raft is for loopback; b=10.0.0.11:9430 is not',
  });
  const near = ['a=127.0.0.1:1', 'b=localhost:2'];
  assert.ok(loadSettings({ ...flags, peer: near }, around('/nowhere')).insecureRaft);
  assert.throws(
    () => loadSettings({ ...flags, peer: near, raftAddr: ':1' }, around('/nowhere')),
    /--insecure-raft is for loopback; raft_addr :1 is not/,
  );
});
