/**
 * `simulate --planted`: each planted bug in a process of its own, until a promise breaks or its budget is spent.
 *
 * Owns    the table: bug, the promise that found it, seeds needed, or the scenario.
 * Never   counts a bug as found because its process could not start, or where its seed or its scenario fails without
 *         it as well.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SeedResult } from '../run-seed.js';
import { plants } from './index.js';
import type { Plant } from './plant.js';
import { remember, rememberedSeeds } from './remembered.js';
import { printRow, printTable, type Row } from './table.js';
import type { Told } from './told.js';

export interface PlantedOptions {
  readonly planted: string | true;
  readonly jobs: number;
  readonly seed?: number;
  readonly json?: true;
  /** First the seed that found it last time. */
  readonly remembered?: true;
  /** Which seeds found them is written down for that. */
  readonly remember?: true;
}

const main = fileURLToPath(new URL('../main.js', import.meta.url));
const told = fileURLToPath(new URL('./told.js', import.meta.url));
const registerHooks = new URL('./register.js', import.meta.url).href;

/** Without a bug planted: whether it fails all the same. Asked once of each seed and of each scenario. */
const sound = new Map<string, Promise<boolean>>();

/** @returns the exit code */
export async function runPlanted(options: PlantedOptions): Promise<number> {
  const wanted = options.planted === true ? plants : plantsNamed(options.planted);
  const queue = [...wanted];
  const rows: Row[] = [];
  const worker = async (): Promise<void> => {
    for (let plant = queue.shift(); plant !== undefined; plant = queue.shift()) {
      const guess = options.remembered ? rememberedSeeds().get(plant.name) : undefined;
      const row = await runPlant(plant, options.seed ?? 1, guess);
      rows.push(row);
      printRow(row, `${rows.length}/${wanted.length}`, options.json === true);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, worker));
  rows.sort((x, y) => wanted.indexOf(x.plant) - wanted.indexOf(y.plant));
  if (!options.json) printTable(rows);
  if (options.remember) remember(rows);
  return rows.every(({ found }) => found !== null) ? 0 : 1;
}

function plantsNamed(names: string): readonly Plant[] {
  return names.split(',').map((name) => {
    const plant = plants.find((one) => one.name === name);
    if (plant === undefined) {
      throw new Error(
        `no planted bug is called ${name}; there are ${plants.map((one) => one.name).join(', ')}`,
      );
    }
    return plant;
  });
}

async function runPlant(plant: Plant, seed: number, guess: number | undefined): Promise<Row> {
  const began = performance.now();
  const { scenario } = plant;
  const sought = async (): Promise<Pick<Row, 'found' | 'seeds'>> => {
    if (scenario !== undefined) return await inScenario(plant, scenario);
    const guessed = guess === undefined ? null : await inSeeds(plant, guess, 1);
    return guessed?.found ? { ...guessed, seeds: null } : await inSeeds(plant, seed, plant.budget);
  };
  return { plant, ...(await sought()), tookMs: performance.now() - began };
}

async function inSeeds(
  plant: Plant,
  seed: number,
  seeds: number,
): Promise<Pick<Row, 'found' | 'seeds'>> {
  const results = await runSeeds(plant, seed, seeds);
  const failed = results.find(({ failure }) => failure !== null);
  if (failed?.failure == null) return { found: null, seeds: results.length };
  await requireSound(plant, `seed ${failed.seed}`, async () => {
    const [alone] = await runSeeds(null, failed.seed, 1);
    return alone?.failure === null;
  });
  const { promise, saw } = failed.failure;
  return { found: { promise, saw, seed: failed.seed }, seeds: results.length };
}

async function inScenario(plant: Plant, scenario: string): Promise<Pick<Row, 'found' | 'seeds'>> {
  const { failure } = await tellScenario(plant, scenario);
  if (failure === null) return { found: null, seeds: 0 };
  await requireSound(plant, `the scenario ${scenario}`, async () => {
    const alone = await tellScenario(null, scenario);
    return alone.failure === null;
  });
  return { found: { ...failure, scenario }, seeds: 0 };
}

/** @throws where it fails without the bug, too */
async function requireSound(
  plant: Plant,
  what: string,
  isSound: () => Promise<boolean>,
): Promise<void> {
  const asked = sound.get(what) ?? isSound();
  sound.set(what, asked);
  if (!(await asked)) throw new Error(`${what} fails without ${plant.name}, too`);
}

/** @throws where no seed was run */
async function runSeeds(
  plant: Plant | null,
  seed: number,
  seeds: number,
): Promise<readonly SeedResult[]> {
  const ofMain = ['--seed', `${seed}`, '--seeds', `${seeds}`, '--jobs', '0', '--json'];
  const { out, err } = await runWith(plant, [main, ...ofMain]);
  if (out.length === 0) throw new Error(`no seed was run: ${err.slice(-2000)}`);
  return out.map((line) => JSON.parse(line) as SeedResult);
}

/** @throws where it could not be told */
async function tellScenario(plant: Plant | null, scenario: string): Promise<Told> {
  const { out, err } = await runWith(plant, [told, scenario]);
  const [line] = out;
  if (line === undefined) throw new Error(`${scenario} was not told: ${err.slice(-2000)}`);
  return JSON.parse(line) as Told;
}

/** @returns its lines of JSON, and what it complained of */
function runWith(
  plant: Plant | null,
  args: readonly string[],
): Promise<{ readonly out: readonly string[]; readonly err: string }> {
  const register = plant === null ? [] : ['--import', registerHooks];
  const child = spawn(process.execPath, [...register, ...args], {
    env: { ...process.env, ...(plant === null ? {} : { CMKMS_PLANTED: plant.name }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve) => {
    child.once('close', () => {
      resolve({ out: out.split('\n').filter((line) => line.startsWith('{')), err });
    });
  });
}
