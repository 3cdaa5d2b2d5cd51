/**
 * `simulate --planted`: each planted bug in a process of its own, until a promise breaks or its budget is spent.
 *
 * Owns    the table: bug, the promise that found it, seeds needed.
 * Never   counts a bug as found because its process could not start, or where its seed fails without it as well.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SeedResult } from '../run-seed.js';
import { plants } from './index.js';
import type { Plant } from './plant.js';

export interface PlantedOptions {
  readonly planted: string | true;
  readonly jobs: number;
  readonly seed?: number;
  readonly json?: true;
}

interface Row {
  readonly plant: Plant;
  /** Null: it survived. */
  readonly found: { readonly promise: string; readonly saw: string; readonly seed: number } | null;
  readonly seeds: number;
  readonly tookMs: number;
}

const main = fileURLToPath(new URL('../main.js', import.meta.url));
const registerHooks = new URL('./register.js', import.meta.url).href;

/** @returns the exit code */
export async function runPlanted(options: PlantedOptions): Promise<number> {
  const wanted = options.planted === true ? plants : plantsNamed(options.planted);
  const queue = [...wanted];
  const rows: Row[] = [];
  const worker = async (): Promise<void> => {
    for (let plant = queue.shift(); plant !== undefined; plant = queue.shift()) {
      const row = await runPlant(plant, options.seed ?? 1);
      rows.push(row);
      if (options.json)
        process.stdout.write(`${JSON.stringify({ ...row, plant: row.plant.name })}\n`);
      else process.stderr.write(`${progressOf(row)}\n`);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, worker));
  rows.sort((x, y) => wanted.indexOf(x.plant) - wanted.indexOf(y.plant));
  if (!options.json) process.stdout.write(`${tableOf(rows)}\n`);
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

async function runPlant(plant: Plant, seed: number): Promise<Row> {
  const began = performance.now();
  const register = ['--import', registerHooks];
  const results = await runSeeds(register, seed, plant.budget, { CMKMS_PLANTED: plant.name });
  const failed = results.find(({ failure }) => failure !== null);
  let found: Row['found'] = null;
  if (failed?.failure != null) {
    const [sound] = await runSeeds([], failed.seed, 1, {});
    if (sound === undefined || sound.failure !== null)
      throw new Error(`seed ${failed.seed} fails without ${plant.name}, too`);
    found = { promise: failed.failure.promise, saw: failed.failure.saw, seed: failed.seed };
  }
  return { plant, found, seeds: results.length, tookMs: performance.now() - began };
}

/** @throws where no seed was run */
function runSeeds(
  nodeArguments: readonly string[],
  seed: number,
  seeds: number,
  environment: Readonly<Record<string, string>>,
): Promise<readonly SeedResult[]> {
  const ofMain = ['--seed', `${seed}`, '--seeds', `${seeds}`, '--jobs', '0', '--json'];
  const child = spawn(process.execPath, [...nodeArguments, main, ...ofMain], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve, reject) => {
    child.once('close', () => {
      const results = out
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as SeedResult);
      if (results.length > 0) resolve(results);
      else reject(new Error(`no seed was run: ${err.slice(-2000)}`));
    });
  });
}

function progressOf({ plant, found, seeds, tookMs }: Row): string {
  const how = found === null ? `SURVIVED ${seeds} seeds` : `found after ${seeds} seeds`;
  return `${how.padEnd(24)} ${(tookMs / 1000).toFixed(0).padStart(4)} s  ${plant.name}`;
}

function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ plant, found, seeds }) => [
    plant.name,
    plant.rule,
    found === null ? 'SURVIVED' : `${seeds}`,
    found?.promise ?? `not within ${plant.budget} seeds`,
  ]);
  const head = ['planted bug', 'rule', 'seeds', 'found by'];
  const widths = head.map((title, at) =>
    Math.max(title.length, ...cells.map((row) => (row[at] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const survived = rows.filter(({ found }) => found === null).length;
  const last = `${rows.length - survived} of ${rows.length} found`;
  return [line(head), rule, ...cells.map(line), '', last].join('\n');
}
