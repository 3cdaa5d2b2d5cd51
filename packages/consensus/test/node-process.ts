/**
 * One replica as a process of its own, for tests that kill it.
 *
 * Arguments: directory, name, then each member as name=host:port. Reads commands to propose from its input, a
 * line each. Writes lines: `serving`, `done COMMAND` once it is applied here, `applied N COMMAND`,
 * `fatal CODE`.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ConsensusError, LinkTransport, openWal, RaftNode } from '../src/index.js';

const [directory = '', name = '', ...listed] = process.argv.slice(2);
const addresses = new Map(listed.map((one) => one.split('=') as [string, string]));
const record = join(directory, 'replica.json');
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

let applied: string[] = [];
const node = new RaftNode<number>({
  storage: openWal({ directory: join(directory, 'wal'), segmentBytes: 256 * 1024 }),
  transport: new LinkTransport({
    self: `id-${name}`,
    listen: addresses.get(name) ?? '',
    security: { kind: 'insecure' },
  }),
  self: { id: `id-${name}`, name },
  version: 'test',
  members: [...addresses].map(([member, address]) => ({
    ...{ id: null, name: member, address, witness: false },
  })),
  clusterId: null,
  joined: existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : null,
  recordJoined: async ({ clusterId }) => writeFileSync(record, JSON.stringify({ clusterId })),
  stateMachine: {
    apply: (command) => {
      const text = Buffer.from(command).toString();
      applied.push(text);
      say(`applied ${applied.length} ${text}`);
      return applied.length;
    },
    snapshot: () => Buffer.from(JSON.stringify(applied)),
    hash: () => createHash('sha256').update(JSON.stringify(applied)).digest('hex'),
    restore: (state) => {
      applied = JSON.parse(Buffer.from(state).toString());
      for (const [at, text] of applied.entries()) say(`applied ${at + 1} ${text}`);
    },
  },
  timers: { heartbeatIntervalMs: 25, electionTimeoutMs: 250, leaseMs: 200 },
  snapshotEntries: 25,
  stateHashEntries: 10,
  applyEntries: 3,
  rules: { oldest: 1, newest: 1 },
  configDigest: () => 'same',
  onFatal: (error) => {
    say(`fatal ${error instanceof ConsensusError ? error.code : error.message}`);
    process.exit(1);
  },
});

node.on('serving', (serving) => {
  if (serving) say('serving');
});
createInterface({ input: process.stdin }).on('line', (command) => {
  node.propose(Buffer.from(command), 2000).then(
    () => say(`done ${command}`),
    (error: unknown) => {
      if (!(error instanceof ConsensusError)) throw error;
      say(`undone ${command}`);
    },
  );
});
await node.start();
