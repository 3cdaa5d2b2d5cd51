/**
 * Several nodes behind one cluster.
 *
 * Rule    A node asks its signer for the public key at every height, also where it is no validator: one whose
 *         signer does not answer stands still (CometBFT consensus/state.go, `updatePrivValidatorPubKey`).
 */
import assert from 'node:assert/strict';
import type { CometNode } from '../src/comet-node.js';
import type { Fleet } from '../src/fleet.js';
import { type Scene, scene } from './scene.js';

/** Another node's heights are learned of more slowly than one alone makes them. */
const blocks = { timeoutCommitMs: 500 };

/** Leadership moves, by a kill where no node lives behind the leader, else by a pause that its link survives. */
async function moveLeadership(fleet: Fleet, serving: readonly string[]): Promise<void> {
  const leader = await fleet.leader();
  const { process } = fleet.replica(leader);
  process?.signal(serving.includes(leader) ? 'SIGSTOP' : 'SIGKILL');
  await fleet.leader(30_000, leader);
  if (serving.includes(leader)) {
    process?.signal('SIGCONT');
  } else {
    await process?.exited;
    fleet.start(leader);
  }
  await fleet.ready(leader);
}

async function bothKeepTheHeight(stage: Scene, nodes: readonly CometNode[]): Promise<bigint> {
  const heights = await Promise.all(nodes.map((node) => stage.goesOn(node)));
  const highest = heights.toSorted((a, b) => Number(b - a))[0] ?? 0n;
  await Promise.all(nodes.map((node) => stage.reach(node, highest)));
  return highest;
}

scene(
  'two nodes, each behind its own replica by a unix socket, keep the height through leader changes',
  async (stage) => {
    // Each replica dials what its own machine has. The second node's key is in the cluster, but is no validator's.
    const socket = (replica: string, of: string): string => stage.socket(`${replica}-${of}`);
    const validator = await stage.node({
      ...blocks,
      unixSocket: socket('kms-a', 'validator'),
    });
    const other = await stage.node({
      ...blocks,
      join: validator,
      unixSocket: socket('kms-b', 'other'),
    });
    const tables = (replica: string) => [
      { address: validator.keyAddress, validators: [`unix://${socket(replica, 'validator')}`] },
      { address: other.keyAddress, validators: [`unix://${socket(replica, 'other')}`] },
    ];
    const fleet = await stage.fleet(validator, {
      tables,
      importFrom: [validator.home, other.home],
    });
    fleet.startAll();
    await Promise.all(fleet.replicas.map(({ name }) => fleet.ready(name)));
    await stage.start(validator);
    await stage.start(other);
    await bothKeepTheHeight(stage, [validator, other]);
    for (let changes = 0; changes < 6; changes += 1) {
      await moveLeadership(fleet, ['kms-a', 'kms-b']);
      await bothKeepTheHeight(stage, [validator, other]);
    }
    assert.equal(await fleet.linkHolder(validator.privvalAddress), 'kms-a');
    assert.equal(await fleet.linkHolder(other.privvalAddress), 'kms-b');
    stage.neverEnded(validator);
    stage.neverEnded(other);
    const height = await stage.reach(validator, 20n);
    await stage.judge(height, [validator.keyAddress]);
  },
);

scene(
  'two nodes validate with one key at the same time: the chain goes on, and nothing is signed twice',
  async (stage) => {
    const first = await stage.node(blocks);
    const second = await stage.node({ ...blocks, join: first });
    const fleet = await stage.fleet(first, {
      validators: [first.privvalAddress, second.privvalAddress],
      settings: { 'raft.profile': '"wan"' },
    });
    fleet.startAll();
    await Promise.all(fleet.replicas.map(({ name }) => fleet.ready(name)));
    await stage.start(first);
    await stage.start(second);
    const conflicts = (): number =>
      fleet.events('refused').filter(({ verdict }) => verdict === 'conflict').length;
    for (let asked = 0; conflicts() < 3; asked += 1) {
      assert.ok(asked < 100, 'two nodes with different transactions never disagreed');
      await Promise.all([first.submit(`a${asked}=first`), second.submit(`a${asked}=second`)]);
      await stage.goesOn(first);
      stage.checkReleased();
    }
    const height = await stage.reach(first, 20n);
    await stage.reach(second, height);
    stage.neverEnded(first);
    stage.neverEnded(second);
    await stage.judge(height, [first.keyAddress]);
  },
);
