/**
 * What an import left beside the state of a chain: where key and state came from.
 *
 * Owns    the note `priv_validator_state.import.json`, and the question that it lets us ask: does the key
 *         still lie in the node's home?
 * Never   permits anything: a home without a note is treated as any home with a state.
 * Rule    docs/architecture.md, section 6: a key that still lies in a node's home is refused.
 */
import { readFile } from 'node:fs/promises';
import { replaceFile } from '@cometkms/signer';
import { CmkmsError } from './errors.js';
import { isMissing } from './home.js';

export interface ImportNote {
  /** Absolute, on the machine where the import ran. */
  readonly nodeKeyPath: string;
  readonly nodeStatePath: string;
  readonly keyAddress: string;
  /** `height/round/step`; null where the node's state was at height 0, which counts as nothing. */
  readonly position: string | null;
  /** UTC, ISO 8601. */
  readonly importedAt: string;
}

const VERSION = 1;

export function importNotePath(statePath: string): string {
  return `${statePath.replace(/\.json$/, '')}.import.json`;
}

/** Atomic, synced, mode 0600. @throws SignerError SIGNER_FILE_FAILED */
export async function writeImportNote(statePath: string, note: ImportNote): Promise<void> {
  const text = `${JSON.stringify({ version: VERSION, ...note }, null, 2)}\n`;
  await replaceFile(importNotePath(statePath), Buffer.from(text));
}

/** Null: nothing was imported here. @throws CmkmsError RECORD_DAMAGED */
export async function readImportNote(statePath: string): Promise<ImportNote | null> {
  const path = importNotePath(statePath);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    const note = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (note['version'] !== VERSION) throw new Error(`its version is not ${VERSION}`);
    const field = (name: string): string => {
      const value = note[name];
      if (typeof value === 'string') return value;
      throw new Error(`${name} is missing`);
    };
    return {
      nodeKeyPath: field('nodeKeyPath'),
      nodeStatePath: field('nodeStatePath'),
      keyAddress: field('keyAddress'),
      position: note['position'] === null ? null : field('position'),
      importedAt: field('importedAt'),
    };
  } catch (error) {
    throw new CmkmsError(
      'RECORD_DAMAGED',
      { path, detail: (error as Error).message },
      { cause: error },
    );
  }
}

/** The name under which the node finds neither key nor state, and an operator does. */
export function asideName(path: string): string {
  return `${path}.moved-to-cmkms`;
}

/** The step that is left where this program may not rename. */
export function setAsideStep(...paths: readonly string[]): string {
  return paths.map((path) => `mv ${path} ${asideName(path)}`).join(' && ');
}

/**
 * As far as this machine can see: another one's node home is out of sight.
 * @throws CmkmsError NODE_KEY_REMAINS
 */
export async function refuseKeyInNode(note: ImportNote): Promise<void> {
  let address: unknown;
  try {
    const file = JSON.parse(await readFile(note.nodeKeyPath, 'utf8')) as Record<string, unknown>;
    address = file['address'];
  } catch {
    return; // gone, out of reach, or no key file: nothing is known against it
  }
  if (address !== note.keyAddress) return;
  throw new CmkmsError('NODE_KEY_REMAINS', {
    problem: `the key still lies in the node's home (${note.nodeKeyPath}), so the node could sign by itself.`,
    step: setAsideStep(note.nodeKeyPath, note.nodeStatePath),
  });
}
