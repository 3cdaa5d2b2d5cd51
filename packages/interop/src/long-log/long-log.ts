/**
 * Homes whose log is as long as after months of signing.
 *
 * Owns    the programs that bring them there, one for each home, and their end.
 * Never   writes into a home itself: long-log-process.ts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LongLogNews, LongLogOrder } from './long-log-process.js';

/** As many frames as one segment of the log holds, and some more. */
const ONE_BY_ONE = 5000;

const program = fileURLToPath(new URL('./long-log-process.js', import.meta.url));

/**
 * Brings the log of all replicas of one cluster to `entries`, through the code that a replica runs.
 * @param homes  of all its members, none of which runs. They have joined, and their first chain is registered
 * @param said  how far the one that is behind all others has come, now and then
 * @throws where a program ends before that
 */
export async function lengthenLogs(
  homes: readonly string[],
  entries: number,
  said: (index: number) => void,
): Promise<void> {
  const programs = homes.map((home) => start({ home, entries, oneByOne: ONE_BY_ONE }));
  try {
    const reached = programs.map(() => 0);
    let least = 0;
    await Promise.all(
      programs.map((child, i) =>
        untilThere(child, (index) => {
          reached[i] = index;
          if (Math.min(...reached) === least) return;
          least = Math.min(...reached);
          said(least);
        }),
      ),
    );
  } finally {
    await Promise.all(programs.map(end));
  }
}

function start(order: LongLogOrder): ChildProcess {
  return fork(program, [JSON.stringify(order)]);
}

function untilThere(child: ChildProcess, reached: (index: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      const { index, there } = message as LongLogNews;
      reached(index);
      if (there) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the program of a long log ended with ${code}`)));
  });
}

/** In order: it writes and syncs what it has begun. */
function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    if (child.connected) child.disconnect();
  });
}
