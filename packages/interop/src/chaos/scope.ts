/**
 * All that one run of the suite makes outside its own process, under one name that carries its process id.
 *
 * Owns    the name; the directory; ending and removing all of it; doing the same for runs that died before they
 *         could.
 * Never   touches what does not carry such a name, or what belongs to a suite that lives. Synchronous, so that it
 *         works while a process exits.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const NAME = /^cmkms-chaos-(\d+)(-|$)/;
const NAMESPACES = '/run/netns';

/** The names of namespaces begin with it. */
export function scopeName(pid: number): string {
  return `cmkms-chaos-${pid}`;
}

export function scopeDirectory(name: string): string {
  return join(tmpdir(), name);
}

/** Ids of processes that were started with libfaketime, one per line: it leaves files behind that carry them. */
export function clockedPidsPath(directory: string): string {
  return join(directory, 'clocked-pids');
}

/** Fresh and empty, after what dead suites left is gone. */
export function openScope(): string {
  for (const name of deadScopes()) {
    console.log(`swept what a dead run left: ${name}`);
    removeScope(name);
  }
  const name = scopeName(process.pid);
  removeScope(name);
  mkdirSync(scopeDirectory(name), { mode: 0o700 });
  return name;
}

/** @param keepAs where logs, homes and records go instead of away */
export function removeScope(name: string, keepAs?: string): void {
  for (const namespace of namespacesOf(name)) {
    for (const pid of pidsIn(namespace)) endProcess(pid);
  }
  const directory = scopeDirectory(name);
  removeClockFiles(directory);
  for (const mount of mountsBelow(directory)) {
    const copy = `${mount}.kept`;
    // `cp`, as it takes sockets in its stride.
    if (keepAs !== undefined) spawnSync('cp', ['-a', mount, copy]);
    spawnSync('umount', ['--lazy', mount]);
  }
  for (const namespace of namespacesOf(name)) spawnSync('ip', ['netns', 'delete', namespace]);
  if (!existsSync(directory)) return;
  if (keepAs === undefined) rmSync(directory, { recursive: true, force: true });
  else renameSync(directory, keepAs);
}

/** Those that this user may remove. */
function deadScopes(): readonly string[] {
  const uid = process.getuid?.();
  const directories = list(tmpdir()).filter((name) => {
    return NAME.test(name) && (uid === 0 || statSync(scopeDirectory(name)).uid === uid);
  });
  const names = [...(uid === 0 ? list(NAMESPACES) : []), ...directories];
  const pids = new Set(names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number));
  return [...pids].filter((pid) => !existsSync(`/proc/${pid}`)).map(scopeName);
}

function namespacesOf(name: string): readonly string[] {
  return list(NAMESPACES).filter((namespace) => namespace.startsWith(`${name}-`));
}

function pidsIn(namespace: string): readonly number[] {
  const { stdout } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]));
}

function endProcess(pid: number): void {
  if (pid === process.pid) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended by itself meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The deepest first. */
function mountsBelow(directory: string): readonly string[] {
  if (!existsSync('/proc/mounts')) return [];
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const paths = mounts.map((line) => line.split(' ')[1] ?? '');
  return paths.filter((path) => path.startsWith(`${directory}/`)).reverse();
}

function removeClockFiles(directory: string): void {
  const path = clockedPidsPath(directory);
  if (!existsSync(path)) return;
  const pids = new Set(readFileSync(path, 'utf8').split('\n'));
  for (const name of list('/dev/shm')) {
    const pid = /^(?:sem\.)?faketime_(?:sem|shm)_(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && pids.has(pid))
      rmSync(join('/dev/shm', basename(name)), { force: true });
  }
}

function list(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
