/**
 * The version of the state machine's rules, along the log.
 *
 * Owns    the one answer to "by which rules is entry i applied": by the last version in the log before it, else
 *         by the snapshot's. A function of the log, kept nowhere else, so replay gives the same.
 * Never   knows what a version means, or which ones this program can apply (../rules-range.ts).
 * Rule    docs/architecture.md, consensus 11. Unlike a membership, a version counts for the commands after it and
 *         is never asked for before it is committed: commands are applied in order.
 * Proof   test/core-rules.test.ts.
 */
import type { Core } from './core.js';
import type { Index, RulesVersion, Snapshot } from './types.js';

/** What every log begins with. */
export const firstRules: RulesVersion = 1;

export function rulesOf({ rules = firstRules }: Snapshot): RulesVersion {
  return rules;
}

/** In force after `index`; not asked for what is compacted. */
export function rulesAt({ log, snapshot }: Core, index: Index): RulesVersion {
  return log.rulesAt(index) ?? rulesOf(snapshot);
}
