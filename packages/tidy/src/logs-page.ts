/**
 * docs/logs.md: every event, its level, when it appears, and its facts.
 *
 * Owns    the layout of the page, and reading the names of facts, which only the types know, from the source.
 * Never   describes an event: the catalogue does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EventName, type EventRow, events, outcomes } from 'cmkms';
import { code, type Page, page, table } from './markdown.js';
import { root } from './tree.js';

const source = 'packages/cmkms/src/log/events.ts';

/** The names of the properties in `interface NAME { ... }`, as the formatter lays it out. */
function block(text: string, name: string): string {
  const found = new RegExp(`^(?:export )?interface ${name} \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(text);
  if (found?.[1] === undefined) throw new Error(`${source} has no interface ${name}`);
  return found[1];
}

const names = (text: string): readonly string[] =>
  [...text.matchAll(/readonly (\w+)\??:/g)].map((match) => match[1] ?? '');

function factsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const shared = new Map(['Asked', 'Link'].map((name) => [name, names(block(text, name))]));
  // One part per event: its name, an interface that it extends, and its own facts.
  const parts = block(text, 'EventFacts')
    .split(/^ {2}readonly (?=\w+:)/m)
    .slice(1);
  return new Map(
    parts.map((part) => {
      const [, event = '', base = ''] = /^(\w+): (Asked|Link)?/.exec(part) ?? [];
      return [event, [...(shared.get(base) ?? []), ...names(part)]];
    }),
  );
}

type AnyRow = EventRow<EventName>;

function level(name: EventName): string {
  const row = events[name] as AnyRow;
  return typeof row.level === 'string' ? row.level : 'by verdict, see below';
}

function refusals(): string {
  const row = events.refused;
  if (typeof row.level === 'string' || typeof row.note !== 'function') {
    throw new Error('the level and the note of `refused` no longer depend on its verdict');
  }
  const { level: levelOf, note } = row;
  const rows = outcomes.flatMap((verdict) => {
    const facts = { verdict } as Parameters<typeof levelOf>[0];
    // An outcome that is no refusal has no level there.
    const known: string | undefined = levelOf(facts);
    return known === undefined ? [] : [[code(verdict), known, note(facts) ?? '']];
  });
  return table(['verdict', 'level', 'note'], rows);
}

export function logsPage(): Page {
  const facts = factsOf(readFileSync(join(root, source), 'utf8'));
  const rows = (Object.keys(events) as EventName[]).map((name) => {
    const row = events[name] as AnyRow;
    const known = facts.get(name);
    if (known === undefined) throw new Error(`${source}: no facts were read for ${name}`);
    const note = typeof row.note === 'string' ? ` Note: "${row.note}".` : '';
    return [code(name), level(name), `${row.when}${note}`, known.map(code).join(' ')];
  });
  return page({
    name: 'logs',
    title: 'Log lines',
    from: [source],
    body: [
      'A replica writes to standard output, one line per event: `time LEVEL event key=value ...`. With ' +
        '`log_format = "json"` the same keys stand in one JSON object. A fact that is not known is ' +
        'left out. Heights are digits in a string, times in milliseconds. No key, no signature and no ' +
        'vote extension is ever in a line.',
      '`h` is the height, `r` the round, `block` the first 8 hex digits of the block hash or `nil`. ' +
        '`note` says what a line means, where that is not plain.',
      table(['event', 'level', 'when', 'facts'], rows),
      '## Levels of a refusal',
      refusals(),
      'What each verdict means: [the map of the house](architecture.md#the-verdicts).',
    ],
  });
}
