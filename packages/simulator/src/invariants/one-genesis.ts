/**
 * There is one cluster: every log begins with the same genesis, and it names every member by its own identity.
 *
 * Source  docs/architecture.md, founding and identity. A cluster that fewer than all can found may be founded twice.
 *         Nobody founds again who is on another's disk as joined: it has promised things that it does not know.
 */
import type { Genesis, LogBatch } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { Violation } from '../violation.js';
import type { LogRemembers } from './log-remembers.js';

const said = ({ clusterId, membership }: Genesis): string =>
  `${clusterId} of ${membership.voters.map(({ name, id }) => `${name}=${id.slice(0, 8) || 'nobody'}`).join(', ')}`;

export class OneGenesis implements Invariant {
  readonly promise = 'one cluster is founded, with every member, once by each';
  readonly #logs: Pick<LogRemembers, 'acknowledged' | 'whoRecordedJoined'>;
  #first: Genesis | null = null;

  constructor(logs: Pick<LogRemembers, 'acknowledged' | 'whoRecordedJoined'>) {
    this.#logs = logs;
  }

  logBegun({ replica, id }: At, batches: readonly LogBatch[]): void {
    for (const { genesis } of batches) {
      if (genesis === undefined) continue;
      this.#first ??= genesis;
      const voters = genesis.membership.voters.map((voter) => voter.id);
      if (said(genesis) !== said(this.#first) || new Set(voters).size < voters.length) {
        throw new Violation(
          this.promise,
          `${replica} founds ${said(genesis)}, the first one was ${said(this.#first)}`,
        );
      }
      // Who comes later writes the founders' genesis, as a learner of a membership that is committed.
      const admitted = genesis.admitted?.membership.learners.some((learner) => learner.id === id);
      if (voters.includes('') || voters.includes(id) === (admitted ?? false)) {
        throw new Violation(this.promise, `${replica} founds ${said(genesis)}`);
      }
      const knew = this.#logs.whoRecordedJoined(id);
      if (knew.length > 0) {
        throw new Violation(
          this.promise,
          `${replica} begins anew, and ${knew.length} others have it as joined`,
        );
      }
    }
  }
}
