/**
 * What the commits of a span of heights say of one validator among four.
 *
 * Owns    the figures of such a span.
 * Never   excuses a vote: one that came too late for the next block is lacking like one that never came.
 */
import type { Commit } from '@cometkms/interop';
import { quantile, rounded } from '../statistics.js';

export interface Span {
  /** In their order, without a gap. */
  readonly commits: readonly Commit[];
  /** Address of the validator that is judged. */
  readonly judged: string;
  readonly others: readonly string[];
  /** When a leader was killed, in milliseconds since 1970. */
  readonly killedAtMs: readonly number[];
}

export function figuresOf({ commits, judged, others, killedAtMs }: Span): Record<string, number> {
  const lacking = commits.map((commit) => !votedFor(commit, judged));
  const votesOfOthers = commits.flatMap((commit) =>
    others.filter((address) => votedFor(commit, address)),
  );
  const times = commits.map(({ timeMs }) => timeMs);
  const [first = 0, last = 0] = [times.at(0), times.at(-1)];
  return {
    heights: commits.length,
    lacking: lacking.filter((isLacking) => isLacking).length,
    mostInARow: longestRun(lacking),
    lackingOfOthers: commits.length * others.length - votesOfOthers.length,
    laterRounds: commits.filter(({ round }) => round > 0).length,
    ...blockTimes(times),
    kills: killedAtMs.length,
    killsInSpan: killedAtMs.filter((atMs) => atMs >= first && atMs <= last).length,
  };
}

/** For whoever looks into the logs. */
export function heightsLacking({ commits, judged }: Span): readonly bigint[] {
  return commits.filter((commit) => !votedFor(commit, judged)).map(({ height }) => height);
}

/** A vote for nil is none for the block. */
function votedFor({ signatures }: Commit, address: string): boolean {
  return signatures.some((vote) => vote.address === address && vote.forBlock);
}

function longestRun(lacking: readonly boolean[]): number {
  let [longest, current] = [0, 0];
  for (const isLacking of lacking) {
    current = isLacking ? current + 1 : 0;
    longest = Math.max(longest, current);
  }
  return longest;
}

/** From one block to the next, by the times in their headers. */
function blockTimes(times: readonly number[]): Record<string, number> {
  const gaps = times.slice(1).map((timeMs, i) => timeMs - (times[i] ?? timeMs));
  if (gaps.length === 0) return {};
  const sorted = gaps.sort((a, b) => a - b);
  return {
    gapP50: rounded(quantile(sorted, 0.5)),
    gapP99: rounded(quantile(sorted, 0.99)),
    gapMax: rounded(quantile(sorted, 1)),
  };
}
