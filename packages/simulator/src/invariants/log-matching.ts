/**
 * Where two logs have an entry of one index and one term, they are the same up to there.
 *
 * Source  Raft paper, figure 3 (log matching); rules 10, 14, 18 and 20. Each entry's digest covers that of the entry
 *         before it, so one comparison at the end stands for the whole prefix. The table is kept for ever.
 */
import { createHash } from 'node:crypto';
import type { Entry, LogBatch, MemberId, RecoveredStorage, Snapshot } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { contentOf } from '../shadow-log.js';
import { Violation } from '../violation.js';

/** By index; a hole where it is not known, before a snapshot. */
type Chain = Map<number, { readonly term: number; readonly digest: string | null }>;

export class LogMatching implements Invariant {
  readonly promise = 'logs with an entry of one index and term are the same up to there';
  readonly #table = new Map<string, { readonly digest: string; readonly by: string }>();
  readonly #chains = new Map<MemberId, Chain>();

  logBegun(at: At, batches: readonly LogBatch[]): void {
    const chain = this.#of(at.id);
    for (const { truncateFrom, entries = [], snapshot, resetLog } of batches) {
      if (truncateFrom !== undefined) {
        for (const index of chain.keys()) if (index >= truncateFrom) chain.delete(index);
      }
      for (const entry of entries) this.#add(at, chain, entry);
      if (snapshot !== undefined) this.#cut(chain, snapshot, resetLog === true);
    }
  }

  logOpened(at: At, { snapshot, entries }: RecoveredStorage): void {
    const chain: Chain = new Map();
    this.#chains.set(at.id, chain);
    if (snapshot !== null) this.#cut(chain, snapshot, true);
    for (const entry of entries) this.#add(at, chain, entry);
  }

  #of(id: MemberId): Chain {
    const chain = this.#chains.get(id) ?? new Map();
    this.#chains.set(id, chain);
    return chain;
  }

  #add(at: At, chain: Chain, entry: Entry): void {
    const { index, term } = entry;
    const before = index === 1 ? '' : (chain.get(index - 1)?.digest ?? null);
    const place = `${index}/${term}`;
    const known = this.#table.get(place);
    if (before === null) {
      chain.set(index, { term, digest: known?.digest ?? null });
      return;
    }
    const digest = createHash('sha1')
      .update(`${before} ${term} ${contentOf(entry)}`)
      .digest('hex');
    chain.set(index, { term, digest });
    if (known === undefined) this.#table.set(place, { digest, by: at.replica });
    else if (known.digest !== digest) {
      throw new Violation(
        this.promise,
        `${at.replica} and ${known.by} have an entry ${index} of term ${term}, and differ up to there`,
      );
    }
  }

  /** What stands behind a snapshot goes on from the entry that it ends with. */
  #cut(chain: Chain, { index, term }: Snapshot, reset: boolean): void {
    const digest = this.#table.get(`${index}/${term}`)?.digest ?? null;
    for (const each of chain.keys()) if (reset || each < index) chain.delete(each);
    chain.set(index, { term, digest });
  }
}
