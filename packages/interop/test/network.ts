/**
 * A validator among others: the rest of the network is one strong node with a key of its own, so that the chain
 * goes on without the votes that are tested.
 *
 * Owns    making the two, and which heights the weak one voted for.
 * Never   lets the strong one use the signer.
 */
import type { CometNode } from '../src/comet-node.js';
import type { Fleet, FleetOptions } from '../src/fleet.js';
import { until } from '../src/processes.js';
import type { Scene } from './scene.js';

export interface Network {
  /** Whose votes the cluster signs. */
  readonly node: CometNode;
  /** All the others. */
  readonly rest: CometNode;
  readonly fleet: Fleet;
}

/** Long enough that a vote which came a little late still gets into the next block. */
const TIMEOUT_COMMIT_MS = 400;

/** All of it started; the node has voted. */
export async function startNetwork(
  stage: Scene,
  options: Partial<FleetOptions> = {},
): Promise<Network> {
  const node = await stage.node({ timeoutCommitMs: TIMEOUT_COMMIT_MS });
  const own = { ownKey: true, power: 1000, timeoutCommitMs: TIMEOUT_COMMIT_MS };
  const rest = await stage.node({ ...own, join: node });
  const settings = { 'raft.profile': '"wan"' };
  const fleet = await stage.fleet(node, { settings, ...options });
  fleet.startAll();
  await stage.start(node);
  await stage.start(rest);
  const network = { node, rest, fleet };
  await votes(network);
  return network;
}

/** Waits for a commit with the node's vote, later than those that there are. */
export async function votes({ node, rest }: Network): Promise<bigint> {
  const first = (await rest.nextHeight()) + 1n;
  return await until(
    'a vote of the node in a commit',
    async () => {
      const height = await rest.nextHeight();
      const commits = await rest.commits(first, height);
      return commits.findLast(({ address }) => address === node.keyAddress)?.height;
    },
    120_000,
  );
}

/** Heights of the commits from one to another in which the node's vote stands. */
export async function votedFor(
  { node, rest }: Network,
  from: bigint,
  to: bigint,
): Promise<readonly bigint[]> {
  const commits = await rest.commits(from, to);
  return commits.flatMap((vote) => (vote.address === node.keyAddress ? [vote.height] : []));
}
