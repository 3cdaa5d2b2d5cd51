/** What is read from /proc and /metrics, and what is said of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketsOf, quantileMs } from '../src/footprint/exposition.js';
import { type Look, rowsOf } from '../src/footprint/looks.js';
import { processorTicksOf, rssOf, sectorsWrittenOf, ticksOf } from '../src/footprint/usage.js';

test('a name with spaces and parentheses moves no field of /proc/PID/stat', () => {
  const before = '4711 (node (main) x) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20';
  assert.equal(ticksOf(before), 300);
  assert.throws(() => ticksOf('4711 (node) S 1'), /not as the kernel writes it/);
});

test('RSS is in bytes, and of a process that ended there is none', () => {
  assert.equal(rssOf('VmHWM:\t  9000 kB\nVmRSS:\t   100 kB\n'), 102_400);
  assert.throws(() => rssOf('Name: zombie'), /is not in/);
});

test('a processor that waits for a disk is idle, and a guest is counted once', () => {
  const stat = 'cpu  100 1 50 700 40 2 3 4 60 1\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n';
  assert.deepEqual(processorTicksOf(stat), { idle: 740, all: 900 });
  assert.throws(() => processorTicksOf('cpu0 1 2 3\n'), /not as the kernel writes it/);
});

test('a disk says how many sectors it was given in the seventh place', () => {
  assert.equal(sectorsWrittenOf('  120  5 900 30   77 8 4096 66 0 1 2 0 0 0 0\n'), 4096);
  assert.throws(() => sectorsWrittenOf('1 2 3'), /not as the kernel writes it/);
});

const text = (lines: readonly (readonly [labels: string, count: number])[]): string =>
  lines.map(([labels, count]) => `gc_seconds_bucket{${labels}} ${count}\n`).join('');

test('buckets are summed over labels, and only what came since counts', () => {
  const before = text([
    ['le="0.001",kind="minor"', 90],
    ['le="+Inf",kind="minor"', 100],
  ]);
  const after = text([
    ['le="0.001",kind="minor"', 95],
    ['le="0.01",kind="minor"', 109],
    ['le="+Inf",kind="minor"', 110],
    ['kind="major",le="0.001"', 0],
    ['kind="major",le="0.01"', 10],
    ['kind="major",le="+Inf"', 10],
  ]);
  const [first, last] = [bucketsOf(before, 'gc_seconds'), bucketsOf(after, 'gc_seconds')];
  assert.equal(quantileMs(first, last, 0.2), 1);
  assert.equal(quantileMs(first, last, 0.9), 10);
  assert.equal(quantileMs(first, first, 0.5), null);
});

test('beyond all edges counts as the highest', () => {
  const after = text([
    ['le="0.5"', 1],
    ['le="+Inf"', 10],
  ]);
  assert.equal(quantileMs(new Map(), bucketsOf(after, 'gc_seconds'), 0.999), 500);
});

test('figures are per 1,000 signatures, growth per day of one height a second', () => {
  const look = (rss: number, cpuSeconds: number, diskBytes: number): Look => ({
    processes: [1, 2].map((n) => ({ rssBytes: n * rss, cpuSeconds })),
    ...{ diskBytes, writtenBytes: diskBytes },
    metrics: ['', ''],
  });
  const looks = { start: look(40e6, 1, 0), warm: look(50e6, 2, 10e6), end: look(51e6, 8, 11e6) };
  const signatures = Array.from({ length: 3000 }, (_, i) => 1 + i);
  const asked = { heights: 1000, signatures, refused: 0 };
  const [all, first, second] = rowsOf(looks, [60e6, 0], asked);
  assert.equal(all?.figures['cpuSeconds'], 4);
  assert.equal(all?.figures['growthMbPerDay'], 86.4);
  assert.equal(all?.figures['writtenMb'], 0.3333);
  assert.deepEqual([all?.figures['p50'], all?.figures['p999']], [1500, 2997]);
  assert.equal(first?.case, 'replica 1');
  assert.equal(first?.figures['rssHighestMb'], 60);
  assert.equal(second?.figures['rssHighestMb'], 102);
  assert.equal(second?.figures['cpuSeconds'], 2);
});
