/**
 * `cmkms cluster add|replace|remove|transfer`: who is a member, and who leads.
 *
 * Owns    the words, and waiting until a newcomer has caught up and votes.
 * Never   undoes what was asked: a learner stays one until the same command is given again, or `cluster remove`.
 * Proof   test/cli-program.test.ts, test/process-members.test.ts.
 */

import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readReplicaCertificate } from '@cometkms/consensus';
import {
  adminRequest,
  identityPattern,
  type MembershipResult,
  type Newcomer,
} from '../admin/index.js';
import { formatHostPort, parsePeer } from '../config/addresses.js';
import { atPlace } from '../config/file.js';
import { resolveHome } from '../config/layers.js';
import { evenSize } from '../config/load.js';
import { readers } from '../config/values.js';
import { CmkmsError } from '../errors.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { homePaths } from '../home.js';
import type { MemberJson, StatusJson } from '../http/status-json.js';
import { readCertificate } from './cert-renew.js';
import { printWarnings, type Terminal } from './terminal.js';

/** Longer than the replica tries: it answers what became of it, if it can. */
const answerTimeoutMs = 20_000;
const lookEveryMs = 250;

interface AskFlags {
  readonly home?: string;
  readonly json?: boolean;
}

interface NewcomerFlags extends AskFlags {
  readonly identity?: string;
  readonly cert?: string;
  readonly witness?: boolean;
  /** False: `--no-promote`. */
  readonly promote: boolean;
  readonly timeout: string;
}

/** @throws CmkmsError USAGE, NOT_RUNNING, NOT_CAUGHT_UP; AdminRefusal */
export async function addMember(
  peer: string,
  flags: NewcomerFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  const newcomer = await newcomerOf(peer, flags, terminal, 'cmkms cluster add');
  const ask = { kind: 'memberAdd', ...newcomer } as const;
  const added = await adminRequest(socketOf(flags, terminal), ask, answerTimeoutMs);
  return await untilItVotes(newcomer, added, flags, terminal);
}

/** @throws CmkmsError USAGE, NOT_RUNNING, NOT_CAUGHT_UP; AdminRefusal */
export async function replaceMember(
  old: string,
  flags: NewcomerFlags & { readonly with: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const newcomer = await newcomerOf(flags.with, flags, terminal, 'cmkms cluster replace');
  const ask = { kind: 'memberReplace', old, ...newcomer } as const;
  const replaced = await adminRequest(socketOf(flags, terminal), ask, answerTimeoutMs);
  if (replaced.changed && flags.json !== true) {
    terminal.out(`${old} is out, for good: leave it stopped, and destroy its key\n`);
  }
  return await untilItVotes(newcomer, replaced, flags, terminal);
}

/** @throws CmkmsError NOT_RUNNING; AdminRefusal */
export async function removeMember(
  name: string,
  flags: AskFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  const ask = { kind: 'memberRemove', name } as const;
  const result = await adminRequest(socketOf(flags, terminal), ask, answerTimeoutMs);
  const text = `${name} is out, for good: leave it stopped, and destroy its key`;
  return finish(result, flags, terminal, [text]);
}

/** @throws CmkmsError NOT_RUNNING; AdminRefusal */
export async function transferLeadership(
  to: string | undefined,
  flags: AskFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  const ask = { kind: 'leaderTransfer', to: to ?? null } as const;
  const result = await adminRequest(socketOf(flags, terminal), ask, answerTimeoutMs);
  const text = `${result.leader} leads\n`;
  terminal.out(flags.json === true ? `${JSON.stringify(result, null, 2)}\n` : text);
  return EXIT.OK;
}

function socketOf(flags: AskFlags, terminal: Terminal): string {
  return homePaths(resolveHome(flags.home, terminal.around)).adminSocket;
}

/** What was typed of it. @throws CmkmsError USAGE, CONFIG */
async function newcomerOf(
  peer: string,
  flags: NewcomerFlags,
  terminal: Terminal,
  command: string,
): Promise<Newcomer> {
  const said = atPlace(command, 'id=host:port', () => parsePeer(peer));
  const { name } = said;
  const wrong = (problem: string): CmkmsError => new CmkmsError('USAGE', { problem, command });
  const common = { name, address: formatHostPort(said), witness: flags.witness === true };
  const { identity, cert } = flags;
  if ((identity === undefined) === (cert === undefined)) {
    throw wrong(
      'give --identity, as cmkms cluster home printed it, or --cert, its certificate; one of the two',
    );
  }
  if (cert === undefined) {
    const given = identity?.toLowerCase() ?? '';
    if (identityPattern.test(given)) return { ...common, identity: given, clusterId: null };
    throw wrong(
      `--identity takes the 64 hex digits that cmkms cluster home printed, not "${given}"`,
    );
  }
  const path = resolve(terminal.around.workingDirectory, cert);
  const read = readReplicaCertificate(await readCertificate(path, command));
  if (read.replicaName !== name)
    throw wrong(`--cert ${cert} is for ${read.replicaName}, not ${name}`);
  return { ...common, identity: read.identity, clusterId: read.clusterId };
}

/** Until it has what is committed, and votes. Cut short, the same command goes on from there. */
async function untilItVotes(
  { name, identity }: Newcomer,
  came: MembershipResult,
  flags: NewcomerFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  const votes = came.voters.some((member) => member.identity === identity);
  if (votes) return finish(came, flags, terminal, [`${name} is a voter already`]);
  if (!flags.promote) {
    const text = `${name} is a learner: it follows, and has no vote; without --no-promote the same command goes on`;
    return finish(came, flags, terminal, [text]);
  }
  const timeoutMs = atPlace('--timeout', 'timeout', () => readers.duration(flags.timeout));
  const socket = socketOf(flags, terminal);
  const progress = new Progress(flags.json === true ? () => undefined : terminal.err, terminal);
  progress.say(`${name} is a learner; it becomes a voter once it has caught up`);
  const deadline = performance.now() + timeoutMs;
  for (let detail = ''; ; await pause(lookEveryMs)) {
    const status = await adminRequest(socket, { kind: 'status' }, answerTimeoutMs);
    const lag = lagOf(status, identity);
    detail = lag.text;
    progress.show(`${name}: ${lag.text}`);
    if (lag.near) {
      const ask = { kind: 'memberPromote', identity } as const;
      const result = await adminRequest(socket, ask, answerTimeoutMs);
      if (result.behind === null) {
        progress.end();
        return finish(result, flags, terminal, [`${name} is a voter now`]);
      }
      detail = result.behind;
    }
    if (performance.now() < deadline) continue;
    progress.end();
    throw new CmkmsError('NOT_CAUGHT_UP', { id: name, within: flags.timeout, detail });
  }
}

/** What the last entries lack is for the leader to judge: here it is only worth asking. */
const nearEntries = 200;

function lagOf(
  status: StatusJson,
  identity: string,
): { readonly near: boolean; readonly text: string } {
  const learner = status.replicas.find((member: MemberJson) => member.identity === identity);
  if (status.role !== 'leader') {
    // Asked, it names who leads now.
    return { near: true, text: 'leadership moved' };
  }
  if (learner === undefined) return { near: true, text: 'it is no member any more' };
  if (!learner.reachable) return { near: false, text: 'not reachable yet' };
  const commit = Number(status.commit_index ?? 0);
  const behind = Math.max(0, commit - Number(learner.match_index ?? 0));
  return { near: behind <= nearEntries, text: `${behind} of ${commit} entries behind` };
}

/** One line that changes on a terminal; elsewhere a line for each change that matters. */
class Progress {
  readonly #write: (text: string) => void;
  readonly #inPlace: boolean;
  #last = '';
  #open = false;

  constructor(write: (text: string) => void, terminal: Terminal) {
    this.#write = write;
    this.#inPlace = terminal.colorErr;
  }

  say(text: string): void {
    this.#write(`${text}\n`);
  }

  show(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    this.#open = this.#inPlace;
    this.#write(this.#inPlace ? `\r\u001b[K${text}` : `${text}\n`);
  }

  end(): void {
    if (this.#open) this.#write('\n');
    this.#open = false;
  }
}

/** What was done, who the members are now, and what that is worth. */
function finish(
  result: MembershipResult,
  flags: AskFlags,
  terminal: Terminal,
  texts: readonly string[],
): ExitCode {
  if (flags.json === true) {
    terminal.out(`${JSON.stringify(result, null, 2)}\n`);
    return EXIT.OK;
  }
  const { voters, learners } = result;
  const names = (members: MembershipResult['voters']): string =>
    members.map(({ name, witness }) => (witness ? `${name} (witness)` : name)).join(', ');
  const all = [...voters, ...learners].map((member) => `"${member.name}=${member.address}"`).sort();
  const lines = [
    ...texts,
    `voters    ${names(voters)}`,
    ...(learners.length === 0 ? [] : [`learners  ${names(learners)}`]),
    `peer = [${all.join(', ')}]`,
    '  put this into each config.toml before the next restart; until then the old list is a warning',
  ];
  terminal.out(`${lines.join('\n')}\n`);
  const alone = 'one voter alone: if it stops, signing stops. Add two more.';
  const size = voters.length === 1 ? alone : evenSize(voters.length);
  if (size !== null) printWarnings(terminal, [{ code: 'NO_FAULT_TOLERANCE', text: size }]);
  return EXIT.OK;
}
