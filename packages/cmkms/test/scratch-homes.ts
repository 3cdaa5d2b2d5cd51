/**
 * Homes of nodes and replicas in a scratch directory, and the real command line beside them.
 *
 * Owns    their making, with keys from fixed seeds and states signed by them.
 * Never   used for a key that anybody stakes on.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Step, voteSignBytes } from '@cometkms/sign-state';
import {
  addressOf,
  formatStateFile,
  SoftwareKey,
  type StateFile,
  writeKeyFile,
} from '@cometkms/signer';
import { clusterInitCommand } from '../src/cli/cluster-init.js';
import type { Terminal } from '../src/cli/terminal.js';
import type { Surroundings } from '../src/config/layers.js';

export const CHAIN = 'test-1';
export const VALIDATOR = 'tcp://127.0.0.1:26659';

export async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cmkms-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export function around(directory: string, env: Surroundings['env'] = {}): Surroundings {
  return {
    env,
    hostName: 'vm',
    localAddresses: new Set(['127.0.0.1', '::1', '10.0.0.10']),
    userHome: directory,
    workingDirectory: directory,
  };
}

export interface CapturedTerminal extends Terminal {
  readonly printed: { out: string; err: string };
}

export function terminal(directory: string, env: Surroundings['env'] = {}): CapturedTerminal {
  const printed = { out: '', err: '' };
  return {
    printed,
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
    colorOut: false,
    colorErr: false,
    around: around(directory, env),
  };
}

export function keyOf(seed: number): SoftwareKey {
  return new SoftwareKey(new Uint8Array(32).fill(seed));
}

export function addressOfSeed(seed: number): string {
  return addressOf(keyOf(seed).publicKey);
}

/** A state as a node leaves it: position, signature and sign bytes of one vote for nil. */
export async function signedState(
  key: SoftwareKey,
  height: bigint,
  options: { readonly chainId?: string; readonly step?: Step; readonly seconds?: bigint } = {},
): Promise<StateFile> {
  const step = options.step ?? 3;
  const timestamp = { seconds: options.seconds ?? 1_700_000_000n, nanos: 0 };
  const vote = { type: step - 1, height, round: 0, blockId: null, timestamp };
  const signBytes = voteSignBytes(options.chainId ?? CHAIN, vote);
  const signature = await key.sign(signBytes);
  return { position: { height, round: 0, step }, signed: { signature, signBytes } };
}

export const zeroState: StateFile = { position: { height: 0n, round: 0, step: 0 }, signed: null };

export interface NodeHome {
  readonly home: string;
  readonly key: string;
  readonly state: string;
}

/** The state was last written two minutes ago: the node is stopped. */
export async function makeNode(
  directory: string,
  key: SoftwareKey,
  state: StateFile,
): Promise<NodeHome> {
  const home = join(directory, 'node');
  const node = {
    home,
    key: join(home, 'config', 'priv_validator_key.json'),
    state: join(home, 'data', 'priv_validator_state.json'),
  };
  await mkdir(join(home, 'config'), { recursive: true });
  await mkdir(join(home, 'data'), { recursive: true });
  await writeKeyFile(node.key, key);
  await writeOldState(node.state, state);
  return node;
}

export async function writeOldState(path: string, state: StateFile): Promise<void> {
  await writeFile(path, formatStateFile(state), { mode: 0o600 });
  const longAgo = new Date(Date.now() - 120_000);
  await utimes(path, longAgo, longAgo);
}

/** Homes a, b, c (or the names given) of one cluster on loopback, without keys. */
export async function makeFleet(
  directory: string,
  names: readonly string[] = ['a', 'b', 'c'],
  out = 'fleet',
): Promise<Readonly<Record<string, string>>> {
  await clusterInitCommand(
    {
      out,
      peer: names.map((name, index) => `${name}=127.0.0.1:${39_430 + index}`),
      chainId: CHAIN,
      validatorAddr: [VALIDATOR],
      httpAddr: '127.0.0.1:0',
    },
    terminal(directory),
  );
  return Object.fromEntries(names.map((name) => [name, join(directory, out, name)]));
}

const program = fileURLToPath(new URL('../../bin/cmkms.mjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The real program, to its end. Nothing of this process's environment but PATH reaches it. */
export function cmkms(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly uid?: number;
  } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: options.cwd ?? tmpdir(), ...options.env },
    cwd: options.cwd ?? tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const ended = { code: null as number | null, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.err += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...ended, code }));
  });
}
