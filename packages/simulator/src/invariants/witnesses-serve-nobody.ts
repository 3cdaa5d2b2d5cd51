/**
 * A witness has no key and no link to a validator, is asked by none, takes no requests and releases nothing.
 *
 * Source  docs/architecture.md, "Members come and go" and consensus 9. Judged by what the home was made for, not by
 *         what the log says of it. It forwards nothing either: without a link nobody could ask it to.
 */
import type { MemberId } from '@cometkms/consensus';
import type { AskedFor, At, Invariant, Release } from '../observations.js';
import { Violation } from '../violation.js';

export class WitnessesServeNobody implements Invariant {
  readonly promise = 'a witness holds no key and no link, and serves nobody';
  readonly #witnesses = new Set<MemberId>();

  homeMade(member: MemberId, witness: boolean): void {
    if (witness) this.#witnesses.add(member);
  }

  keyOpened(at: At): void {
    this.#refuse(at, 'is given a key');
  }

  linkOpened(at: At): void {
    this.#refuse(at, 'opens a link to a validator');
  }

  asked({ at }: AskedFor): void {
    this.#refuse(at, 'is asked by a validator');
  }

  serving(at: At): void {
    this.#refuse(at, 'takes requests');
  }

  released({ at }: Release): void {
    this.#refuse(at, 'releases a signature');
  }

  #refuse({ id, replica }: At, what: string): void {
    if (this.#witnesses.has(id)) throw new Violation(this.promise, `${replica} ${what}`);
  }
}
