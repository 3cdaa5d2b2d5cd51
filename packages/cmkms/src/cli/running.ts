/**
 * The commands that ask a running replica over its admin socket.
 *
 * Owns    their words; each is one request.
 * Never   goes over HTTP for what changes something, and never asks twice.
 */

import { isWholeHeight } from '@cometkms/sign-state';
import { type AdminResults, adminRequest, type ChainChoice } from '../admin/index.js';
import { type Flags, resolveHome } from '../config/layers.js';
import { loadHttpAddress } from '../config/load.js';
import { CmkmsError } from '../errors.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { homePaths } from '../home.js';
import { LAST_ROUND } from '../status.js';
import { statusCommand } from './status.js';
import type { Terminal } from './terminal.js';

/** Longer than an election and a commit: the replica answers what became of it, if it can. */
const answerTimeoutMs = 10_000;

export interface RunningFlags {
  readonly home?: string;
  readonly json?: boolean;
  readonly chainId: string;
  readonly key?: string;
}

/** @returns the exit code: 0 ready, 1 not */
export function status(
  flags: Flags & { readonly json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  return statusCommand({
    httpAddress: loadHttpAddress(flags, terminal.around),
    home: resolveHome(flags.home, terminal.around),
    json: flags.json === true,
    color: terminal.colorOut,
    write: terminal.out,
  });
}

/** @throws CmkmsError USAGE, NOT_RUNNING; AdminRefusal */
export async function raiseFloor(
  flags: RunningFlags & { readonly height: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const result = await adminRequest(
    socketOf(flags, terminal),
    // The whole height: what was signed in it elsewhere is not known by round and step.
    {
      kind: 'floorRaise',
      ...choice(flags, 'cmkms floor raise'),
      height: height(flags.height, 'cmkms floor raise'),
      round: LAST_ROUND,
      step: 3,
    },
    answerTimeoutMs,
  );
  const floor = result.floor === null ? 'no floor' : floorText(result.floor);
  return say(flags, terminal, result, `${flags.chainId}: ${floor}${unchanged(result)}`);
}

function floorText(floor: NonNullable<AdminResults['floorRaise']['floor']>): string {
  const { height, round, step } = floor;
  const upTo = isWholeHeight(floor) ? height : `${height}/${round}/${step}`;
  return `nothing at or below ${upTo} is signed anew`;
}

function unchanged(result: { readonly changed: boolean }): string {
  return result.changed ? '' : ' (it was so already)';
}

export async function setHalt(
  flags: RunningFlags & { readonly height: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const request = {
    kind: 'haltSet',
    ...choice(flags, 'cmkms halt set'),
    height: height(flags.height, 'cmkms halt set'),
  } as const;
  const result = await adminRequest(socketOf(flags, terminal), request, answerTimeoutMs);
  return say(flags, terminal, result, haltText(flags.chainId, result));
}

export async function clearHalt(flags: RunningFlags, terminal: Terminal): Promise<ExitCode> {
  const request = { kind: 'haltClear', ...choice(flags, 'cmkms halt clear') } as const;
  const result = await adminRequest(socketOf(flags, terminal), request, answerTimeoutMs);
  return say(flags, terminal, result, haltText(flags.chainId, result));
}

export async function showHalt(
  flags: Omit<RunningFlags, 'chainId'>,
  terminal: Terminal,
): Promise<ExitCode> {
  const result = await adminRequest(
    socketOf(flags, terminal),
    { kind: 'haltShow' },
    answerTimeoutMs,
  );
  const lines = result.chains.map(
    (chain) => `${chain.chainId} ${chain.keyAddress} ${chain.haltHeight ?? 'no halt height'}`,
  );
  return say(flags, terminal, result, lines.join('\n') || 'no chain is registered');
}

export async function retireChain(flags: RunningFlags, terminal: Terminal): Promise<ExitCode> {
  const request = { kind: 'chainRetire', ...choice(flags, 'cmkms chain retire') } as const;
  const result = await adminRequest(socketOf(flags, terminal), request, answerTimeoutMs);
  const text = [
    `${flags.chainId} is retired: this cluster will never sign for it again`,
    `state for a plain validator: ${result.stateFile}`,
    'stop all replicas, then move key and this state file into the node, and nowhere else',
  ];
  return say(flags, terminal, result, text.join('\n'));
}

function haltText(chainId: string, result: AdminResults['haltSet']): string {
  const now =
    result.haltHeight === null ? 'no halt height' : `nothing from ${result.haltHeight} on`;
  return `${chainId}: ${now}${unchanged(result)}`;
}

function socketOf(flags: { readonly home?: string }, terminal: Terminal): string {
  return homePaths(resolveHome(flags.home, terminal.around)).adminSocket;
}

function choice(flags: RunningFlags, command: string): ChainChoice {
  const address = flags.key?.toUpperCase() ?? null;
  if (address !== null && !/^[0-9A-F]{40}$/.test(address)) {
    const problem = '--key takes the address of the key: 40 hex digits';
    throw new CmkmsError('USAGE', { problem, command });
  }
  return { chainId: flags.chainId, keyAddress: address };
}

function height(text: string, command: string): bigint {
  if (/^[1-9]\d{0,18}$/.test(text) && BigInt(text) < 2n ** 63n) return BigInt(text);
  const problem = `--height takes a height from 1 on, not "${text}"`;
  throw new CmkmsError('USAGE', { problem, command });
}

function say(
  flags: { readonly json?: boolean },
  terminal: Terminal,
  result: unknown,
  text: string,
): ExitCode {
  terminal.out(flags.json === true ? `${JSON.stringify(result, null, 2)}\n` : `${text}\n`);
  return EXIT.OK;
}
