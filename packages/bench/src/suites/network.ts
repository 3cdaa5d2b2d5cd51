/**
 * What a network of four validators sees of one whose signer loses its leader again and again.
 *
 * Owns    the kills, and the supervisor that starts again what ended: the same for every system.
 * Never   asks a signer what it signed: the commits are read when all is over.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cometBftVersion } from '@cometkms/interop';
import { type Bench, CannotMeasure, type Suite, type SuiteResult } from '../bench.js';
import { builtFromGo } from '../go-programs.js';
import { FourNodes, TIMEOUT_COMMIT_MS } from '../network/four-nodes.js';
import { figuresOf, heightsLacking, type Span } from '../network/lacking.js';
import { endedEarly, inTurns, type Measured } from '../rounds.js';
import type { RunningSystem, System } from '../systems/system.js';

const ROUNDS = 1;
const KILLS = 50;
const KILLS_OF_OTHERS = 12;
const KILL_EVERY_MS = 10_000;
/** After a kill. */
const RESTART_AFTER_MS = 3000;
const HEIGHTS_BEFORE = 60;
/** A system that nobody leads goes on missing heights, which is what is measured; but not for ever. */
const ASKED_FOR_A_LEADER = 6;

export const network: Suite = {
  name: 'network',
  about: 'heights that a validator among four misses while the leader of its signer is killed',
  notes:
    'Four CometBFT validators of equal power, timeouts and gossip as CometBFT sets them: a second of pause after ' +
    'each block. One is signed by the system, the others by their own files. The leader of the system is killed with -9 every ten seconds and ' +
    'started again three seconds later. Afterwards every commit is read over RPC and every signature in it is ' +
    'verified. A height lacks a vote where the commit in the next block holds none for the block: it came too late, ' +
    'not at all, or for nil. Without kills it shows what network and machine do by themselves, to all four. Times are ' +
    'from block to block, by their headers, in ms.',
  columns: [
    { figure: 'heights', title: 'heights' },
    { figure: 'lacking', title: 'lack its vote' },
    { figure: 'mostInARow', title: 'most in a row' },
    { figure: 'lackingOfOthers', title: 'votes of the three others lacking' },
    { figure: 'kills', title: 'kills' },
    { figure: 'killsInSpan', title: 'within these heights' },
    { figure: 'laterRounds', title: 'heights past round 0' },
    { figure: 'gapP50', title: 'block to block p50' },
    { figure: 'gapP99', title: 'p99' },
    { figure: 'gapMax', title: 'max' },
  ],
  compared: null,
  plot: { figure: 'lacking', axis: 'heights that lack the vote' },
  run: runNetwork,
};

async function runNetwork(bench: Bench): Promise<SuiteResult> {
  const systems = bench.systems.filter(({ replicas }) => replicas >= 3);
  if (systems.length === 0) {
    throw new CannotMeasure('network kills leaders: name a system with replicas, as cmkms-3');
  }
  await builtFromGo('cometnode', 'the suite network', bench.say);
  const rounds = bench.rounds ?? ROUNDS;
  const heightsBefore = Math.ceil(HEIGHTS_BEFORE * bench.scale);
  const [kills, killsOfOthers] = [KILLS, KILLS_OF_OTHERS].map((n) => Math.ceil(n * bench.scale));
  const rows = await inTurns(bench, systems, rounds, (system, _round, directory) => {
    const isOurs = system.name.startsWith('cmkms-');
    return oneTurn(bench, system, directory, heightsBefore, (isOurs ? kills : killsOfOthers) ?? 0);
  });
  return {
    settings: {
      ...{ rounds, kills: kills ?? 0, killsOfOthers: killsOfOthers ?? 0 },
      ...{ killEveryMs: KILL_EVERY_MS, restartAfterMs: RESTART_AFTER_MS },
      ...{ heightsBefore, timeoutCommitMs: TIMEOUT_COMMIT_MS },
    },
    systems,
    leftOut: bench.systems
      .filter((system) => !systems.includes(system))
      .map(({ title }) => `${title}: no replica can take over`),
    validator: `four nodes of CometBFT ${cometBftVersion()}`,
    rows,
  };
}

async function oneTurn(
  bench: Bench,
  system: System,
  directory: string,
  heightsBefore: number,
  kills: number,
): Promise<readonly Measured[]> {
  const nodes = await FourNodes.create(join(directory, 'nodes'), 'bench-1');
  let running: RunningSystem | null = null;
  try {
    running = await system.start(directory, [nodes.toSign(join(directory, 'key'))]);
    nodes.start();
    const from = await Promise.race([nodes.complete(), endedEarly(running)]);
    const until = from + BigInt(heightsBefore) - 1n;
    bench.say(`${system.name}: all four vote at height ${from}; ${heightsBefore} without kills`);
    await nodes.reach(until + 1n, 10 * TIMEOUT_COMMIT_MS * heightsBefore + 60_000);
    const before = await spanOf(nodes, from, until, []);
    const first = await nodes.nextHeight();
    const say = (line: string): void => bench.say(`${system.name}: ${line}`);
    const killedAtMs = await killLeaders(running, nodes, kills, say);
    const after = await spanOf(nodes, first, await nodes.nextHeight(), killedAtMs);
    say(`heights that lack its vote: ${heightsLacking(after).join(', ') || 'none'}`);
    return [
      { case: 'without kills', figures: figuresOf(before) },
      { case: 'with kills', figures: figuresOf(after) },
    ];
  } finally {
    await nodes.stop();
    await running?.stop();
  }
}

async function spanOf(
  nodes: FourNodes,
  from: bigint,
  to: bigint,
  killedAtMs: readonly number[],
): Promise<Span> {
  return {
    commits: await nodes.read(from, to),
    judged: nodes.signed.keyAddress,
    others: nodes.others.map(({ keyAddress }) => keyAddress),
    killedAtMs,
  };
}

/** Ends a while after the last one, so that what it did is seen. @returns when each was killed */
async function killLeaders(
  running: RunningSystem,
  nodes: FourNodes,
  kills: number,
  say: (line: string) => void,
): Promise<readonly number[]> {
  const killedAtMs: number[] = [];
  for (let kill = 1; kill <= kills; kill += 1) {
    const leader = await leaderOf(running, say);
    const replica = running.replicas.find(({ name }) => name === leader);
    if (replica === undefined) throw new Error(`${leader} leads, and is none of the replicas`);
    const height = await nodes.height();
    const nextMs = performance.now() + KILL_EVERY_MS;
    killedAtMs.push(Date.now());
    await replica.process.kill();
    say(`kill ${kill}/${kills}: ${leader}, the chain is at ${height}`);
    await pause(RESTART_AFTER_MS);
    for (const { name, process } of running.replicas) {
      if (process.alive) continue;
      if (name !== leader) say(`${name} ended by itself`);
      await running.restart(name);
    }
    await pause(Math.max(0, nextMs - performance.now()));
  }
  return killedAtMs;
}

async function leaderOf(running: RunningSystem, say: (line: string) => void): Promise<string> {
  for (let asked = 1; ; asked += 1) {
    try {
      return await running.leader();
    } catch (error) {
      if (asked === ASKED_FOR_A_LEADER) throw error;
      say(`${(error as Error).message}; the chain goes on, and the next kill waits`);
    }
  }
}
