/**
 * `npm run model`: the invariants of the specification, a mutant for each of its rules, and seeded worlds of the
 * simulator replayed against it.
 *
 * Owns    how much is drawn, what is printed, and the exit code: 0 if all held that must, all broke that must, and
 *         each world was a behaviour of the specification.
 * Never   takes longer than a few minutes; with `--fast` well below one. Says the seed, so that a run can be had again.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { firstLongSeed } from '../swarm.js';
import { type Mutant, mutants, mutate } from './mutants.js';
import { modelDirectory, type Simulated, simulate } from './quint.js';
import { type Replayed, seedsFrom } from './replay.js';

const invariants = [
  ...['oneContent', 'oneSignature', 'neverBack', 'floorsHold', 'releasedIsCommitted', 'haltHolds'],
  ...['retiredIsForEver', 'registeredOnce', 'unregisteredIsSilent', 'noLeap', 'cutoverHolds'],
  'secondGate',
];
const witnesses = [
  ...['oneLeft', 'sameLeftTwice', 'twoLead', 'conflictSeen', 'retimedLeft', 'haltedSeen'],
];
/** For a fast run: the first mutant of each of these. The others are as good, and cost their time. */
const quick = ['oneContent', 'releasedIsCommitted', 'retiredIsForEver', 'secondGate'];

const { values } = parseArgs({
  options: {
    fast: { type: 'boolean', default: false },
    seed: { type: 'string' },
    samples: { type: 'string' },
    worlds: { type: 'string' },
    world: { type: 'string' },
  },
});
// A fast run guards a change, so it must not fail by chance. A long one looks for what nobody has seen yet, in worlds
// that are short: the check of a trace takes longer than the world.
const seed = Number(values.seed ?? (values.fast ? 1 : Date.now() % (firstLongSeed - 1000)));
const samples = Number(values.samples ?? (values.fast ? 120 : 3000));
const steps = 60;
const worlds = Number(values.worlds ?? (values.fast ? 6 : 60));

let failures = 0;
function say(good: boolean, what: string, { ms, report }: Simulated): void {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what} (${(ms / 1000).toFixed(1)} s)`);
  if (good) return;
  failures += 1;
  console.log(report);
}

function sayReplayed({ seed: world, divergence, failure, ...facts }: Replayed): void {
  const { events, chains, released, crashes, tookMs } = facts;
  const good = divergence === null && failure === null;
  const seconds = (tookMs / 1000).toFixed(1);
  const what = `${events} events of ${chains} chains, ${released} released, ${crashes} crashes`;
  console.log(`${good ? 'ok  ' : 'FAIL'} world ${world}: ${what} (${seconds} s)`);
  if (good) return;
  failures += 1;
  if (failure !== null) console.log(`     the simulator: ${failure.promise}: ${failure.saw}`);
  for (const line of divergence?.events ?? []) console.log(`       ${line}`);
  if (divergence !== null) console.log(`     no behaviour of the specification: ${divergence.why}`);
  console.log(`     again: npm run model -- --world ${world}`);
}

/** In a process of its own, beside Quint's. */
async function replay(seeds: readonly number[]): Promise<void> {
  const worker = fileURLToPath(new URL('./worker.js', import.meta.url));
  const child = spawn(process.execPath, [worker, ...seeds.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let replayed = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    sayReplayed(JSON.parse(line) as Replayed);
    replayed += 1;
  }
  if (replayed === seeds.length) return;
  failures += 1;
  console.log(`FAIL only ${replayed} of ${seeds.length} worlds were replayed`);
}

const bounded = join(modelDirectory, 'bounded.qnt');
if (values.world !== undefined) {
  await replay([Number(values.world)]);
  process.exit(failures === 0 ? 0 : 1);
}

console.log(`seed ${seed}; ${samples} samples of ${steps} steps; ${worlds} worlds, beside them`);
const replayed = replay(seedsFrom(seed, worlds));
console.log('\nwhat must hold');
const whole = { file: bounded, step: 'step', invariants, witnesses, samples, steps, seed };
const simulated = await simulate(whole);
const unseen = witnesses.filter((name) => (simulated.seenIn.get(name) ?? 0) === 0);
say(
  simulated.kind === 'holds',
  `${invariants.length} invariants: ${invariants.join(', ')}`,
  simulated,
);
for (const [name, count] of simulated.seenIn) console.log(`     ${name} in ${count} samples`);
if (simulated.kind === 'holds') {
  say(unseen.length === 0, `each of these was seen, so the machine does sign`, simulated);
}
const alone = await simulate({
  ...{ file: bounded, step: 'stepWithoutConsensus', invariants: ['secondGate'], witnesses: [] },
  ...{ samples: Math.ceil(samples / 2), steps, seed },
});
say(alone.kind === 'holds', 'secondGate, where verdicts come that nobody committed', alone);

console.log('\nwhat must break');
const broken = await simulate({
  ...{ file: bounded, step: 'stepWithoutConsensus', invariants: ['oneContent'], witnesses: [] },
  ...{ samples: 1000, steps, seed },
});
say(broken.kind === 'violated', 'oneContent, where verdicts come that nobody committed', broken);
const tried = values.fast
  ? mutants.filter(
      ({ breaks }, n) =>
        quick.includes(breaks) && n === mutants.findIndex((m) => m.breaks === breaks),
    )
  : mutants;
for (const mutant of tried) await tryMutant(mutant);
await replayed;
process.exitCode = failures === 0 ? 0 : 1;

/** Always with the same seed: that the invariants bite is shown, not looked for. */
async function tryMutant(mutant: Mutant): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cometkms-model-'));
  try {
    const specification = readFileSync(join(modelDirectory, 'signing.qnt'), 'utf8');
    writeFileSync(join(directory, 'signing.qnt'), mutate(specification, mutant));
    writeFileSync(join(directory, 'bounded.qnt'), readFileSync(bounded));
    const simulated = await simulate({
      ...{ file: join(directory, 'bounded.qnt'), step: mutant.step },
      ...{ invariants: [mutant.breaks], witnesses: [], samples: 2000, steps, seed: 1 },
    });
    say(simulated.kind === 'violated', `${mutant.breaks}: ${mutant.name}`, simulated);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
