/**
 * What a command may use of the world around it.
 *
 * Owns    where text goes, colour (only on a terminal, never with NO_COLOR), and the form of errors.
 * Never   prints a usage text for an error: one line says what is wrong, one what to do.
 */
import { homedir, hostname } from 'node:os';
import { localAddresses } from '../bind-failure.js';
import type { Surroundings } from '../config/layers.js';
import type { Warning } from '../config/settings.js';

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly colorOut: boolean;
  readonly colorErr: boolean;
  readonly around: Surroundings;
}

export function processTerminal(): Terminal {
  const plain = process.env['NO_COLOR'] !== undefined;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colorOut: process.stdout.isTTY === true && !plain,
    colorErr: process.stderr.isTTY === true && !plain,
    around: {
      env: process.env,
      hostName: hostname(),
      localAddresses: localAddresses(),
      userHome: homedir(),
      workingDirectory: process.cwd(),
    },
  };
}

export function printWarnings(terminal: Terminal, warnings: readonly Warning[]): void {
  for (const { code, text } of warnings) {
    terminal.err(`${paint(terminal.colorErr, '33', 'warning')} ${code}: ${text}\n`);
  }
}

export function printError(
  terminal: Terminal,
  error: { readonly code: string; readonly message: string; readonly remedy: string },
): void {
  terminal.err(`${paint(terminal.colorErr, '31', 'error')} ${error.code}: ${error.message}\n`);
  if (error.remedy === '') return;
  terminal.err(`${paint(terminal.colorErr, '32', 'fix')}: ${error.remedy}\n`);
}

function paint(color: boolean, code: string, text: string): string {
  return color ? `\u001b[${code}m${text}\u001b[0m` : text;
}
