/**
 * The course of a run: fault after fault in an order that the seed decides, and what must hold around each.
 *
 * Owns    who is struck, the bounds of progress, and what is written down of each fault.
 * Never   knows what a fault does.
 */
import type { Aim, Fault } from './catalogue.js';
import { isOfOneReplica } from './catalogue.js';
import type { Chance } from './chance.js';
import type { Undo } from './network.js';
import type { Stage } from './stage.js';

/** A node may wait 5 s for a frozen signer, an unled link is given up after another 5, a machine is small. */
const SIGNS_WITHIN_MS = 45_000;
const READY_WITHIN_MS = 60_000;
/** What was committed before may still be released; a leader without a quorum serves no longer than its lease. */
const STANDS_AFTER_MS = 2500;

export interface Struck {
  readonly fault: Fault;
  readonly replicas: readonly string[];
}

export interface PlayedRound {
  readonly struck: readonly Struck[];
  /** By signer: the longest time without a signature. */
  readonly gapsMs: ReadonlyMap<string, number>;
}

/** Each fault once in some order, then again in another. */
export function* deals(faults: readonly Fault[], chance: Chance): Generator<Fault, never> {
  if (faults.length === 0) throw new Error('no fault is left to play');
  for (;;) yield* chance.shuffled(faults);
}

/** What comes next: one fault, or, where a quorum survives two replicas, two of them at times. */
export function nextRound(deck: Iterator<Fault>, tolerance: number, chance: Chance): Fault[] {
  const draw = (): Fault => (deck.next() as IteratorYieldResult<Fault>).value;
  const first = draw();
  if (tolerance < 2 || !isOfOneReplica(first) || !chance.happens(0.5)) return [first];
  for (let tries = 0; tries < 10; tries += 1) {
    const second = draw();
    if (isOfOneReplica(second)) return [first, second];
  }
  return [first];
}

/** @throws where what must hold does not */
export async function playRound(
  stage: Stage,
  faults: readonly Fault[],
  chance: Chance,
  say: (text: string) => void,
): Promise<PlayedRound> {
  const struck = await aimAll(stage, faults, chance);
  say(struck.map(nameOf).join('  +  '));
  stage.asking.takeGaps();
  const startedMs = performance.now();
  for (const { fault, replicas } of struck) {
    for (const name of replicas) stage.supervisor.allow(name, fault.ends ?? []);
  }
  const undos: Undo[] = [];
  for (const { fault, replicas } of struck) undos.push(await fault.strike(stage, replicas, chance));
  const struckMs = performance.now();
  await pause(Math.max(...faults.map(({ holdMs }) => holdMs)));
  if (faults.every(({ meanwhile }) => meanwhile === 'signs')) {
    await stage.asking.allSign(SIGNS_WITHIN_MS);
  } else {
    const lateMs = stage.asking.lastReleaseMs - struckMs;
    if (lateMs > STANDS_AFTER_MS) {
      throw new Error(
        `a signature was released ${Math.round(lateMs)} ms after the quorum was gone`,
      );
    }
  }
  for (const undo of undos.toReversed()) await undo();
  await Promise.all(stage.names.map((name) => stage.ready(name, READY_WITHIN_MS)));
  await stage.asking.allSign(SIGNS_WITHIN_MS);
  for (const name of stage.names) stage.supervisor.allow(name, []);
  const violations = [...stage.supervisor.violations, ...stage.asking.violations];
  if (violations.length > 0) throw new Error(violations.join('\n'));
  const gapsMs = stage.asking.takeGaps();
  const longest = Math.max(0, ...gapsMs.values());
  const took = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(`    healed after ${took} s; longest gap ${longest.toFixed(0)} ms`);
  return { struck, gapsMs };
}

export function nameOf({ fault, replicas }: Struck): string {
  return replicas.length === 0 ? fault.name : `${fault.name} (${replicas.join(', ')})`;
}

async function aimAll(
  stage: Stage,
  faults: readonly Fault[],
  chance: Chance,
): Promise<readonly Struck[]> {
  const leader = await stage.fleet.leader();
  const taken = new Set<string>();
  return faults.map((fault) => {
    const replicas = aimed(stage, fault.aim, leader, taken, chance);
    for (const name of replicas) taken.add(name);
    return { fault, replicas };
  });
}

/** A second fault that aims at one whom the first has struck strikes another one. */
function aimed(
  { names, withSmallDisk }: Stage,
  aim: Aim,
  leader: string,
  taken: ReadonlySet<string>,
  chance: Chance,
): readonly string[] {
  const free = names.filter((name) => !taken.has(name));
  const followers = free.filter((name) => name !== leader);
  switch (aim) {
    case 'leader':
      return [taken.has(leader) ? chance.pick(free) : leader];
    case 'follower':
      return [chance.pick(followers)];
    case 'any':
      return [chance.pick(free)];
    case 'small': {
      const small = withSmallDisk.filter((name) => !taken.has(name));
      return small.length === 0 ? [] : [chance.pick(small)];
    }
    case 'leaderAndMore':
      return [leader, ...chance.shuffled(followers).slice(0, (names.length - 1) / 2)];
    case 'all':
      return names;
    case 'nobody':
      return [];
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
