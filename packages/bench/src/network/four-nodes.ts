/**
 * A network of four validators: real nodes of equal power, one of them signed by the system that is measured.
 *
 * Owns    the nodes, with the timeouts of their makers; each node is a persistent peer of the others.
 * Never   believes the signed node, or its signer: the chain is read at one that signs with a file.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { CometNode, type Commit, until } from '@cometkms/interop';
import type { ChainToSign } from '../systems/system.js';

/** CometBFT's default: a block then takes somewhat more than a second. */
export const TIMEOUT_COMMIT_MS = 1000;

/** Of the node that makes the genesis, and so of the others. */
const POWER = 10;
const COMPLETE_WITHIN_MS = 180_000;

export class FourNodes {
  private constructor(
    readonly chainId: string,
    readonly signed: CometNode,
    /** They sign with files of their own, as CometBFT does by itself. */
    readonly others: readonly [CometNode, CometNode, CometNode],
  ) {}

  /** Homes and ports; nothing is started. */
  static async create(directory: string, chainId: string): Promise<FourNodes> {
    const standard = { chainId, timeoutCommitMs: TIMEOUT_COMMIT_MS, standardGossip: true };
    const signed = await CometNode.create({ ...standard, directory: join(directory, 'node-1') });
    // One after the other: each one writes itself into the genesis of those that there are.
    const other = (name: string): Promise<CometNode> =>
      CometNode.create({
        ...{ ...standard, directory: join(directory, name) },
        ...{ ownKey: true, power: POWER, join: signed },
      });
    return new FourNodes(chainId, signed, [
      await other('node-2'),
      await other('node-3'),
      await other('node-4'),
    ]);
  }

  /** What the system is started with. @param keyHome does not exist yet: a copy of the node's home */
  toSign(keyHome: string): ChainToSign {
    cpSync(this.signed.home, keyHome, { recursive: true });
    return { chainId: this.chainId, keyHome, validator: this.signed.privvalAddress };
  }

  start(): void {
    for (const node of this.#all) node.start();
  }

  /** Waits for a height that all four voted for. @returns one after it */
  async complete(): Promise<bigint> {
    // Before that there is no commit in a block.
    await this.reach(2n, COMPLETE_WITHIN_MS);
    return until(
      'a commit with the votes of all four',
      async () => {
        const height = await this.nextHeight();
        const [commit] = await this.read(height - 1n, height - 1n);
        const votes = commit?.signatures.filter(({ forBlock }) => forBlock) ?? [];
        return votes.length === this.#all.length ? height : undefined;
      },
      COMPLETE_WITHIN_MS,
    );
  }

  /** Undefined where the node that is asked does not answer. */
  height(): Promise<bigint | undefined> {
    return this.others[0].height();
  }

  nextHeight(): Promise<bigint> {
    return this.others[0].nextHeight();
  }

  /** Waits for it. */
  async reach(height: bigint, withinMs: number): Promise<void> {
    await this.others[0].reach(height, withinMs);
  }

  /** Each commit as the block after it holds it, every signature verified. */
  read(from: bigint, to: bigint): Promise<readonly Commit[]> {
    return this.others[0].decided(from, to);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((node) => node.stop()));
  }

  get #all(): readonly CometNode[] {
    return [this.signed, ...this.others];
  }
}
