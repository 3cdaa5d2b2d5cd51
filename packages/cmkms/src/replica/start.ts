/**
 * `cmkms start`, once everything was checked: the replica, what shows it, and its end.
 *
 * Owns    the order in which things are opened and closed, signals, and what the process ends with.
 * Never   writes to process.stdout: the logger owns file descriptor 1, and a stuck reader stops nothing.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '@cometkms/consensus';
import { highestPosition, knownRules } from '@cometkms/sign-state';
import type { AdminServer } from '../admin/index.js';
import { startAdmin } from '../admin/index.js';
import { bindFailure } from '../bind-failure.js';
import type { Checked } from '../check-home.js';
import { version } from '../cli/version.js';
import type { Settings } from '../config/settings.js';
import { CmkmsError } from '../errors.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { makeDirectory } from '../home.js';
import { type HttpServer, ReadinessWatch, startHttp } from '../http/index.js';
import { Journal } from '../journal/index.js';
import { type EventFacts, type Logger, openLogger } from '../log/index.js';
import { Metrics } from '../metrics/index.js';
import { positionText, type StatusSource } from '../status.js';
import { adminHandler } from './admin-requests.js';
import type { HeldChain } from './chains.js';
import { realEdges } from './edges.js';
import { identityOf } from './identity.js';
import { APPLY_ENTRIES, STATE_HASH_ENTRIES } from './node.js';
import { Replica, type ReplicaOptions } from './replica.js';
import { statusSource } from './status-source.js';
import { Watch } from './watch.js';

/** Lines that are still to be written get this long at the end. */
const LAST_LINES_MS = 1000;
/** A process that cannot go on is gone after this, whatever its disk still holds on to. */
const LAST_CHANCE_MS = 5000;

/**
 * Runs until it is told to stop.
 * @throws whatever made it impossible to start, or unsafe to go on
 */
export async function startReplica(checked: Checked, settings: Settings): Promise<ExitCode> {
  const { paths } = checked;
  for (const path of [paths.data, paths.wal, paths.watermark]) await makeDirectory(path);
  const logger = openLogger(1, settings.log);
  const running = new Running(checked, settings, logger, await identityOf(checked));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => running.end(signal));
  }
  let failure: { readonly error: unknown } | null = null;
  try {
    await running.start();
    await running.ended;
  } catch (error) {
    failure = { error };
  }
  try {
    const stopped = running.stop();
    // A disk that answers nothing must not keep a process that cannot go on; main.ts ends it.
    await (failure === null ? stopped : Promise.race([stopped, pause(LAST_CHANCE_MS)]));
  } catch (error) {
    // What ended it is told, not what went wrong while closing after that.
    failure ??= { error };
  }
  await logger.close(LAST_LINES_MS);
  if (failure !== null) throw failure.error;
  return EXIT.OK;
}

/** What a program is to the log. */
export type Program = Pick<ReplicaOptions, 'rules' | 'stateHashEntries' | 'applyEntries'>;
export const thisProgram: Program = {
  rules: knownRules,
  stateHashEntries: STATE_HASH_ENTRIES,
  applyEntries: APPLY_ENTRIES,
};

/** A replica with all that shows it, from its start to its end. One for each process, but for tests. */
export class Running {
  /** Resolves when it was told to end; rejects with what made it unsafe to go on. */
  readonly ended: Promise<void>;
  readonly replica: Replica;
  readonly #checked: Checked;
  readonly #settings: Settings;
  readonly #logger: Logger;
  readonly #source: StatusSource;
  readonly #readiness = new ReadinessWatch();
  readonly #metrics: Metrics;
  readonly #journal: Journal;
  readonly #watch: Watch;
  #http: HttpServer | null = null;
  #admin: AdminServer | null = null;
  #end: () => void = () => {};

  /** @param program  another than this one's only where a test plays a later program */
  constructor(
    checked: Checked,
    settings: Settings,
    logger: Logger,
    identity: string,
    program: Program = thisProgram,
  ) {
    const { log } = logger;
    this.#checked = checked;
    this.#settings = settings;
    this.#logger = logger;
    this.#journal = new Journal({ directory: checked.paths.journal, log });
    this.#metrics = new Metrics(metricsWorld(checked), {
      losses: () => ({ logLines: logger.dropped(), journalEntries: this.#journal.dropped() }),
    });
    let fail: (error: Error) => void = () => {};
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      fail = reject;
    });
    // Awaited only once everything is open; until then a rejection must not count as unhandled.
    this.ended.catch(() => 'reported by whoever awaits it');
    this.replica = new Replica({
      settings,
      checked,
      identity,
      edges: realEdges({ settings, checked, identity }),
      version: version().version,
      ...program,
      log,
      metrics: this.#metrics,
      journal: this.#journal,
      onFatal: (error) => {
        log('fatal', { detail: error.message });
        fail(error);
      },
    });
    this.#source = statusSource(this.replica);
    this.#watch = new Watch(
      this.replica,
      this.#source,
      this.#readiness,
      log,
      this.#metrics,
      this.#journal,
    );
  }

  async start(): Promise<void> {
    const { log } = this.#logger;
    const { name, members, paths, genesis, replica } = this.#checked;
    log('start', {
      version: version().version,
      home: paths.home,
      id: name,
      cluster: replica?.clusterId ?? genesis?.clusterId ?? null,
      members: members.map((member) => member.name),
      pid: process.pid,
    });
    for (const { code, text } of this.#checked.warnings) {
      log('config_note', { note: `${code}: ${text}` });
    }
    await this.#listen();
    try {
      await this.replica.start();
    } catch (error) {
      throw this.#bindFailure(error);
    }
    for (const chain of this.replica.chains) log('chain', chainFacts(this.replica, chain));
    this.#watch.start();
  }

  /** Where HTTP is asked; null: it is off. */
  get httpPort(): number | null {
    return this.#http?.port ?? null;
  }

  /** Asks it to end: `ended` resolves. */
  end(reason: string): void {
    this.#logger.log('stopping', { reason });
    this.#end();
  }

  /** Hands leadership over and closes everything, whatever brought it to its end. */
  async stop(): Promise<void> {
    const { log } = this.#logger;
    const started = performance.now();
    this.#watch.stop();
    // After a fatal error too: nothing more is signed then, and what is open would keep the process.
    const links = await this.replica.stop();
    await this.#http?.stop(200);
    await this.#admin?.stop();
    await this.#journal.close(LAST_LINES_MS);
    this.#metrics.stop();
    log('stopped', { links_closed: links, took_ms: performance.now() - started });
  }

  async #listen(): Promise<void> {
    const { log } = this.#logger;
    const { httpAddress } = this.#settings;
    const { paths } = this.#checked;
    if (httpAddress !== null) {
      this.#http = await startHttp({
        address: httpAddress,
        source: this.#source,
        readiness: this.#readiness,
        metrics: this.#metrics,
        log,
      });
    }
    const handler = adminHandler({
      chains: () => this.replica.chains,
      store: this.replica.store,
      source: this.#source,
      readiness: this.#readiness,
      log,
      leader: () => this.replica.leaderName(),
      writeStateFile: (id) => this.replica.stateFiles.writeNow(id),
      membership: {
        node: this.replica.node,
        alone: this.#settings.solo,
        clock: systemClock,
        leader: () => this.replica.leaderName(),
      },
    });
    this.#admin = await startAdmin(paths.home, paths.adminSocket, handler, log);
  }

  #bindFailure(error: unknown): unknown {
    const { raftListen } = this.#checked;
    const code = (error as { readonly code?: string }).code;
    if (error instanceof CmkmsError || code !== 'CONSENSUS_LISTEN_FAILED' || raftListen === null) {
      return error;
    }
    return bindFailure('raft', raftListen, (error as Error).cause);
  }
}

/** What this replica begins from, by chain: what its own log says, which may be behind the cluster's. */
function chainFacts(replica: Replica, chain: HeldChain): EventFacts['chain'] {
  const record = replica.store.read(chain.id);
  const position = record === undefined ? null : highestPosition(record);
  const known = chain.known.kind;
  const unregistered =
    known === 'position'
      ? 'state file'
      : known === 'neverSigned'
        ? 'never signed'
        : 'not registered';
  return {
    chain: chain.chainId,
    key: chain.keyAddress,
    key_type: chain.id.key.type,
    floor: position === null ? null : positionText(position),
    floor_from: record === undefined ? unregistered : 'log',
    validators: chain.validators.map((validator) => validator.text),
  };
}

function metricsWorld(checked: Checked): ConstructorParameters<typeof Metrics>[0] {
  const { version: said } = version();
  return {
    build: { version: said, commit: 'unknown' },
    chains: checked.chains.map(({ settings, key, keyAddress }) => ({
      chainId: settings.id,
      keyAddress,
      keyType: key.publicKey.type,
      validators: settings.validators.map((validator) => validator.text),
    })),
    peers: checked.members.filter((m) => m.name !== checked.name).map((m) => m.name),
  };
}
