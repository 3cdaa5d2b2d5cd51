/**
 * The program.
 *
 * Owns    the end of the process: `run` has closed what was to be closed, and after a fatal error nothing that is
 *         still open may keep a replica half alive.
 * Never   runs into text that is not written: pipes, files and terminals are written synchronously here.
 */
import { run } from './cli/run.js';
import { processTerminal } from './cli/terminal.js';

process.exit(await run(process.argv.slice(2), processTerminal()));
