/**
 * What a signer takes of its machine while it does its everyday work.
 *
 * Owns    the pace, the moments at which processes are looked at, and what is told of them.
 * Never   asks as fast as it can: what a signer needs for that is a matter of throughput.
 */
import type { Bench, Suite, SuiteResult } from '../bench.js';
import { type Asked, type Look, rowsOf } from '../footprint/looks.js';
import { bytesOnDisk, usageOf, writtenBelow } from '../footprint/usage.js';
import { inRounds, type Measured, type Turn } from '../rounds.js';
import { RunningCmkms } from '../systems/cmkms.js';
import type { RunningReplica, RunningSystem } from '../systems/system.js';

const ROUNDS = 1;
const MINUTES = 60;
const WARM_UP_MINUTES = 5;
const HEIGHT_INTERVAL_MS = 100;
/** Looks at the memory, in each run as many. */
const LOOKS = 360;

export const footprint: Suite = {
  name: 'footprint',
  about:
    'memory, processor time, disk and latency of a signer that is asked for one height each 100 ms',
  notes:
    'A validator asks for proposal, prevote and precommit of one height each 100 ms, for an hour after a warm-up of ' +
    'five minutes (times `--scale`). *RSS* is told at the start, after the warm-up, at the end, and the highest that ' +
    'was seen after the warm-up. *CPU* is seconds for 1,000 signatures, in user mode and in the kernel, and holds all ' +
    'that is done beside signing, heartbeats too. *Written* is what the disk of the homes was given for 1,000 ' +
    'signatures, by everything on the machine. *Disk growth* is what all files but the logs of the processes took more ' +
    'at the end than after the warm-up, compaction included, **extrapolated** to a day of one height a second. *Loop ' +
    'delay* is how late a timer of 50 ms ran, *GC* a pause of the garbage collector: p99.9 of each, as the upper edge ' +
    'of the bucket in `/metrics`. *p50* and the others are what the validator waited for a signature: unlike in ' +
    '[latency](latency.md), the first of each height comes after a rest, as on a real chain.',
  columns: [
    { figure: 'rssStartMb', title: 'RSS at start, MB' },
    { figure: 'rssWarmMb', title: 'warmed up' },
    { figure: 'rssEndMb', title: 'at the end' },
    { figure: 'rssHighestMb', title: 'highest' },
    { figure: 'cpuSeconds', title: 'CPU, s' },
    { figure: 'writtenMb', title: 'written, MB' },
    { figure: 'growthMbPerDay', title: 'disk growth, MB a day' },
    { figure: 'loopDelay', title: 'loop delay, ms' },
    { figure: 'gcPause', title: 'GC, ms' },
    { figure: 'p50', title: 'p50, ms' },
    { figure: 'p99', title: 'p99, ms' },
    { figure: 'p999', title: 'p99.9, ms' },
    { figure: 'signatures', title: 'signatures' },
    { figure: 'refused', title: 'refused' },
  ],
  compared: null,
  plot: { figure: 'rssEndMb', axis: 'RSS at the end, MB' },
  run: runFootprint,
};

async function runFootprint(bench: Bench): Promise<SuiteResult> {
  const rounds = bench.rounds ?? ROUNDS;
  const minutes = MINUTES * bench.scale;
  const warmUpMinutes = WARM_UP_MINUTES * bench.scale;
  const rows = await inRounds(bench, bench.systems, { rounds, chains: 1 }, (turn) =>
    measuredTurn(turn, warmUpMinutes * 60_000, minutes * 60_000),
  );
  return {
    settings: { rounds, warmUpMinutes, minutes },
    systems: bench.systems,
    leftOut: bench.systems
      .filter(({ name }) => !name.startsWith('cmkms'))
      .map(({ title }) => `${title}: loop delay and GC, of which it tells nothing`),
    rows,
  };
}

async function measuredTurn(
  turn: Turn,
  warmUpMs: number,
  runMs: number,
): Promise<readonly Measured[]> {
  const { validators, running } = turn;
  const start = await lookAt(turn);
  const warmUp = await asked(turn, 1n, warmUpMs);
  const warm = await lookAt(turn);
  const highest = warm.processes.map(({ rssBytes }) => rssBytes);
  const watch = setInterval(() => {
    running.replicas.forEach(({ process }, i) => {
      // One that ended is found at the end, with what it said.
      if (!process.alive) return;
      highest[i] = Math.max(highest[i] ?? 0, usageOf(process.pid).rssBytes);
    });
  }, runMs / LOOKS);
  const run = await asked(turn, warmUp.next, runMs).finally(() => clearInterval(watch));
  const end = await lookAt(turn);
  await validators.verify();
  return rowsOf({ start, warm, end }, highest, run);
}

/** A height each 100 ms; one that is late does not make the next ones early. */
async function asked(
  { validators }: Turn,
  from: bigint,
  forMs: number,
): Promise<Asked & { readonly next: bigint }> {
  const endMs = performance.now() + forMs;
  let dueMs = performance.now();
  let [next, refused] = [from, 0];
  const signatures: number[] = [];
  while (dueMs < endMs) {
    const taken = await validators.askInTurn(0, next, 1);
    const signed = taken.filter((one) => one.refused === null);
    for (const { tookMs } of signed) signatures.push(tookMs);
    refused += taken.length - signed.length;
    next += 1n;
    dueMs = Math.max(dueMs + HEIGHT_INTERVAL_MS, performance.now());
    await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
  }
  return { next, heights: Number(next - from), signatures, refused };
}

async function lookAt({ running, directory }: Turn): Promise<Look> {
  const { replicas } = running;
  const logs = new Set(replicas.map(({ logPath }) => logPath));
  return {
    processes: replicas.map(({ process }) => usageOf(process.pid)),
    diskBytes: bytesOnDisk(directory, logs),
    writtenBytes: writtenBelow(directory),
    metrics: await Promise.all(replicas.map((replica) => metricsOf(running, replica))),
  };
}

/** As Prometheus would have it; empty of a signer that does not tell, or not as ours does. */
async function metricsOf(running: RunningSystem, { name }: RunningReplica): Promise<string> {
  if (!(running instanceof RunningCmkms)) return '';
  const { httpHost, httpPort } = running.fleet.replica(name).place;
  const answer = await fetch(`http://${httpHost}:${httpPort}/metrics`);
  return await answer.text();
}
