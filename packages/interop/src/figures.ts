/**
 * Two figures of a cluster on this machine: how long a signature takes, and how long none comes after kill -9.
 *
 * Owns    measuring and printing them: `npm run figures -- [--heights N] [--kills N]`.
 * Never   judges them: speed is shown by a report, not by a test.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { Fleet } from './fleet.js';
import { makeNodeHome } from './node-home.js';
import { blockNamed, stepTypes, Validator } from './validator/validator.js';

interface FigureOptions {
  readonly heights: number;
  readonly kills: number;
  readonly replicas: number;
  readonly keep: boolean;
}

const CHAIN_ID = 'figures-1';
const WARM_UP = 100;

async function figures(options: FigureOptions): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cmkms-figures-'));
  if (options.keep) console.log(`kept         ${directory}`);
  else process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  process.once('SIGINT', () => process.exit(130));
  const released = join(directory, 'released.jsonl');
  writeFileSync(released, '');
  const validator = new Validator({
    chainId: CHAIN_ID,
    listen: { kind: 'tcp', port: 0 },
    released,
  });
  const address = await validator.listen();
  const nodeHome = join(directory, 'node');
  mkdirSync(nodeHome);
  makeNodeHome(nodeHome);
  const fleet = await Fleet.create({
    directory,
    chainId: CHAIN_ID,
    validators: [address],
    importFrom: nodeHome,
    neverSigned: true,
    replicas: options.replicas,
  });
  fleet.startAll();
  await Promise.all(fleet.replicas.map(({ name }) => fleet.ready(name)));
  await validator.publicKey();

  let height = 0n;
  const one = async (): Promise<readonly number[]> => {
    height += 1n;
    const block = blockNamed(`block ${height}`);
    return [
      (await validator.signProposal(height, 0, block)).tookMs,
      (await validator.signVote(stepTypes.prevote, height, 0, block)).tookMs,
      (await validator.signVote(stepTypes.precommit, height, 0, block)).tookMs,
    ];
  };
  for (let i = 0; i < WARM_UP; i += 1) await one();
  const latencies: number[] = [];
  for (let i = 0; i < options.heights; i += 1) latencies.push(...(await one()));

  const gaps: number[] = [];
  for (let i = 0; i < options.kills; i += 1) {
    const leader = await fleet.leader();
    const asked = one();
    await new Promise((resolve) => setImmediate(resolve));
    fleet.replica(leader).process?.signal('SIGKILL');
    gaps.push(Math.max(...(await asked)));
    await fleet.replica(leader).process?.exited;
    fleet.start(leader);
    await fleet.ready(leader);
  }
  print(options, latencies, gaps);
  await fleet.stopAll();
  await validator.stop();
}

function print({ replicas, heights }: FigureOptions, latencies: number[], gaps: number[]): void {
  const [cpu] = cpus();
  console.log(`machine      ${cpus().length} x ${cpu?.model ?? '?'}, Node ${process.version}`);
  console.log(`cluster      ${replicas} replicas, loopback, mutual TLS, everything synced`);
  console.log(`signatures   ${latencies.length} (${heights} heights, after ${WARM_UP})`);
  console.log(
    `latency      p50 ${at(latencies, 0.5)}  p99 ${at(latencies, 0.99)}  max ${at(latencies, 1)}`,
  );
  if (gaps.length === 0) return;
  console.log(`kill -9      of the leader, a request in flight, ${gaps.length} times`);
  console.log(`gap          p50 ${at(gaps, 0.5)}  max ${at(gaps, 1)}`);
}

function at(values: readonly number[], quantile: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.floor(quantile * sorted.length));
  return `${(sorted[index] ?? Number.NaN).toFixed(2)} ms`;
}

const program = new Command('npm run figures --')
  .description('p50 and p99 of a signature, and the gap at kill -9 of the leader')
  .option('--heights <n>', 'heights to sign, three signatures each', Number, 1000)
  .option('--kills <n>', 'times to kill the leader', Number, 10)
  .option('--replicas <n>', 'how many', Number, 3)
  .option('--keep', 'keep homes and logs', false);
await figures(program.parse().opts<FigureOptions>());
