/**
 * `import filepv`: takes key and state over from a node, so that the node can no longer sign by itself.
 *
 * Owns    the order: refuse whatever can be refused, copy to all homes, then set the node's files aside.
 * Never   leaves the node without files before every home has them, on disk; never lowers a state.
 *         Cut short anywhere, the same command completes it.
 * Rule    docs/architecture.md, section 6.
 * Proof   test/cli-import.test.ts (an end after each step, then the same again).
 */
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { comparePosition } from '@cometkms/sign-state';
import type { SoftwareKey, StateFile } from '@cometkms/signer';
import { positionText } from '../check-home.js';
import { CmkmsError } from '../errors.js';
import { exists, isMissing, syncDirectory } from '../home.js';
import { asideName, type ImportNote, setAsideStep } from '../import-note.js';
import {
  fingerprint,
  type Look,
  type NodeFiles,
  nodeFiles,
  readSourceKey,
  readSourceState,
  refuseRunningNode,
  type Source,
} from './node-files.js';
import { type Copy, type CopyStep, copyInto, openTarget, planCopy } from './target-home.js';

export interface ImportRequest {
  /** Absolute. */
  readonly from: string;
  /** Absolute. */
  readonly homes: readonly string[];
  readonly chainId: string;
  readonly look: Look;
  /** Told after each step that changed something on a disk. */
  readonly onStep: (step: ImportStep) => void;
}

export interface ImportStep {
  readonly kind: CopyStep | 'setAside';
  readonly path: string;
}

export interface ImportOutcome {
  readonly keyAddress: string;
  /** Null: the node's state is at height 0, or missing: it counts as nothing. */
  readonly position: string | null;
  readonly copies: readonly Copy[];
}

/** @throws CmkmsError  see node-files.ts and target-home.ts; NODE_KEY_REMAINS where renaming failed */
export async function importFilePv(request: ImportRequest): Promise<ImportOutcome> {
  const { chainId, onStep } = request;
  const files = await nodeFiles(request.from);
  const targets = [];
  for (const home of request.homes) targets.push(await openTarget(home, chainId));
  const held = targets.flatMap((target) => target.slots.flatMap((slot) => slot.held ?? []));
  const source = await readSourceKey(files, held);
  const before = await fingerprint(files.statePath);
  const { inPlace, highest: state } = await readSourceState(files, chainId, source);
  await refuseRunningNode(files.statePath, before, inPlace, request.look);
  const copies: Copy[] = [];
  for (const target of targets) {
    copies.push(await planCopy(target, source.key, state, source.resumed));
  }
  const note = noteOf(files, source, state);
  for (const copy of copies) {
    const content = { key: source.key, state, note };
    await copyInto(copy, content, (kind, path) => onStep({ kind, path }));
  }
  await setAside(files, chainId, source, onStep);
  await refuseLaterState(files, chainId, source, state);
  return { keyAddress: source.keyAddress, position: note.position, copies };
}

function noteOf(files: NodeFiles, source: Source, state: StateFile | null): ImportNote {
  return {
    nodeKeyPath: files.keyPath,
    nodeStatePath: files.statePath,
    keyAddress: source.keyAddress,
    position: state === null ? null : positionText(state),
    importedAt: new Date().toISOString(),
  };
}

/**
 * The key first: it is what the node could sign with. A node that finds no key makes a new one and
 * writes a zero state over the old, which is why the state goes too, and why both were copied before.
 */
async function setAside(
  files: NodeFiles,
  chainId: string,
  source: Source,
  onStep: ImportRequest['onStep'],
): Promise<void> {
  const rest = async (path: string): Promise<void> => {
    try {
      await rename(path, asideName(path));
    } catch (error) {
      if (isMissing(error)) return;
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      const left = path === files.keyPath ? [files.keyPath, files.statePath] : [path];
      throw new CmkmsError(
        'NODE_KEY_REMAINS',
        {
          problem: `all homes have their copies, but ${path} still lies in the node's home: renaming it failed (${code}).`,
          step: setAsideStep(...left),
        },
        { cause: error },
      );
    }
    await syncDirectory(dirname(path));
    onStep({ kind: 'setAside', path: asideName(path) });
  };
  if (!source.resumed) await rest(files.keyPath);
  // A key in its place now is a new one that the node made, and the state there is that key's.
  if (await exists(files.keyPath)) return;
  const { inPlace, aside } = await readSourceState(files, chainId, source);
  const lower =
    aside !== null && (inPlace === null || comparePosition(inPlace.position, aside.position) < 0);
  if (!lower) await rest(files.statePath);
}

/** A node that ran through it all has signed after our copy. */
async function refuseLaterState(
  files: NodeFiles,
  chainId: string,
  source: { readonly key: SoftwareKey; readonly keyAddress: string },
  copied: StateFile | null,
): Promise<void> {
  const later = await readSourceState(files, chainId, { ...source, resumed: true });
  if (later.highest === null) return;
  if (copied !== null && comparePosition(later.highest.position, copied.position) <= 0) return;
  throw new CmkmsError('NODE_RUNS', {
    path: files.statePath,
    evidence: `rose to ${positionText(later.highest)} while it was copied`,
  });
}
