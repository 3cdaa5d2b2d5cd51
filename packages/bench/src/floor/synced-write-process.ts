/**
 * Records into a file, each on the disk before the next: by O_DSYNC, and by a sync of its own.
 *
 * Owns    two files in the directory that it is given.
 * Never   waits on the event loop: what a thread pool adds is no matter of the disk.
 */
import { fdatasyncSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inBlocks, tell } from './counting.js';
import { makeRecordFile, RECORD_BYTES } from './record-file.js';

const [directory = '', count = ''] = process.argv.slice(2);
const record = Buffer.alloc(RECORD_BYTES, 7);
const opened = makeRecordFile(join(directory, 'o-dsync'), true);
const synced = makeRecordFile(join(directory, 'fdatasync'), false);
const found = await inBlocks(Number(count), {
  'synced write (O_DSYNC)': () => {
    writeSync(opened.fd, record, 0, RECORD_BYTES, opened.nextOffset());
  },
  'synced write (fdatasync)': () => {
    writeSync(synced.fd, record, 0, RECORD_BYTES, synced.nextOffset());
    fdatasyncSync(synced.fd);
  },
});
tell(found);
