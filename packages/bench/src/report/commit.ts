/**
 * Which source was measured.
 *
 * Owns    asking git for it.
 * Never   names a branch or a path: those are of one machine.
 */
import { execFileSync } from 'node:child_process';

/** The commit, and whether anything but reports differs from it. */
export function commit(): string {
  const git = (...given: readonly string[]): string =>
    execFileSync('git', given, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const head = git('rev-parse', '--short=10', 'HEAD');
    const changes = git('status', '--porcelain', '--', ':(top)', ':(top,exclude)docs/performance');
    return changes === '' ? head : `${head} and changes on top of it`;
  } catch {
    // A copy without its history.
    return 'unknown';
  }
}
