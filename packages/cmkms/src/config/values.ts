/**
 * How one value of the configuration is read: texts, lists, durations, sizes, counts.
 *
 * Owns    the kinds of values, what each accepts, and the words for what it does not.
 * Never   knows which key it reads, or where the value came from.
 * Rule    a bare number has no unit, so it is refused where a duration or a size is meant.
 */

/** What each kind of key becomes once it is read. */
export interface Kinds {
  readonly text: string;
  readonly truth: boolean;
  /** Milliseconds. */
  readonly duration: number;
  /** Bytes. */
  readonly size: number;
  readonly count: number;
  readonly texts: readonly string[];
  /** In the file a scalar or an array, as the Go program takes it. */
  readonly textOrTexts: readonly string[];
}

export type Kind = keyof Kinds;

/** Becomes a CONFIG error once the reader knows the place. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
  constructor(
    problem: string,
    readonly remedy: string,
  ) {
    super(problem);
  }
}

const durationUnitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const sizeUnitsBytes: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

function withUnit(value: unknown, units: Readonly<Record<string, number>>, noun: string): number {
  const names = Object.keys(units).join(', ');
  if (typeof value === 'number' || typeof value === 'bigint') {
    const unit = names.split(', ')[0];
    throw new BadValue(
      `${value} has no unit`,
      `write a ${noun} as a string with its unit: "${value}${unit}" (${names}).`,
    );
  }
  const parts = typeof value === 'string' ? /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(value) : null;
  const factor = units[parts?.[2] ?? ''];
  const amount = Number(parts?.[1]) * (factor ?? Number.NaN);
  if (!Number.isSafeInteger(amount)) {
    throw new BadValue(
      `${JSON.stringify(value)} is not a ${noun}`,
      `write a number and a unit (${names}), as in "25${names.split(', ')[0]}".`,
    );
  }
  return amount;
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new BadValue(`${shown(value)} is not a string`, 'put the value in double quotes.');
}

function texts(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new BadValue(
    `${shown(value)} is not a list of strings`,
    'write it as ["first", "second"].',
  );
}

/** Never prints what may be long: the type of a table or a list says enough. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list with something else than strings';
  return typeof value === 'object' ? 'a table' : JSON.stringify(value);
}

export const readers: { readonly [K in Kind]: (value: unknown) => Kinds[K] } = {
  text,
  texts,
  textOrTexts: (value) => (typeof value === 'string' ? [value] : texts(value)),
  truth: (value) => {
    if (typeof value === 'boolean') return value;
    throw new BadValue(`${shown(value)} is not true or false`, 'write true or false, unquoted.');
  },
  duration: (value) => withUnit(value, durationUnitsMs, 'duration'),
  size: (value) => withUnit(value, sizeUnitsBytes, 'size'),
  count: (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new BadValue(`${shown(value)} is not a whole number`, 'write a whole number, unquoted.');
  },
};

/** A list in an environment variable; blanks around the commas and empty items do not count. */
export function splitList(variable: string): readonly string[] {
  return variable
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
