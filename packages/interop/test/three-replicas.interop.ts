/** Three replicas and nothing that goes wrong, except that everything is started in the wrong order. */
import assert from 'node:assert/strict';
import { until } from '../src/processes.js';
import { scene } from './scene.js';

const wan = { 'raft.profile': '"wan"' };

scene(
  'a node that its supervisor restarts until the signer is there reaches height 20 by three replicas',
  async (stage) => {
    const node = await stage.node();
    const fleet = await stage.fleet(node, { settings: wan });
    node.start();
    // No signer within 3 s: a node ends, every time.
    await until('the second start of the node', () => node.starts >= 2 || undefined, 60_000);
    fleet.startAll();
    const height = await stage.reach(node, 20n);
    assert.match(node.log(), /can't get pubkey/);
    await stage.judge(height, [node.keyAddress]);
  },
);

scene('a chain reaches height 20 by three replicas over a unix socket', async (stage) => {
  const node = await stage.node({ unixSocket: stage.socket('signer') });
  const fleet = await stage.fleet(node, { settings: wan });
  fleet.startAll();
  await stage.start(node);
  const height = await stage.reach(node, 20n);
  await stage.judge(height, [node.keyAddress]);
});

scene(
  'votes carry extensions from height 3 on: every precommit comes with the signature that the node demands',
  async (stage) => {
    // The node ends its consensus for good where one is missing, or stands where none belongs.
    const node = await stage.node({ extensionsFrom: 3 });
    const fleet = await stage.fleet(node, { settings: wan });
    fleet.startAll();
    await stage.start(node);
    const height = await stage.reach(node, 10n);
    stage.neverEnded(node);
    await stage.judge(height, [node.keyAddress]);
  },
);
