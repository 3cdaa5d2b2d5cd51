/**
 * The program.
 *
 * Owns    the end of the process: `run` has closed what was to be closed, and after a fatal error nothing that is
 *         still open may keep a replica half alive.
 * Never   runs into text that is not written: pipes, files and terminals are written synchronously here.
 */
import { setFlagsFromString } from 'node:v8';
import { run } from './cli/run.js';
import { processTerminal } from './cli/terminal.js';

// Short-lived objects keep the space that they have once the program is loaded, 8 MiB: left alone it grows to 32 and
// stays there, 30 MB more for each replica. And they are collected by this thread alone: to wake helpers for what is
// done in a millisecond takes longer, most of all where a machine has few processors.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--no-parallel-scavenge');

process.exit(await run(process.argv.slice(2), processTerminal()));
