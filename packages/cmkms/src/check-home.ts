/**
 * Everything that `start` refuses for before it binds, in one function that `check` calls too.
 *
 * Owns    the order of the checks, and what they found: keys, states, certificates, loaded once.
 * Never   writes, locks, binds or asks the network, so it is safe beside a running replica.
 * Proof   test/cli-check.test.ts (one home per way to be wrong).
 */
import { readSignBytes } from '@cometkms/sign-state';
import {
  addressOf,
  type KeyBackend,
  readKeyFile,
  readStateFile,
  type SignerCode,
  SignerError,
  type StateFile,
  verifierFor,
} from '@cometkms/signer';
import { localAddresses } from './bind-failure.js';
import { type CheckedIdentity, checkIdentity } from './check-identity.js';
import { checkWitness } from './check-witness.js';
import { refuseClashes } from './config/clashes.js';
import type { ChainSettings, Settings, Warning } from './config/settings.js';
import { CmkmsError } from './errors.js';
import { checkLayout, type HomePaths, homePaths } from './home.js';
import { type ImportNote, readImportNote, refuseKeyInNode } from './import-note.js';

export interface CheckedChain {
  readonly settings: ChainSettings;
  readonly key: KeyBackend;
  /** 40 upper-case hex digits. */
  readonly keyAddress: string;
  /** Null: no file, or one at height 0, which counts as nothing. */
  readonly state: StateFile | null;
  /** The operator states that this key never signed (--allow-fresh-state). */
  readonly neverSigned: boolean;
  /** Null: this state was not imported into this home. */
  readonly imported: ImportNote | null;
}

export interface Checked extends CheckedIdentity {
  readonly paths: HomePaths;
  readonly chains: readonly CheckedChain[];
  /** Those of the settings, and those that the home adds. */
  readonly warnings: readonly Warning[];
}

/** @throws CmkmsError with any code that refuses a start before it binds */
export async function checkHome(settings: Settings, now: Date = new Date()): Promise<Checked> {
  const paths = homePaths(settings.home);
  await checkLayout(paths);
  const identity = await checkIdentity(settings, paths, now);
  refuseDefaultClash(settings, identity);
  if (identity.witness) await checkWitness(settings, paths);
  else if (settings.chains.length === 0) {
    throw new CmkmsError('CHAIN_MISSING', { where: settings.configFile ?? 'no config.toml' });
  }
  const chains: CheckedChain[] = [];
  for (const chain of settings.chains) {
    chains.push(await checkChain(chain, settings, identity));
  }
  refuseOneKeyTwice(chains);
  return {
    ...identity,
    paths,
    chains,
    warnings: [...settings.warnings, ...identity.warnings],
  };
}

/** Where nothing said where to listen, the own address in `peer` is bound, and that is known only now. */
function refuseDefaultClash(settings: Settings, { raftListen }: CheckedIdentity): void {
  const { httpAddress, peers, chains } = settings;
  refuseClashes(
    {
      raftAddress: raftListen && { value: raftListen, where: 'peer' },
      httpAddress: httpAddress && { value: httpAddress, where: 'http_addr' },
      peers,
      chains,
    },
    localAddresses(),
  );
}

async function checkChain(
  chain: ChainSettings,
  settings: Settings,
  identity: CheckedIdentity,
): Promise<CheckedChain> {
  const key = await loadKey(chain, settings.home);
  const keyAddress = addressOf(key.publicKey);
  if (chain.address !== null && chain.address !== keyAddress) {
    throw new CmkmsError('KEY_DIFFERS', {
      chainId: chain.id,
      here: keyAddress,
      wanted: chain.address,
      source: chain.where,
    });
  }
  const imported = await readImportNote(chain.statePath);
  if (imported !== null) await refuseKeyInNode(imported);
  const state = await loadState(chain.id, chain.statePath, key);
  const neverSigned = settings.allowFreshState.includes(chain.id);
  // Once the chain is registered the flag is ignored; only a home that has not joined can be sure.
  if (identity.replica === null && neverSigned && state !== null) {
    throw new CmkmsError('STATE_CONTRADICTS', {
      chainId: chain.id,
      given: 'here',
      file: chain.statePath,
      position: positionText(state),
    });
  }
  // Alone and new: nobody else could know a state. In a cluster, one member that has it is enough.
  if (settings.solo && identity.replica === null && state === null && !neverSigned) {
    throw new CmkmsError('STATE_MISSING', { chainId: chain.id, path: chain.statePath });
  }
  return { settings: chain, key, keyAddress, state, neverSigned, imported };
}

/** @throws CmkmsError KEY_MISSING, KEY_MODE, KEY_DAMAGED, PERMISSION */
async function loadKey(chain: ChainSettings, home: string): Promise<KeyBackend> {
  const path = chain.keyPath;
  try {
    return await readKeyFile(path);
  } catch (error) {
    throw translated(error, {
      SIGNER_KEY_MISSING: () => new CmkmsError('KEY_MISSING', { chainId: chain.id, path, home }),
    });
  }
}

/**
 * The key of a file, with the codes of this program.
 * @throws CmkmsError KEY_MODE, KEY_DAMAGED, PERMISSION
 */
export function translated(
  error: unknown,
  own: { readonly [C in SignerCode]?: (error: SignerError) => CmkmsError },
): unknown {
  if (!(error instanceof SignerError)) return error;
  const facts = error.facts as { readonly path?: string; readonly detail?: string };
  const [path, cause] = [facts.path ?? '', { cause: error }];
  const code: SignerCode = error.code;
  const specific = own[code];
  if (specific !== undefined) return specific(error);
  switch (code) {
    case 'SIGNER_KEY_MODE': {
      const { mode, readableBy } = error.facts as { mode: string; readableBy: string };
      const problem = `may be used by ${readableBy} (mode ${mode})`;
      return new CmkmsError('KEY_MODE', { path, problem }, cause);
    }
    case 'SIGNER_KEY_DAMAGED':
    case 'SIGNER_KEY_TYPE':
    case 'SIGNER_KEY_MISMATCH':
      return new CmkmsError('KEY_DAMAGED', { path, detail: error.message }, cause);
    case 'SIGNER_FILE_KIND':
      return new CmkmsError('KEY_MODE', { path, problem: 'is no plain file' }, cause);
    case 'SIGNER_FILE_FAILED':
      return new CmkmsError('PERMISSION', { detail: error.message }, cause);
    default:
      return error;
  }
}

/**
 * Null: no file, or one at height 0: a node's reset writes the same one for a used key.
 * @throws CmkmsError STATE_DAMAGED, STATE_FOREIGN, PERMISSION
 */
export async function loadState(
  chainId: string,
  path: string,
  key: KeyBackend,
): Promise<StateFile | null> {
  let state: StateFile;
  try {
    state = await readStateFile(path);
  } catch (error) {
    if (error instanceof SignerError && error.code === 'SIGNER_STATE_MISSING') return null;
    throw translated(error, {
      SIGNER_STATE_DAMAGED: (e) => {
        const { detail } = e.facts as { readonly detail: string };
        return new CmkmsError('STATE_DAMAGED', { path, detail }, { cause: e });
      },
      SIGNER_FILE_KIND: (e) =>
        new CmkmsError('STATE_DAMAGED', { path, detail: 'it is no plain file' }, { cause: e }),
    });
  }
  refuseForeignState(chainId, path, key, state);
  return state.position.height === 0n ? null : state;
}

/** The sign bytes name the chain, and the signature over them names the key. */
export function refuseForeignState(
  chainId: string,
  path: string,
  key: KeyBackend,
  state: StateFile,
): void {
  if (state.signed === null) return;
  const said = readSignBytes(state.signed.signBytes).chainId;
  if (said !== chainId) {
    const detail = `its sign bytes are of chain ${said}, not ${chainId}`;
    throw new CmkmsError('STATE_FOREIGN', { path, detail });
  }
  if (verifierFor(key.publicKey)(state.signed.signBytes, state.signed.signature)) return;
  const detail = `its signature is not by the key ${addressOf(key.publicKey)}`;
  throw new CmkmsError('STATE_FOREIGN', { path, detail });
}

export function positionText({ position }: StateFile): string {
  return `${position.height}/${position.round}/${position.step}`;
}

/** Two paths may hold copies of one key: still one record, and two watermarks for it. */
function refuseOneKeyTwice(chains: readonly CheckedChain[]): void {
  const seen = new Map<string, CheckedChain>();
  for (const chain of chains) {
    const record = `${chain.settings.id} ${chain.keyAddress}`;
    const first = seen.get(record);
    if (first !== undefined) {
      throw new CmkmsError('ADDR_CLASH', {
        first: `the key ${chain.keyAddress} of chain ${chain.settings.id} in ${first.settings.keyPath}`,
        second: `in ${chain.settings.keyPath}`,
        relation: 'equals',
        remedy: 'one [[chain]] per chain id and key: join the two.',
      });
    }
    seen.set(record, chain);
  }
}
