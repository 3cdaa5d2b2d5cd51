/**
 * What the log tells of itself, as lines and metrics: its syncs, the rules in force, the comparison of states.
 *
 * Owns    the words.
 * Never   acts: a state that differs ends the replica in consensus, and this is how anybody learns why.
 * Proof   test/replica-state-checks.test.ts, test/replica-rules.test.ts.
 */
import type { RaftNode } from '@cometkms/consensus';
import type { Answer } from '@cometkms/sign-state';
import type { Log } from '../log/index.js';
import type { Metrics } from '../metrics/index.js';

export function reportState(node: RaftNode<Answer>, log: Log, metrics: Metrics): void {
  node.on('synced', (ms) => metrics.logSynced(ms));
  node.on('committed', ({ propose, ownSync, followerSync, apply }) =>
    metrics.committed({ propose, own_sync: ownSync, follower_sync: followerSync, apply }),
  );
  node.on('rulesRaised', ({ version, index }) => log('rules_raised', { version, index }));
  node.on('stateChecked', ({ at, result, own, leaders }) => {
    metrics.stateChecked(result);
    if (result === 'differs') log('state_differs', { index: at, own: own ?? '', leaders });
    else log('trace', { what: `state after entry ${at}: ${result}`, detail: leaders });
  });
}
