/**
 * How long a signer takes from nothing to its first signature.
 *
 * Owns    the cases: a first start, a restart of all, of one replica beside others that serve, and with a long log.
 * Never   counts what happens before a process is spawned: making homes, keys, certificates.
 */
import { type Fleet, lengthenLogs, until } from '@cometkms/interop';
import type { Bench, Suite, SuiteResult } from '../bench.js';
import { inRounds, type Measured, measuredTimes, type Turn } from '../rounds.js';
import { RunningCmkms } from '../systems/cmkms.js';
import type { RunningReplica, RunningSystem } from '../systems/system.js';
import { PatientValidator } from '../validator/patient-validator.js';

const ROUNDS = 5;
const RESTARTS = 5;
const LONG_LOG_RESTARTS = 10;
const ENTRIES = 1_000_000;
/** As `cmkms` takes them where nothing is configured. */
const SNAPSHOT_ENTRIES = 1000;
/** However long it takes: how long, is what is measured. */
const LONG_START_MS = 300_000;
/** Five replicas have the same log, and need longer to get it. */
const withLongLog = ['cmkms-1', 'cmkms-3'];

export const nextSnapshotNear = 'long log, next snapshot near';

/** What of the log lies behind its last snapshot, and is applied again at a start: the least and the most. */
const longLogs = {
  'long log, snapshot just taken': 100,
  [nextSnapshotNear]: SNAPSHOT_ENTRIES - 100,
} as const;

export const start: Suite = {
  name: 'start',
  about: 'from the start of its processes until a signer signs',
  notes:
    'Time is from the moment at which the first process is spawned until the validator, which asks all the time, has ' +
    'its first signature. *First start*: homes are made, nothing was ever signed; a cluster is founded. *Restart of ' +
    'all*: every process was stopped in order. *Restart of one replica*: one that does not lead is stopped and started ' +
    'while the others serve; time is until it says that it is ready (asked each 20 ms), and beside it the longest time ' +
    'that a signature took meanwhile.\n\n' +
    '*Long log*: nobody signs a million times for this. The validator signs some heights, all replicas are stopped, ' +
    'and programs with consensus and sign-state of CometKMS, but without keys, validators and watermarks, open the ' +
    'same logs, lead and follow over the same links, and reserve one position after the other, a thousand at a time; ' +
    'the last 5,000 one by one, so that the log has as many frames as after signing. Snapshots, rolls of the log and ' +
    'comparisons of the state come as in production, at the default of a snapshot each 1,000 entries. Then the ' +
    'replicas are restarted, and have to say in their status that all entries are there. The journal is as after few ' +
    'signatures. One million entries are the default; `--scale 10` makes it ten.',
  columns: [
    { figure: 'p50', title: 'p50' },
    { figure: 'max', title: 'max' },
    { figure: 'count', title: 'starts' },
    { figure: 'longestSignature', title: 'longest signature' },
  ],
  compared: 'p50',
  plot: { figure: 'p50', axis: 'ms' },
  run: runStart,
};

async function runStart(bench: Bench): Promise<SuiteResult> {
  const rounds = bench.rounds ?? ROUNDS;
  const entries = Math.ceil((ENTRIES * bench.scale) / SNAPSHOT_ENTRIES) * SNAPSHOT_ENTRIES;
  const rows = await inRounds(bench, bench.systems, { rounds, chains: 1 }, shortLog);
  const long = bench.systems.filter(({ name }) => withLongLog.includes(name));
  const longRows = await inRounds(bench, long, { rounds: 1, chains: 1 }, (turn) =>
    longLog(bench, turn, entries),
  );
  return {
    settings: { rounds, restarts: RESTARTS, entries, restartsWithLongLog: LONG_LOG_RESTARTS },
    systems: bench.systems,
    leftOut: [],
    rows: [...rows, ...longRows],
  };
}

async function shortLog({ running, validators }: Turn): Promise<readonly Measured[]> {
  const validator = new PatientValidator(validators);
  const first = (await validator.untilSigned()) - spawnedMs(running.replicas);
  const all: number[] = [];
  for (let i = 0; i < RESTARTS; i += 1) all.push(await restartAll(running, validator));
  const measured = [measuredTimes('first start', [first]), measuredTimes('restart of all', all)];
  if (running instanceof RunningCmkms && running.replicas.length > 1) {
    measured.push(await oneByOne(running, validator));
  }
  await validators.verify();
  return measured;
}

/** @returns milliseconds from the first spawn to the first signature */
async function restartAll(running: RunningSystem, validator: PatientValidator): Promise<number> {
  const names = running.replicas.map(({ name }) => name);
  await stopAll(running);
  const { firstAt } = await validator.meanwhile(() =>
    Promise.all(names.map((name) => running.restart(name))),
  );
  return firstAt - spawnedMs(running.replicas);
}

/** Those that do not lead, in turn: until each is ready again. */
async function oneByOne(running: RunningCmkms, validator: PatientValidator): Promise<Measured> {
  const times: number[] = [];
  let longest = 0;
  for (let i = 0; i < RESTARTS; i += 1) {
    const leader = await running.leader();
    const others = running.replicas.filter(({ name }) => name !== leader);
    const other = others[i % others.length];
    if (other === undefined) throw new Error('there is none beside the leader');
    const { name } = other;
    const { longestMs } = await validator.meanwhile(async () => {
      await other.process.stop();
      await running.restart(name);
      times.push(performance.now() - spawnedMs(running.replicas.filter((r) => r.name === name)));
    });
    longest = Math.max(longest, longestMs);
  }
  const row = measuredTimes('restart of one replica', times);
  return { ...row, figures: { ...row.figures, longestSignature: longest } };
}

async function longLog(bench: Bench, turn: Turn, entries: number): Promise<readonly Measured[]> {
  const { running, validators, system } = turn;
  if (!(running instanceof RunningCmkms)) throw new Error(`${system.name} has no such log`);
  const { fleet } = running;
  const homes = fleet.replicas.map(({ home }) => home);
  await new PatientValidator(validators).untilSigned();
  const measured: Measured[] = [];
  for (const [name, behindSnapshot] of Object.entries(longLogs)) {
    const wanted = entries + behindSnapshot;
    await stopAll(running);
    await lengthenLogs(homes, wanted, (index) => {
      bench.say(`${system.name}: ${index} of ${wanted} entries`);
    });
    fleet.startAll();
    const validator = new PatientValidator(validators, 1n + (await reservedHeight(fleet, wanted)));
    const times: number[] = [];
    for (let i = 0; i < LONG_LOG_RESTARTS; i += 1) {
      await stopAll(running);
      fleet.startAll();
      times.push((await validator.untilSigned()) - spawnedMs(running.replicas));
      // Nothing is asked for meanwhile, so that the next start has as much behind it.
      await reservedHeight(fleet, wanted);
    }
    measured.push(measuredTimes(name, times));
  }
  await validators.verify();
  return measured;
}

/** Of the last reservation. @throws where the log of a replica is shorter than it should be */
async function reservedHeight(fleet: Fleet, entries: number): Promise<bigint> {
  let height = 0n;
  for (const { name } of fleet.replicas) {
    const what = `${name} with ${entries} entries applied`;
    height = await until(what, () => heightBehind(fleet, name, entries), LONG_START_MS);
  }
  return height;
}

async function heightBehind(
  fleet: Fleet,
  replica: string,
  entries: number,
): Promise<bigint | undefined> {
  const status = await fleet.status(replica);
  if (Number(status?.applied_index ?? 0) < entries) return undefined;
  return BigInt(status?.chains[0]?.last_sign_state?.height ?? 0);
}

async function stopAll({ replicas }: RunningSystem): Promise<void> {
  await Promise.all(replicas.map(({ process }) => process.stop()));
}

const spawnedMs = (replicas: readonly RunningReplica[]): number =>
  Math.min(...replicas.map(({ process }) => process.startedMs));
