/**
 * The program.
 *
 * Owns    the exit code of the process.
 * Never   ends it: what is still open (a log being written, a replica that stops) ends first.
 */
import { run } from './cli/run.js';
import { processTerminal } from './cli/terminal.js';

process.exitCode = await run(process.argv.slice(2), processTerminal());
