/** A real node in the fast suite: short, and the whole way from `cluster init` to a commit that carries the vote. */
import assert from 'node:assert/strict';
import { sceneIfGo } from './scene.js';

sceneIfGo(
  'a real CometBFT node reaches height 5 by three replicas, one of them killed on the way',
  async (stage) => {
    const node = await stage.node();
    const fleet = await stage.fleet(node);
    fleet.startAll();
    await stage.start(node);
    await stage.reach(node, 2n);
    const leader = await fleet.leader();
    const killedAt = await node.height();
    await fleet.replica(leader).process?.kill();
    assert.ok(killedAt !== undefined);
    const height = await stage.reach(node, killedAt > 3n ? killedAt + 2n : 5n);
    assert.notEqual(await fleet.leader(30_000, leader), leader);
    await stage.judge(height, [node.keyAddress]);
  },
);
