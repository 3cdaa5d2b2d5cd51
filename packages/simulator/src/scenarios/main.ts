/**
 * `npm run scenarios`: tells every scenario and shows where the trace is another; `-- --update` writes the traces that
 * came out into the files, so that a change of behaviour is a diff to be reviewed.
 *
 * Owns    the command line.
 * Never   writes a trace that shows a broken promise.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tell } from './run.js';

const folder = fileURLToPath(new URL('../../../scenarios/', import.meta.url));

const update = process.argv.includes('--update');
let wrong = 0;
for (const name of readdirSync(folder).filter((each) => each.endsWith('.txt'))) {
  const path = join(folder, name);
  const before = readFileSync(path, 'utf8');
  const { text, broken } = tell(before);
  if (text === before && broken.length === 0) continue;
  console.log(broken.length > 0 ? `${name}: ${broken.join('; ')}` : `${name}: another trace`);
  if (update && broken.length === 0) writeFileSync(path, text);
  else wrong += 1;
}
process.exitCode = wrong > 0 ? 1 : 0;
