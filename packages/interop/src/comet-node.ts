/**
 * A real CometBFT v0.38 node: built from packages/interop/go, run as a process, asked over its RPC.
 *
 * Owns    building it, keeping it running as a supervisor would, and what its chain says.
 * Never   looks into its data, or trusts the signer's word for what was signed.
 * Rule    A node that finds no signer within 3 s exits; its supervisor starts it again.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Timestamp } from '@cometkms/sign-state';
import { voteSignBytes } from '@cometkms/sign-state';
import { freePorts, ManagedProcess, run, until } from './processes.js';

const goModule = fileURLToPath(new URL('../../go', import.meta.url));

/** `go1.26.8`; null where there is no go on the path. */
export function goVersion(): string | null {
  const asked = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  return asked.status === 0 ? asked.stdout.trim() : null;
}

let built: Promise<string> | null = null;

/** The binary, built once per process; Go's own cache makes the later ones quick. */
function binary(): Promise<string> {
  built ??= (async () => {
    const path = join(tmpdir(), `cometnode-${process.pid}`);
    await promisify(execFile)('go', ['build', '-o', path, './cometnode'], { cwd: goModule });
    return path;
  })();
  return built;
}

export interface CometNodeOptions {
  /** Fresh. */
  readonly directory: string;
  readonly chainId: string;
  /** Where the signer dials; default tcp on a free port of loopback. */
  readonly unixSocket?: string;
  /** A node of an existing chain: its genesis, and whom to follow. */
  readonly join?: CometNode;
  /** Height from which votes carry extensions. */
  readonly extensionsFrom?: number;
  readonly timeoutCommitMs?: number;
}

interface CommitAnswer {
  readonly signed_header: {
    readonly header: { readonly chain_id: string };
    readonly commit: {
      readonly height: string;
      readonly round: number;
      readonly block_id: { readonly hash: string; readonly parts: { total: number; hash: string } };
      readonly signatures: readonly {
        readonly block_id_flag: number;
        readonly timestamp: string;
        readonly signature: string | null;
      }[];
    };
  };
}

export class CometNode {
  readonly home: string;
  /** What goes into the signer's configuration. */
  readonly privvalAddress: string;
  /** Every signature that the signer handed out, as the node saw it. */
  readonly released: string;
  readonly logPath: string;
  readonly #options: CometNodeOptions;
  readonly #rpcPort: number;
  readonly #p2pPort: number;
  readonly #binary: string;
  #process: ManagedProcess | null = null;
  #wanted = false;
  /** How often the supervisor started it. */
  starts = 0;

  private constructor(options: CometNodeOptions, path: string, ports: readonly number[]) {
    const [rpc = 0, p2p = 0, privval = 0] = ports;
    this.#options = options;
    this.#binary = path;
    this.#rpcPort = rpc;
    this.#p2pPort = p2p;
    this.home = join(options.directory, 'home');
    this.released = join(options.directory, 'released.jsonl');
    this.logPath = join(options.directory, 'node.log');
    this.privvalAddress =
      options.unixSocket === undefined
        ? `tcp://127.0.0.1:${privval}`
        : `unix://${options.unixSocket}`;
  }

  static async create(options: CometNodeOptions): Promise<CometNode> {
    mkdirSync(options.directory, { recursive: true });
    const node = new CometNode(options, await binary(), await freePorts(3));
    writeFileSync(node.released, '');
    const { join: other, extensionsFrom = 0 } = options;
    await run(node.#binary, [
      ...['init', '--home', node.home, '--chain-id', options.chainId],
      ...(other === undefined ? [] : ['--genesis', join(other.home, 'config', 'genesis.json')]),
      ...['--extensions-from', String(extensionsFrom)],
    ]);
    return node;
  }

  start(): void {
    this.#wanted = true;
    void this.#supervise();
  }

  /** Waits for the process to be gone; the supervisor does not start it again. */
  async stop(): Promise<void> {
    this.#wanted = false;
    // Before v0.40 a node may take minutes to stop while its signer is away.
    await this.#process?.stop(5000);
  }

  /** As a crash: the supervisor starts it again. */
  kill(): void {
    this.#process?.signal('SIGKILL');
  }

  async height(): Promise<bigint | undefined> {
    const status = await this.#rpc<{ sync_info: { latest_block_height: string } }>('status');
    return status === undefined ? undefined : BigInt(status.sync_info.latest_block_height);
  }

  /** Waits until the chain is at `height` or above. */
  reach(height: bigint, withinMs = 120_000): Promise<bigint> {
    return until(
      `height ${height} (node log: ${this.logPath})`,
      async () => {
        const at = await this.height();
        return at !== undefined && at >= height ? at : undefined;
      },
      withinMs,
    );
  }

  /**
   * Reads every commit up to `height` and verifies each signature in it.
   * @returns how many are there and valid; undefined where one cannot be read yet
   * @throws where a commit carries a signature that does not verify
   */
  async commitsSignedUpTo(height: bigint): Promise<number | undefined> {
    let signed = 0;
    for (let at = 1n; at <= height; at += 1n) {
      const answer = await this.#rpc<CommitAnswer>(`commit?height=${at}`);
      if (answer === undefined) return undefined;
      signed += this.#validSignatures(answer);
    }
    return signed;
  }

  /** Files for an importer: the key that init made. */
  get keyPath(): string {
    return join(this.home, 'config', 'priv_validator_key.json');
  }

  async nodeId(): Promise<string> {
    const status = await until(
      'the node’s id',
      () => this.#rpc<{ node_info: { id: string } }>('status'),
      60_000,
    );
    return status.node_info.id;
  }

  get p2pAddress(): string {
    return `127.0.0.1:${this.#p2pPort}`;
  }

  // -------------------------------------------------------------------------------- internals

  async #supervise(): Promise<void> {
    const { join: other, timeoutCommitMs = 300 } = this.#options;
    const peers = other === undefined ? '' : `${await other.nodeId()}@${other.p2pAddress}`;
    while (this.#wanted) {
      this.starts += 1;
      this.#process = new ManagedProcess({
        command: this.#binary,
        args: [
          ...['start', '--home', this.home, '--privval', this.privvalAddress],
          ...['--record', this.released, '--rpc', `tcp://127.0.0.1:${this.#rpcPort}`],
          ...['--p2p', `tcp://${this.p2pAddress}`, '--peers', peers],
          ...['--timeout-commit', `${timeoutCommitMs}ms`],
        ],
        logPath: this.logPath,
      });
      await this.#process.exited;
    }
  }

  async #rpc<T>(path: string): Promise<T | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#rpcPort}/${path}`, {
        signal: AbortSignal.timeout(2000),
      });
      const { result } = (await answer.json()) as { result?: T };
      return result;
    } catch {
      // Starting, or gone for a moment: the caller asks again.
      return undefined;
    }
  }

  #validSignatures(answer: CommitAnswer): number {
    const { header, commit } = answer.signed_header;
    const key = this.#validatorKey();
    const blockId = {
      hash: Buffer.from(commit.block_id.hash, 'hex'),
      partSetHeader: {
        total: commit.block_id.parts.total,
        hash: Buffer.from(commit.block_id.parts.hash, 'hex'),
      },
    };
    let valid = 0;
    for (const { block_id_flag, timestamp, signature } of commit.signatures) {
      if (block_id_flag !== COMMIT_FLAG || signature === null) continue;
      const signBytes = voteSignBytes(header.chain_id, {
        type: 2,
        height: BigInt(commit.height),
        round: commit.round,
        blockId,
        timestamp: timestampOf(timestamp),
      });
      if (!verify(null, signBytes, key, Buffer.from(signature, 'base64'))) {
        throw new Error(`the commit of height ${commit.height} carries an invalid signature`);
      }
      valid += 1;
    }
    return valid;
  }

  /** The chain's one validator, as its genesis names it. */
  #validatorKey(): ReturnType<typeof createPublicKey> {
    const genesis = JSON.parse(readFileSync(join(this.home, 'config', 'genesis.json'), 'utf8')) as {
      validators: { pub_key: { value: string } }[];
    };
    const raw = Buffer.from(genesis.validators[0]?.pub_key.value ?? '', 'base64');
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  }
}

/** CometBFT's BlockIDFlagCommit: a vote for the block. */
const COMMIT_FLAG = 2;

/** RFC 3339 with nanoseconds, which Date would cut. */
function timestampOf(text: string): Timestamp {
  const fraction = /\.(\d+)Z$/.exec(text)?.[1] ?? '';
  const seconds = BigInt(Math.floor(Date.parse(text.replace(/\.\d+Z$/, 'Z')) / 1000));
  return { seconds, nanos: Number(fraction.padEnd(9, '0')) };
}
