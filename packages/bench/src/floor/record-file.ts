/**
 * The file that a floor writes to: as long as it will ever be, and all of it on the disk before the first record.
 *
 * Owns    how it is made and opened, and where the next record goes. A write into it changes no metadata.
 */
import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';

/** As long as an entry of the log of a signer, more or less. */
export const RECORD_BYTES = 256;
const FILE_BYTES = 16 * 1024 * 1024;

const { O_RDWR, O_DSYNC } = constants;

export interface RecordFile {
  readonly fd: number;
  /** In turn, and from the beginning again at the end. */
  nextOffset(): number;
}

/** @param syncs  each write is on the disk when it returns */
export function makeRecordFile(path: string, syncs: boolean): RecordFile {
  const made = openSync(path, 'wx', 0o600);
  writeSync(made, Buffer.alloc(FILE_BYTES));
  fsyncSync(made);
  closeSync(made);
  const fd = openSync(path, syncs ? O_RDWR | O_DSYNC : O_RDWR);
  let next = 0;
  return {
    fd,
    nextOffset: () => {
      const offset = next;
      next = (next + RECORD_BYTES) % FILE_BYTES;
      return offset;
    },
  };
}
