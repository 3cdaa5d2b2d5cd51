/**
 * One log line from one event, in either format.
 *
 * Owns    the two formats: `time LEVEL event key=value …` and one JSON object, with the same keys.
 * Never   lets a value break out of its line, move a terminal's cursor, or grow without bound; and never
 *         prints something that looks like key material, wherever the text came from.
 * Proof   test/log-format.test.ts.
 */
import type { EventFacts, EventName, EventRow, Fact, Level } from './events.js';
import { events } from './events.js';

export type LogFormat = 'plain' | 'json';

/** One value. Longer ones are cut: the text may come from a validator or from an operating system. */
const maxValueChars = 512;
const maxLookedAtChars = 1024;
const maxListItems = 64;

export function levelOf<E extends EventName>(event: E, facts: EventFacts[E]): Level {
  const row: EventRow<E> = events[event];
  return typeof row.level === 'function' ? row.level(facts) : row.level;
}

/**
 * @param at  Unix milliseconds
 * @returns the line with its line feed
 */
export function formatLine<E extends EventName>(
  format: LogFormat,
  at: number,
  event: E,
  facts: EventFacts[E],
): string {
  const level = levelOf(event, facts);
  const time = new Date(at).toISOString();
  const shown = shownFacts(event, facts);
  if (format === 'json') {
    return `${escapeControls(JSON.stringify({ time, level, event, ...Object.fromEntries(shown) }))}\n`;
  }
  const head = `${time} ${level.toUpperCase().padEnd(5)} ${event}`;
  const tail = shown.map(([key, value]) => ` ${key}=${plainValue(value)}`);
  return `${head}${tail.join('')}\n`;
}

type Shown = string | number | boolean | readonly string[];

function shownFacts<E extends EventName>(event: E, facts: EventFacts[E]): [string, Shown][] {
  const shown: [string, Shown][] = [];
  for (const [key, fact] of Object.entries(facts) as [string, Fact | undefined][]) {
    if (fact !== null && fact !== undefined) shown.push([key, bounded(fact)]);
  }
  const row: EventRow<E> = events[event];
  const note = typeof row.note === 'function' ? row.note(facts) : row.note;
  if (note) shown.push(['note', note]);
  return shown;
}

function bounded(fact: Exclude<Fact, null>): Shown {
  if (typeof fact === 'string') return boundedText(fact);
  // A height is an int64: JSON numbers lose it above 2^53, so both formats print digits in a string.
  if (typeof fact === 'bigint') return fact.toString();
  if (typeof fact === 'number') return Math.round(fact * 1000) / 1000;
  if (typeof fact === 'boolean') return fact;
  return fact.slice(0, maxListItems).map(boundedText);
}

function boundedText(text: string): string {
  // Looked at before it is cut to size, or a cut could leave half a secret that no pattern knows.
  const looked =
    text.length > maxLookedAtChars
      ? text.slice(0, maxLookedAtChars).replace(/[\w+/=-]+$/, '')
      : text;
  const safe = withoutKeyMaterial(looked);
  const cut = looked !== text || safe.length > maxValueChars;
  return cut ? `${safe.slice(0, maxValueChars)}…` : safe;
}

/**
 * The last guard, for texts of other programs and libraries (a JSON parser quotes what it could not read):
 * padded base64 of 32 bytes or more, and hex longer than a hash, are named and not printed.
 */
function withoutKeyMaterial(text: string): string {
  return text.replace(
    /[A-Za-z0-9+/_-]{42,}={1,2}|[0-9A-Fa-f]{65,}/g,
    (run) => `<${run.length} characters>`,
  );
}

function plainValue(value: Shown): string {
  if (typeof value !== 'string' && typeof value === 'object') {
    return value.length === 0 ? '-' : quoted(value.join(','));
  }
  return typeof value === 'string' ? quoted(value) : String(value);
}

/** Bare where a reader or `cut` cannot misread it. */
function quoted(text: string): string {
  return /^[\w.,:/@+=[\]…<>-]+$/.test(text) && !text.startsWith('"')
    ? text
    : escapeControls(JSON.stringify(text));
}

/** JSON escapes C0 only; DEL, C1 and the Unicode line ends can still move a cursor or split a line. */
function escapeControls(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
