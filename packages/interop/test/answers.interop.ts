/**
 * What a real node makes of each answer: a refusal is final and costs it one vote, a reset makes it ask again.
 *
 * Rule    CometBFT privval/retry_signer_client.go: a typed error is not retried; whatever else goes wrong is, 50 times.
 */
import assert from 'node:assert/strict';
import type { Fleet } from '../src/fleet.js';
import { cmkms } from '../src/fleet.js';
import { until } from '../src/processes.js';
import { startNetwork, votedFor, votes } from './network.js';
import { type Scene, scene } from './scene.js';

/** The link to a validator, as whoever holds it tells. */
async function linkOf(fleet: Fleet, validator: string): Promise<object> {
  const holder = await fleet.linkHolder(validator);
  const status = await fleet.status(holder);
  const link = status?.chains
    .flatMap((chain) => chain.validators)
    .find(({ addr }) => addr === validator);
  assert.ok(link !== undefined);
  return { holder, state: link.state, since: link.since };
}

/** As an operator does: at the leader, and at the next one where leadership has moved meanwhile. */
async function halt(stage: Scene, fleet: Fleet, ...words: readonly string[]): Promise<void> {
  await until(
    `halt ${words.join(' ')}`,
    async () => {
      const { home } = fleet.replica(await fleet.leader());
      try {
        return await cmkms('halt', ...words, '--chain-id', stage.chainId, '--home', home);
      } catch (error) {
        if (/NOT_LEADER/.test(String(error))) return undefined;
        throw error;
      }
    },
    60_000,
  );
}

scene(
  'votes that are refused for a halt height cost votes only: link and node stay, and it votes again after',
  async (stage) => {
    const network = await startNetwork(stage);
    const { node, rest, fleet } = network;
    const link = await linkOf(fleet, node.privvalAddress);
    const haltAt = (await rest.nextHeight()) + 3n;
    await halt(stage, fleet, 'set', '--height', String(haltAt));
    const halted = await node.reach(haltAt + 5n);
    assert.deepEqual(await votedFor(network, haltAt, halted - 1n), []);
    assert.match(node.log(), /failed signing vote.*cmkms kms-[abc] HALTED: /);
    assert.deepEqual(await linkOf(fleet, node.privvalAddress), link, 'the same link all the time');
    await halt(stage, fleet, 'clear');
    const height = await votes(network);
    stage.neverEnded(node);
    await stage.judge(height, [rest.keyAddress]);
  },
);

scene(
  'a refused vote ends the height of a chain that has no other validator, until its node is restarted',
  async (stage) => {
    const node = await stage.node();
    const fleet = await stage.fleet(node, { settings: { 'raft.profile': '"wan"' } });
    fleet.startAll();
    await stage.start(node);
    const haltAt = (await stage.goesOn(node)) + 20n;
    await halt(stage, fleet, 'set', '--height', String(haltAt));
    await until(
      'a refused prevote',
      () => (/failed signing vote.*HALTED/.test(node.log()) ? true : undefined),
      120_000,
    );
    assert.equal(await node.height(), haltAt - 1n);
    await halt(stage, fleet, 'clear');
    await node.restart();
    const height = await stage.reach(node, haltAt + 3n);
    await stage.judge(height, [node.keyAddress]);
  },
);

scene(
  'no commit within the deadline: the link is reset, the node asks again and gets its signature',
  async (stage) => {
    const node = await stage.node();
    // Whoever leads keeps leading for long, so that nothing but the deadline answers.
    const fleet = await stage.fleet(node, {
      settings: {
        'raft.heartbeat_interval': '"100ms"',
        'raft.election_timeout': '"4s"',
        'raft.lease': '"3500ms"',
        'signing.deadline': '"500ms"',
      },
    });
    fleet.startAll();
    await fleet.leader(120_000);
    await stage.start(node);
    await stage.goesOn(node);
    const holder = await fleet.linkHolder(node.privvalAddress);
    const others = fleet.replicas.filter(({ name }) => name !== holder);
    const unanswered = (): number =>
      fleet.events('link_down', holder).filter((e) => /^not answered/.test(String(e['reason'])))
        .length;
    const before = unanswered();
    for (const { process } of others) process?.signal('SIGSTOP');
    await until('a link that is reset', () => (unanswered() > before ? true : undefined), 60_000);
    for (const { process } of others) process?.signal('SIGCONT');
    // Nothing but the same vote, asked for again, carries this height on.
    const height = await node.reach(await node.nextHeight());
    stage.neverEnded(node);
    await stage.judge(height, [node.keyAddress]);
  },
);
