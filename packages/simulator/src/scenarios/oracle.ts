/**
 * The promises, checked while a story is told.
 *
 * Owns    three of them: one content per (height, round, step) is released, one entry per index is committed, each term
 *         is won once. What breaks one is a line of the trace that begins with `!!`.
 * Never   believes what a replica says that it signed: it reads the bytes from the signature.
 * Proof   test/scenarios.test.ts: no scenario may hold such a line.
 */
import type { Entry, MemberId, Term } from '@cometkms/consensus/core';
import { contentOf, describeBytes } from './signing.js';
import type { Trace } from './trace.js';

export const broken = '!!';

export class Oracle {
  readonly #trace: Trace;
  readonly #released = new Map<string, { readonly what: string; readonly words: string }>();
  readonly #committed = new Map<number, { readonly bytes: string; readonly term: Term }>();
  readonly #leaders = new Map<Term, MemberId>();

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  released(signed: Uint8Array): void {
    const { at, what } = contentOf(signed);
    const words = describeBytes(signed);
    const first = this.#released.get(at) ?? { what, words };
    this.#released.set(at, first);
    if (first.what !== what) this.#broken(`signed twice: ${first.words}, and ${words}`);
  }

  committed(entry: Entry): void {
    const { index, term } = entry;
    const bytes = entry.kind === 'command' ? Buffer.from(entry.command).toString('hex') : '';
    const first = this.#committed.get(index) ?? { bytes, term };
    this.#committed.set(index, first);
    if (first.term !== term || first.bytes !== bytes) {
      this.#broken(`committed ${first.term}:${index}, and then ${term}:${index} in its place`);
    }
  }

  leads(id: MemberId, term: Term): void {
    const first = this.#leaders.get(term);
    this.#leaders.set(term, id);
    if (first !== undefined) this.#broken(`term ${term} was won twice: by ${first}, and by ${id}`);
  }

  #broken(what: string): void {
    this.#trace.remark(`${broken} ${what}`);
  }
}
