/**
 * Flags, environment, config.toml and defaults, merged into `Settings`.
 *
 * Owns    the rules between keys; the precedence between sources is in layers.ts.
 * Never   writes, binds, resolves a name, or reads anything but config.toml.
 * Rule    what lowers safety (--solo, --insecure-raft, --allow-fresh-state) is never taken from the
 *         environment; --allow-fresh-state not from the file either (docs/architecture.md, consensus 10).
 */
import { join } from 'node:path';
import { CmkmsError } from '../errors.js';
import { within } from '../home.js';
import {
  type HostPort,
  isLoopback,
  type PeerAddress,
  parseHostPort,
  parsePeer,
} from './addresses.js';
import { loadChains } from './chains.js';
import { refuseClashes } from './clashes.js';
import { atPlace, type ConfigFile, closest, readValue, type Sourced } from './file.js';
import {
  type Flags,
  type Layers,
  layersOf,
  readConfigFile,
  resolveHome,
  type Surroundings,
} from './layers.js';
import { type KeySpec, raftProfiles, tables, topLevelKeys } from './schema.js';
import type { Settings, Warning } from './settings.js';
import { readers } from './values.js';

/**
 * @throws CmkmsError CONFIG, ADDR_CLASH, PEERS_EMPTY, INSECURE_RAFT, HOME_MISSING
 */
export function loadSettings(flags: Flags, around: Surroundings): Settings {
  const home = resolveHome(flags.home, around);
  const file = readConfigFile(home);
  const layers = layersOf(flags, around.env, file);
  refuseUnsafeEndpoint(layers);
  const peers = loadPeers(layers);
  const solo = flags.solo ?? layers.said('solo')?.value ?? false;
  const insecureRaft = flags.insecureRaft ?? false;
  const raftAddress = listenAddress(layers, 'raft_addr');
  if (insecureRaft) refuseInsecureBeyondLoopback(peers, raftAddress?.value ?? null);
  const httpAddress = listenAddress(layers, 'http_addr');
  const chains = loadChains(layers, home);
  refuseClashes({ raftAddress, httpAddress, peers, chains }, around.localAddresses);
  refuseHalfSolo(layers, peers, solo, flags.solo === true ? '--solo' : null);
  return {
    home,
    configFile: file === null ? null : join(home, 'config.toml'),
    id: layers.said('id'),
    hostName: around.hostName,
    raftAddress: raftAddress?.value ?? null,
    httpAddress: httpAddress?.value ?? null,
    peers,
    solo,
    insecureRaft,
    allowFreshState: flags.allowFreshState ?? [],
    log: {
      level: (layers.said('log_level')?.value ?? 'info') as Settings['log']['level'],
      format: (layers.said('log_format')?.value ?? 'plain') as Settings['log']['format'],
    },
    ...tableSettings(file, home),
    chains,
    warnings: warningsOf(
      flags,
      around.env,
      peers,
      chains.map((chain) => chain.id),
    ),
  };
}

function refuseUnsafeEndpoint(layers: Layers): void {
  const said = layers.said('allow_unsafe');
  if (said?.value !== true) return;
  throw new CmkmsError('CONFIG', {
    where: said.where,
    problem: 'allow_unsafe = true asks for an endpoint that changes members, and there is none.',
    remedy: 'remove it, or set it to false.',
  });
}

function loadPeers(layers: Layers): readonly PeerAddress[] {
  const said = layers.said('peer');
  if (said === null) return [];
  return said.value
    .map((entry) => atPlace(said.where, 'peer', () => parsePeer(entry)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Where HTTP is asked, for a command that needs nothing else of the settings. Null: it is off.
 * @throws CmkmsError CONFIG
 */
export function loadHttpAddress(flags: Flags, around: Surroundings): HostPort | null {
  const file = readConfigFile(resolveHome(flags.home, around));
  return listenAddress(layersOf(flags, around.env, file), 'http_addr')?.value ?? null;
}

/** One that signs alone must be said, and cannot be said beside a list of others. */
function refuseHalfSolo(
  layers: Layers,
  peers: readonly PeerAddress[],
  solo: boolean,
  flag: string | null,
): void {
  if (!solo && peers.length === 0) throw new CmkmsError('PEERS_EMPTY', { listed: 'none' });
  if (!solo && peers.length === 1) throw new CmkmsError('PEERS_EMPTY', { listed: 'only itself' });
  if (!solo || peers.length === 0) return;
  throw new CmkmsError('CONFIG', {
    where: flag ?? layers.said('solo')?.where ?? layers.fileName,
    problem: `solo says that this replica is alone, and peer lists ${peers.map((p) => p.name).join(', ')}.`,
    remedy: 'keep one of the two.',
  });
}

function listenAddress(layers: Layers, key: 'raft_addr' | 'http_addr'): Sourced<HostPort> | null {
  const said = layers.said(key);
  if (said === null || said.value === '') return null;
  const value = atPlace(said.where, key, () => parseHostPort(said.value, 'listen'));
  return { value, where: said.where };
}

function refuseInsecureBeyondLoopback(
  peers: readonly PeerAddress[],
  listen: HostPort | null,
): void {
  const far = peers.find((peer) => !isLoopback(peer.host));
  if (far !== undefined) {
    throw new CmkmsError('INSECURE_RAFT', { address: `${far.name}=${far.host}:${far.port}` });
  }
  if (listen !== null && !isLoopback(listen.host)) {
    throw new CmkmsError('INSECURE_RAFT', { address: `raft_addr ${listen.host}:${listen.port}` });
  }
}

type TableSettings = Pick<Settings, 'tls' | 'raft' | 'signing' | 'privval'>;

function tableSettings(file: ConfigFile | null, home: string): TableSettings {
  const value = <T extends keyof typeof tables>(table: T, key: string): unknown => {
    const parsed: Readonly<Record<string, Sourced<unknown>>> = file?.tables[table] ?? {};
    const specs: Readonly<Record<string, KeySpec>> = tables[table].keys;
    const spec = specs[key];
    const fallback = spec?.default;
    return parsed[key]?.value ?? (spec && fallback && readValue(spec, JSON.parse(fallback)));
  };
  const number = (table: keyof typeof tables, key: string): number => value(table, key) as number;
  const path = (key: string): string => within(home, value('tls', key) as string);
  return {
    tls: { caPath: path('ca'), certificatePath: path('cert'), keyPath: path('key') },
    raft: {
      ...raftTimers(file),
      snapshotEntries: number('raft', 'snapshot_entries'),
      minFreeDiskBytes: number('raft', 'min_free_disk'),
    },
    signing: {
      deadlineMs: number('signing', 'deadline'),
      latencyBudgetMs: number('signing', 'latency_budget'),
    },
    privval: {
      dialTimeoutMs: number('privval', 'dial_timeout'),
      redialIntervalMs: number('privval', 'redial_interval'),
      handshakeTimeoutMs: number('privval', 'handshake_timeout'),
      idleTimeoutMs: number('privval', 'idle_timeout'),
      maxMessageBytes: number('privval', 'max_message_size'),
    },
  };
}

type Timers = Pick<Settings['raft'], 'heartbeatIntervalMs' | 'electionTimeoutMs' | 'leaseMs'>;

/** The profile, then single keys over it; the inequalities hold for what comes out. */
function raftTimers(file: ConfigFile | null): Timers {
  const raft = file?.tables.raft ?? {};
  const profile = raftProfiles[(raft.profile?.value ?? 'lan') as keyof typeof raftProfiles];
  const heartbeatIntervalMs =
    raft.heartbeat_interval?.value ?? readers.duration(profile.heartbeat_interval);
  const electionTimeoutMs =
    raft.election_timeout?.value ?? readers.duration(profile.election_timeout);
  const leaseMs = raft.lease?.value ?? readers.duration(profile.lease);
  const where = (raft.election_timeout ?? raft.heartbeat_interval ?? raft.lease)?.where;
  if (electionTimeoutMs < 4 * heartbeatIntervalMs) {
    throw new CmkmsError('CONFIG', {
      where: where ?? 'raft.profile',
      problem: `election_timeout ${electionTimeoutMs}ms is below 4 heartbeats of ${heartbeatIntervalMs}ms.`,
      remedy: `set election_timeout to at least "${4 * heartbeatIntervalMs}ms", or use a profile.`,
    });
  }
  // A lease that outlives the election timeout could overlap with the next leader's.
  if (leaseMs >= electionTimeoutMs) {
    throw new CmkmsError('CONFIG', {
      where: raft.lease?.where ?? where ?? 'raft.profile',
      problem: `lease ${leaseMs}ms is not below election_timeout ${electionTimeoutMs}ms.`,
      remedy: 'set lease to less than election_timeout, or use a profile.',
    });
  }
  return { heartbeatIntervalMs, electionTimeoutMs, leaseMs };
}

function warningsOf(
  flags: Flags,
  env: Surroundings['env'],
  peers: readonly PeerAddress[],
  chainIds: readonly string[],
): readonly Warning[] {
  const warnings: Warning[] = [];
  if (flags.defaultTtl !== undefined) {
    warnings.push({ code: 'DEFAULT_TTL', text: '--default-ttl has no meaning here; remove it.' });
  }
  const size = evenSize(peers.length);
  if (size !== null) warnings.push({ code: 'NO_FAULT_TOLERANCE', text: size });
  for (const chainId of flags.allowFreshState ?? []) {
    if (chainIds.includes(chainId)) continue;
    const text = `--allow-fresh-state ${chainId}: no such chain is configured (${chainIds.join(', ')}).`;
    warnings.push({ code: 'FRESH_STATE_CHAIN', text });
  }
  return [...warnings, ...unknownVariables(env)];
}

/** An even number of replicas costs one more machine and tolerates no more than the odd one below. */
export function evenSize(replicas: number): string | null {
  if (replicas === 0 || replicas % 2 === 1) return null;
  if (replicas === 2) {
    return '2 replicas tolerate no failure: if either stops, signing stops. Add a third, or a witness.';
  }
  const lost = replicas / 2 - 1;
  return `${replicas} replicas tolerate the loss of ${lost}, no more than ${replicas - 1} do.`;
}

/** A slip in a name would otherwise be a silent default. */
function unknownVariables(env: Surroundings['env']): readonly Warning[] {
  const known = ['COMETKMS_HOME'];
  for (const spec of Object.values<KeySpec>(topLevelKeys)) {
    if (spec.env !== undefined) known.push(spec.env);
  }
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith('COMETKMS_') && !known.includes(name),
  );
  return unknown.map((name) => {
    const close = closest(name, known);
    const hint = close === null ? `known: ${known.join(', ')}` : `did you mean ${close}?`;
    return { code: 'UNKNOWN_VARIABLE', text: `${name} is not read (${hint}).` };
  });
}
