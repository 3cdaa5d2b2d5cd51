/**
 * `npm run model`: the invariants of the specification, and a mutant for each of its rules.
 *
 * Owns    how much is drawn, what is printed, and the exit code: 0 if all held that must and all broke that must.
 * Never   takes longer than a few minutes; with `--fast` well below one. Says the seed, so that a run can be had again.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, mutants, mutate } from './mutants.js';
import { modelDirectory, type Simulated, simulate } from './quint.js';

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
  },
});
// A fast run guards a change, so it must not fail by chance. A long one looks for what nobody has seen yet.
const seed = Number(values.seed ?? (values.fast ? 1 : Date.now() % 2 ** 32));
const samples = Number(values.samples ?? (values.fast ? 120 : 3000));
const steps = 60;

let failures = 0;
function say(good: boolean, what: string, { ms, report }: Simulated): void {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what} (${(ms / 1000).toFixed(1)} s)`);
  if (good) return;
  failures += 1;
  console.log(report);
}

const bounded = join(modelDirectory, 'bounded.qnt');
console.log(`seed ${seed}; ${samples} samples of ${steps} steps\n\nwhat must hold`);
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
