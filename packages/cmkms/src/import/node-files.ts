/**
 * Key and state in a node's home, before and after they were set aside.
 *
 * Owns    where CometBFT keeps them, reading them, and the signs that the node still runs.
 * Never   changes anything there: set-aside.ts does.
 * Rule    CometBFT config/config.go (`priv_validator_key_file`, `priv_validator_state_file`).
 */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { comparePosition } from '@cometkms/sign-state';
import { addressOf, readKeyFile, type SoftwareKey, type StateFile } from '@cometkms/signer';
import { parse } from 'smol-toml';
import { loadState, positionText, translated } from '../check-home.js';
import { CmkmsError } from '../errors.js';
import { exists, isMissing } from '../home.js';
import { asideName } from '../import-note.js';

export interface NodeFiles {
  readonly keyPath: string;
  readonly statePath: string;
}

/** Whose state is to be copied. */
export interface Source {
  readonly key: SoftwareKey;
  readonly keyAddress: string;
  /** An earlier import has set the key aside already. */
  readonly resumed: boolean;
}

/** Where this node keeps the two; its config.toml may say so. */
export async function nodeFiles(nodeHome: string): Promise<NodeFiles> {
  if (!(await exists(nodeHome))) {
    throw new CmkmsError('NODE_FILES', { path: nodeHome, detail: 'there is no such directory' });
  }
  const said = await nodeConfig(join(nodeHome, 'config', 'config.toml'));
  const path = (key: string, standard: string): string => {
    const value = said[key];
    const given = typeof value === 'string' && value !== '' ? value : standard;
    return isAbsolute(given) ? given : join(nodeHome, given);
  };
  return {
    keyPath: path('priv_validator_key_file', 'config/priv_validator_key.json'),
    statePath: path('priv_validator_state_file', 'data/priv_validator_state.json'),
  };
}

async function nodeConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return {};
    const detail = `it cannot be read: ${(error as Error).message.split('\n')[0]}`;
    throw new CmkmsError('NODE_FILES', { path, detail }, { cause: error });
  }
}

/**
 * The key to import: the one in place, or, after an import that was cut short, the one set aside.
 * @param held addresses of the keys that the target homes hold already
 * @throws CmkmsError NODE_FILES, KEY_MODE, KEY_DAMAGED, EXISTS
 */
export async function readSourceKey(files: NodeFiles, held: readonly string[]): Promise<Source> {
  const [inPlace, aside] = [await keyAt(files.keyPath), await keyAt(asideName(files.keyPath))];
  const asideAddress = aside === null ? null : addressOf(aside.publicKey);
  const inPlaceAddress = inPlace === null ? null : addressOf(inPlace.publicKey);
  if (inPlace !== null && inPlaceAddress !== null && inPlaceAddress === asideAddress) {
    return { key: inPlace, keyAddress: inPlaceAddress, resumed: false };
  }
  // A node that found no key made itself a new one; the homes tell which of the two is meant.
  if (
    aside !== null &&
    asideAddress !== null &&
    (inPlace === null || held.includes(asideAddress))
  ) {
    return { key: aside, keyAddress: asideAddress, resumed: true };
  }
  if (inPlace === null || inPlaceAddress === null) {
    throw new CmkmsError('NODE_FILES', { path: files.keyPath, detail: 'there is no key' });
  }
  if (aside !== null) throw new CmkmsError('EXISTS', { path: asideName(files.keyPath) });
  return { key: inPlace, keyAddress: inPlaceAddress, resumed: false };
}

async function keyAt(path: string): Promise<SoftwareKey | null> {
  try {
    return await readKeyFile(path);
  } catch (error) {
    const missing = new CmkmsError('NODE_FILES', { path, detail: 'there is no key' });
    const said = translated(error, { SIGNER_KEY_MISSING: () => missing });
    if (said === missing) return null;
    throw said;
  }
}

/** The states that belong to the key; null where there is none above height 0. */
export interface SourceState {
  readonly inPlace: StateFile | null;
  readonly aside: StateFile | null;
  /** The higher of the two: after an import was cut short, a node that still ran wrote one anew. */
  readonly highest: StateFile | null;
}

/** @throws CmkmsError STATE_DAMAGED, STATE_FOREIGN */
export async function readSourceState(
  files: NodeFiles,
  chainId: string,
  source: Source,
): Promise<SourceState> {
  const aside = await loadState(chainId, asideName(files.statePath), source.key);
  const inPlace = await stateInPlace(files, chainId, source);
  const asideIsHigher =
    aside !== null && (inPlace === null || comparePosition(aside.position, inPlace.position) > 0);
  return { inPlace, aside, highest: asideIsHigher ? aside : inPlace };
}

/** After the key is gone, a state of another key is what the node made for its new one. */
async function stateInPlace(
  files: NodeFiles,
  chainId: string,
  source: Source,
): Promise<StateFile | null> {
  try {
    return await loadState(chainId, files.statePath, source.key);
  } catch (error) {
    const foreign = error instanceof CmkmsError && error.code === 'STATE_FOREIGN';
    if (foreign && source.resumed && (await exists(files.keyPath))) return null;
    throw error;
  }
}

export interface Look {
  /** A state younger than this means that the node ran just now. */
  readonly quietForMs: number;
  /** How long to look for a change. */
  readonly lookForMs: number;
}

export const standardLook: Look = { quietForMs: 60_000, lookForMs: 2_000 };

/** Of the state in place. Null: there is no such file. */
export interface Fingerprint {
  readonly inode: number;
  readonly mtimeMs: number;
}

/** The node replaces the file, so a new inode is a new state even within one tick of the clock. */
export async function fingerprint(path: string): Promise<Fingerprint | null> {
  try {
    const found = await stat(path);
    return { inode: found.ino, mtimeMs: found.mtimeMs };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/**
 * Nothing proves that a node is stopped; its state file betrays one that signs.
 * A state at height 0 has no signature to be recent, so only a change counts there.
 * @param before taken before `state` was read, so that a change in between is seen too
 * @throws CmkmsError NODE_RUNS
 */
export async function refuseRunningNode(
  path: string,
  before: Fingerprint | null,
  state: StateFile | null,
  look: Look,
): Promise<void> {
  if (before === null) return;
  const ageMs = Date.now() - before.mtimeMs;
  if (state !== null && ageMs < look.quietForMs) {
    const evidence = `(at ${positionText(state)}) was written ${Math.round(ageMs / 1000)} s ago`;
    throw new CmkmsError('NODE_RUNS', { path, evidence });
  }
  await delay(look.lookForMs);
  const after = await fingerprint(path);
  if (after?.inode === before.inode && after.mtimeMs === before.mtimeMs) return;
  throw new CmkmsError('NODE_RUNS', { path, evidence: 'changes while we look' });
}
