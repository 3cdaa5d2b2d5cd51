/**
 * Plants a bug while modules are loaded: hooks for node:module's `register`.
 *
 * Owns    the replacement of text in the modules that a plant names.
 * Never   goes on where a patch does not fit exactly once: such a plant would prove nothing.
 */
import type { LoadHook } from 'node:module';
import type { Patch } from './plant.js';

let patches: readonly Patch[] = [];

export function initialize(given: readonly Patch[]): void {
  patches = given;
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const mine = patches.filter(({ file }) => url.endsWith(`/packages/${file}`));
  if (mine.length === 0) return loaded;
  const source = mine.reduce(patched, String(loaded.source));
  return { ...loaded, source };
};

/** @throws where it does not stand there exactly once */
export function patched(source: string, { file, replace, by }: Patch): string {
  const count = source.split(replace).length - 1;
  if (count !== 1) throw new Error(`${file}: found ${count} times, not once: ${replace}`);
  return source.replace(replace, () => by);
}
