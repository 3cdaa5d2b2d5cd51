/**
 * How long nobody may serve once the replica that served is gone: a figure for the report, amid all other faults.
 *
 * Owns    the gaps, in simulated milliseconds.
 * Never   judges them, or changes what happens.
 */
import type { Member } from './member.js';

const serves = ({ replica }: Member): boolean => replica.process?.replica?.node.mayServe() ?? false;

export class Failovers {
  readonly gapsMs: number[] = [];
  #sinceMs: number | null = null;

  /** Before its process is killed, or its machine loses power. */
  striking(member: Member, nowMs: number): void {
    if (serves(member)) this.#sinceMs = nowMs;
  }

  /** After any event. */
  looked(members: readonly Member[], nowMs: number): void {
    if (this.#sinceMs === null || !members.some(serves)) return;
    this.gapsMs.push(nowMs - this.#sinceMs);
    this.#sinceMs = null;
  }
}
