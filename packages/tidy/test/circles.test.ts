/**
 * No file of a package needs another that needs it: read one, and what it rests on is below it. Types alone may point
 * both ways; nothing of them is left when the program runs.
 */
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { trackedFiles } from '../src/tree.js';

/** What the file itself needs at run time, of its own package. */
function needs({
  path,
  text,
}: {
  readonly path: string;
  readonly text: string;
}): readonly string[] {
  // A statement ends with its source: several of them may stand on one line, one of them on several.
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?'(\.[^']*)'/gm,
  );
  return [...statements].flatMap(([, type, what = '', target = '']) => {
    if (type !== undefined || onlyTypes(what)) return [];
    const file = posix.join(posix.dirname(path), target);
    return [file.replace(/\.js$/, '.ts')];
  });
}

const onlyTypes = (what: string): boolean => {
  const names = /^\{([\s\S]*)\}$/.exec(what.trim())?.[1]?.split(',');
  const said = names?.map((name) => name.trim()).filter((name) => name !== '') ?? [];
  return said.length > 0 && said.every((name) => name.startsWith('type '));
};

/** Each circle once, as the way round it. */
function circles(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.push([...way.slice(at), file].join(' -> '));
    if (at >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}

test('a circle is seen, and types alone are none', () => {
  const files = [
    { path: 'p/a.ts', text: "import {\n  b,\n} from './b.js';\nimport { type C } from './c.js';" },
    { path: 'p/b.ts', text: "export * from './c/d.js';" },
    { path: 'p/c.ts', text: "import type { A } from './a.js';\nimport { a } from './a.js';" },
    { path: 'p/c/d.ts', text: "import './../a.js';\nimport x from 'node:fs';" },
  ];
  assert.deepEqual(circles(new Map(files.map((file) => [file.path, needs(file)]))), [
    'p/a.ts -> p/b.ts -> p/c/d.ts -> p/a.ts',
  ]);
});

test('no package has a circle of imports', () => {
  const files = trackedFiles(/^packages\/[^/]+\/(src|test)\/.*\.ts$/);
  const graph = new Map(files.map((file) => [file.path, needs(file)]));
  const edges = [...graph.values()].reduce((sum, targets) => sum + targets.length, 0);
  assert.ok(edges > files.length, 'imports are found at all');
  assert.deepEqual(circles(graph), []);
});
