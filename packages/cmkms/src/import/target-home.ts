/**
 * A home that is to receive a key: where it goes, and what forbids it.
 *
 * Owns    finding the chain in the home's config.toml, the refusals, and the order of the writes.
 * Never   lowers a state or replaces a key. Nothing is written while another home could still refuse.
 */
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { comparePosition } from '@cometkms/sign-state';
import {
  addressOf,
  readKeyFile,
  type SoftwareKey,
  type StateFile,
  writeKeyFile,
  writeStateFile,
} from '@cometkms/signer';
import { loadState, positionText, translated } from '../check-home.js';
import { refuseWitnessHome } from '../check-witness.js';
import { fromTable, shortForm } from '../config/chains.js';
import type { ConfigFile } from '../config/file.js';
import { readConfigFile } from '../config/layers.js';
import { CmkmsError } from '../errors.js';
import { checkLayout, exists, homePaths, makeDirectory } from '../home.js';
import { type ImportNote, importNotePath, writeImportNote } from '../import-note.js';

/** Where the key of one [[chain]] (or of the short form) lies in this home. */
interface Slot {
  readonly keyPath: string;
  readonly statePath: string;
  /** What config.toml expects. */
  readonly address: string | null;
  /** What lies there. */
  readonly held: string | null;
}

export interface Target {
  readonly home: string;
  readonly chainId: string;
  readonly slots: readonly Slot[];
}

/** @throws CmkmsError HOME_MISSING, HOME_LOCKED, WITNESS_HOME, CHAIN_UNKNOWN, CONFIG, KEY_MODE, KEY_DAMAGED, GO_DATA */
export async function openTarget(home: string, chainId: string): Promise<Target> {
  const paths = homePaths(home);
  await checkLayout(paths);
  await refuseWitnessHome(paths);
  await refuseRunning(home, paths.adminSocket);
  const slots: Slot[] = [];
  for (const chain of chainsOf(readConfigFile(home), home, chainId)) {
    slots.push({ ...chain, held: await heldAt(chain.keyPath) });
  }
  return { home, chainId, slots };
}

/** A home that is run from flags alone has the short form's layout. */
function chainsOf(
  file: ConfigFile | null,
  home: string,
  chainId: string,
): readonly Omit<Slot, 'held'>[] {
  const said = file?.top.chain_id;
  const known = file?.chains.map((table) => table.id?.value ?? '?') ?? [];
  if (said !== undefined) known.push(said.value);
  if (said?.value === chainId || known.length === 0) {
    return [shortForm({ value: chainId, where: '--chain-id' }, [], home)];
  }
  const tables = file?.chains.filter((table) => table.id?.value === chainId) ?? [];
  if (tables.length > 0) return tables.map((table) => fromTable(table, home));
  throw new CmkmsError('CHAIN_UNKNOWN', { chainId, where: file?.name ?? home, known });
}

async function heldAt(keyPath: string): Promise<string | null> {
  const key = await keyAt(keyPath);
  return key === null ? null : addressOf(key.publicKey);
}

async function keyAt(path: string): Promise<SoftwareKey | null> {
  if (!(await exists(path))) return null;
  try {
    return await readKeyFile(path);
  } catch (error) {
    throw translated(error, {});
  }
}

/** Files under a running replica would be read by nobody, and its derived state written over. */
async function refuseRunning(home: string, adminSocket: string): Promise<void> {
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(adminSocket);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
  if (answers) throw new CmkmsError('HOME_LOCKED', { home, holder: 'a running replica' });
}

export interface Copy {
  readonly home: string;
  readonly keyPath: string;
  readonly statePath: string;
  readonly writesState: boolean;
  readonly writesKey: boolean;
}

/**
 * What this home needs, if it may have it.
 * @param resumed the key was set aside by an earlier import: a home that is ahead has signed since then
 * @throws CmkmsError IMPORT_KEY, IMPORT_BEHIND, IMPORT_CONFLICT, CONFIG, STATE_DAMAGED, STATE_FOREIGN
 */
export async function planCopy(
  target: Target,
  key: SoftwareKey,
  state: StateFile | null,
  resumed: boolean,
): Promise<Copy> {
  const slot = chooseSlot(target, addressOf(key.publicKey));
  const { keyPath, statePath } = slot;
  const there = await loadState(target.chainId, statePath, key);
  const order =
    state === null || there === null ? null : comparePosition(there.position, state.position);
  if (state !== null && there !== null && order !== null) {
    const facts = { path: statePath, here: positionText(there), imported: positionText(state) };
    if (order > 0 && !resumed) throw new CmkmsError('IMPORT_BEHIND', facts);
    if (order === 0 && differ(there, state)) {
      throw new CmkmsError('IMPORT_CONFLICT', { path: statePath, position: positionText(state) });
    }
  }
  return {
    home: target.home,
    keyPath,
    statePath,
    writesState: state !== null && (order === null || order < 0),
    writesKey: slot.held === null,
  };
}

function differ(a: StateFile, b: StateFile): boolean {
  if (a.signed === null || b.signed === null) return false;
  return !Buffer.from(a.signed.signBytes).equals(b.signed.signBytes);
}

function chooseSlot(target: Target, address: string): Slot {
  const { slots } = target;
  const same = slots.find((slot) => slot.held === address);
  if (same !== undefined) return same;
  const free = slots.filter((slot) => slot.held === null);
  const named = free.find((slot) => slot.address === address);
  if (named !== undefined) return named;
  const open = free.filter((slot) => slot.address === null);
  const [only] = open;
  if (only !== undefined && open.length === 1) return only;
  if (only !== undefined) {
    throw new CmkmsError('CONFIG', {
      where: homePaths(target.home).config,
      problem: `${open.length} [[chain]] tables of ${target.chainId} have no key yet.`,
      remedy: `say which one is meant: address = "${address}" below it.`,
    });
  }
  const taken = slots.find((slot) => slot.held !== null) ?? slots[0];
  throw new CmkmsError('IMPORT_KEY', {
    path: taken?.keyPath ?? target.home,
    here: taken?.held ?? `expected: ${taken?.address ?? 'none'}`,
    imported: address,
  });
}

export type CopyStep = 'state' | 'note' | 'key';

/**
 * State, note, key: the key comes last, because a home with a key and no state could speak of it as a
 * key that it knows nothing about. Each is synced before the next.
 */
export async function copyInto(
  copy: Copy,
  source: {
    readonly key: SoftwareKey;
    readonly state: StateFile | null;
    readonly note: ImportNote;
  },
  done: (step: CopyStep, path: string) => void,
): Promise<void> {
  await makeDirectory(dirname(copy.keyPath));
  await makeDirectory(dirname(copy.statePath));
  if (copy.writesState && source.state !== null) {
    await writeStateFile(copy.statePath, source.state);
    done('state', copy.statePath);
  }
  await writeImportNote(copy.statePath, source.note);
  done('note', importNotePath(copy.statePath));
  if (copy.writesKey) {
    await writeKeyFile(copy.keyPath, source.key);
    done('key', copy.keyPath);
  }
}
