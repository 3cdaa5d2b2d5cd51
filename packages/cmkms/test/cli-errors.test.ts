/**
 * The table of errors: what it says can be done, and what the process ends with.
 *
 * Owns    the rule that no message names a command or a flag that does not exist.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsensusError } from '@cometkms/consensus';
import { SignerError } from '@cometkms/signer';
import type { Command } from 'commander';
import { failureOf } from '../src/cli/failure.js';
import { buildProgram } from '../src/cli/program.js';
import { CmkmsError, cmkmsErrors } from '../src/errors.js';
import { EXIT } from '../src/exit-codes.js';
import { terminal } from './scratch-homes.js';

/** Any fact that a row may ask for. */
const facts: Readonly<Record<string, unknown>> = new Proxy(
  { config: ['x'], members: ['y'], peers: ['z'], known: ['c'], keys: ['k'], file: '7/0/3' },
  { get: (known, name) => Reflect.get(known, name) ?? `<${String(name)}>` },
);

const rows = Object.entries(cmkmsErrors).map(([code, row]) => {
  const { says, remedy } = row as unknown as Record<
    'says' | 'remedy',
    (facts: Readonly<Record<string, unknown>>) => string
  >;
  return { code, exitCode: row.exitCode, says: says(facts), remedy: remedy(facts) };
});

/** Every command by its full name, with the flags that it takes. */
function commands(of: Command, name: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  found.set(
    name,
    of.options.map((option) => option.long ?? ''),
  );
  for (const sub of of.commands) {
    for (const [path, flags] of commands(sub, `${name} ${sub.name()}`)) found.set(path, flags);
  }
  return found;
}

const known = commands(
  buildProgram(terminal('/nowhere'), () => {}),
  'cmkms',
);

for (const { code, says, remedy } of rows) {
  test(`${code} names only commands and flags that exist, and a remedy`, () => {
    assert.ok(remedy.length > 3 || remedy.startsWith('<'), remedy);
    for (const [, words] of `${says} ${remedy}`.matchAll(/\b(cmkms(?: [a-z]+)+)/g)) {
      const parts = (words ?? '').split(' ');
      const deepest = parts
        .map((_part, i) => parts.slice(0, i + 1).join(' '))
        .filter((path) => known.has(path));
      const command = deepest.at(-1) ?? '';
      const next = parts.slice(command.split(' ').length);
      const group = [...known.keys()].some((path) => path.startsWith(`${command} `));
      // Prose may go on after a full command ("cmkms never makes a key"), not after a group of them.
      if (command === 'cmkms') {
        assert.match(words ?? '', /^cmkms (never|own|would)\b/, words);
      } else {
        assert.ok(!group, `"${words}" is not a command (next: ${next.join(' ')})`);
      }
    }
    const flags = new Set(['--help', ...[...known.values()].flat()]);
    for (const [flag] of `${says} ${remedy}`.matchAll(/--[a-z-]+/g))
      assert.ok(flags.has(flag), flag);
  });
}

test('no message ends twice or is broken into lines', () => {
  for (const { code, says, remedy } of rows) {
    assert.doesNotMatch(`${says} ${remedy}`, /(?<!\.)\.\.(?!\.)|\n/, code);
  }
});

const system = (code: string): Error =>
  Object.assign(new Error(`${code}: said the kernel`), { code });
const endings: readonly (readonly [why: string, error: unknown, code: string, exitCode: number])[] =
  [
    ['its own error', new CmkmsError('HOME_MISSING', { home: 'h' }), 'HOME_MISSING', 2],
    ['a full disk', system('ENOSPC'), 'DISK_FULL', 4],
    ['a broken disk', system('EIO'), 'DISK_FAILED', 4],
    [
      'a broken disk under a file of the signer',
      new SignerError(
        'SIGNER_FILE_FAILED',
        { path: 'p', doing: 'writing', detail: 'd' },
        { cause: system('EIO') },
      ),
      'SIGNER_FILE_FAILED',
      4,
    ],
    ['a missing permission', system('EACCES'), 'PERMISSION', 4],
    ['a read-only mount', system('EROFS'), 'PERMISSION', 4],
    [
      'a full disk under a file of the signer',
      new SignerError(
        'SIGNER_FILE_FAILED',
        { path: 'p', doing: 'writing', detail: 'd' },
        { cause: system('ENOSPC') },
      ),
      'DISK_FULL',
      4,
    ],
    [
      'a log that cannot be written',
      new ConsensusError('CONSENSUS_LOG_FAILED', { path: 'p', detail: 'd' }),
      'CONSENSUS_LOG_FAILED',
      5,
    ],
    [
      'a damaged log',
      new ConsensusError('CONSENSUS_LOG_DAMAGED', { path: 'p', offset: 0, detail: 'd' }),
      'CONSENSUS_LOG_DAMAGED',
      3,
    ],
    ['what we did wrong', new TypeError('x is undefined'), 'UNEXPECTED', 1],
    ['what is no error at all', 'text', 'UNEXPECTED', 1],
  ];
for (const [why, error, code, exitCode] of endings) {
  test(`${why} ends in ${exitCode}`, () => {
    const failure = failureOf(error);
    assert.deepEqual([failure.code, failure.exitCode], [code, exitCode]);
    assert.notEqual(failure.remedy, '');
  });
}

test('the log that was lost while running keeps its code over the full disk beneath', () => {
  const cause = system('ENOSPC');
  const lost = new ConsensusError('CONSENSUS_LOG_FAILED', { path: 'p', detail: 'd' }, { cause });
  assert.equal(failureOf(lost).exitCode, EXIT.LOG_LOST);
});
