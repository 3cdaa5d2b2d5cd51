/**
 * What slow disks cost: three replicas of ours whose synced writes take longer, all of them, or one.
 *
 * Owns    the delays, and at whom. Whoever leads holds the link.
 * Never   takes a figure from a disk that did not wait.
 */
import { type Bench, quantiles, type Suite, type SuiteResult } from '../bench.js';
import { inRounds, type Measured, type Turn } from '../rounds.js';
import { cmkmsWith, RunningCmkms } from '../systems/cmkms.js';
import { arranged, settled } from '../systems/roles.js';
import { measured, WARM_UP_HEIGHTS } from './latency.js';

const ROUNDS = 3;
const REPLICAS = 3;
const HEIGHTS = 100;
/** A disk that stalls as often as this is no disk to measure on. */
const MOST_AGAIN = 5;

interface Case {
  readonly name: string;
  /** Milliseconds that each synced write takes longer. */
  readonly delayMs: number;
  readonly at: 'all' | 'leader' | 'one follower' | 'both followers';
}

const cases: readonly Case[] = [
  { name: 'as the disk is', delayMs: 0, at: 'all' },
  ...[1, 5, 20].map((delayMs) => ({ name: `${delayMs} ms, all`, delayMs, at: 'all' as const })),
  ...(['leader', 'one follower', 'both followers'] as const).map((at) => {
    return { name: `20 ms, ${at}`, delayMs: 20, at };
  }),
];

export const disk: Suite = {
  name: 'disk',
  about:
    'time of one signature where the disks of three replicas take longer to sync, of all or of one',
  notes:
    'One machine has one disk: a library preloaded into the replicas waits, before each write that is synced, as long ' +
    'as the case says, and then the disk takes what it takes (see [floor](floor.md)). A signature waits for the log on ' +
    'the disks of a majority and, beside that, for the second gate’s mark on the disk of the replica that leads and ' +
    'holds the link. Requests are made in turn. A replica whose disk stalls hands leadership over; a case in which one ' +
    'did is measured *again*, as often as that column says. Needs a C compiler.',
  columns: [
    { figure: 'count', title: 'signatures' },
    ...quantiles,
    { figure: 'refused', title: 'refused' },
    { figure: 'again', title: 'again' },
  ],
  compared: null,
  plot: { figure: 'p50', axis: 'p50, ms' },
  run: runDisk,
};

async function runDisk(bench: Bench): Promise<SuiteResult> {
  const rounds = bench.rounds ?? ROUNDS;
  const warmUp = Math.ceil(WARM_UP_HEIGHTS * bench.scale);
  const heights = Math.ceil(HEIGHTS * bench.scale);
  const systems = bench.systems.filter(({ name }) => name === 'cmkms-3');
  if (systems.length === 0) throw new Error('disk needs three replicas of ours: --systems cmkms-3');
  const system = cmkmsWith(REPLICAS, { slowDisks: true });
  const rows = await inRounds(bench, [system], { rounds, chains: 1 }, (turn) =>
    withSlowDisks(turn, warmUp, heights),
  );
  return {
    settings: { rounds, warmUp, heights },
    systems,
    leftOut: bench.systems
      .filter((one) => !systems.includes(one))
      .map(({ title }) => `${title}: only disks of ours are made slow`),
    rows,
  };
}

async function withSlowDisks(
  { running, validators }: Turn,
  warmUp: number,
  heights: number,
): Promise<readonly Measured[]> {
  if (!(running instanceof RunningCmkms) || running.disks === null) {
    throw new Error('only disks of ours are made slow');
  }
  const { fleet, disks } = running;
  // First: who leads later would be cold.
  await arranged(fleet, 'together');
  await validators.askInTurn(0, 1n, warmUp);
  let next = 1n + BigInt(warmUp);

  /** @returns null where leadership moved meanwhile: part of it was measured at other disks than the case says */
  const tried = async ({ name, delayMs, at }: Case): Promise<Measured | null> => {
    const { leader, holder } = await arranged(fleet, 'together');
    const slow = disksOf(running, leader, at);
    const before = slow.map((replica) => disks.waited(replica));
    for (const replica of slow) disks.slow(replica, delayMs);
    const taken = await validators.askInTurn(0, next, heights);
    for (const replica of slow) disks.slow(replica, 0);
    next += BigInt(heights);
    const idle = slow.filter((replica, i) => disks.waited(replica) === before[i]);
    if (delayMs > 0 && idle.length > 0) throw new Error(`${name}: ${idle.join()} did not wait`);
    const now = await settled(fleet);
    return now.leader === leader && now.holder === holder ? measured(name, taken) : null;
  };

  const rows: Measured[] = [];
  for (const one of cases) {
    let again = 0;
    let row = await tried(one);
    for (; row === null; row = await tried(one)) {
      again += 1;
      if (again > MOST_AGAIN) throw new Error(`${one.name}: leadership moved ${again} times`);
    }
    rows.push({ ...row, figures: { ...row.figures, again } });
  }
  await validators.verify();
  return rows;
}

function disksOf({ replicas }: RunningCmkms, leader: string, at: Case['at']): readonly string[] {
  const followers = replicas.map(({ name }) => name).filter((name) => name !== leader);
  if (at === 'all') return [leader, ...followers];
  if (at === 'leader') return [leader];
  return at === 'one follower' ? followers.slice(0, 1) : followers;
}
