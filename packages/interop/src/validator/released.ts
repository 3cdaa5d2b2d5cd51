/**
 * What a validator writes down of each signature that it was given.
 *
 * Owns    the line: the same as the Go node's (go/cometnode/recorder.go), so that one checker reads both.
 * Never   leaves one out: a line is written before the signature is used.
 */
import { appendFileSync } from 'node:fs';

export interface ReleasedLine {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly chainId: string;
  /** Hex. */
  readonly key: string;
  readonly height: number;
  readonly round: number;
  /** 1 proposal, 2 prevote, 3 precommit. */
  readonly step: number;
  /** Hex, as the node verifies them. */
  readonly signBytes: string;
  /** Hex. */
  readonly signature: string;
  readonly tookMs: number;
}

/** Synchronous on purpose: a validator that is killed has written what it was given. */
export function recordReleased(path: string, line: ReleasedLine): void {
  appendFileSync(path, `${JSON.stringify(line)}\n`);
}
