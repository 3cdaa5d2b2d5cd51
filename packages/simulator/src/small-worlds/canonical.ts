/**
 * Copies of mutable values, and one text for equal ones.
 *
 * Owns    how a value is walked: own fields in the order of their names, maps and sets in the order of their texts,
 *         so that two equal values have one text, whatever made them.
 * Never   knows what a value means: a field that production gains tomorrow is copied and compared like any other.
 */
import { createHash } from 'node:crypto';

/** Deep; classes keep their prototypes. Bytes and functions are shared: nobody changes them. */
export function copy<T>(value: T): T {
  return copied(value) as T;
}

function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(copied);
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [copied(k), copied(v)]));
  if (value instanceof Set) return new Set([...value].map(copied));
  const made = Object.create(Object.getPrototypeOf(value)) as Record<string, unknown>;
  for (const [name, field] of Object.entries(value)) made[name] = copied(field);
  return made;
}

/** Renames replicas: any text that is one of their names, wherever it stands. */
export type Renaming = ReadonlyMap<string, string>;

export function textOf(value: unknown, renaming: Renaming, without?: ReadonlySet<string>): string {
  if (typeof value === 'string') return `"${renaming.get(value) ?? value}"`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Uint8Array) return `'${Buffer.from(value).toString('latin1')}'`;
  if (Array.isArray(value)) {
    return `[${value.map((each) => textOf(each, renaming, without)).join()}]`;
  }
  if (value instanceof Map) {
    const entries = [...value].map(
      ([k, v]) => `${textOf(k, renaming, without)}:${textOf(v, renaming, without)}`,
    );
    return `m{${entries.sort().join()}}`;
  }
  if (value instanceof Set) {
    return `s{${[...value]
      .map((each) => textOf(each, renaming, without))
      .sort()
      .join()}}`;
  }
  let text = '{';
  for (const name of Object.keys(value).sort()) {
    if (without?.has(name) === true) continue;
    text += `${name}:${textOf((value as Record<string, unknown>)[name], renaming, without)},`;
  }
  return `${text}}`;
}

/** 128 bits of SHA-256: as a name for maps, and its first 64 as two numbers for fingerprints. */
export function digest(text: string): { readonly name: string; readonly words: [number, number] } {
  const hash = createHash('sha256').update(text).digest();
  return {
    name: hash.toString('latin1', 0, 16),
    words: [hash.readInt32LE(0), hash.readInt32LE(4)],
  };
}
