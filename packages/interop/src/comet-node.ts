/**
 * A real CometBFT v0.38 node, run as a process and kept running as a supervisor would.
 *
 * Owns    its home, its configuration, and starting it again whenever it ends.
 * Never   looks into its data, or trusts the signer's word for what was signed.
 * Rule    A node that finds no signer within 3 s exits; its supervisor starts it again.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChainRpc, type Commit, type CommitSignature, type Genesis } from './chain-rpc.js';
import { type GoProgram, goProgram } from './go-module.js';
import { freePorts, ManagedProcess, run, until } from './processes.js';

export { goVersion } from './go-module.js';

export interface CometNodeOptions {
  /** Fresh. */
  readonly directory: string;
  /** The unmodified program draws one of its own. */
  readonly chainId: string;
  /** Where the signer dials; default tcp on a free port of loopback. */
  readonly unixSocket?: string;
  /** A node of an existing chain: its genesis, and whom to follow. All of its nodes must still be stopped. */
  readonly join?: CometNode;
  /** The power of a joining node's own key in the genesis, where the first one's is 10; default: not in it. */
  readonly power?: number;
  /** Signs with the key in its home, as a validator without a remote signer does. */
  readonly ownKey?: boolean;
  /** Height from which votes carry extensions. */
  readonly extensionsFrom?: number;
  readonly timeoutCommitMs?: number;
  /** As CometBFT sets it by default; else much less, as blocks are short in tests. */
  readonly standardGossip?: boolean;
  /** `cometbft` as it is shipped: nothing records what its signer hands out. */
  readonly unmodified?: boolean;
}

interface Ports {
  readonly rpc: number;
  readonly p2p: number;
  readonly privval: number;
}

/** systemd's default; a node that ends at once must not be started in a busy loop. */
const RESTART_AFTER_MS = 100;

/** Until its init has run. */
const noKey = { address: '', pub_key: { type: '', value: '' } };

export class CometNode {
  readonly home: string;
  /** What goes into the signer's configuration. */
  readonly privvalAddress: string;
  /** Every signature that the signer handed out, as the node saw it. */
  readonly released: string;
  readonly logPath: string;
  readonly #rpc: ChainRpc;
  readonly #options: CometNodeOptions;
  readonly #ports: Ports;
  readonly #binary: string;
  readonly #peers: CometNode[] = [];
  #key: Pick<Genesis['validators'][number], 'address' | 'pub_key'> = noKey;
  #process: ManagedProcess | null = null;
  #wanted = false;
  #supervised: Promise<void> = Promise.resolve();
  /** How often the supervisor started it. */
  starts = 0;

  private constructor(options: CometNodeOptions, binary: string, ports: Ports) {
    this.#options = options;
    this.#binary = binary;
    this.#ports = ports;
    this.home = join(options.directory, 'home');
    this.released = join(options.directory, 'released.jsonl');
    this.logPath = join(options.directory, 'node.log');
    this.#rpc = new ChainRpc(ports.rpc, this.#genesisPath);
    const { unixSocket, ownKey } = options;
    if (ownKey) this.privvalAddress = '';
    else if (unixSocket !== undefined) this.privvalAddress = `unix://${unixSocket}`;
    else this.privvalAddress = `tcp://127.0.0.1:${ports.privval}`;
  }

  static async create(options: CometNodeOptions): Promise<CometNode> {
    mkdirSync(options.directory, { recursive: true });
    const program: GoProgram = options.unmodified ? 'cometbft' : 'cometnode';
    const [binary, [rpc = 0, p2p = 0, privval = 0]] = await Promise.all([
      goProgram(program),
      freePorts(3),
    ]);
    const node = new CometNode(options, binary, { rpc, p2p, privval });
    writeFileSync(node.logPath, '');
    if (options.unmodified) {
      await run(binary, ['init', '--home', node.home]);
      node.#configure();
    } else {
      writeFileSync(node.released, '');
      await node.#init();
    }
    node.#key = readJson(join(node.home, 'config', 'priv_validator_key.json')) as typeof noKey;
    if (options.join !== undefined) node.#joins(options.join);
    return node;
  }

  start(): void {
    if (this.#wanted) throw new Error('the node is started already');
    this.#wanted = true;
    this.#supervised = this.#supervise();
  }

  /** Waits for the process to be gone; the supervisor does not start it again. */
  async stop(): Promise<void> {
    this.#wanted = false;
    // Before v0.40 a node may take minutes to stop while its signer is away.
    await this.#process?.stop(5000);
    await this.#supervised;
  }

  /** As a crash: the supervisor starts it again. */
  kill(): void {
    this.#process?.signal('SIGKILL');
  }

  /** As an operator's restart; by force where it does not follow within 5 s. */
  async restart(): Promise<void> {
    await this.#process?.stop(5000);
  }

  height(): Promise<bigint | undefined> {
    return this.#rpc.height();
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

  /** The height after the one at which the chain is now, once it is there. */
  async nextHeight(withinMs = 60_000): Promise<bigint> {
    const height = await until('a height', () => this.height(), withinMs);
    return await this.reach(height + 1n, withinMs);
  }

  /**
   * The votes in each commit from one height to another, each one verified.
   * @throws where one does not verify, or the node does not tell in time
   */
  async commits(from: bigint, to: bigint, withinMs = 60_000): Promise<readonly CommitSignature[]> {
    const commits = await this.#decisions(from, to, withinMs);
    return commits.flatMap(({ signatures }) => signatures);
  }

  /**
   * How each height from one to another was decided, as the block after it says, the same for all nodes.
   * @throws as `commits` does
   */
  decided(from: bigint, to: bigint, withinMs = 60_000): Promise<readonly Commit[]> {
    return this.#decisions(from, to, withinMs, ({ canonical }) => canonical);
  }

  /** How many votes stand in the commits up to `height`, all of them verified. */
  async commitsSignedUpTo(height: bigint): Promise<number> {
    return (await this.commits(1n, height)).length;
  }

  /** Hands `key=value` to this node alone, so that its next block differs from another node's. */
  submit(transaction: string): Promise<boolean> {
    return this.#rpc.submit(transaction);
  }

  /** Of the key that its init made: 40 hex digits. It need not stand in the genesis. */
  get keyAddress(): string {
    return this.#key.address;
  }

  genesis(): Genesis {
    return this.#rpc.genesis();
  }

  /** What the node said so far. */
  log(): string {
    return readFileSync(this.logPath, 'utf8');
  }

  // -------------------------------------------------------------------------------- internals

  async #decisions(
    from: bigint,
    to: bigint,
    withinMs: number,
    isWanted: (commit: Commit) => boolean = () => true,
  ): Promise<readonly Commit[]> {
    const all: Commit[] = [];
    for (let at = from; at <= to; at += 1n) {
      const ask = async (): Promise<Commit | undefined> => {
        const commit = await this.#rpc.commit(at);
        return commit !== undefined && isWanted(commit) ? commit : undefined;
      };
      all.push(await until(`the commit of height ${at}`, ask, withinMs));
    }
    return all;
  }

  get #genesisPath(): string {
    return join(this.home, 'config', 'genesis.json');
  }

  get #p2pAddress(): string {
    return `127.0.0.1:${this.#ports.p2p}`;
  }

  async #init(): Promise<void> {
    const { chainId, join: other, extensionsFrom = 0 } = this.#options;
    await run(this.#binary, [
      ...['init', '--home', this.home, '--chain-id', chainId],
      ...(other === undefined ? [] : ['--genesis', other.#genesisPath]),
      ...['--extensions-from', String(extensionsFrom)],
    ]);
  }

  /** All dial each other, so that whichever starts last finds the others at once. */
  #joins(other: CometNode): void {
    const others = [other, ...other.#peers];
    for (const peer of others) {
      this.#peers.push(peer);
      peer.#peers.push(this);
    }
    const { power } = this.#options;
    if (power === undefined) return;
    const genesis = this.genesis();
    const { address, pub_key } = this.#key;
    genesis.validators.push({ address, pub_key, power: String(power), name: '' });
    for (const node of [this, ...others]) writeFileSync(node.#genesisPath, JSON.stringify(genesis));
  }

  /** `id@host:port`, the id being the address of the node's own key (CometBFT p2p/key.go). */
  #peerAddress(): string {
    const { priv_key } = readJson(join(this.home, 'config', 'node_key.json')) as {
      readonly priv_key: { readonly value: string };
    };
    const publicKey = Buffer.from(priv_key.value, 'base64').subarray(32);
    const id = createHash('sha256').update(publicKey).digest('hex').slice(0, 40);
    return `${id}@${this.#p2pAddress}`;
  }

  /** What an operator edits in the config.toml that `cometbft init` wrote. */
  #configure(): void {
    const path = join(this.home, 'config', 'config.toml');
    const { timeoutCommitMs = 300 } = this.#options;
    const edits: readonly (readonly [line: RegExp, value: string])[] = [
      [/^priv_validator_laddr = .*$/m, `priv_validator_laddr = "${this.privvalAddress}"`],
      [/^laddr = "tcp:\/\/127\.0\.0\.1:26657"$/m, `laddr = "tcp://127.0.0.1:${this.#ports.rpc}"`],
      [/^laddr = "tcp:\/\/0\.0\.0\.0:26656"$/m, `laddr = "tcp://${this.#p2pAddress}"`],
      [/^timeout_commit = .*$/m, `timeout_commit = "${timeoutCommitMs}ms"`],
    ];
    let text = readFileSync(path, 'utf8');
    for (const [line, value] of edits) {
      if (!line.test(text)) throw new Error(`config.toml of cometbft init has no ${line}`);
      text = text.replace(line, value);
    }
    writeFileSync(path, text);
  }

  #arguments(): readonly string[] {
    if (this.#options.unmodified) return ['start', '--home', this.home, '--proxy_app', 'kvstore'];
    const { timeoutCommitMs = 300, standardGossip } = this.#options;
    return [
      ...['start', '--home', this.home, '--privval', this.privvalAddress],
      ...['--record', this.released, '--rpc', `tcp://127.0.0.1:${this.#ports.rpc}`],
      ...['--p2p', `tcp://${this.#p2pAddress}`],
      ...['--peers', this.#peers.map((peer) => peer.#peerAddress()).join(',')],
      ...['--timeout-commit', `${timeoutCommitMs}ms`],
      ...(standardGossip ? ['--standard-gossip'] : []),
    ];
  }

  /** A node that ended without closing its socket finds the address in use for ever: its unit removes it first. */
  #removeSocket(): void {
    const { unixSocket } = this.#options;
    if (unixSocket !== undefined) rmSync(unixSocket, { force: true });
  }

  async #supervise(): Promise<void> {
    while (this.#wanted) {
      this.starts += 1;
      this.#removeSocket();
      this.#process = new ManagedProcess({
        command: this.#binary,
        args: this.#arguments(),
        logPath: this.logPath,
      });
      await this.#process.exited;
      await new Promise((resolve) => setTimeout(resolve, RESTART_AFTER_MS));
    }
  }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
