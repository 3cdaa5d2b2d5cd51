/**
 * What is printed of runs.
 *
 * Owns    the words: on a failure all that is needed to repeat it, on a success what was reached by it.
 * Never   calls a run clean that did not reach what it was to reach: the missing situations are named.
 */
import { execFileSync } from 'node:child_process';
import { Marks, situations } from './marks.js';
import type { SeedResult } from './run-seed.js';
import { timeOf } from './trace.js';

export class Summary {
  readonly marks = new Marks();
  readonly faults = new Map<string, number>();
  readonly #began = performance.now();
  seeds = 0;
  simulatedMs = 0;
  events = 0;
  steps = 0;
  releases = 0;
  /** By election timeout, in milliseconds. */
  readonly failoversMs = new Map<number, number[]>();
  /** Of all processes together. */
  workMs = 0;

  add(result: SeedResult): void {
    this.seeds += 1;
    this.simulatedMs += result.simulatedMs;
    this.events += result.events;
    this.steps += result.steps;
    this.releases += result.releases;
    this.workMs += result.tookMs;
    this.marks.add(result.marks);
    const { electionTimeoutMs, failoversMs } = result;
    const known = this.failoversMs.get(electionTimeoutMs) ?? [];
    this.failoversMs.set(electionTimeoutMs, known.concat(failoversMs));
    for (const [kind, count] of Object.entries(result.faults)) {
      this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    }
  }

  get tookMs(): number {
    return performance.now() - this.#began;
  }
}

/** Of the source that ran, where it is known. */
export function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim();
  } catch {
    // A copy without its history.
    return 'unknown';
  }
}

export function printFailure(result: SeedResult, shrunk: string | null): void {
  const { failure, seed } = result;
  if (failure === null) return;
  const lines = [
    ...result.lastLines,
    '',
    `FAILED  ${failure.promise}`,
    `seed    ${seed}   commit ${commit()}   event ${result.events}   ${timeOf(result.simulatedMs)} simulated`,
    `saw     ${failure.saw}`,
    `world   ${result.world}`,
    `replay  npm run simulate -- --seed ${seed} --trace`,
    shrunk === null ? `shrink  npm run simulate -- --seed ${seed} --shrink` : `shrunk  ${shrunk}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

export function printSummary(summary: Summary): void {
  const hours = summary.simulatedMs / 3_600_000;
  const perSecond = (count: number): string =>
    Math.round((1000 * count) / summary.workMs).toLocaleString('en');
  const faults = [...summary.faults].sort(([x], [y]) => x.localeCompare(y));
  const reached = situations.filter((situation) => summary.marks.count(situation) > 0);
  const { missing } = summary.marks;
  const lines = [
    `clean   ${summary.seeds} seeds, ${hours.toFixed(2)} simulated hours in ${(summary.tookMs / 1000).toFixed(0)} s, commit ${commit()}`,
    `speed   ${perSecond(summary.events)} events and ${perSecond(summary.steps)} steps of cores a second per process, all invariants on`,
    `work    ${summary.releases.toLocaleString('en')} signatures released`,
    ...failoverLines(summary.failoversMs),
    `faults  ${faults.map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
    'reached',
    ...reached.map((one) => `  ${String(summary.marks.count(one)).padStart(8)}  ${one}`),
    ...(missing.length > 0 ? [`not reached: ${missing.join('; ')}`] : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** From the death of the replica that served until one serves, amid all other faults. */
function failoverLines(all: ReadonlyMap<number, readonly number[]>): readonly string[] {
  return [...all]
    .filter(([, gaps]) => gaps.length > 0)
    .sort(([a], [b]) => a - b)
    .map(([electionTimeoutMs, gaps]) => {
      const sorted = gaps.toSorted((a, b) => a - b);
      const at = (share: number): string =>
        `${Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0).toLocaleString('en')} ms`;
      const count = sorted.length.toLocaleString('en');
      return `failover after ${count} deaths of a leader, election timeout ${electionTimeoutMs} ms: p50 ${at(0.5)}, p90 ${at(0.9)}`;
    });
}
