/**
 * The logger in front of its output: filter, bounds, and what it says about lines it left out.
 *
 * Owns    nothing but these rules; the clock is the test's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  atMost,
  type LineOutput,
  type Logger,
  type LoggerOptions,
  loggerTo,
} from '../src/log/index.js';

function recorded(options: Partial<LoggerOptions> = {}): { lines: string[]; logger: Logger } {
  const lines: string[] = [];
  const output: LineOutput = {
    write: (line) => lines.push(line.trimEnd().slice(25)) > 0,
    dropped: () => 3,
    close: () => Promise.resolve(),
  };
  return { lines, logger: loggerTo(output, { level: 'info', format: 'plain', ...options }) };
}

test('what is below the level is not written', () => {
  const { lines, logger } = recorded({ level: 'warn' });
  logger.log('trace', { what: 'a', detail: 'b' });
  logger.log('http_listening', { address: ':1' });
  logger.log('config_note', { note: 'c' });
  assert.deepEqual(lines, ['WARN  config_note note=c']);
});

test('an event that comes too often is bounded, counted, and said once its second is over', () => {
  let now = 1_000;
  const { lines, logger } = recorded({ maxPerSecond: 2, now: () => now });
  for (let i = 0; i < 5; i++) logger.log('config_note', { note: `n${i}` });
  logger.log('http_listening', { address: ':1' });
  assert.equal(logger.dropped(), 3 + 3);
  now = 2_000;
  logger.log('config_note', { note: 'later' });
  assert.deepEqual(lines, [
    'WARN  config_note note=n0',
    'WARN  config_note note=n1',
    'INFO  http_listening address=:1',
    'WARN  log_suppressed of=config_note lines=3',
    'WARN  config_note note=later',
  ]);
});

test('a wall clock that is set back does not silence an event', () => {
  let now = 1_000_000;
  const { lines, logger } = recorded({ maxPerSecond: 1, now: () => now });
  logger.log('config_note', { note: 'a' });
  now = 5;
  logger.log('config_note', { note: 'b' });
  assert.equal(lines.length, 2);
});

test('the end says what its last second left out', async () => {
  const { lines, logger } = recorded({ maxPerSecond: 1, now: () => 1 });
  logger.log('config_note', { note: 'a' });
  logger.log('config_note', { note: 'b' });
  await logger.close(0);
  assert.equal(lines.at(-1), 'WARN  log_suppressed of=config_note lines=1');
});

test('atMost: once per interval, with how many were left out', () => {
  const say = atMost(1000);
  assert.equal(say(0), 0);
  assert.equal(say(1), null);
  assert.equal(say(999), null);
  assert.equal(say(1000), 2);
  assert.equal(say(1001), null);
});
