/**
 * The demo: three real replicas and a validator, on loopback, in about a minute.
 *
 * Owns    the course of the show, and cleaning up after it.
 * Never   judges itself: what was released is re-read by check-released.mjs.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { cmkms, Fleet } from '../fleet.js';
import { makeNodeHome } from '../node-home.js';
import { Validator } from '../validator/validator.js';
import { Chain } from './chain.js';
import { faults, type Stage } from './faults.js';
import { runReal } from './real.js';
import { bad, blockLine, good, header, milliseconds, note, say, strong } from './screen.js';

const BLOCK_TIME_MS = 700;
const CHAIN_ID = 'demo-1';
const checker = fileURLToPath(new URL('../../../check-released.mjs', import.meta.url));

interface DemoOptions {
  readonly blocks: number;
  readonly real: boolean;
  readonly keep: boolean;
}

function blocks(text: string): number {
  const value = Number(text);
  const least = 2 * faults.length;
  if (!Number.isInteger(value) || value < least || value > 100_000) {
    throw new InvalidArgumentError(`a whole number from ${least} on: each fault wants its blocks`);
  }
  return value;
}

async function demo(options: DemoOptions): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'cmkms-demo-'));
  const clean = (): void => {
    if (!options.keep) rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', clean);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143));
  }
  const code = options.real
    ? await runReal(directory, options.blocks)
    : await show(directory, options.blocks);
  if (options.keep) say(`kept: ${directory}`);
  return code;
}

async function show(directory: string, count: number): Promise<number> {
  const released = join(directory, 'released.jsonl');
  writeFileSync(released, '');
  const place = { kind: 'tcp', port: 0 } as const;
  const [validator, other] = [0, 1].map(
    () => new Validator({ chainId: CHAIN_ID, listen: place, released }),
  );
  if (validator === undefined || other === undefined) throw new Error('two validators were made');
  const addresses = [await validator.listen(), await other.listen()];

  say('making three homes (cmkms cluster init) and a key for them (cmkms import filepv)');
  const nodeHome = join(directory, 'node');
  mkdirSync(nodeHome);
  makeNodeHome(nodeHome);
  const fleet = await Fleet.create({
    directory,
    chainId: CHAIN_ID,
    validators: addresses,
    importFrom: nodeHome,
    neverSigned: true,
  });
  say('starting three replicas; the cluster is founded once all three answer');
  fleet.startAll();
  // A fresh node waits three seconds for its signer and is started again by its supervisor until it comes.
  await Promise.all(fleet.replicas.map(({ name }) => fleet.ready(name)));
  say();

  const chain = new Chain(validator);
  const stage: Stage = {
    fleet,
    chain,
    validator,
    other,
    validatorAddress: addresses[0] ?? '',
    gaps: new Map(),
  };
  await course(stage, count);
  await summary(stage);
  const code = verdict(stage, released);
  await fleet.stopAll();
  await Promise.all([validator.stop(), other.stop()]);
  return code;
}

/** Blocks at an even pace, and the faults spread over them. */
async function course(stage: Stage, count: number): Promise<void> {
  const every = Math.floor(count / (faults.length + 1));
  header();
  for (let block = 1; block <= count; block += 1) {
    const started = performance.now();
    const height = stage.chain.begin();
    const fault = block % every === 0 ? faults[block / every - 1] : undefined;
    const done =
      fault === undefined ? await stage.chain.sign(height) : await fault.run(stage, height);
    const [leader, holder] = await Promise.all([
      stage.fleet.leader(),
      stage.fleet.linkHolder(stage.validatorAddress),
    ]);
    blockLine(Number(height), leader, holder, done.slowestMs);
    if (done.rounds > 1) note(`in round ${done.rounds - 1}: an earlier vote was refused`);
    await pause(BLOCK_TIME_MS - (performance.now() - started));
  }
}

async function summary(stage: Stage): Promise<void> {
  const { chain, gaps, fleet } = stage;
  say();
  say(strong('longest gap, by fault'));
  for (const [name, gap] of gaps) say(`  ${name.padEnd(48)}${milliseconds(gap)}`);
  say();
  say(`blocks signed ${chain.signed}, missed ${chain.missed}`);
  const leader = fleet.replica(await fleet.leader());
  say();
  say(`$ cmkms status --home ${leader.name} --http-addr 127.0.0.1:${leader.httpPort}`);
  const where = ['--home', leader.home, '--http-addr', `127.0.0.1:${leader.httpPort}`];
  say(await cmkms('status', ...where).catch((error: Error) => error.message));
}

/** Re-read by a program that imports nothing of ours. */
function verdict(stage: Stage, released: string): number {
  const check = spawnSync(process.execPath, [checker, released], { encoding: 'utf8' });
  say(`every released signature, re-read by check-released.mjs:`);
  say(`  ${check.stdout.trim()}`);
  if (check.stderr !== '') say(bad(check.stderr));
  const clean = check.status === 0 && stage.chain.missed === 0;
  say(clean ? good('all is well') : bad('FAILED'));
  return clean ? 0 : 1;
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

const program = new Command('npm run demo --')
  .description('three replicas and a validator on loopback; faults while it signs')
  .option('--blocks <n>', 'how many blocks', blocks, 30)
  .option('--real', 'with a real CometBFT node (needs Go)', false)
  .option('--keep', 'keep homes, logs and the record', false)
  .addHelpText('after', '\nExit codes: 0 all is well, 1 a double sign or a missed block.');

process.exitCode = await demo(program.parse().opts<DemoOptions>());
