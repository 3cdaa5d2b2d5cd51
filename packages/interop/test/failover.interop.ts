/**
 * Leaders that die and leaders that freeze, with the default timers.
 *
 * Rule    The chain has one validator: a vote that is not signed ends its height for good, so that each height
 *         that is reached proves that the node asked again and was answered.
 */
import assert from 'node:assert/strict';
import type { CometNode } from '../src/comet-node.js';
import type { Fleet } from '../src/fleet.js';
import { until } from '../src/processes.js';
import { type Scene, scene } from './scene.js';

async function running(stage: Scene): Promise<{ node: CometNode; fleet: Fleet }> {
  const node = await stage.node();
  const fleet = await stage.fleet(node);
  fleet.startAll();
  await Promise.all(fleet.replicas.map(({ name }) => fleet.ready(name)));
  await stage.start(node);
  await stage.reach(node, 2n);
  return { node, fleet };
}

scene(
  'the chain goes on while its leader is killed five times and started again',
  async (stage) => {
    const { node, fleet } = await running(stage);
    for (let kills = 0; kills < 5; kills += 1) {
      const leader = await fleet.leader();
      await fleet.replica(leader).process?.kill();
      await stage.goesOn(node);
      fleet.start(leader);
      await fleet.ready(leader);
    }
    const height = await stage.reach(node, 20n);
    stage.neverEnded(node);
    await stage.judge(height, [node.keyAddress]);
  },
);

scene(
  'a leader that froze wakes, still believes that it leads, and harms nobody',
  async (stage) => {
    const { node, fleet } = await running(stage);
    for (let freezes = 0; freezes < 3; freezes += 1) {
      const frozen = await fleet.leader();
      fleet.replica(frozen).process?.signal('SIGSTOP');
      await fleet.leader(30_000, frozen);
      await stage.goesOn(node);
      fleet.replica(frozen).process?.signal('SIGCONT');
      await until(
        `${frozen} follows`,
        async () => ((await fleet.status(frozen))?.is_leader === false ? true : undefined),
        60_000,
      );
      await stage.goesOn(node);
    }
    stage.neverEnded(node);
    const height = await stage.reach(node, 20n);
    await stage.judge(height, [node.keyAddress]);
  },
);

scene('whoever holds the link freezes: the node drops it and asks the next one', async (stage) => {
  const { node, fleet } = await running(stage);
  const validator = node.privvalAddress;
  const holder = await fleet.linkHolder(validator);
  fleet.replica(holder).process?.signal('SIGSTOP');
  // Up to 5 s pass until the node's read times out.
  await stage.goesOn(node);
  assert.notEqual(await fleet.linkHolder(validator, 30_000, holder), holder);
  fleet.replica(holder).process?.signal('SIGCONT');
  await fleet.ready(holder);
  const height = await stage.goesOn(node);
  stage.neverEnded(node);
  await stage.judge(height, [node.keyAddress]);
});
