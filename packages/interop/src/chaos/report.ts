/**
 * What a run did and saw: counted, as a table for people and as JSON for machines.
 *
 * Owns    the sums over all clusters of a run, and their layout.
 * Never   judges.
 */
import type { PlayedRound } from './course.js';
import type { Stage } from './stage.js';
import type { SeenEnd } from './supervisor.js';

/** The one whose gaps are called the time of a failover. */
const FAILOVER = 'kill -9 of the leader';

interface FaultRow {
  times: number;
  longestGapMs: number;
}

export class Report {
  readonly #faults = new Map<string, FaultRow>();
  readonly #refusals = new Map<string, number>();
  readonly #failoversMs: number[] = [];
  readonly #ends: SeenEnd[] = [];
  #signatures = 0;
  #disagreements = 0;
  #givenUp = 0;
  #restarts = 0;
  #diskBites = 0;

  constructor(
    readonly seed: number,
    readonly leftOut: readonly string[],
  ) {}

  round({ struck, gapsMs }: PlayedRound): void {
    const longest = Math.max(0, ...gapsMs.values());
    for (const { fault } of struck) {
      const row = this.#faults.get(fault.name) ?? { times: 0, longestGapMs: 0 };
      this.#faults.set(fault.name, row);
      row.times += 1;
      row.longestGapMs = Math.max(row.longestGapMs, longest);
    }
    // With another fault beside it, it would be that one's time as well.
    if (struck.length === 1 && struck[0]?.fault.name === FAILOVER) {
      this.#failoversMs.push(...gapsMs.values());
    }
  }

  cluster({ asking, supervisor, diskBites }: Stage): void {
    for (const [code, times] of asking.refusals) {
      this.#refusals.set(code, times + (this.#refusals.get(code) ?? 0));
    }
    this.#signatures += asking.signatures;
    this.#disagreements += asking.disagreements;
    this.#givenUp += asking.givenUp;
    this.#restarts += supervisor.restarts;
    this.#ends.push(...supervisor.ends);
    this.#diskBites += diskBites;
  }

  get json(): object {
    return {
      seed: this.seed,
      leftOut: this.leftOut,
      signatures: this.#signatures,
      disagreements: this.#disagreements,
      givenUp: this.#givenUp,
      refusals: Object.fromEntries(this.#refusals),
      failoverMs: {
        samples: this.#failoversMs.length,
        p50: quantile(this.#failoversMs, 0.5),
        p99: quantile(this.#failoversMs, 0.99),
      },
      restarts: this.#restarts,
      diskCallsFailed: this.#diskBites,
      ends: this.#ends,
      faults: Object.fromEntries(this.#faults),
    };
  }

  get table(): string {
    const rows = [...this.#faults].map(
      ([name, { times, longestGapMs }]) =>
        `  ${name.padEnd(62)}${`${times}`.padStart(4)}${ms(longestGapMs).padStart(12)}`,
    );
    const ends = count(this.#ends.map(({ exit, code }) => `exit ${exit} ${code}`));
    const [p50, p99] = [0.5, 0.99].map((at) => ms(quantile(this.#failoversMs, at)));
    return [
      `  ${'fault'.padEnd(62)}${'n'.padStart(4)}${'longest gap'.padStart(12)}`,
      ...rows,
      '',
      `signatures     ${this.#signatures}`,
      `disagreements  ${this.#disagreements} requests at a position of another validator`,
      `refusals       ${listed(this.#refusals)}`,
      `given up       ${this.#givenUp} requests without an answer after 50 tries`,
      `failover       p50 ${p50}, p99 ${p99} (${this.#failoversMs.length} gaps at ${FAILOVER})`,
      `restarts       ${this.#restarts}`,
      `own ends       ${listed(ends)}`,
      `disk calls     ${this.#diskBites} failed or delayed`,
    ].join('\n');
  }
}

function count(items: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

function listed(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].map(([what, times]) => `${what} ${times}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** Null: there is nothing to take it of. */
function quantile(values: readonly number[], at: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(at * sorted.length))] ?? null;
}

const ms = (value: number | null): string => (value === null ? '-' : `${value.toFixed(0)} ms`);
