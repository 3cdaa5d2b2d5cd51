/**
 * Planted bugs: what production must never do, so that the search can show that it would find it.
 *
 * Owns    the texts of the compiled code that are replaced, and the world in which the bug is looked for.
 * Never   in production: only an opened module is changed (opening-hooks.ts).
 */
export interface PlantedBug {
  readonly name: string;
  /** The rule that it breaks, in words. */
  readonly breaks: string;
  /** The end of the file's path. */
  readonly file: string;
  readonly changes: readonly (readonly [from: string, to: string])[];
  readonly world: string;
}

export const plantedBugs: readonly PlantedBug[] = [];

/** @throws Error where the text to be replaced is not there: production has changed, and the bug must follow */
export function plantedIn(name: string, url: string, text: string): string {
  if (name === 'none') return text;
  const bug = plantedBugs.find((each) => each.name === name);
  if (bug === undefined) throw new Error(`there is no planted bug "${name}"`);
  if (!new URL(url).pathname.endsWith(bug.file)) return text;
  return bug.changes.reduce((changed, [from, to]) => {
    if (changed.split(from).length !== 2) throw new Error(`${url}: "${from}" stands not once`);
    return changed.replace(from, () => to);
  }, text);
}
