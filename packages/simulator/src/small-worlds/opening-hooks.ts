/**
 * Module hooks: production modules with their private fields readable, and with a planted bug where one is asked for.
 *
 * Owns    the two changes of text. `#name` becomes `_name`, in every place or in none, which changes no meaning: the
 *         names are used nowhere else (checked here). A planted bug replaces one exact text by another.
 * Never   touches a module that was not asked for with `?opened=`; the same files without it stay as they are.
 */
import type { LoadHook, ResolveHook } from 'node:module';
import { plantedIn } from './planted.js';

const isOpened = (url: string | undefined): string | null =>
  url === undefined || !url.startsWith('file:') ? null : new URL(url).searchParams.get('opened');

/** What an opened module imports of its own room is opened in the same way. */
export const resolve: ResolveHook = async (specifier, context, next) => {
  const found = await next(specifier, context);
  const opened = isOpened(context.parentURL);
  if (opened === null || !specifier.startsWith('.')) return found;
  return { ...found, url: `${found.url}?opened=${opened}` };
};

export const load: LoadHook = async (url, context, next) => {
  const found = await next(url, context);
  const opened = isOpened(url);
  if (opened === null || found.source === undefined || found.source === null) return found;
  const text =
    typeof found.source === 'string'
      ? found.source
      : Buffer.from(found.source as Uint8Array).toString('utf8');
  return { ...found, source: plantedIn(opened, url, openedText(url, text)) };
};

function openedText(url: string, text: string): string {
  const privates = new Set([...text.matchAll(/(?<=\.|^\s+)#(\w+)/gm)].map((found) => found[1]));
  for (const name of privates) {
    if (new RegExp(`(?<![\\w$#])_${name}\\b`).test(text)) {
      throw new Error(`${url}: _${name} is taken, so #${name} cannot be opened`);
    }
  }
  return text.replace(/(?<=\.|^\s+)#(\w+)/gm, '_$1');
}
