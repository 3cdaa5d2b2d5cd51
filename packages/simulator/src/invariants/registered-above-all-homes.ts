/**
 * A chain is registered at the highest place that any home knows, once all have spoken.
 *
 * Source  docs/architecture.md, consensus 10: the highest position wins; where two homes remember other bytes for it,
 *         it is a floor without bytes; a file together with a "never signed" registers nothing; nor does silence.
 */
import type { MemberId } from '@cometkms/consensus';
import { type Command, idKey, type RecordId } from '@cometkms/sign-state';
import type { HomeKnowledge, Invariant } from '../observations.js';
import { positionOf } from '../product-truth.js';
import { isAbove, isSamePlace } from '../reference-verdicts.js';
import { Violation } from '../violation.js';

export class RegisteredAboveAllHomes implements Invariant {
  readonly promise = 'a chain is registered at the highest place that any home knows';
  readonly #homes = new Map<string, Map<MemberId, HomeKnowledge>>();
  readonly #replaced = new Set<MemberId>();

  homeKnows(member: MemberId, id: RecordId, known: HomeKnowledge): void {
    const homes = this.#homes.get(idKey(id)) ?? new Map<MemberId, HomeKnowledge>();
    this.#homes.set(idKey(id), homes.set(member, known));
  }

  homeHasFile(member: MemberId, id: RecordId): boolean {
    return this.#homes.get(idKey(id))?.get(member)?.kind === 'position';
  }

  /** Its files need not say what they said. */
  diskReplaced(id: MemberId): void {
    this.#replaced.add(id);
  }

  /** The first that the log says of this chain. */
  registered(command: Extract<Command, { kind: 'registerChain' }>): void {
    const homes = [...(this.#homes.get(idKey(command.id)) ?? [])].flatMap(([member, known]) =>
      this.#replaced.has(member) ? [] : [known],
    );
    const files = homes.flatMap((known) => (known.kind === 'position' ? [known] : []));
    const saysNever = homes.some(({ kind }) => kind === 'neverSigned');
    const { start } = command;
    const broken = (how: string): never => {
      throw new Violation(this.promise, `${command.id.chainId} is registered ${how}`);
    };
    if (start.kind === 'neverSigned') {
      if (files.length > 0) broken('as never signed, and a home has its state file');
      if (!saysNever && this.#replaced.size === 0) broken('as never signed, and nobody said so');
      return;
    }
    const { position, signBytes } = start;
    if (saysNever) broken('from a file, and a home says that it never signed');
    for (const file of files) {
      if (isAbove(file.position, position))
        broken(`at ${positionOf(position)}, and a home knows ${positionOf(file.position)}`);
      const differs =
        signBytes !== null &&
        (file.signBytes === null || Buffer.compare(file.signBytes, signBytes) !== 0);
      if (isSamePlace(file.position, position) && differs)
        broken(`at ${positionOf(position)} with bytes that are not those of another home`);
    }
    const isKnown = files.some((file) => isSamePlace(file.position, position));
    if (!isKnown && this.#replaced.size === 0)
      broken(`at ${positionOf(position)}, which no home knows`);
  }
}
