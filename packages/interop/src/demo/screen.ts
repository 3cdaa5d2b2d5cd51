/**
 * What the demo shows: one line a block, what was done to the cluster beside it, a summary.
 *
 * Owns    the columns, and colour on a terminal only.
 * Never   knows what the lines mean.
 */
const onTerminal = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
const paint = (code: number, text: string): string =>
  onTerminal ? `\u001b[${code}m${text}\u001b[0m` : text;

export const good = (text: string): string => paint(32, text);
export const bad = (text: string): string => paint(31, text);
export const strong = (text: string): string => paint(1, text);

export function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

export function header(): void {
  say(strong(`${'block'.padStart(6)}  ${'leader'.padEnd(8)}${'link held by'.padEnd(14)}sign`));
}

export function blockLine(height: number, leader: string, holder: string, signMs: number): void {
  say(
    `${String(height).padStart(6)}  ${leader.padEnd(8)}${holder.padEnd(14)}${milliseconds(signMs)}`,
  );
}

/** What happened beside the blocks, indented under the last one. */
export function note(text: string): void {
  say(`        ${text}`);
}

export function milliseconds(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(1)} ms`;
}
