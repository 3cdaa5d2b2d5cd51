/**
 * A program that logs to its standard output and obeys its parent over IPC; run by log-output.test.ts.
 *
 * Owns    the orders: `chatter` logs, `report` answers once the event loop has turned, `exit` closes and exits.
 * Never   touches process.stdout.
 */
import { openLogger } from '../src/log/index.js';

export type Order =
  | { readonly kind: 'chatter'; readonly lines: number }
  | { readonly kind: 'report'; readonly ticks: number }
  | { readonly kind: 'exit'; readonly deadlineMs: number };

export interface Report {
  readonly ticks: number;
  readonly dropped: number;
}

const logger = openLogger(1, {
  level: 'info',
  format: 'plain',
  maxPerSecond: Number.MAX_SAFE_INTEGER,
  limits: { maxLines: 1000, maxBytes: 1024 * 1024 },
});
let said = 0;

/** Each tick is a timer of its own: a chain that goes on only while the event loop turns. */
function turn(left: number, done: () => void): void {
  if (left === 0) done();
  else setTimeout(() => turn(left - 1, done), 1);
}

process.on('message', (order: Order) => {
  switch (order.kind) {
    case 'chatter':
      for (let line = 0; line < order.lines; line++) {
        logger.log('config_note', { note: `line ${said++} ${'.'.repeat(200)}` });
      }
      return;
    case 'report':
      turn(order.ticks, () => {
        process.send?.({ ticks: order.ticks, dropped: logger.dropped() } satisfies Report);
      });
      return;
    case 'exit':
      void logger.close(order.deadlineMs).then(() => process.exit(0));
  }
});
process.send?.('ready');
