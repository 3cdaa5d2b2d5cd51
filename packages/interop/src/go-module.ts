/**
 * The Go programs that stand in for a validator, built from packages/interop/go.
 *
 * Owns    whether there is a Go to build with, and where what it built lies: dist/bin, so that the next
 *         process finds it up to date.
 * Never   downloads anything but what go.sum names.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const goModule = fileURLToPath(new URL('../../go', import.meta.url));
const binaries = fileURLToPath(new URL('../bin', import.meta.url));

const packages = {
  /** CometBFT's node with a recorder between it and its signer. */
  cometnode: './cometnode',
  /** The validators' side of the benchmark, on CometBFT's own endpoint and client. */
  benchvalidator: './benchvalidator',
  /** The program as its makers ship it. */
  cometbft: 'github.com/cometbft/cometbft/cmd/cometbft',
} as const;

export type GoProgram = keyof typeof packages;

/** `go1.26.8`; null where there is no go on the path. */
export function goVersion(): string | null {
  const asked = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  return asked.status === 0 ? asked.stdout.trim() : null;
}

/** `v0.38.26`: what all of them are built from. */
export function cometBftVersion(): string {
  const required = readFileSync(join(goModule, 'go.mod'), 'utf8');
  const version = /github\.com\/cometbft\/cometbft (v\S+)/.exec(required)?.[1];
  if (version === undefined) throw new Error('go.mod does not require CometBFT');
  return version;
}

const built = new Map<GoProgram, Promise<string>>();

/** @returns the path of the program, built once per process. @throws with what go said */
export function goProgram(name: GoProgram): Promise<string> {
  const path = built.get(name) ?? build(name);
  built.set(name, path);
  return path;
}

async function build(name: GoProgram): Promise<string> {
  mkdirSync(binaries, { recursive: true });
  const path = join(binaries, name);
  // Linked on the file system where it will lie, go moves it there in one step: a process that runs
  // the old one, or builds at the same time, never meets half a file.
  const env = { ...process.env, GOTMPDIR: binaries };
  await promisify(execFile)('go', ['build', '-o', path, packages[name]], { cwd: goModule, env });
  return path;
}
