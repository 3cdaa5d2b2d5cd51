/**
 * One scenario told in a process of its own, where a bug may be planted.
 *
 * Owns    what became of it, as one line of JSON: the promise that broke, or null.
 * Never   takes an error for a finding that is not the story's own: a plant that cannot run proves nothing.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tell } from '../scenarios/run.js';
import { StoryError } from '../scenarios/stage.js';

export interface Told {
  /** Null: it came out as it is written. */
  readonly failure: { readonly promise: string; readonly saw: string } | null;
}

/** @param name  of a file of `scenarios/`, without `.txt` */
export function told(name: string): Told {
  const path = fileURLToPath(new URL(`../../../scenarios/${name}.txt`, import.meta.url));
  const written = readFileSync(path, 'utf8');
  try {
    const { text, broken } = tell(written);
    const [first] = broken;
    if (first !== undefined)
      return { failure: { promise: 'no story shows a broken promise', saw: first.trim() } };
    if (text === written) return { failure: null };
    return {
      failure: { promise: 'each story goes as it is written', saw: departure(written, text) },
    };
  } catch (error) {
    if (!(error instanceof StoryError)) throw error;
    const saw = error.message.split('\n')[0] ?? '';
    return { failure: { promise: 'each order of a story can be carried out', saw } };
  }
}

function departure(written: string, now: string): string {
  const [before, after] = [written.split('\n'), now.split('\n')];
  const at = before.findIndex((line, n) => line !== after[n]);
  const line = (of: readonly string[]): string => of[at]?.trim() || 'nothing';
  return `line ${at + 1}: "${line(after)}", not "${line(before)}"`;
}

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('which scenario?');
process.stdout.write(`${JSON.stringify(told(name))}\n`);
