/**
 * `cmkms start`: settings, lock, checks, then the replica.
 *
 * Owns    that order. The lock is taken before a key, a state or the log is read, so what was read stays true.
 * Never   binds or dials: src/replica/ does, with what was checked.
 */
import { type Checked, checkHome } from '../check-home.js';
import type { Flags } from '../config/layers.js';
import { loadSettings } from '../config/load.js';
import type { Settings } from '../config/settings.js';
import type { ExitCode } from '../exit-codes.js';
import { checkLayout, homePaths } from '../home.js';
import { lockHome } from '../home-lock.js';
import type { Terminal } from './terminal.js';

/** src/replica/start.ts; loaded when it is wanted, so that the other commands stay quick. */
interface ReplicaModule {
  /** Runs until it is told to stop, or fails. */
  startReplica(
    checked: Checked,
    settings: Settings,
    options: { readonly color: boolean },
  ): Promise<ExitCode>;
}

const replicaModule: string = '../replica/start.js';

/** @throws CmkmsError  any; and what the running replica ended with */
export async function startCommand(flags: Flags, terminal: Terminal): Promise<ExitCode> {
  const settings = loadSettings(flags, terminal.around);
  const paths = homePaths(settings.home);
  // Before the lock, which would create data/ in a home that is none, or beside the Go program's log.
  await checkLayout(paths);
  const lock = await lockHome(paths, 'cmkms start');
  try {
    const checked = await checkHome(settings);
    const { startReplica } = (await import(replicaModule)) as ReplicaModule;
    return await startReplica(checked, settings, { color: terminal.colorErr });
  } finally {
    await lock.release();
  }
}
