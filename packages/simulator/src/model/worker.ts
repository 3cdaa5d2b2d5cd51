/**
 * A process that replays the worlds of the seeds that it is given, one after the other, for `npm run model`.
 *
 * Owns    its arguments, and one line of JSON for each seed. A planted bug comes in by `--import`.
 */
import { replaySeed } from './replay.js';

for (const seed of process.argv.slice(2).map(Number)) {
  process.stdout.write(`${JSON.stringify(await replaySeed(seed))}\n`);
}
// A world that ended early leaves promises that nobody will keep.
process.exit(0);
