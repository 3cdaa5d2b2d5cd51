/**
 * The faults that a cluster is struck with, and the cases that the failover suite makes of them.
 *
 * Owns    the table of cases; how a fault begins, and how it is mended.
 * Never   decides who leads or holds a link before it strikes: roles.ts arranges that.
 */

import { RunningCmkms } from '../systems/cmkms.js';
import type { RaftWires } from '../systems/raft-wires.js';
import { type Arrangement, another } from '../systems/roles.js';
import type { RunningReplica, RunningSystem } from '../systems/system.js';

export type Fault = 'kill' | 'freeze' | 'stop' | 'cutSilently' | 'cutByReset' | 'transfer';

export interface Case {
  /** In reports and goals. */
  readonly name: string;
  readonly fault: Fault;
  readonly victim: 'leader' | 'holder';
  /** Who holds the link when it strikes. */
  readonly arrangement: Arrangement;
  /** False: at whatever moment. Else while no request is under way, as on a chain that signs three times a second. */
  readonly atRest: boolean;
  /** Also of systems that know no difference between who leads and who holds the link. */
  readonly ofOthers: boolean;
}

export const cases: readonly Case[] = [
  fault('kill -9: leader', 'kill', 'leader', 'apart'),
  fault('kill -9: holder', 'kill', 'holder', 'apart'),
  fault('kill -9: both', 'kill', 'leader', 'together', { ofOthers: true }),
  fault('kill -9: both, at rest', 'kill', 'leader', 'together', { ofOthers: true, atRest: true }),
  fault('SIGSTOP: leader', 'freeze', 'leader', 'apart'),
  fault('SIGSTOP: holder', 'freeze', 'holder', 'apart'),
  fault('SIGSTOP: both', 'freeze', 'leader', 'together', { ofOthers: true }),
  fault('cut silently: leader', 'cutSilently', 'leader', 'apart'),
  fault('cut by reset: leader', 'cutByReset', 'leader', 'apart'),
  fault('hand-over: leader', 'transfer', 'leader', 'any'),
  fault('SIGTERM: both', 'stop', 'leader', 'together'),
];

export const isCut = ({ fault: kind }: Case): boolean =>
  kind === 'cutSilently' || kind === 'cutByReset';

function fault(
  name: string,
  kind: Fault,
  victim: Case['victim'],
  arrangement: Arrangement,
  special: Partial<Pick<Case, 'atRest' | 'ofOthers'>> = {},
): Case {
  const usual = { atRest: false, ofOthers: false };
  return { name, fault: kind, victim, arrangement, ...usual, ...special };
}

/** Resolves once it surely bites: what is asked for from then on has to do without the victim as it was. */
export async function strike(kind: Fault, running: RunningSystem, victim: string): Promise<void> {
  const { process } = replicaNamed(running, victim);
  switch (kind) {
    case 'kill':
      return await process.kill();
    case 'freeze':
      return process.signal('SIGSTOP');
    case 'stop': {
      const code = await process.stop();
      if (code !== 0) throw new Error(`${victim} ended with ${code} after SIGTERM, not with 0`);
      return;
    }
    case 'cutSilently':
    case 'cutByReset':
      return wiresOf(running).cutOff(victim, { reset: kind === 'cutByReset' });
    case 'transfer': {
      const { fleet } = ours(running);
      return await fleet.transfer(victim, another(fleet, victim));
    }
  }
}

/** The victim is as it was, or on its way there. */
export async function mend(kind: Fault, running: RunningSystem, victim: string): Promise<void> {
  switch (kind) {
    case 'kill':
    case 'stop':
      return await running.restart(victim);
    case 'freeze':
      return replicaNamed(running, victim).process.signal('SIGCONT');
    case 'cutSilently':
    case 'cutByReset':
      return wiresOf(running).heal();
    case 'transfer':
      return;
  }
}

/** Null: a system of others, of which only the common words are known. */
export const oursOrNull = (running: RunningSystem): RunningCmkms | null =>
  running instanceof RunningCmkms ? running : null;

function ours(running: RunningSystem): RunningCmkms {
  const found = oursOrNull(running);
  if (found === null) throw new Error('only a cluster of CometKMS can be struck like this');
  return found;
}

function wiresOf(running: RunningSystem): RaftWires {
  const { wires } = ours(running);
  if (wires === null)
    throw new Error('this cluster was started without wires between its replicas');
  return wires;
}

function replicaNamed(running: RunningSystem, name: string): RunningReplica {
  const found = running.replicas.find((replica) => replica.name === name);
  if (found === undefined) throw new Error(`no replica ${name} runs`);
  return found;
}
