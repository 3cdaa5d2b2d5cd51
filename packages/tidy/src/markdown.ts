/**
 * The few forms of Markdown that the reference pages need.
 *
 * Owns    escaping inside tables, and the line that says where a page comes from.
 * Never   knows what a page is about.
 */

export interface Page {
  /** Relative to the top of the checkout. */
  readonly path: string;
  readonly text: string;
}

export interface PageSource {
  readonly name: string;
  readonly title: string;
  /** Where to edit, relative to the top of the checkout. */
  readonly from: readonly string[];
  readonly body: readonly string[];
}

/** @param body  paragraphs, tables and headings; an empty line is put between two of them */
export function page({ name, title, from, body }: PageSource): Page {
  const sources = from.map((path) => `\`${path}\``).join(', ');
  const origin = `<!-- Printed from ${sources.replaceAll('`', '')} by "npm run docs". Edit there, not here. -->`;
  return { path: `docs/${name}.md`, text: `${[origin, `# ${title}`, ...body].join('\n\n')}\n` };
}

export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(titles), `|${titles.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** A bar would end the cell, also inside code; angle brackets outside code would be taken for HTML. */
function cell(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;')))
    .join('')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ');
}

export function code(text: string): string {
  return `\`${text}\``;
}
