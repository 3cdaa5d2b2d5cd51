/**
 * What the benchmark has to know of another's signer before it can run it.
 *
 * Owns    the words: under which names it may lie in the directory of --peers, and how it is built.
 * Never   knows how one of them is configured: each has a file in src/systems.
 */
import type { System } from '../systems/system.js';

export interface Peer {
  /** Of the system: in `--systems` and in reports. */
  readonly name: string;
  /** The file name of its program. */
  readonly program: string;
  readonly origin: GoSource | Crate;
  /** @param program path of its program, as found or built */
  system(program: string): System;
}

/** Built from a directory, or from an archive of one. */
export interface GoSource {
  readonly kind: 'go';
  /** Name of the directory; the archive is called so too, with `.tar.gz` behind. */
  readonly source: string;
  /** The package of the program, as `go build` takes it. */
  readonly main: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Built by cargo from its registry. */
export interface Crate {
  readonly kind: 'crate';
  readonly crate: string;
  readonly version: string;
  readonly features: string;
}
