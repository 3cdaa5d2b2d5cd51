/**
 * Searches all small worlds on two cores, and prints what each one held.
 *
 * Owns    the time for all of it, the table, and the exit code: 0 only where every world was searched to its end and
 *         no rule was broken.
 */
import { Worker } from 'node:worker_threads';
import type { Result } from './search.js';
import type { Order } from './worker.js';
import { boundsOf, worldNamed, worlds } from './worlds.js';

const cores = 2;
const secondsInAll = Number(process.argv[2] ?? 30 * 60);
const started = Date.now();
const left = (): number => secondsInAll - (Date.now() - started) / 1000;

/** Small ones first: where time runs out, it is the largest that were not searched to their end. */
const waiting = worlds.map(({ name }) => name);
const results = new Map<string, Result>();

function work(): Promise<void> {
  const worker = new Worker(new URL('./worker.js', import.meta.url));
  return new Promise((resolve, reject) => {
    const next = (): void => {
      const world = waiting.shift();
      if (world === undefined) {
        void worker.terminate().then(() => resolve());
        return;
      }
      const order: Order = { world, seconds: Math.max(1, left()) };
      worker.postMessage(order);
    };
    worker.on('message', (result: Result) => {
      results.set(result.world, result);
      console.log(`${result.world}: ${result.states} states in ${result.seconds.toFixed(0)} s`);
      next();
    });
    worker.on('error', reject);
    next();
  });
}

function row(result: Result): string {
  const { world, states, edges, depth, replicas, steps, seconds, reached } = result;
  const ending = result.broken !== null ? 'BROKEN' : result.complete ? 'all' : 'NOT ALL';
  const seen = `${reached.led}/${reached.committed}/${reached.released}`;
  const numbers = [states, edges, depth, replicas, steps].map((each) => each.toLocaleString('en'));
  const time = `${seconds.toFixed(1)} s`;
  const bounds = boundsOf(worldNamed(world));
  return `| ${[world, ...numbers, seen, time, ending, bounds].join(' | ')} |`;
}

await Promise.all(Array.from({ length: cores }, work));
const columns = [
  ...['world', 'states', 'edges', 'depth', 'replicas', 'steps'],
  ...['led/committed/released', 'time', 'searched', 'bounds'],
];
console.log(`\n| ${columns.join(' | ')} |\n|${' --- |'.repeat(columns.length)}`);
const found = worlds.flatMap(({ name }) => results.get(name) ?? []);
for (const result of found) console.log(row(result));
const states = found.reduce((sum, each) => sum + each.states, 0);
const inAll = `${found.length} worlds, ${states.toLocaleString('en')} states`;
console.log(`\n${inAll}, ${((Date.now() - started) / 1000).toFixed(0)} s on ${cores} cores.`);
for (const { world, broken } of found) {
  if (broken === null) continue;
  console.log(`\nBROKEN in "${world}": ${broken.rule}`);
  for (const line of broken.way) console.log(`  ${line}`);
}
process.exitCode = found.every(({ complete }) => complete) ? 0 : 1;
