/**
 * The seed that found each planted bug last time (`packages/simulator/planted-seeds.json`).
 *
 * Owns    the file. A seed means something for one commit only, so what it says is a first guess: where it finds the
 *         bug no more, the bug is sought from the first seed on, as always.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Row } from './table.js';

const path = fileURLToPath(new URL('../../../planted-seeds.json', import.meta.url));

export function rememberedSeeds(): ReadonlyMap<string, number> {
  const seeds = JSON.parse(readFileSync(path, 'utf8')) as Record<string, number>;
  return new Map(Object.entries(seeds));
}

/** Of these rows alone: bugs that were not run, or survived, keep what was said of them. */
export function remember(rows: readonly Row[]): void {
  const seeds = new Map(rememberedSeeds());
  for (const { plant, found } of rows)
    if (found?.seed !== undefined) seeds.set(plant.name, found.seed);
  const sorted = [...seeds].sort(([x], [y]) => x.localeCompare(y));
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
}
