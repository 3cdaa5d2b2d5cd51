/**
 * One test's nodes and cluster: started on the way, judged from outside, ended whatever happens.
 *
 * Owns    the directory and the processes of a test, the verdict on what was signed, and what a failure shows.
 * Never   asks the signer what it signed: commits are read over RPC, and releases are what the nodes wrote down.
 * Rule    At most one content per (key, chain, height, round, step), ever: docs/architecture.md, section 1.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CommitSignature } from '../src/chain-rpc.js';
import { CometNode, type CometNodeOptions, goVersion } from '../src/comet-node.js';
import { Fleet, type FleetOptions } from '../src/fleet.js';
import { until } from '../src/processes.js';
import type { ReleasedLine } from '../src/validator/released.js';

const checker = fileURLToPath(new URL('../../check-released.mjs', import.meta.url));

/** Building CometBFT for the first time takes minutes on two cores. */
const TEST_WITHIN_MS = 900_000;
const TAIL_LINES = 30;

export class Scene {
  readonly directory = mkdtempSync(join(tmpdir(), 'cmkms-'));
  readonly chainId = 'interop-1';
  readonly #nodes: CometNode[] = [];
  readonly #fleets: Fleet[] = [];
  /** Refusals for want of a quorum that are known of. */
  readonly #refused = new Map<CometNode, number>();
  /** How often each node should have been started. */
  readonly #starts = new Map<CometNode, number>();

  async node(options: Partial<CometNodeOptions> = {}): Promise<CometNode> {
    const directory = join(this.directory, `node-${this.#nodes.length}`);
    // Short blocks: what is tested is the signer, not the pause after a block.
    const standard = { directory, chainId: this.chainId, timeoutCommitMs: 50 };
    const node = await CometNode.create({ ...standard, ...options });
    this.#nodes.push(node);
    return node;
  }

  /** A path that fits into a socket's address. */
  socket(name: string): string {
    return join(this.directory, `${name}.sock`);
  }

  /** Replicas with the key of this node, which never signed; not started. */
  async fleet(node: CometNode, options: Partial<FleetOptions> = {}): Promise<Fleet> {
    const { directory } = this;
    const fleet = await Fleet.create({
      directory,
      chainId: node.genesis().chain_id,
      ...(options.tables === undefined ? { validators: [node.privvalAddress] } : {}),
      importFrom: node.home,
      neverSigned: true,
      ...options,
    });
    this.#fleets.push(fleet);
    return fleet;
  }

  /**
   * Waits until a chain with one validator is at `height`. Such a chain stands when a vote is refused: the node
   * asks once, and nobody else carries the height on. On a machine so busy that an election took two seconds,
   * that is no fault of the signer's, so the node is restarted as its operator would, and the test says so.
   */
  async reach(node: CometNode, height: bigint): Promise<bigint> {
    return await until(
      `height ${height} (node log: ${node.logPath})`,
      async () => {
        const at = await node.height();
        if (at !== undefined && at >= height) return at;
        const refused = node.log().split(' NO_QUORUM: ').length - 1;
        if (refused > (this.#refused.get(node) ?? 0)) {
          console.error(
            'no leader within two seconds: the node is restarted, as its vote was refused',
          );
          this.#refused.set(node, refused);
          await node.restart();
          this.#starts.set(node, (this.#starts.get(node) ?? 0) + 1);
        }
        return undefined;
      },
      180_000,
    );
  }

  /** Two more heights than there are now. */
  async goesOn(node: CometNode): Promise<bigint> {
    const height = await until('a height', () => node.height(), 60_000);
    return await this.reach(node, height + 2n);
  }

  /** Starts a node and waits until it has found its signer, for which a supervisor may start it several times. */
  async start(node: CometNode): Promise<void> {
    node.start();
    await until('a node with a signer', () => node.height(), 120_000);
    this.#starts.set(node, node.starts);
  }

  /** @throws where the node ended by itself since then, as when its consensus failed */
  neverEnded(node: CometNode): void {
    assert.equal(node.starts, this.#starts.get(node), 'the node ended by itself');
  }

  /**
   * The verdict from outside: `judgeCommits`, and every vote on the chain was written down by a node that was given
   * it, and no position has two contents.
   */
  async judge(height: bigint, signers: readonly string[]): Promise<void> {
    const votes = await this.judgeCommits(height, signers);
    const released = new Set(this.#nodes.flatMap(recorded).map(({ signature }) => signature));
    const unknown = votes.filter(
      ({ signature }) => !released.has(Buffer.from(signature, 'base64').toString('hex')),
    );
    assert.deepEqual(unknown, [], 'a signature reached the chain that no node was given');
    this.checkReleased();
  }

  /**
   * Up to `height` every vote in every commit verifies, and each signer's vote stands in each of them.
   * @param signers  addresses of keys
   * @returns all votes
   */
  async judgeCommits(
    height: bigint,
    signers: readonly string[],
  ): Promise<readonly CommitSignature[]> {
    const [first] = this.#nodes;
    assert.ok(first !== undefined, 'no node to ask');
    const votes = await first.commits(1n, height);
    for (const signer of signers) {
      const own = votes.filter((vote) => vote.address === signer);
      assert.equal(own.length, Number(height), `${signer} did not sign every commit`);
    }
    return votes;
  }

  /** Re-read by a program that imports nothing of ours. */
  checkReleased(): void {
    const files = this.#nodes.filter((node) => recorded(node).length > 0).map((n) => n.released);
    const check = spawnSync(process.execPath, [checker, ...files], { encoding: 'utf8' });
    assert.equal(check.status, 0, `${check.stdout}${check.stderr}`);
  }

  async end(): Promise<void> {
    // The nodes first: one whose signer is gone takes long to stop.
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await Promise.all(this.#fleets.map((fleet) => fleet.stopAll()));
  }

  /** The end of every log. */
  tails(): string {
    const logs = readdirSync(this.directory, { recursive: true, encoding: 'utf8' })
      .map((path) => join(this.directory, path))
      .filter((path) => path.endsWith('.log') && !/\/(home|data)\//.test(path));
    const shown = logs.map((path) => {
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES);
      return [`--- ${relative(this.directory, path)}`, ...lines].join('\n');
    });
    return [`logs, homes and records: ${this.directory}`, ...shown].join('\n');
  }
}

function recorded(node: CometNode): readonly ReleasedLine[] {
  let text: string;
  try {
    text = readFileSync(node.released, 'utf8');
  } catch (error) {
    // The unmodified program records nothing.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as ReleasedLine);
}

/** A test with a real node; its name is the sentence that it proves. Without Go it fails. */
export function scene(name: string, play: (scene: Scene) => Promise<void>): void {
  test(name, { timeout: TEST_WITHIN_MS }, () => onScene(play));
}

/**
 * The same for the suite that also runs where there is no Go: there it is left out and says so, except in CI,
 * where something that was left out would never be noticed.
 */
export function sceneIfGo(name: string, play: (scene: Scene) => Promise<void>): void {
  const leftOut = goVersion() === null && process.env['CI'] !== 'true';
  const skip = leftOut ? `no go on the path, so this was left out: ${name}` : false;
  test(name, { timeout: TEST_WITHIN_MS, skip }, () => onScene(play));
}

async function onScene(play: (scene: Scene) => Promise<void>): Promise<void> {
  assert.notEqual(goVersion(), null, 'a real CometBFT node is built with Go: no go on the path');
  const scene = new Scene();
  let passed = false;
  try {
    await play(scene);
    passed = true;
  } catch (error) {
    console.error(scene.tails());
    throw error;
  } finally {
    await scene.end();
    if (passed) rmSync(scene.directory, { recursive: true });
  }
}
