/**
 * config.toml, read against the schema.
 *
 * Owns    which keys are known where, and the words for those that are not.
 * Never   merges with flags or environment, and never lets an unknown key pass: a slip in a
 *         signer's configuration must not be a silent default.
 */
import { parse, TomlError } from 'smol-toml';
import { CmkmsError } from '../errors.js';
import { type Locator, locator } from './locate.js';
import { chainKeys, type KeySpec, tables, topLevelKeys } from './schema.js';
import { BadValue, type Kinds, readers } from './values.js';

/** A value and where it was said, in the words of a message: `config.toml:12`, `--peer`. */
export interface Sourced<T> {
  readonly value: T;
  readonly where: string;
}

export type Parsed<S extends Readonly<Record<string, KeySpec>>> = {
  readonly [K in keyof S]?: Sourced<Kinds[S[K]['kind']]>;
};

export interface ConfigFile {
  readonly name: string;
  readonly top: Parsed<typeof topLevelKeys>;
  readonly tables: { readonly [T in keyof typeof tables]: Parsed<(typeof tables)[T]['keys']> };
  readonly chains: readonly (Parsed<typeof chainKeys> & { readonly where: string })[];
}

type Table = Readonly<Record<string, unknown>>;

/** Turns what a reader of a value says into a CONFIG error at its place. */
export function atPlace<T>(where: string, key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new CmkmsError('CONFIG', {
      where,
      problem: `${key}: ${error.message}.`,
      remedy: error.remedy,
    });
  }
}

/**
 * Reads one value of a key, from whatever source, and holds it to the bounds of its row.
 * @throws BadValue
 */
export function readValue<S extends KeySpec>(spec: S, raw: unknown): Kinds[S['kind']] {
  const read = readers[spec.kind] as (value: unknown) => Kinds[S['kind']];
  const value = read(raw);
  if (spec.choices !== undefined && !spec.choices.includes(String(value))) {
    throw new BadValue(`"${String(value)}" is not known`, `one of ${spec.choices.join(', ')}.`);
  }
  const bound = (text: string | undefined): number | null =>
    text === undefined ? null : (read(spec.kind === 'count' ? Number(text) : text) as number);
  const [low, high] = [bound(spec.atLeast), bound(spec.atMost)];
  if (typeof value === 'number' && (value < (low ?? value) || value > (high ?? value))) {
    const range = high === null ? `at least ${spec.atLeast}` : `${spec.atLeast} to ${spec.atMost}`;
    throw new BadValue(`${String(raw)} is out of bounds`, `give a value of ${range}.`);
  }
  return value;
}

/** @throws CmkmsError CONFIG  no TOML, an unknown key, or a value of the wrong kind */
export function parseConfigFile(toml: string, name: string): ConfigFile {
  const root = parseToml(toml, name);
  const lines = locator(toml);
  const at = (table: string, key: string | null): string => {
    const line = lines.lineOf(table, key);
    return line === null ? name : `${name}:${line}`;
  };
  const reader = { name, lines, at };
  const { chain, ...rest } = root;
  const top: Record<string, unknown> = {};
  const nested: Record<string, Table> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (Object.hasOwn(tables, key)) nested[key] = tableOf(reader, key, value);
    else top[key] = value;
  }
  const table = <T extends keyof typeof tables>(key: T) =>
    readTable(reader, key, `[${key}]`, tables[key].keys, nested[key] ?? {}) as Parsed<
      (typeof tables)[T]['keys']
    >;
  return {
    name,
    top: readTable(reader, '', 'the top level', topLevelKeys, top),
    tables: {
      tls: table('tls'),
      raft: table('raft'),
      signing: table('signing'),
      privval: table('privval'),
    },
    chains: chainTables(reader, chain).map((entry, index) => ({
      ...readTable(reader, `chain#${index}`, chainTitle(entry), chainKeys, entry),
      where: at(`chain#${index}`, null),
    })),
  };
}

interface Reader {
  readonly name: string;
  readonly lines: Locator;
  readonly at: (table: string, key: string | null) => string;
}

function parseToml(toml: string, name: string): Table {
  try {
    return parse(toml, { unsafeKeyBehaviour: 'throw', maxDepth: 16 });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new CmkmsError('CONFIG', {
      where: `${name}:${error.line}`,
      problem: `this is no TOML: ${reason} (column ${error.column}).`,
      remedy: 'strings need double quotes, lists are ["a", "b"], each key stands once.',
    });
  }
}

function tableOf(reader: Reader, key: string, value: unknown): Table {
  if (isTable(value)) return value;
  throw new CmkmsError('CONFIG', {
    where: reader.at('', key),
    problem: `${key} is a table, not a value.`,
    remedy: `write [${key}] on a line of its own, and its keys below.`,
  });
}

function chainTables(reader: Reader, value: unknown): readonly Table[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every(isTable)) return value;
  throw new CmkmsError('CONFIG', {
    where: reader.at('chain', null),
    problem: 'there may be several chains, so each is a table in double brackets.',
    remedy: 'write [[chain]], not [chain].',
  });
}

function isTable(value: unknown): value is Table {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

function chainTitle(entry: Table): string {
  return typeof entry['id'] === 'string' ? `[[chain]] "${entry['id']}"` : '[[chain]]';
}

function readTable<S extends Readonly<Record<string, KeySpec>>>(
  reader: Reader,
  table: string,
  title: string,
  specs: S,
  raw: Table,
): Parsed<S> {
  const parsed: Record<string, Sourced<unknown>> = {};
  for (const [key, value] of Object.entries(raw)) {
    const where = reader.at(table, key);
    const spec = Object.hasOwn(specs, key) ? specs[key] : undefined;
    if (spec === undefined) throw unknownKey(where, key, table, title, specs);
    parsed[key] = { value: atPlace(where, key, () => readValue(spec, value)), where };
  }
  return parsed as Parsed<S>;
}

function unknownKey(
  where: string,
  key: string,
  table: string,
  title: string,
  specs: Readonly<Record<string, KeySpec>>,
): CmkmsError<'CONFIG'> {
  const place = title === 'the top level' ? 'at the top level' : `in ${title}`;
  return new CmkmsError('CONFIG', {
    where,
    problem: `unknown key "${key}" ${place}.`,
    remedy: homeOf(key, table) ?? nearest(key, Object.keys(specs)),
  });
}

/** A key that is known elsewhere: TOML gives everything below a [table] to that table. */
function homeOf(key: string, table: string): string | null {
  if (table !== '' && Object.hasOwn(topLevelKeys, key)) {
    return 'it is a top-level key: move it above the first [table].';
  }
  for (const [name, { keys }] of Object.entries(tables)) {
    if (name !== table && Object.hasOwn(keys, key)) return `it belongs below [${name}].`;
  }
  return table === '' && Object.hasOwn(chainKeys, key) ? 'it belongs below a [[chain]].' : null;
}

function nearest(key: string, known: readonly string[]): string {
  const close = closest(key, known);
  return close === null ? `known here: ${known.join(', ')}.` : `did you mean "${close}"?`;
}

/** The nearest known word, if it is near enough to be meant. */
export function closest(word: string, known: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(word.length / 4));
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const name of known) {
    const distance = editDistance(word, name);
    if (distance <= limit && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { name, distance };
    }
  }
  return best?.name ?? null;
}

/** Levenshtein, with two neighbours swapped counted once. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_unused, j) => j)];
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        cell(i - 1, j) + 1,
        cell(i, j - 1) + 1,
        cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        swap ? cell(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return cell(a.length, b.length);
}
