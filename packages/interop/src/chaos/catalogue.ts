/**
 * What the suite does to a cluster: each fault with whom it strikes, what must hold meanwhile, and how it heals.
 *
 * Owns    the list. Whatever is true of one kind of fault stands here, and only here.
 * Never   waits for the cluster, or judges it: course.ts does.
 */
import type { Chance } from './chance.js';
import type { DiskOrder } from './disk.js';
import type { Undo } from './network.js';
import { VALIDATORS } from './network.js';
import type { Stage } from './stage.js';
import type { End } from './supervisor.js';
import type { Tool } from './tools.js';
import { plain, type WireOrder } from './wire.js';

/** Whom a fault strikes. `roomy`: whose disk is no small one; `small`: the other way round. */
export type Aim = 'leader' | 'follower' | 'any' | 'small' | 'leaderAndMore' | 'all' | 'nobody';

/**
 * What must hold while it lasts. `signs`: each validator is given signatures that it asked for after the strike.
 * `stands`: a quorum is gone, so nothing is released.
 */
export type Meanwhile = 'signs' | 'stands';

export interface Fault {
  readonly name: string;
  readonly needs: readonly Tool[];
  readonly aim: Aim;
  readonly meanwhile: Meanwhile;
  /** At least; longer where it takes longer until everybody signs. */
  readonly holdMs: number;
  /** How those that are struck may end by themselves. */
  readonly ends?: readonly End[];
  /** @returns how it heals */
  strike(stage: Stage, struck: readonly string[], chance: Chance): Promise<Undo>;
}

const SIGNS = { meanwhile: 'signs', needs: [] } as const;
const CUTS = { meanwhile: 'signs', needs: ['namespaces', 'nftables'] } as const;
const DAY_S = 86_400;

/** A failed write or sync ends the process; so does a start on such a disk. */
const diskFailed: readonly End[] = [
  { exit: 5, codes: ['CONSENSUS_LOG_FAILED', 'SIGNER_WATERMARK_FAILED'] },
  {
    exit: 4,
    codes: ['DISK_FULL', 'DISK_FAILED', 'SIGNER_FILE_FAILED', 'CONSENSUS_LOG_UNREADABLE'],
  },
];

async function eachOf(names: readonly string[], work: (name: string) => Promise<void>) {
  await Promise.all(names.map(work));
}

async function killed(stage: Stage, struck: readonly string[]): Promise<Undo> {
  await eachOf(struck, (name) => stage.supervisor.kill(name));
  return async () => {
    for (const name of struck) stage.supervisor.start(name);
  };
}

async function frozen(stage: Stage, struck: readonly string[]): Promise<Undo> {
  for (const name of struck) stage.supervisor.signal(name, 'SIGSTOP');
  return async () => {
    for (const name of struck) stage.supervisor.signal(name, 'SIGCONT');
  };
}

/** The undoing of several, the last first. */
async function together(changes: readonly Promise<Undo>[]): Promise<Undo> {
  const undos = await Promise.all(changes);
  return async () => {
    for (const undo of undos.toReversed()) await undo();
  };
}

const cutFromPeers = (stage: Stage, one: string, others: readonly string[]): Promise<Undo> =>
  together(others.map((other) => stage.network.cutBoth(one, other)));

const othersThan = (stage: Stage, struck: readonly string[]): readonly string[] =>
  stage.names.filter((name) => !struck.includes(name));

function wired(name: string, aim: Aim, order: WireOrder): Fault {
  return {
    ...{ ...SIGNS, name, aim, holdMs: 4000 },
    async strike(stage, struck) {
      const wires = struck.map((replica) => stage.wireTo(replica));
      for (const wire of wires) wire.order = order;
      return async () => {
        for (const wire of wires) wire.order = plain;
      };
    },
  };
}

function linksWired(name: string, order: WireOrder): Fault {
  return {
    ...{ ...SIGNS, name, aim: 'nobody', holdMs: 4000 },
    async strike(stage) {
      for (const wire of stage.validatorWires) wire.order = order;
      return async () => {
        for (const wire of stage.validatorWires) wire.order = plain;
      };
    },
  };
}

function disk(name: string, aim: Aim, order: DiskOrder): Fault {
  return {
    ...{ name, aim, meanwhile: 'signs', needs: ['preload'], holdMs: 4000 },
    ends: order.error === null ? [] : diskFailed,
    async strike(stage, struck) {
      const disks = struck.map((replica) => stage.diskOf(replica));
      for (const each of disks) each.fail(order);
      return async () => {
        for (const each of disks) each.heal();
      };
    },
  };
}

function clock(name: string, aim: Aim, offSeconds: number): Fault {
  return {
    ...{ name, aim, meanwhile: 'signs', needs: ['faketime'], holdMs: 4000 },
    async strike(stage, struck) {
      const clocks = struck.map((replica) => stage.clockOf(replica));
      for (const each of clocks) each.set(offSeconds);
      return async () => {
        for (const each of clocks) each.set(0);
      };
    },
  };
}

export const catalogue: readonly Fault[] = [
  // ---------------------------------------------------------------------------------- processes
  { ...SIGNS, name: 'kill -9 of the leader', aim: 'leader', holdMs: 1500, strike: killed },
  { ...SIGNS, name: 'kill -9 of a follower', aim: 'follower', holdMs: 1500, strike: killed },
  {
    ...{ ...SIGNS, name: 'kill -9 again and again at the start', aim: 'any', holdMs: 0 },
    async strike(stage, struck, chance) {
      for (let times = 0; times < 4; times += 1) {
        await eachOf(struck, (name) => stage.supervisor.kill(name));
        for (const name of struck) stage.supervisor.start(name);
        await pause(chance.between(100, 1500));
      }
      return async () => undefined;
    },
  },
  {
    ...{ name: 'kill -9 of a majority', aim: 'leaderAndMore', needs: [] },
    ...{ meanwhile: 'stands', holdMs: 5000, strike: killed },
  },
  {
    ...{ name: 'kill -9 of all at once', aim: 'all', needs: [] },
    ...{ meanwhile: 'stands', holdMs: 4000, strike: killed },
  },
  {
    ...{ ...SIGNS, name: 'SIGTERM and start, one after the other', aim: 'all', holdMs: 0 },
    async strike(stage, struck) {
      for (const name of struck) {
        await stage.supervisor.stop(name);
        stage.supervisor.start(name);
        await stage.ready(name);
      }
      return async () => undefined;
    },
  },
  { ...SIGNS, name: 'SIGSTOP of the leader', aim: 'leader', holdMs: 3000, strike: frozen },
  { ...SIGNS, name: 'SIGSTOP of a follower', aim: 'follower', holdMs: 3000, strike: frozen },
  {
    ...{ ...SIGNS, name: 'stutter: SIGSTOP and SIGCONT by turns', aim: 'leader', holdMs: 0 },
    async strike(stage, struck, chance) {
      for (let times = 0; times < 10; times += 1) {
        const wake = await frozen(stage, struck);
        await pause(chance.between(30, 400));
        await wake();
        await pause(chance.between(30, 200));
      }
      return async () => undefined;
    },
  },
  {
    ...{ name: 'SIGSTOP of a majority', aim: 'leaderAndMore', needs: [] },
    ...{ meanwhile: 'stands', holdMs: 5000, strike: frozen },
  },
  // ------------------------------------------------------------------------------------ network
  {
    ...{ ...CUTS, name: 'leader cut off from the replicas, not from validators' },
    ...{ aim: 'leader', holdMs: 6000 },
    strike: (stage, [leader = '']) => cutFromPeers(stage, leader, othersThan(stage, [leader])),
  },
  {
    ...{ ...CUTS, name: 'leader cut off from everybody', aim: 'leader', holdMs: 4000 },
    strike: (stage, [leader = '']) =>
      cutFromPeers(stage, leader, [...othersThan(stage, [leader]), VALIDATORS]),
  },
  {
    ...{ ...CUTS, name: 'leader cut off from the validators', aim: 'leader', holdMs: 4000 },
    strike: (stage, [leader = '']) => cutFromPeers(stage, leader, [VALIDATORS]),
  },
  {
    ...{ ...CUTS, name: 'follower cut off from the replicas', aim: 'follower', holdMs: 4000 },
    strike: (stage, [follower = '']) =>
      cutFromPeers(stage, follower, othersThan(stage, [follower])),
  },
  {
    ...{ ...CUTS, name: 'leader cut off from one follower', aim: 'leader', holdMs: 4000 },
    strike: (stage, [leader = ''], chance) =>
      cutFromPeers(stage, leader, [chance.pick(othersThan(stage, [leader]))]),
  },
  {
    ...{ ...CUTS, name: 'one way: what the leader sends is lost', aim: 'leader', holdMs: 4000 },
    strike: (stage, [leader = '']) =>
      together(othersThan(stage, [leader]).map((other) => stage.network.cut(leader, other))),
  },
  {
    ...{ ...CUTS, name: 'one way: what the leader should hear is lost' },
    ...{ aim: 'leader', holdMs: 4000 },
    strike: (stage, [leader = '']) =>
      together(othersThan(stage, [leader]).map((other) => stage.network.cut(other, leader))),
  },
  {
    ...{ ...CUTS, name: 'every third packet to the leader is lost', aim: 'leader', holdMs: 5000 },
    strike: (stage, [leader = '']) => stage.network.lose(leader, 33),
  },
  {
    ...{ ...CUTS, name: 'every tenth packet to everybody is lost', aim: 'nobody', holdMs: 5000 },
    strike: (stage) =>
      together([...stage.names, VALIDATORS].map((host) => stage.network.lose(host, 10))),
  },
  {
    ...{ ...CUTS, name: 'the cable of a replica is pulled', aim: 'any', holdMs: 4000 },
    strike: (stage, [replica = '']) => stage.network.unplug(replica),
  },
  {
    ...{ name: 'everybody is cut off from everybody', aim: 'nobody', meanwhile: 'stands' },
    ...{ needs: ['namespaces', 'nftables'], holdMs: 6000 },
    strike: (stage) =>
      together(
        stage.names.flatMap((one, i) =>
          stage.names.slice(i + 1).map((other) => stage.network.cutBoth(one, other)),
        ),
      ),
  },
  // -------------------------------------------------------------------------------------- wires
  wired('what comes to the leader is late, up to 90 ms', 'leader', {
    ...plain,
    ...{ delayMs: 20, jitterMs: 70 },
  }),
  wired('what comes to a follower is late, up to 600 ms', 'follower', {
    ...plain,
    ...{ delayMs: 200, jitterMs: 400 },
  }),
  wired('a wire that is open and carries nothing', 'any', { ...plain, silent: true }),
  wired('connections of replicas break in the middle of a frame', 'any', {
    ...plain,
    cutEveryMs: 300,
  }),
  linksWired('validators are far away, up to 200 ms', { ...plain, delayMs: 50, jitterMs: 150 }),
  linksWired('links to validators break in the middle of a frame', { ...plain, cutEveryMs: 700 }),
  // -------------------------------------------------------------------------------------- disks
  disk('writes fail with EIO at the leader', 'leader', { call: 'write', error: 'EIO' }),
  disk('writes are torn, then EIO', 'any', { call: 'write', error: 'EIO', torn: true }),
  disk('syncs fail with EIO at the leader', 'leader', { call: 'sync', error: 'EIO' }),
  disk('syncs fail with EIO at a follower', 'follower', { call: 'sync', error: 'EIO' }),
  disk('writes fail with ENOSPC', 'any', { call: 'write', error: 'ENOSPC' }),
  disk('syncs take 80 ms at the leader', 'leader', { call: 'sync', error: null, delayMs: 80 }),
  disk('syncs take 1.2 s', 'any', { call: 'sync', error: null, delayMs: 1200 }),
  {
    ...{ name: 'a small disk is full', aim: 'small', meanwhile: 'signs', needs: ['tmpfs'] },
    ...{ holdMs: 4000, ends: diskFailed },
    async strike(stage, struck) {
      const disks = struck.map((replica) => stage.smallDiskOf(replica));
      for (const each of disks) each.fill();
      return async () => {
        for (const each of disks) each.empty();
      };
    },
  },
  // -------------------------------------------------------------------------------------- clock
  clock('the wall clock of the leader jumps a day ahead', 'leader', DAY_S),
  clock('the wall clock of a replica jumps a day back', 'any', -DAY_S),
];

/** Those that strike so few that a quorum goes on can come together on different replicas. */
export function isOfOneReplica(fault: Fault): boolean {
  return fault.meanwhile === 'signs' && !['all', 'nobody'].includes(fault.aim);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
