/**
 * What a process and a disk have used up, as the kernel tells it in /proc and /sys.
 *
 * Owns    reading those files, and what a directory takes on its disk.
 * Never   asks the process itself. Linux only.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** In the kernel's counts, whatever the disk has. */
const SECTOR_BYTES = 512;

export interface Usage {
  readonly rssBytes: number;
  /** In user mode and in the kernel, since its start. */
  readonly cpuSeconds: number;
}

/** @throws where there is no /proc, or no such process any more */
export function usageOf(pid: number): Usage {
  const of = (name: string): string => {
    const path = `/proc/${pid}/${name}`;
    if (existsSync(path)) return readFileSync(path, 'utf8');
    throw new Error(
      `${path} is not there: the footprint is measured on Linux, of processes that run`,
    );
  };
  return {
    rssBytes: rssOf(of('status')),
    cpuSeconds: ticksOf(of('stat')) / ticksPerSecond(),
  };
}

/** @param status as in /proc/PID/status */
export function rssOf(status: string): number {
  return 1024 * numberIn(/^VmRSS:\s+(\d+) kB$/m, status);
}

/**
 * utime and stime: the 14th and the 15th field.
 * @param stat as in /proc/PID/stat; the second field, the name, may hold spaces and parentheses
 */
export function ticksOf(stat: string): number {
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  if (user === undefined || system === undefined || !Number.isFinite(user + system)) {
    throw new Error(`not as the kernel writes it: ${stat}`);
  }
  return user + system;
}

function numberIn(pattern: RegExp, text: string): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not in: ${text}`);
  return Number(found);
}

let ticks: number | null = null;

function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}

/** Of all processors together, since the machine started, in ticks. */
export interface ProcessorTicks {
  /** Also while a disk was waited for. */
  readonly idle: number;
  readonly all: number;
}

/** @throws where there is no /proc */
export function processorTicks(): ProcessorTicks {
  return processorTicksOf(readFileSync('/proc/stat', 'utf8'));
}

/** @param stat as in /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already */
export function processorTicksOf(stat: string): ProcessorTicks {
  const found = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number).slice(0, 8) ?? [];
  const all = found.reduce((sum, ticks) => sum + ticks, 0);
  const [, , , idle, waiting] = found;
  if (idle === undefined || waiting === undefined || !Number.isFinite(all)) {
    throw new Error(`not as the kernel writes it: ${stat.slice(0, 100)}`);
  }
  return { idle: idle + waiting, all };
}

/** What all files below it take, in whole blocks, as `du` counts. @param except paths that are left out */
export function bytesOnDisk(path: string, except: ReadonlySet<string>): number {
  if (except.has(path)) return 0;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  // A file may go while the others are counted: a segment of a log that is not needed any more.
  if (stat === undefined) return 0;
  const own = stat.blocks * SECTOR_BYTES;
  if (!stat.isDirectory()) return own;
  return readdirSync(path).reduce((sum, name) => sum + bytesOnDisk(join(path, name), except), own);
}

/**
 * What the disk below `path` was given to write since the machine started, by everybody. `write_bytes` of
 * /proc/PID/io would be of one process, and is no use: where a file system keeps a file in large folios, a
 * write of 4 KiB counts as one of 2 MiB there (Linux 6.18, ext4).
 * @returns null where there is no such disk: memory, or another machine's
 */
export function writtenBelow(path: string): number | null {
  const { dev } = statSync(path);
  // As makedev() of glibc puts them together, for numbers of usual size.
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  const file = `/sys/dev/block/${major}:${minor}/stat`;
  return existsSync(file) ? sectorsWrittenOf(readFileSync(file, 'utf8')) * SECTOR_BYTES : null;
}

/** @param stat as in /sys/block/DISK/stat: the 7th field */
export function sectorsWrittenOf(stat: string): number {
  const sectors = Number(stat.trim().split(/\s+/)[6]);
  if (!Number.isFinite(sectors)) throw new Error(`not as the kernel writes it: ${stat}`);
  return sectors;
}
