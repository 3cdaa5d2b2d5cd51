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
import { CometNode, type CometNodeOptions, goVersion } from '../src/comet-node.js';
import { Fleet, type FleetOptions } from '../src/fleet.js';
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
   * The verdict from outside, up to `height`: every vote in every commit verifies, each of `signers` signed every
   * height, every such signature was written down by the node that asked for it, and no position has two contents.
   * @param signers  addresses of keys
   */
  async judge(height: bigint, signers: readonly string[]): Promise<void> {
    const recording = this.#nodes.filter((node) => recorded(node).length > 0);
    const [first] = this.#nodes;
    assert.ok(first !== undefined && recording.length > 0, 'nobody wrote down what was released');
    const commits = await first.commits(height);
    for (const signer of signers) {
      const votes = commits.filter((vote) => vote.address === signer);
      assert.equal(votes.length, Number(height), `${signer} did not sign every commit`);
      const released = new Set(recording.flatMap(recorded).map(({ signature }) => signature));
      const unknown = votes.filter(
        (vote) => !released.has(Buffer.from(vote.signature, 'base64').toString('hex')),
      );
      assert.deepEqual(unknown, [], 'a signature reached the chain, and no node was given it');
    }
    this.checkReleased();
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
      .filter((path) => path.endsWith('.log') && !path.includes('/home/'));
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

/** The address under which the genesis knows the validator whose key this node was made with. */
export function addressOf(node: CometNode): string {
  const [validator] = node.genesis().validators;
  assert.ok(validator !== undefined);
  return validator.address;
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
