/**
 * The demo with a real CometBFT node in the validator's place.
 *
 * Owns    building and running the node, and killing leaders while it makes blocks.
 * Never   runs without Go: it says so instead.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CometNode, goVersion } from '../comet-node.js';
import { Fleet } from '../fleet.js';
import { until } from '../processes.js';
import { bad, good, milliseconds, note, say } from './screen.js';

const checker = fileURLToPath(new URL('../../../check-released.mjs', import.meta.url));
const CHAIN_ID = 'demo-real-1';

/** @returns the exit code */
export async function runReal(directory: string, blocks: number): Promise<number> {
  const go = goVersion();
  if (go === null) {
    say(bad('error GO_MISSING: --real builds a CometBFT node, and there is no go on the path.'));
    say('fix: install Go, or run the demo without --real.');
    return 4;
  }
  say(`building a CometBFT node with ${go}; the first time takes a minute`);
  const node = await CometNode.create({ directory: join(directory, 'node'), chainId: CHAIN_ID });
  const fleet = await Fleet.create({
    directory,
    chainId: CHAIN_ID,
    validators: [node.privvalAddress],
    importFrom: node.home,
    neverSigned: true,
  });
  say('starting three replicas, then the node');
  fleet.startAll();
  node.start();
  await node.reach(1n);

  const every = Math.max(5, Math.floor(blocks / 4));
  let killed = '';
  for (let height = 1n; height < BigInt(blocks); ) {
    const next = height + 1n;
    const started = performance.now();
    if (next % BigInt(every) === 0n) {
      killed = await fleet.leader();
      note(`── kill -9 ${killed}, the leader`);
      await fleet.replica(killed).process?.kill();
    }
    height = await node.reach(next);
    say(`${String(height).padStart(6)}  ${milliseconds(performance.now() - started)}`);
    if (killed !== '' && !fleet.replica(killed).process?.alive) {
      fleet.start(killed);
      note(`${killed} starts again`);
    }
  }
  const verdict = await until(
    'the last commit',
    () => node.commitsSignedUpTo(BigInt(blocks)),
    60_000,
  );
  const check = spawnSync(process.execPath, [checker, node.released], { encoding: 'utf8' });
  say(`commits read over RPC: ${verdict} of ${blocks} blocks carry the validator's signature`);
  say(`every released signature, re-read: ${check.stdout.trim()}`);
  await node.stop();
  await fleet.stopAll();
  const clean = check.status === 0;
  say(clean ? good('all is well') : bad(`FAILED\n${check.stderr}`));
  return clean ? 0 : 1;
}
