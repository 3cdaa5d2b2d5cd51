/** Each bug that docs/claims.md names to be planted is one that exists: a claim is worth what its bug proves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trackedFiles } from '../src/tree.js';

const page = trackedFiles(/^docs\/claims\.md$/)[0]?.text ?? '';
const namesIn = (files: RegExp): ReadonlySet<string> =>
  new Set(
    trackedFiles(files).flatMap(({ text }) =>
      [...text.matchAll(/^ +name: '([a-z0-9-]+)',$/gm)].map(([, name = '']) => name),
    ),
  );
const planted = namesIn(/^packages\/simulator\/src\/planted\/[^/]+\.ts$/);
const ofSmallWorlds = namesIn(/^packages\/simulator\/src\/small-worlds\/planted\.ts$/);
const bugName = /`([a-z0-9]+(?:-[a-z0-9]+)+)`/g;

/** The last cells of tables: names, and in brackets behind them what finds them. */
const cells = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.split(' | ').length > 3)
  .map((line) => line.split(' | ').at(-1) ?? '');

test('the page names bugs of both kinds, and this test finds them there', () => {
  const named = cells.flatMap((cell) => [...cell.matchAll(bugName)].map(([, name = '']) => name));
  assert.ok(named.filter((name) => planted.has(name)).length > 20);
  assert.ok(named.filter((name) => ofSmallWorlds.has(name)).length > 5);
});

test('each bug that is named there can be planted', () => {
  const commands = [...page.matchAll(/(?:CMKMS_PLANTED=|--planted )([a-z0-9,-]+)/g)];
  const named = [
    ...cells.flatMap((cell) => [...cell.matchAll(bugName)].map(([, name = '']) => name)),
    ...commands.flatMap(([, names = '']) => names.split(',')),
  ];
  const unknown = named.filter((name) => !planted.has(name) && !ofSmallWorlds.has(name));
  assert.deepEqual(unknown, [], 'packages/simulator/src/planted/ has no bug of this name');
});

test('whoever is said to find it runs bugs of that kind', () => {
  const wrong = cells.flatMap((cell) =>
    // `one`, `another` (sw); `third` (test; sim, 2)
    [...cell.matchAll(/((?:`[^`]+`(?:, )?)+) \(([^)]*)\)/g)].flatMap(([, names = '', by = '']) => {
      const known = by.split(/[;,] /).includes('sw') ? ofSmallWorlds : planted;
      return [...names.matchAll(bugName)]
        .map(([, name = '']) => name)
        .filter((name) => !known.has(name))
        .map((name) => `${name} (${by})`);
    }),
  );
  assert.deepEqual(wrong, []);
});
