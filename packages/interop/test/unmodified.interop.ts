/** CometBFT as its makers ship it, set up by its own `init` and one line of its config.toml. */
import { scene } from './scene.js';

for (const transport of ['tcp', 'unix'] as const) {
  scene(`the unmodified cometbft program reaches height 10 over ${transport}`, async (stage) => {
    const node = await stage.node({
      unmodified: true,
      ...(transport === 'unix' ? { unixSocket: stage.socket('signer') } : {}),
    });
    const fleet = await stage.fleet(node, { settings: { 'raft.profile': '"wan"' } });
    fleet.startAll();
    await stage.start(node);
    const height = await stage.reach(node, 10n);
    await stage.judgeCommits(height, [node.keyAddress]);
  });
}
