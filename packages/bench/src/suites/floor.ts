/**
 * What this machine can do without any signer. No signer is faster than what it waits for.
 *
 * Owns    how much of each, and the order within a round.
 */
import { type Bench, quantiles, type Suite, type SuiteResult } from '../bench.js';
import { ed25519, majorityWrite, roundTrip, syncedWrite, thisMachine } from '../floor/floor.js';
import { inRounds, type MeasuredWithout, measuredTimes } from '../rounds.js';

const ROUNDS = 5;
const WRITES = 2000;
const ROUND_TRIPS = 10_000;
const MAJORITY_WRITES = 3000;
/** As between two votes of a chain, or while a message is on a long way: the processors have gone to sleep. */
const REST_MS = 10;
const WRITES_AFTER_REST = 500;
const SIGNATURES = 2000;

export const floor: Suite = {
  name: 'floor',
  about: 'what this machine can do without a signer: disk, loopback, majority write, Ed25519',
  notes:
    'Each by bare processes of Node. *Synced write*: 256 bytes into a file that was filled with zeros before. *Round ' +
    'trip*: 256 bytes over TCP to another process and back. *Majority write*: three processes, as three replicas; one ' +
    'sends 256 bytes to both others and syncs them beside that, each of the others syncs them and answers; over when ' +
    'any two have them; each begun when the one before is done, or 10 ms later. *TLS* is version 1.3 with certificates on both sides. *Sign* and *verify*: 120 bytes.',
  columns: quantiles,
  compared: 'p50',
  plot: null,
  run: runFloor,
};

async function runFloor(bench: Bench): Promise<SuiteResult> {
  const rounds = bench.rounds ?? ROUNDS;
  const scaled = (count: number): number => Math.ceil(count * bench.scale);
  const counts = {
    writes: scaled(WRITES),
    roundTrips: scaled(ROUND_TRIPS),
    majorityWrites: scaled(MAJORITY_WRITES),
    writesAfterRest: scaled(WRITES_AFTER_REST),
    signatures: scaled(SIGNATURES),
  };
  const without = async (): Promise<MeasuredWithout> => {
    const found = {
      ...(await syncedWrite(counts.writes)),
      ...(await roundTrip(counts.roundTrips)),
      ...(await majorityWrite('TCP', counts.majorityWrites)),
      ...(await majorityWrite('TLS', counts.majorityWrites)),
      ...(await majorityWrite('TLS', counts.writesAfterRest, REST_MS)),
      ...(await ed25519(counts.signatures)),
    };
    const rows = Object.entries(found).map(([name, times]) => measuredTimes(name, times));
    return { system: thisMachine.name, rows };
  };
  // No system takes a turn.
  const rows = await inRounds(bench, [], { rounds, chains: 0, without }, async () => []);
  return { settings: { rounds, ...counts }, systems: [thisMachine], leftOut: [], rows };
}
