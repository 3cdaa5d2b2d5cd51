/**
 * Line numbers of keys in a TOML text.
 *
 * Owns    the search; the parser itself forgets where a key stood.
 * Never   decides anything: it is for messages. Where it finds nothing (an inline table, a dotted
 *         key) the message names the table's line, or no line.
 */

export interface Locator {
  /** @param table '' for the top level, `chain#0` for the first [[chain]] */
  lineOf(table: string, key: string | null): number | null;
}

export function locator(toml: string): Locator {
  const lines = new Map<string, number>();
  const arrays = new Map<string, number>();
  let table = '';
  let inString: '"""' | "'''" | null = null;
  for (const [index, line] of toml.split(/\r?\n/).entries()) {
    const insideString = inString !== null;
    inString = openString(line, inString);
    if (insideString) continue;
    const header = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/.exec(line);
    if (header?.[2] !== undefined) {
      table = bare(header[2]);
      if (header[1] === '[[') {
        const nth = arrays.get(table) ?? 0;
        arrays.set(table, nth + 1);
        table = `${table}#${nth}`;
      }
      if (!lines.has(place(table, null))) lines.set(place(table, null), index + 1);
      continue;
    }
    const key = /^\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*[.=]/.exec(line)?.[1];
    if (key !== undefined && !lines.has(place(table, bare(key)))) {
      lines.set(place(table, bare(key)), index + 1);
    }
  }
  return {
    lineOf: (inTable, key) =>
      lines.get(place(inTable, key)) ?? lines.get(place(inTable, null)) ?? null,
  };
}

function place(table: string, key: string | null): string {
  return JSON.stringify([table, key]);
}

function bare(name: string): string {
  return name.replace(/^["']|["']$/g, '');
}

/** Which multi-line string is open after `line`, if any. */
function openString(line: string, open: '"""' | "'''" | null): '"""' | "'''" | null {
  let state = open;
  for (const [delimiter] of line.matchAll(/"""|'''/g)) {
    if (state === null) state = delimiter as '"""' | "'''";
    else if (state === delimiter) state = null;
  }
  return state;
}
