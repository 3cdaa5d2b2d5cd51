/**
 * One run: a cluster of three, then one of five, each under faults until its share of the time is over.
 *
 * Owns    what is played, what is said while it is, and what a violation shows.
 * Never   goes on after a violation.
 */
import { join } from 'node:path';
import { catalogue, type Fault } from './catalogue.js';
import { Chance } from './chance.js';
import { deals, nextRound, playRound } from './course.js';
import { Report } from './report.js';
import { Stage } from './stage.js';
import type { Survey } from './tools.js';
import { allAgree, judgeReleased, type Scene } from './verdict.js';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly replicas?: number;
  readonly only?: string;
  readonly json?: string;
  readonly keep: boolean;
}

export interface Played {
  readonly held: boolean;
  readonly text: string;
  readonly json: object;
}

export async function play(
  scope: string,
  directory: string,
  options: ChaosOptions,
  survey: Survey,
): Promise<Played> {
  const asked = catalogue.filter(({ name }) => name.includes(options.only ?? ''));
  const faults = asked.filter(({ needs }) => needs.every((tool) => survey.found.has(tool)));
  const leftOut = asked.filter((fault) => !faults.includes(fault)).map(({ name }) => name);
  for (const name of leftOut) console.log(`left out: ${name}`);
  const sizes = options.replicas === undefined ? [3, 5] : [options.replicas];
  const report = new Report(options.seed, leftOut);
  console.log(`seed ${options.seed}, ${faults.length} kinds of faults`);
  const violations: string[] = [];
  const verdicts: string[] = [];
  for (const replicas of sizes) {
    if (violations.length > 0) break;
    const chance = new Chance(options.seed + replicas);
    const at = { scope, directory: join(directory, `replicas-${replicas}`), replicas };
    console.log(`\n${replicas} replicas`);
    const stage = await Stage.set({ ...at, survey, chance: chance.fork() });
    const minutes = options.minutes / sizes.length;
    const scenes: Scene[] = [];
    violations.push(...(await playOn(stage, faults, chance, { minutes, report, scenes })));
    const verdict = judgeReleased(stage.released, scenes);
    violations.push(...verdict.faults);
    verdicts.push(`${replicas} replicas: ${verdict.says}`);
    report.cluster(stage);
  }
  const held = violations.length === 0;
  const again = [
    `npm run chaos -- --minutes ${options.minutes} --seed ${options.seed}`,
    ...(options.replicas === undefined ? [] : [`--replicas ${options.replicas}`]),
    ...(options.only === undefined ? [] : [`--only '${options.only}'`]),
  ].join(' ');
  return {
    held,
    text: [
      ...['', report.table, '', 'released signatures, re-read by check-released.mjs:'],
      ...verdicts.map((verdict) => `  ${verdict}`),
      ...['', held ? 'all held' : `VIOLATED\n${violations.join('\n')}`],
      ...(held ? [] : ['', `the same order of faults again: ${again}`]),
    ].join('\n'),
    json: { ...report.json, held, violations, verdicts },
  };
}

interface Course {
  readonly minutes: number;
  readonly report: Report;
  readonly scenes: Scene[];
}

/** @returns what did not hold */
async function playOn(
  stage: Stage,
  faults: readonly Fault[],
  chance: Chance,
  { minutes, report, scenes }: Course,
): Promise<readonly string[]> {
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  const say = (text: string): void => console.log(`${seconds().toFixed(1).padStart(7)}  ${text}`);
  const deck = deals(faults, chance);
  let latest = 'before the first fault';
  let held = false;
  try {
    while (seconds() < minutes * 60) {
      const round = nextRound(deck, (stage.names.length - 1) / 2, chance);
      latest = round.map(({ name }) => name).join(' + ');
      scenes.push({ from: new Date(), name: latest });
      report.round(await playRound(stage, round, chance, say));
    }
    latest = 'at the end';
    scenes.push({ from: new Date(), name: latest });
    await stage.asking.pause();
    await stage.asking.askAgain();
    await allAgree(stage.fleet);
    held = true;
  } catch (error) {
    return [`${latest}: ${(error as Error).message}`, ...stage.supervisor.violations];
  } finally {
    await stage.strike(held);
  }
  return [...stage.supervisor.violations, ...stage.asking.violations];
}
