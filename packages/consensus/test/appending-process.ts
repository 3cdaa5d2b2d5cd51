/**
 * A process that appends to a log until it is killed: appending-process.js <directory>.
 *
 * Owns    saying, on stdout, how many entries are acknowledged, one line after each acknowledgement and
 *         never before it.
 */
import { writeSync } from 'node:fs';
import { openWal } from '../src/wal/index.js';
import { founding } from './log-samples.js';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: appending-process.js <directory>');

const wal = openWal({ directory, segmentBytes: 128 * 1024 });
const found = await wal.open();
if (found.genesis === null) await wal.append([founding]);
let index = found.entries.at(-1)?.index ?? found.snapshot?.index ?? 0;
let boot = found.boot?.boot ?? 1;
boot += 1;
await wal.append([{ boot: { boot, runId: `run-${boot}` } }]);
for (;;) {
  index += 1;
  const entry = {
    kind: 'command',
    index,
    term: boot,
    command: new Uint8Array(300).fill(index),
  } as const;
  // Now and then the log is shortened, so that rolls are cheap and snapshots are killed, too.
  const { membership } = founding.snapshot ?? { membership: { voters: [], learners: [] } };
  const snapshot = { index, term: boot, membership, state: new Uint8Array(8).fill(index) };
  await wal.append([{ entries: [entry], ...(index % 50 === 0 && { snapshot }) }]);
  writeSync(1, `${index}\n`);
}
