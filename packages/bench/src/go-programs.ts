/**
 * The Go programs that some measurements need: built on first use, with a word about it, as that may take minutes.
 *
 * Owns    what a user is told where there is no Go.
 * Never   builds what nobody asked for.
 */
import { type GoProgram, goProgram, goVersion } from '@cometkms/interop';
import { CannotMeasure } from './bench.js';

/** @returns the path of the program. @throws CannotMeasure where there is no Go */
export async function builtFromGo(
  name: GoProgram,
  neededBy: string,
  say: (line: string) => void,
): Promise<string> {
  const go = goVersion();
  if (go === null) {
    throw new CannotMeasure(
      `${neededBy} needs Go 1.24 or newer to build CometBFT with, and there is no go on the path. ` +
        `Install it (https://go.dev/dl), or run without ${neededBy}.`,
    );
  }
  say(`building ${name} with ${go} (the first time may take some minutes)`);
  return goProgram(name);
}
