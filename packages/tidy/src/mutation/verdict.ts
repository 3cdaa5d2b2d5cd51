/**
 * The results of a mutation run, judged against the explanations.
 *
 * Owns    what counts as noticed, where a mutant stands in the source, and which explanations hold.
 * Never   runs anything, or prints.
 * Proof   test/mutation.test.ts
 */
import { SourceMap, type SourceMapPayload } from 'node:module';
import type { MutantResult } from '@stryker-mutator/api/core';
import type { Explained } from './explained.js';

/** A compiled file, with all that leads back to its source. */
export interface Compiled {
  /** Of the source, from the top of the checkout. */
  readonly file: string;
  readonly source: string;
  readonly code: string;
  readonly map: SourceMapPayload;
}

export interface Survivor {
  readonly file: string;
  readonly lineNumber: number;
  readonly line: string;
  readonly from: string;
  readonly to: string;
  /** No test came by at all. */
  readonly unreached: boolean;
}

export interface Outcome {
  readonly mutants: number;
  readonly killed: number;
  readonly timedOut: number;
  readonly explained: number;
  readonly unexplained: readonly Survivor[];
  /** Explanations of these files that explain nothing any more. */
  readonly stale: readonly Explained[];
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Stryker calls it an error when a test process ends itself; here an invariant does that, as it should. */
const endedItself = ({ status, statusReason }: MutantResult): boolean =>
  status === 'RuntimeError' && /exited with code [1-9]/.test(statusReason ?? '');

export function judge(
  results: readonly MutantResult[],
  compiled: (fileName: string) => Compiled,
  explanations: readonly Explained[],
): Outcome {
  const judged = results.filter(({ status }) => status !== 'Ignored');
  const hung = judged.filter(({ status }) => status === 'Timeout');
  const killed = judged.filter((each) => each.status === 'Killed' || endedItself(each));
  const read = (each: MutantResult): Survivor => survivorOf(each, compiled(each.fileName));
  const survivors = judged
    .filter((each) => !hung.includes(each) && !killed.includes(each))
    .map(read);
  const unexplained = survivors.filter((each) => !explanations.some((one) => explains(one, each)));
  // A slow machine may let any mutant hang: that says nothing against its explanation.
  const unnoticed = [...survivors, ...hung.map(read)];
  const files = new Set(judged.map(({ fileName }) => compiled(fileName).file));
  const stale = explanations.filter(
    (one) =>
      files.has(one.file) &&
      one.to.some((to) => !unnoticed.some((each) => explains({ ...one, to: [to] }, each))),
  );
  return {
    mutants: judged.length,
    killed: killed.length,
    timedOut: hung.length,
    explained: survivors.length - unexplained.length,
    unexplained,
    stale,
  };
}

function explains(one: Explained, { file, line, from, to }: Survivor): boolean {
  return one.file === file && one.line === line && one.from === from && one.to.includes(to);
}

function survivorOf(result: MutantResult, { file, source, code, map }: Compiled): Survivor {
  const { start, end } = result.location;
  const from = oneLine(between(code, start, end));
  // Stryker counts from 1, source maps from 0.
  const origin = new SourceMap(map).findEntry(start.line - 1, start.column - 1);
  const lineNumber = 'originalLine' in origin ? origin.originalLine + 1 : 1;
  const line = source.split('\n')[lineNumber - 1]?.trim() ?? '';
  const to = oneLine(result.replacement);
  return { file, lineNumber, line, from, to, unreached: result.status === 'NoCoverage' };
}

type Place = MutantResult['location']['start'];

function between(text: string, start: Place, end: Place): string {
  const lines = text.split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  return lines
    .map((line, at) =>
      line.slice(at === 0 ? start.column - 1 : 0, at === last ? end.column - 1 : undefined),
    )
    .join('\n');
}
