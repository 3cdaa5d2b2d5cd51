/**
 * The logger: takes an event with its facts, and writes a line or does not.
 *
 * Owns    the level filter, the bound per event and second, and what is said about lines that were left out.
 * Never   throws, waits, or writes an event that is not in events.ts.
 * Proof   test/log-logger.test.ts.
 */
import type { EventFacts, EventName, Level } from './events.js';
import { levels } from './events.js';
import { formatLine, type LogFormat, levelOf } from './format.js';
import { type LineOutput, type OutputLimits, openLineOutput } from './output.js';

/** Reports one event. Returns at once. */
export type Log = <E extends EventName>(event: E, facts: EventFacts[E]) => void;

export interface LoggerOptions {
  readonly level: Level;
  readonly format: LogFormat;
  /** Lines of one event within one second; the rest is counted, and said once. Default 200. */
  readonly maxPerSecond?: number;
  readonly limits?: OutputLimits;
  /** Unix milliseconds; for tests. */
  readonly now?: () => number;
}

export interface Logger {
  readonly log: Log;
  /** Lines that did not reach the output, or were never written because their event came too often. */
  dropped(): number;
  /** Writes what is queued, for at most `deadlineMs`. Nothing is written afterwards. */
  close(deadlineMs: number): Promise<void>;
}

/** @param fd  1 in the program; a test's own file or pipe otherwise */
export function openLogger(fd: number, options: LoggerOptions): Logger {
  const output: LineOutput = openLineOutput(fd, options.limits, (lines) =>
    logger.log('log_dropped', { lines }),
  );
  const logger = loggerTo(output, options);
  return logger;
}

/** Like `openLogger`, onto an output that exists. */
export function loggerTo(output: LineOutput, options: LoggerOptions): Logger {
  const now = options.now ?? Date.now;
  const threshold = levels.indexOf(options.level);
  const bound = new PerSecond(options.maxPerSecond ?? 200);
  let suppressed = 0;

  const write = <E extends EventName>(at: number, event: E, facts: EventFacts[E]): void => {
    output.write(formatLine(options.format, at, event, facts));
  };
  const log: Log = (event, facts) => {
    if (levels.indexOf(levelOf(event, facts)) < threshold) return;
    const at = now();
    for (const [of, lines] of bound.ended(at)) write(at, 'log_suppressed', { of, lines });
    if (bound.allows(event)) write(at, event, facts);
    else suppressed++;
  };
  return {
    log,
    dropped: () => output.dropped() + suppressed,
    async close(deadlineMs) {
      for (const [of, lines] of bound.ended(Number.POSITIVE_INFINITY)) {
        write(now(), 'log_suppressed', { of, lines });
      }
      await output.close(deadlineMs);
    },
  };
}

/** Fixed windows of a second: coarse, and it needs no timer. */
class PerSecond {
  #windowStart = Number.NEGATIVE_INFINITY;
  #counts = new Map<EventName, number>();

  constructor(private readonly max: number) {}

  /** What was left out in the window that `at` ends, if it does. */
  ended(at: number): [EventName, number][] {
    // A wall clock that was set back ends the window too, or nothing would be written until it caught up.
    if (at >= this.#windowStart && at < this.#windowStart + 1000) return [];
    const over = [...this.#counts]
      .filter(([, count]) => count > this.max)
      .map(([event, count]): [EventName, number] => [event, count - this.max]);
    this.#windowStart = at;
    this.#counts.clear();
    return over;
  }

  allows(event: EventName): boolean {
    const count = (this.#counts.get(event) ?? 0) + 1;
    this.#counts.set(event, count);
    return count <= this.max;
  }
}

/**
 * For lines that repeat while something stays as it is (a link that is down): one per interval.
 * @returns a function of the monotonic clock in ms: null to stay silent, else how many were left out since
 */
export function atMost(perMs: number): (nowMs: number) => number | null {
  let saidAt = Number.NEGATIVE_INFINITY;
  let leftOut = 0;
  return (nowMs) => {
    if (nowMs - saidAt < perMs) {
      leftOut++;
      return null;
    }
    const more = leftOut;
    saidAt = nowMs;
    leftOut = 0;
    return more;
  };
}
