/**
 * A copy of a machine, beside its original, is linked with nobody who knows better.
 *
 * Source  docs/architecture.md, founding and identity: a copied disk is refused by every member that knew it later, and
 *         while a process is linked, no other one of its identity is taken. The world lets a copy reach only those of
 *         whom that is so (copies.ts). Seen by the Raft frames between them, which only a link that both accepted
 *         carries.
 */
import type { MemberId } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { Violation } from '../violation.js';

export class CopiesAreRefused implements Invariant {
  readonly promise = 'a copy beside its original is taken in by nobody who knows better';
  readonly #copies = new Set<MemberId>();

  copyMade(copy: MemberId): void {
    this.#copies.add(copy);
  }

  sent({ replica, id }: At, to: MemberId): void {
    if (this.#copies.has(id))
      throw new Violation(this.promise, `the copy ${replica} speaks to ${to.slice(0, 8)}`);
    if (this.#copies.has(to)) throw new Violation(this.promise, `${replica} speaks to ${to}`);
  }
}
