/**
 * A scenario file: orders at the margin, what the world did indented below, prose behind `#`.
 *
 * Owns    the layout of such a file, and telling it anew.
 * Never   judges a trace: it gives the text as it would have to be, and the caller compares.
 * Proof   test/scenarios.test.ts
 */
import { type InvariantViolation, onViolation } from '@cometkms/invariant';
import { broken } from './oracle.js';
import { carryOut, type Telling } from './orders.js';
import { StoryError } from './stage.js';

export interface Told {
  /** The whole file, with the traces that came out. */
  readonly text: string;
  /** Lines of the trace that show a broken promise. */
  readonly broken: readonly string[];
}

const indent = '    ';

/** @throws StoryError with the line's number where an order makes no sense */
export function tell(text: string): Told {
  const undo = onViolation((violation: InvariantViolation) => {
    throw violation;
  });
  try {
    return retold(text.split('\n'));
  } finally {
    undo();
  }
}

function retold(lines: readonly string[]): Told {
  const telling: Telling = { stage: null };
  const written: string[] = [];
  for (const [n, line] of lines.entries()) {
    if (line.startsWith(indent)) continue;
    written.push(line);
    if (line === '' || line.startsWith('#')) continue;
    try {
      carryOut(telling, line);
    } catch (error) {
      if (!(error instanceof StoryError)) throw error;
      const trace = telling.stage?.trace.take() ?? [];
      const seen = trace.map((each) => `\n${indent}${each}`).join('');
      throw new StoryError(`line ${n + 1}, \`${line}\`: ${error.message}${seen}`);
    }
    for (const each of telling.stage?.trace.take() ?? []) written.push(`${indent}${each}`);
  }
  const bad = written.filter((line) => line.startsWith(`${indent}${broken}`));
  return { text: written.join('\n'), broken: bad };
}
