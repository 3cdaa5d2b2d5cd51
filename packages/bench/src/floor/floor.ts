/**
 * What this machine can do without any signer: its disk, its loopback, three bare processes, its processors.
 *
 * Owns    running the programs beside this file, each in a fresh directory, and reading what they found.
 * Never   measures in this process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cmkms, run } from '@cometkms/interop';
import type { Described } from '../systems/system.js';
import type { Found } from './counting.js';

/** Whose figures these are. */
export const thisMachine: Described = {
  name: 'machine',
  title: 'this machine, without a signer',
  durability: 'synced',
  version: async () => `Node ${process.version}`,
};

const REPLICAS = ['a', 'b', 'c'] as const;

export const syncedWrite = (count: number): Promise<Found> =>
  inDirectory((directory) => program('synced-write', directory, count));

export const roundTrip = (count: number): Promise<Found> => program('round-trip', count);

export const ed25519 = (count: number): Promise<Found> => program('ed25519', count);

/** @param restMs  between two of them. @returns one case, named after the links and the rest */
export function majorityWrite(links: 'TCP' | 'TLS', count: number, restMs = 0): Promise<Found> {
  return inDirectory(async (directory) => {
    const certificates = links === 'TCP' ? [] : await makeCertificates(join(directory, 'tls'));
    const rest = restMs === 0 ? '' : `, after ${restMs} ms of rest`;
    const name = `majority write, ${links}${rest}`;
    return program('majority-write', directory, count, name, restMs, ...certificates);
  });
}

/** Those that replicas have; nobody listens at the addresses in them. @returns the directory of each */
async function makeCertificates(out: string): Promise<readonly string[]> {
  const peers = REPLICAS.flatMap((name, i) => ['--peer', `${name}=127.0.0.1:${26671 + i}`]);
  await cmkms('cluster', 'init', '--out', out, ...peers);
  return REPLICAS.map((name) => join(out, name, 'tls'));
}

/** @throws with what the program said, where it failed */
async function program(name: string, ...args: readonly (string | number)[]): Promise<Found> {
  const path = fileURLToPath(new URL(`./${name}-process.js`, import.meta.url));
  const said = await run(process.execPath, [path, ...args.map(String)]);
  return JSON.parse(said) as Found;
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'cmkms-floor-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
