/**
 * The specification, stepped by hand.
 *
 * Owns    loading signing.qnt, and turning values of ours into Quint's.
 * Never   decides what happens next, and never draws: an action either can happen now or it cannot.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { invariant } from '@cometkms/invariant';
import {
  expressionToString,
  fileSourceResolver,
  newIdGenerator,
  parse,
  type QuintEx,
} from '@informalsystems/quint';
import type { LookupDefinition, LookupTable } from '@informalsystems/quint/dist/src/names/base.js';
import { newRng } from '@informalsystems/quint/dist/src/rng.js';
import { Evaluator } from '@informalsystems/quint/dist/src/runtime/impl/evaluator.js';
import { newTraceRecorder } from '@informalsystems/quint/dist/src/runtime/trace.js';

/** A variant is told from a record by its two names alone. */
export type Value =
  | bigint
  | number
  | string
  | boolean
  | ReadonlySet<string>
  | { readonly variant: string; readonly of: Value | null }
  | { readonly [field: string]: Value };

export class Machine {
  readonly #evaluator: Evaluator;
  readonly #table: LookupTable;
  readonly #named: ReadonlyMap<string, LookupDefinition>;
  readonly #ids: { nextId(): bigint };

  /** @param directory where signing.qnt lies */
  constructor(directory: string) {
    const path = join(directory, 'signing.qnt');
    const ids = newIdGenerator();
    this.#ids = ids;
    const source = fileSourceResolver(new Map());
    const lookup = source.lookupPath(directory, basename(path));
    const parsed = parse(ids, path, lookup, readFileSync(path, 'utf8'));
    if (parsed.errors.length > 0) throw new Error(parsed.errors.map((e) => e.message).join('\n'));
    this.#table = parsed.table;
    const definitions = parsed.modules.find(({ name }) => name === 'signing')?.declarations ?? [];
    this.#named = new Map(
      definitions.flatMap((it) => (it.kind === 'def' ? [[it.name, it] as const] : [])),
    );
    const rng = newRng(0n);
    this.#evaluator = new Evaluator(parsed.table, newTraceRecorder(0, rng), rng);
  }

  /** Takes the step, if it can be taken. After `false` the machine may be used for `show` alone. */
  act(action: string, ...args: readonly Value[]): boolean {
    const result = this.#evaluate(action, args);
    if (result.kind !== 'bool') throw new Error(`${action} is no action`);
    if (!result.value) return false;
    this.#evaluator.shift();
    // It would keep every state that ever was.
    this.#evaluator.trace.reset();
    return true;
  }

  /** What a definition says now. */
  ask(definition: string, ...args: readonly Value[]): Value {
    return scalarsOf(this.#evaluate(definition, args));
  }

  /** The same, in Quint's words. */
  show(definition: string, ...args: readonly Value[]): string {
    return expressionToString(this.#evaluate(definition, args));
  }

  #evaluate(name: string, args: readonly Value[]): QuintEx {
    const definition = this.#named.get(name);
    invariant(definition !== undefined, 'the specification defines what is asked of it', { name });
    const expression = this.#apply(
      name,
      args.map((arg) => this.#expression(arg)),
    );
    // Named by its definition, as the parser would have: built-in operators have no entry.
    this.#table.set(expression.id, definition);
    const result = this.#evaluator.evaluate(expression);
    if (result.isLeft()) throw new Error(`${name}: ${result.value.message}`);
    return result.unwrap();
  }

  #apply(opcode: string, args: QuintEx[]): QuintEx {
    const id = this.#ids.nextId();
    return args.length === 0 && this.#named.has(opcode)
      ? { id, kind: 'name', name: opcode }
      : { id, kind: 'app', opcode, args };
  }

  #expression(value: Value): QuintEx {
    const id = this.#ids.nextId();
    if (typeof value === 'bigint' || typeof value === 'number') {
      return { id, kind: 'int', value: BigInt(value) };
    }
    if (typeof value === 'string') return { id, kind: 'str', value };
    if (typeof value === 'boolean') return { id, kind: 'bool', value };
    if (value instanceof Set) {
      return this.#apply(
        'Set',
        [...value].map((member: string) => this.#expression(member)),
      );
    }
    if (isVariant(value)) {
      const of = value.of === null ? this.#apply('Tup', []) : this.#expression(value.of);
      return this.#apply('variant', [this.#expression(value.variant), of]);
    }
    const fields = Object.entries(value as { readonly [field: string]: Value });
    return this.#apply(
      'Rec',
      fields.flatMap(([field, of]) => [this.#expression(field), this.#expression(of)]),
    );
  }
}

/** @throws Error it is no scalar and no record of such */
function scalarsOf(expression: QuintEx): Value {
  if (expression.kind === 'int' || expression.kind === 'str' || expression.kind === 'bool') {
    return expression.value;
  }
  if (expression.kind !== 'app' || expression.opcode !== 'Rec') {
    throw new Error(`no record: ${expressionToString(expression)}`);
  }
  const { args } = expression;
  return Object.fromEntries(
    args.flatMap((field, at) => {
      const of = args[at + 1];
      return at % 2 === 0 && field.kind === 'str' && of !== undefined
        ? [[field.value, scalarsOf(of)]]
        : [];
    }),
  );
}

function isVariant(value: Value): value is { readonly variant: string; readonly of: Value | null } {
  return typeof value === 'object' && 'variant' in value && 'of' in value;
}
