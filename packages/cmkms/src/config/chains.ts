/**
 * The chains of a replica: the short form, or [[chain]] tables.
 *
 * Owns    that it is one of the two, and where key and state of each lie.
 * Never   opens a key or a state.
 * Rule    a chain is keyed by (id, key): two keys on one chain id are two tables.
 */
import { dirname, join } from 'node:path';
import { CmkmsError } from '../errors.js';
import { within } from '../home.js';
import { parseValidator, type ValidatorAddress } from './addresses.js';
import { atPlace, type ConfigFile, type Sourced } from './file.js';
import type { Layers } from './layers.js';
import type { ChainSettings } from './settings.js';
import { BadValue } from './values.js';

export const KEY_FILE = 'priv_validator_key.json';
export const STATE_FILE = 'priv_validator_state.json';

/** CometBFT's `MaxChainIDLen`. */
const MAX_CHAIN_ID_LENGTH = 50;

/** None where none is said: whether that is right depends on the home. @throws CmkmsError CONFIG */
export function loadChains(layers: Layers, home: string): readonly ChainSettings[] {
  const [chainId, validatorAddr] = [layers.said('chain_id'), layers.said('validator_addr')];
  const inTables = layers.file?.chains ?? [];
  const short = chainId ?? validatorAddr;
  if (inTables.length > 0 && short !== null) {
    throw new CmkmsError('CONFIG', {
      where: short.where,
      problem: 'chain_id and validator_addr are the short form; [[chain]] tables are there too.',
      remedy: 'keep one of the two forms.',
    });
  }
  if (inTables.length > 0) return inTables.map((table) => fromTable(table, home));
  if (chainId === null && validatorAddr === null) return [];
  if (chainId === null || validatorAddr === null || validatorAddr.value.length === 0) {
    const missing = chainId === null ? 'chain_id' : 'validator_addr';
    throw new CmkmsError('CONFIG', {
      where: short?.where ?? layers.fileName,
      problem: `${missing} is missing: the two go together.`,
      remedy: `add ${missing} (--${missing.replace('_', '-')}).`,
    });
  }
  return [shortForm(chainId, validatorsAt(validatorAddr, 'validator_addr'), home)];
}

/** Where the short form keeps its files. */
export function shortForm(
  chainId: Sourced<string>,
  validators: readonly ValidatorAddress[],
  home: string,
): ChainSettings {
  atPlace(chainId.where, 'chain_id', () => checkChainId(chainId.value));
  return {
    id: chainId.value,
    keyPath: join(home, 'priv', KEY_FILE),
    statePath: join(home, 'priv', STATE_FILE),
    address: null,
    validators,
    where: chainId.where,
  };
}

export function fromTable(table: ConfigFile['chains'][number], home: string): ChainSettings {
  const { id, validators, where } = table;
  if (id === undefined || validators === undefined || validators.value.length === 0) {
    const missing = id === undefined ? 'id' : 'validators';
    throw new CmkmsError('CONFIG', {
      where,
      problem: `${missing} is missing in [[chain]]${id === undefined ? '' : ` "${id.value}"`}.`,
      remedy: `add ${missing} below this [[chain]].`,
    });
  }
  atPlace(id.where, 'id', () => checkChainId(id.value, table.key === undefined));
  const keyPath = within(home, table.key?.value ?? join('priv', id.value, KEY_FILE));
  const statePath = table.state?.value ?? join(dirname(keyPath), STATE_FILE);
  const address = table.address;
  return {
    id: id.value,
    keyPath,
    statePath: within(home, statePath),
    address:
      address === undefined
        ? null
        : atPlace(address.where, 'address', () => keyAddress(address.value)),
    validators: validatorsAt(validators, 'validators'),
    where,
  };
}

function validatorsAt(said: Sourced<readonly string[]>, key: string): readonly ValidatorAddress[] {
  return said.value.map((entry) => atPlace(said.where, key, () => parseValidator(entry)));
}

/** @throws BadValue */
export function checkChainId(chainId: string, namesDirectory = false): void {
  if (chainId === '' || chainId.length > MAX_CHAIN_ID_LENGTH) {
    throw new BadValue(
      `"${chainId}" is no chain id`,
      `a chain id has 1 to ${MAX_CHAIN_ID_LENGTH} characters.`,
    );
  }
  if (namesDirectory && !/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(chainId)) {
    throw new BadValue(
      `"${chainId}" cannot name a directory`,
      'give the path of its key: key = "priv/NAME/priv_validator_key.json".',
    );
  }
}

function keyAddress(text: string): string {
  const address = text.replace(/^0x/i, '').toUpperCase();
  if (/^[0-9A-F]{40}$/.test(address)) return address;
  throw new BadValue(`"${text}" is no address of a key`, 'an address has 40 hex digits.');
}
