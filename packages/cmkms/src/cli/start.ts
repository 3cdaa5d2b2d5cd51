/**
 * `cmkms start`: settings, lock, checks, then the replica.
 *
 * Owns    that order. The lock is taken before a key, a state or the log is read, so what was read stays true.
 * Never   binds or dials: src/replica/ does, with what was checked.
 */
import { checkHome } from '../check-home.js';
import type { Flags } from '../config/layers.js';
import { loadSettings } from '../config/load.js';
import type { ExitCode } from '../exit-codes.js';
import { checkLayout, homePaths } from '../home.js';
import { lockHome } from '../home-lock.js';
import type { Terminal } from './terminal.js';

/** @throws CmkmsError  any; and what the running replica ended with */
export async function startCommand(flags: Flags, terminal: Terminal): Promise<ExitCode> {
  const settings = loadSettings(flags, terminal.around);
  const paths = homePaths(settings.home);
  // Before the lock, which would create data/ in a home that is none, or beside the Go program's log.
  await checkLayout(paths);
  const lock = await lockHome(paths, 'cmkms start');
  try {
    const checked = await checkHome(settings);
    // Loaded when it is wanted, so that the other commands stay quick.
    const { startReplica } = await import('../replica/start.js');
    return await startReplica(checked, settings);
  } finally {
    await lock.release();
  }
}
