/**
 * A planted bug: a small change of the production code, made while it is loaded, that the simulator must find.
 *
 * Owns    what a plant is.
 * Never   touches a file: the code on the disk, and what is shipped, knows nothing of it.
 */
export interface Patch {
  /** A compiled module of the production code, from `packages/`, as `consensus/dist/src/log-writer.js`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly replace: string;
  readonly by: string;
}

export interface Plant {
  /** Short, and a file's name. */
  readonly name: string;
  /** The bug, as a sentence. */
  readonly says: string;
  /** The rule that it breaks: a number of docs/consensus-rules.md, or a section of docs/architecture.md. */
  readonly rule: string;
  readonly patches: readonly Patch[];
  /** Seeds within which it must be found; with a scenario, none is run. */
  readonly budget: number;
  /**
   * Where seeds hardly ever meet its situation: the story of `scenarios/` that shows it, without `.txt`. A broken
   * promise, an order that makes no sense any more, or a trace that is not as it is written.
   */
  readonly scenario?: string;
}
