/**
 * A process that runs seeds one after the other for main.ts, as it is told.
 *
 * Owns    nothing but the way of a seed in and its result out.
 */
import { runSeed } from './run-seed.js';

process.on('message', (seed: number) => {
  void runSeed({ seed }).then((result) => process.send?.(result));
});
