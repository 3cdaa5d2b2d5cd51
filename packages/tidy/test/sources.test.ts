/** How a source file must look: a head that says what it owns, a bounded length, no drawers, no leftovers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offences, root, trackedFiles } from '../src/tree.js';

const sources = trackedFiles(/^(packages\/[^/]+\/(src|test)\/.*\.ts|packages\/[^/]+\/.*\.mjs)$/);
const shipped = sources.filter((file) => file.path.includes('/src/'));

test('a file begins with the comment that says what it is for', () => {
  const bare = sources.filter((file) => !/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(file.text));
  assert.deepEqual(
    bare.map((file) => file.path),
    [],
    'write a head comment: what the file owns, and what it never does',
  );
});

test('no file is longer than 450 lines, no line than 120 characters', () => {
  const long = shipped.filter((file) => file.text.split('\n').length > 450).map((f) => f.path);
  assert.deepEqual(long, [], 'one idea, one file: split it');
  // A sentence stays in one piece, however long, so that it can be searched for.
  const wide = offences(shipped, (line) => {
    const { length } = line.replace(/(['"`])(?:\\.|(?!\1).)*\1/g, '""');
    return length > 120 ? `${length} characters` : null;
  });
  assert.deepEqual(wide, []);
});

test('no drawer: a file is named for its idea', () => {
  const drawers = sources.filter((file) =>
    /\/(utils?|helpers?|common|misc|shared)\b/.test(file.path),
  );
  assert.deepEqual(
    drawers.map((file) => file.path),
    [],
  );
});

/** An empty handler; or one that answers nothing where nobody looks at the answer. */
const swallows =
  /catch\s*(\([a-z_]*\))?\s*\{\s*\}|^(?!.*(=|return)\s.*\.catch)(?=.*\.catch\(\(\)\s*=>\s*(\{\s*\}|undefined|null)\))/i;
const says = (lines: readonly string[]): boolean => lines.some((line) => /(^|\s)\/\//.test(line));

test('nothing is left for later, switched off, or swallowed', () => {
  const found = offences(sources, (line, file, above) => {
    if (file.path.startsWith('packages/tidy/')) return null;
    if (/\b(TODO|FIXME|XXX|HACK)\b/.test(line)) return 'a note for later belongs into an issue';
    if (/\b(it|test|describe|suite)\.(only|todo)\b/.test(line))
      return 'a narrowed or switched-off test';
    if (swallows.test(line) && !says([...above, line])) {
      return 'an error is swallowed: handle it, or say on the line above why it cannot matter';
    }
    return null;
  });
  assert.deepEqual(found, []);
});

test('nothing names a path of a machine or the host of a package registry', () => {
  const everywhere = trackedFiles(/^(?!LICENSE)/).filter((file) => file.path !== 'pnpm-lock.yaml');
  const found = offences(everywhere, (line, file) => {
    if (file.path.startsWith('packages/tidy/test/')) return null;
    if (/https?:\/\/(registry|proxy|static|index|files|repo)[a-z0-9]*\./.test(line))
      return line.trim();
    return /(^|[\s"'`(=])\/(work|root|home\/[a-z]+)\//.test(line) ? line.trim() : null;
  });
  assert.deepEqual(found, []);
});

test('nothing large is tracked: what a tool wrote is no source', () => {
  const lock = 'pnpm-lock.yaml';
  const large = trackedFiles(/^/).filter(({ path, text }) => text.length > 50_000 && path !== lock);
  assert.deepEqual(
    large.map((file) => file.path),
    [],
  );
});

test('no merge is left half done', () => {
  const found = offences(trackedFiles(/^/), (line) =>
    /^(<{7}|>{7}|\|{7})( |$)|^={7}$/.test(line) ? line : null,
  );
  assert.deepEqual(found, []);
});

test('the top level holds what the layout says, and nothing else', () => {
  const allowed = new Set([
    ...['packages', 'proto', 'deploy', 'docs', '.ci'],
    ...['pnpm-workspace.yaml', 'package.json', 'tsconfig.base.json', 'tsconfig.json', 'LICENSE'],
    ...['README.md', 'pnpm-lock.yaml', 'biome.json', '.gitignore', '.npmrc', '.gitattributes'],
  ]);
  const top = new Set(trackedFiles(/^/).map((file) => file.path.split('/')[0] ?? ''));
  assert.deepEqual(
    [...top].filter((name) => !allowed.has(name)),
    [],
    `in ${root}`,
  );
});
