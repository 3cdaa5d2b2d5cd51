/**
 * Two of three replicas are gone for half a minute.
 *
 * Rule    Losing votes is ours, freezing the node is not: docs/architecture.md, "Who holds a validator's link". A node
 *         whose signer is away stands still for up to 155 s a height; one that is refused goes on.
 */
import assert from 'node:assert/strict';
import { startNetwork, votedFor, votes } from './network.js';
import { scene } from './scene.js';

const NO_QUORUM_MS = 30_000;
/** Far below 155 s, far above the second for which a link is reset now and then. */
const KEEPS_PACE_WITHIN_MS = 30_000;

scene(
  'no quorum for 30 s: the node keeps pace with its chain, and votes again when the quorum is back',
  async (stage) => {
    const network = await startNetwork(stage);
    const { node, rest, fleet } = network;
    const holder = await fleet.linkHolder(node.privvalAddress);
    const [survivor, other] = fleet.replicas.filter(({ name }) => name !== holder);
    assert.ok(survivor !== undefined && other !== undefined);
    const gone = [holder, other.name];
    await Promise.all(gone.map((name) => fleet.replica(name).process?.kill()));

    const first = (await rest.nextHeight()) + 1n;
    const end = performance.now() + NO_QUORUM_MS;
    let last = first;
    while (performance.now() < end) {
      last = await rest.nextHeight();
      await node.reach(last, KEEPS_PACE_WITHIN_MS);
    }
    const refused = fleet.events('refused', survivor.name);
    const verdicts = new Set(refused.map(({ verdict }) => verdict));
    assert.deepEqual([...verdicts], ['no_quorum'], 'the node was told why, and nothing else');
    assert.deepEqual(await votedFor(network, first, last), [], 'nobody may sign alone');

    for (const name of gone) fleet.start(name);
    const height = await votes(network);
    stage.neverEnded(node);
    await stage.judge(height, [rest.keyAddress]);
  },
);
