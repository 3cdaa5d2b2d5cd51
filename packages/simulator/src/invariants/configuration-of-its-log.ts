/**
 * Who votes, for each replica, is what the last membership entry of its log says, else its snapshot.
 *
 * Source  rule 39; reference of Raft, dissertation, 4.1: in force from the moment of the append, and rolled back with a
 *         truncation. What the program goes by is read from it at each look; what its log says is read entry by entry.
 */
import type { Entry, Membership } from '@cometkms/consensus';
import { type Core, standingOf } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { Violation } from '../violation.js';

interface Seen {
  readonly start: number;
  lastIndex: number;
  lastTerm: number;
  /** The last such entry, where there was one. */
  found: Entry | null;
}

export class ConfigurationOfItsLog implements Invariant {
  readonly promise = 'the members in force are those that the replica’s own log says';
  readonly #seen = new Map<string, Seen>();

  stepped({ replica, start }: At, core: Core): void {
    const { log } = core;
    const [lastIndex, lastTerm] = [log.lastIndex, log.termAt(log.lastIndex) ?? 0];
    let seen = this.#seen.get(replica);
    if (seen?.start === start && seen.lastIndex === lastIndex && seen.lastTerm === lastTerm) return;
    if (seen?.start !== start) {
      seen = { start, lastIndex: -1, lastTerm: -1, found: null };
      this.#seen.set(replica, seen);
    }
    seen.found = lastChange(core, seen.found);
    seen.lastIndex = lastIndex;
    seen.lastTerm = lastTerm;
    const { found } = seen;
    const said = found?.kind === 'membership' ? found.membership : core.snapshot.membership;
    const used = standingOf(core).inForce.membership;
    if (used === said || wordsOf(used) === wordsOf(said)) return;
    throw new Violation(
      this.promise,
      `${replica} goes by ${wordsOf(used)}, its log to ${lastIndex} says ${wordsOf(said)}`,
    );
  }
}

/** From the end, down to the one that was found before, if it still stands there. */
function lastChange({ log }: Core, before: Entry | null): Entry | null {
  for (let index = log.lastIndex; index > log.prefixIndex; index -= 1) {
    const entry = log.entryAt(index);
    if (entry?.kind === 'membership' || (entry !== null && entry === before)) return entry;
  }
  return null;
}

const wordsOf = ({ voters, learners }: Membership): string =>
  [voters, learners].map((all) => all.map(({ id }) => id.slice(0, 8)).join('+')).join(' and ');
