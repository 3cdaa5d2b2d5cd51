/**
 * What the other members said of themselves, for as long as their links last.
 *
 * Owns    the statements, and who is heard from.
 * Never   keeps a statement beyond its link: what a member said before it went away says nothing of now.
 */
import type { RecordId } from '@cometkms/sign-state';
import type { Statement } from './message.js';
import type { MemberView } from './registration.js';
import { chainIn } from './stated-chains.js';

export interface KnownMember {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly witness: boolean;
}

export class Members {
  readonly #self: string;
  readonly #statements = new Map<string, Statement>();
  /** Also of members that are gone for now; only for who lists what. */
  readonly #lastSaid = new Map<string, Statement>();
  #members: readonly KnownMember[] = [];

  constructor(self: string) {
    this.#self = self;
  }

  setMembers(members: readonly KnownMember[]): void {
    this.#members = members;
  }

  get all(): readonly KnownMember[] {
    return this.#members;
  }

  nameOf(id: string | null): string | null {
    return this.#members.find((member) => member.id === id)?.name ?? id;
  }

  named(name: string): KnownMember | undefined {
    return this.#members.find((member) => member.name === name);
  }

  stated(id: string, statement: Statement): void {
    this.#statements.set(id, statement);
    this.#lastSaid.set(id, statement);
  }

  linkEnded(id: string): void {
    if (id !== this.#self) this.#statements.delete(id);
  }

  views(): readonly MemberView[] {
    return this.#members.map(({ id, name, witness }) => ({
      name,
      witness,
      statement: this.#statements.get(id) ?? null,
    }));
  }

  /**
   * The members that list this validator for the chain, as they last said. One that was never heard counts:
   * replicas are given one configuration. A witness never does: it dials nobody.
   */
  listing(id: RecordId, validator: string): readonly KnownMember[] {
    return this.#members.filter((member) => {
      if (member.witness) return false;
      const said = this.#lastSaid.get(member.id);
      if (said === undefined) return true;
      return chainIn(said, id)?.validators.includes(validator) ?? false;
    });
  }

  /** Unix milliseconds, as it said last; null: it has none, or said nothing. */
  certificateNotAfter(id: string): number | null {
    return this.#lastSaid.get(id)?.certificateNotAfter ?? null;
  }

  heard(id: string): boolean {
    return this.#statements.has(id);
  }

  /** Ids of the other members that say they hold the link to this validator. */
  holding(validator: string): readonly string[] {
    return [...this.#statements]
      .filter(([id, { linksHeld }]) => id !== this.#self && linksHeld.includes(validator))
      .map(([id]) => id);
  }

  /** Ids of the members, this replica among them, that hear nothing from this validator. */
  findingSilent(validator: string): readonly string[] {
    return [...this.#statements]
      .filter(([, { linksSilent }]) => linksSilent.includes(validator))
      .map(([id]) => id);
  }

  /** A witness holds no key, so nothing of it is ever signed. */
  holdsKey(id: string, record: RecordId): boolean {
    const member = this.#members.find((candidate) => candidate.id === id);
    if (member === undefined || member.witness) return false;
    const statement = this.#statements.get(id);
    return statement !== undefined && chainIn(statement, record) !== undefined;
  }
}
