/** A cluster of one, which must be said: `solo = true`. */
import { scene } from './scene.js';

scene('a chain reaches height 20 signed by one replica alone, over tcp', async (stage) => {
  const node = await stage.node();
  const fleet = await stage.fleet(node, { replicas: 1 });
  fleet.startAll();
  await stage.start(node);
  const height = await stage.reach(node, 20n);
  await stage.judge(height, [node.keyAddress]);
});
