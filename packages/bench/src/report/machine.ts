/**
 * What the figures depend on besides the programs.
 *
 * Owns    asking the system for it.
 * Never   names the machine or its user.
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';

export interface Machine {
  readonly processors: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Of the directory for temporary files, where all homes lie. */
  readonly fileSystem: string;
  readonly node: string;
  /** Of the last minute before the run: well below 1 on a quiet machine. */
  readonly loadBefore: number;
}

export function machine(): Machine {
  const all = cpus();
  return {
    processors: `${all.length} x ${all[0]?.model ?? 'unknown'}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    fileSystem: fileSystem(),
    node: process.version,
    loadBefore: Number(loadavg()[0]?.toFixed(2)),
  };
}

function fileSystem(): string {
  try {
    return execFileSync('stat', ['-f', '-c', '%T', tmpdir()], { encoding: 'utf8' }).trim();
  } catch {
    // Not Linux.
    return 'unknown';
  }
}
