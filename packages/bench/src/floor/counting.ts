/**
 * What the programs of the floor have in common: the clock around one thing, and how they tell what they found.
 *
 * Owns    how much is done before it counts, and one line of JSON at the end.
 */

/** Of each thing, before it counts. */
export const WARM_UP = 200;
/** Of one kind in a row. */
const BLOCK = 100;

/**
 * In turn, each begun when the one before is done.
 * @param one  what returns no promise is not waited for: not a turn of the loop is in its time
 * @returns milliseconds of each
 */
export async function timesOf(
  count: number,
  one: () => Promise<void> | undefined,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const started = performance.now();
    const done = one();
    if (done !== undefined) await done;
    times.push(performance.now() - started);
  }
  return times;
}

/** Milliseconds by case. */
export type Found = Readonly<Record<string, readonly number[]>>;

/**
 * Each by turns, a block at a time, so that whatever the machine does beside, it does to all of them.
 * @param works  by case; none of them waits for anything but what it calls
 */
export async function inBlocks(
  count: number,
  works: Readonly<Record<string, () => void>>,
): Promise<Found> {
  const found: Record<string, number[]> = {};
  for (let done = -WARM_UP; done < count; done += BLOCK) {
    for (const [name, work] of Object.entries(works)) {
      const times = await timesOf(Math.min(BLOCK, count - done), () => {
        work();
        return undefined;
      });
      if (done >= 0) found[name] = [...(found[name] ?? []), ...times];
    }
  }
  return found;
}

export function tell(found: Found): void {
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
