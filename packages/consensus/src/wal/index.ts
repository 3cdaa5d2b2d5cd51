/**
 * The log as others open it.
 *
 * Owns    the way from a directory to a `LogStorage`, and what a simulated disk needs to stand below it.
 */
import type { LogStorage } from '../storage.js';
import { diskFiles } from './files.js';
import { DEFAULT_WAL_OPTIONS, WriteAheadLog } from './wal.js';

export { diskFiles, type LogFile, type LogFiles, type OpenOptions } from './files.js';
export { type Row as RecoveryRow, recoveryTable } from './recovery.js';
export { DEFAULT_WAL_OPTIONS, type WalOptions, WriteAheadLog } from './wal.js';

/**
 * A log in a directory of its own. Nothing is read or made before `open`; an empty or missing directory
 * is a log that was never founded, and stays as it is until the first append.
 * @param options.segmentBytes  default 4 MiB; a multiple of 4096. Two to three segments are on disk.
 */
export function openWal(options: {
  readonly directory: string;
  readonly segmentBytes?: number;
}): LogStorage {
  const { directory, segmentBytes = DEFAULT_WAL_OPTIONS.segmentBytes } = options;
  return new WriteAheadLog(diskFiles(directory), { segmentBytes });
}
