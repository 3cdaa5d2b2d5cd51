/** The node goes and comes back, while its signer runs on and remembers what the node forgot. */
import assert from 'node:assert/strict';
import { scene } from './scene.js';

const wan = { 'raft.profile': '"wan"' };

scene('a node that is stopped, or killed at any moment, comes back and goes on', async (stage) => {
  const node = await stage.node();
  const fleet = await stage.fleet(node, { settings: wan });
  fleet.startAll();
  await stage.start(node);
  let height = await stage.reach(node, 2n);
  for (let restarts = 0; restarts < 3; restarts += 1) {
    // Blocks are short: it dies between a signature and what it would have done with it, as often as not.
    node.kill();
    height = await stage.reach(node, height + 3n);
    await node.restart();
    height = await stage.reach(node, height + 3n);
  }
  assert.ok(node.starts >= 7, 'it was started anew each time');
  height = await stage.reach(node, 20n);
  await stage.judge(height, [node.keyAddress]);
});
