/**
 * What was said, by whom: flag, environment, config.toml, default.
 *
 * Owns    the precedence flag > environment > file > default, for the keys that have all of them.
 * Never   judges a value beyond its own row of the schema.
 * Proof   test/config-precedence.test.ts walks every key.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CmkmsError } from '../errors.js';
import { atPlace, type ConfigFile, parseConfigFile, readValue, type Sourced } from './file.js';
import { type KeySpec, topLevelKeys } from './schema.js';
import { type Kinds, readers, splitList } from './values.js';

/** What commander collected; a flag that was not given is absent. */
export interface Flags {
  readonly home?: string;
  readonly id?: string;
  readonly raftAddr?: string;
  readonly httpAddr?: string;
  readonly peer?: readonly string[];
  readonly validatorAddr?: readonly string[];
  readonly chainId?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  readonly defaultTtl?: string;
  readonly solo?: boolean;
  readonly insecureRaft?: boolean;
  readonly allowFreshState?: readonly string[];
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostName: string;
  /** Addresses of this machine's interfaces. */
  readonly localAddresses: ReadonlySet<string>;
  /** Of the user; `~/.cmkms` lies there. */
  readonly userHome: string;
  readonly workingDirectory: string;
}

type TopKey = keyof typeof topLevelKeys;

/** Answers "what was said last about this key", by precedence. */
export interface Layers {
  readonly fileName: string;
  readonly file: ConfigFile | null;
  said<K extends TopKey>(key: K): Sourced<Kinds[(typeof topLevelKeys)[K]['kind']]> | null;
}

export function resolveHome(flag: string | undefined, around: Surroundings): string {
  const said = flag ?? (around.env['COMETKMS_HOME'] || join(around.userHome, '.cmkms'));
  const expanded = said.replace(/^~(?=\/|$)/, around.userHome);
  return resolve(around.workingDirectory, expanded);
}

/** Null where the home has none: `start` works from flags alone. */
export function readConfigFile(home: string): ConfigFile | null {
  const path = join(home, 'config.toml');
  let toml: string;
  try {
    toml = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new CmkmsError('PERMISSION', { detail: (error as Error).message }, { cause: error });
  }
  return parseConfigFile(toml, path);
}

/** Flags that were given under the name of their key; `solo` is no part of it, it has no variable. */
export function layersOf(flags: Flags, env: Surroundings['env'], file: ConfigFile | null): Layers {
  const given: { readonly [K in TopKey]?: unknown } = {
    id: flags.id,
    raft_addr: flags.raftAddr,
    http_addr: flags.httpAddr,
    peer: flags.peer,
    validator_addr: flags.validatorAddr,
    chain_id: flags.chainId,
    log_level: flags.logLevel,
    log_format: flags.logFormat,
  };
  const said = (key: TopKey): Sourced<unknown> | null => {
    const spec: KeySpec = topLevelKeys[key];
    const flag = given[key];
    if (flag !== undefined) {
      const where = spec.flag ?? key;
      return { value: atPlace(where, key, () => readValue(spec, flag)), where };
    }
    const variable = spec.env === undefined ? undefined : env[spec.env];
    if (spec.env !== undefined && variable !== undefined && variable !== '') {
      const raw = fromVariable(spec, variable);
      return { value: atPlace(spec.env, key, () => readValue(spec, raw)), where: spec.env };
    }
    const inFile = file?.top[key];
    if (inFile !== undefined) return inFile;
    if (spec.default === undefined) return null;
    return { value: readers[spec.kind](JSON.parse(spec.default)), where: `the default of ${key}` };
  };
  return {
    fileName: file?.name ?? 'no config.toml',
    file,
    said: said as Layers['said'],
  };
}

function fromVariable(spec: KeySpec, variable: string): unknown {
  if (spec.kind === 'texts' || spec.kind === 'textOrTexts') return splitList(variable);
  if (spec.kind === 'truth' && /^(true|false)$/.test(variable)) return variable === 'true';
  return variable;
}
