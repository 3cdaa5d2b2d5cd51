/**
 * Real processes on the command lines of the Go program: flags and no file, any order of starting, environment,
 * certificates, alone. A validator is signed for in each; a killed leader costs it nothing but time.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, openSync, writeSync } from 'node:fs';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { leaderOf, makePlaces, type Place, statusAt } from './process-homes.js';
import { type Process, Scene } from './processes.js';
import { CHAIN, cmkms, keyOf } from './scratch-homes.js';
import type { Validator } from './validator.js';

const key = keyOf(1).publicKey;

const sign = (validator: Validator, height: number): Promise<unknown> =>
  validator.sign(key, { height });

test('three replicas by flags alone, the last one first; the leader killed; another one told to stop', async (t) => {
  const scene = await Scene.open(t);
  const { directory } = scene;
  const validator = await scene.validator(CHAIN);
  const places = await makePlaces(directory, ['node-0', 'node-1', 'node-2'], [validator.address]);
  const running = new Map<Place, Process>();
  const run = (place: Place): Process => {
    const process_ = scene.start(place.args);
    running.set(place, process_);
    return process_;
  };
  const [first, second, third] = places;
  assert.ok(first && second && third);
  const waiting = await run(third).until('founding_wait');
  assert.deepEqual(waiting['missing'], [
    `node-0=127.0.0.1:${first.raftPort}`,
    `node-1=127.0.0.1:${second.raftPort}`,
  ]);
  run(first);
  run(second);
  for (const process_ of running.values()) await process_.until('founded');
  await sign(validator, 1);

  const killed = await leaderOf(places);
  const signing = sign(validator, 2);
  await running.get(killed)?.kill();
  await signing;
  const next = await leaderOf(places, killed);
  await run(killed).until('ready');

  // It hands over before it ends, so the others need no election of their own.
  const stopping = running.get(next);
  const [code] = await Promise.all([stopping?.stop(), sign(validator, 3)]);
  assert.equal(code, 0);
  // Where the machine is too busy for anybody to take it within two election timeouts, the others elect one.
  const handed = stopping?.lines.find((line) => line.event === 'handed_over');
  const successor = (await leaderOf(places, next)).name;
  const to = places.find((place) => place.name === (handed?.['to'] ?? successor));
  assert.ok(to !== undefined && to !== next);
  await running.get(to)?.until('leader', (line) => line['leader'] === to.name);
  assert.equal(stopping?.lines.at(-1)?.event, 'stopped');

  for (const { home } of places) {
    assert.deepEqual((await readdir(home)).sort(), ['data', 'priv']);
  }
});

test('two replicas by environment alone, in either order of starting; both are needed', async (t) => {
  const scene = await Scene.open(t);
  const { directory } = scene;
  const validator = await scene.validator(CHAIN);
  const places = await makePlaces(directory, ['node-0', 'node-1'], [validator.address]);
  const peer = places.map((p) => `${p.name}=127.0.0.1:${p.raftPort}`).join(', ');
  const byEnvironment = (place: Place): Process =>
    scene.start(['start', '--insecure-raft', '--allow-fresh-state', CHAIN], {
      env: {
        COMETKMS_HOME: place.home,
        COMETKMS_ID: place.name,
        COMETKMS_RAFT_ADDR: `127.0.0.1:${place.raftPort}`,
        COMETKMS_HTTP_ADDR: `127.0.0.1:${place.httpPort}`,
        COMETKMS_PEER: peer,
        COMETKMS_CHAIN_ID: CHAIN,
        COMETKMS_VALIDATOR_ADDR: validator.address,
        COMETKMS_LOG_FORMAT: 'json',
      },
    });
  const inOrder = [...places];
  for (const order of [inOrder, inOrder.toReversed()]) {
    const height = order === inOrder ? 1 : 2;
    const [early, late] = order;
    assert.ok(early && late);
    const one = byEnvironment(early);
    await one.until(height === 1 ? 'founding_wait' : 'no_quorum');
    const other = byEnvironment(late);
    await sign(validator, height);
    const note = await one.until('config_note', (line) => /tolerate no/.test(String(line['note'])));
    assert.match(String(note['note']), /^NO_FAULT_TOLERANCE: /);
    assert.deepEqual([await one.stop(), await other.stop()], [0, 0]);
  }
});

test('the same with the homes and certificates of cluster init, and no flag at all', async (t) => {
  const scene = await Scene.open(t);
  const { directory } = scene;
  const validator = await scene.validator(CHAIN);
  const places = await makePlaces(directory, ['a', 'b'], []);
  const out = join(directory, 'fleet');
  const made = await cmkms([
    ...['cluster', 'init', '--out', out, '--chain-id', CHAIN],
    ...['--validator-addr', validator.address, '--http-addr', '127.0.0.1:0'],
    ...places.flatMap((p) => ['--peer', `${p.name}=127.0.0.1:${p.raftPort}`]),
  ]);
  assert.equal(made.code, 0, made.err);
  const processes = await Promise.all(
    places.map(async ({ name, home }) => {
      const file = join('priv', 'priv_validator_key.json');
      await copyFile(join(home, file), join(out, name, file));
      const fresh = name === 'a' ? ['--allow-fresh-state', CHAIN] : [];
      return scene.start(['start', '--home', join(out, name), '--log-format', 'json', ...fresh]);
    }),
  );
  await sign(validator, 1);
  for (const process_ of processes) {
    assert.equal((await process_.until('peer_up')).event, 'peer_up');
    assert.equal(await process_.stop(), 0);
  }
  const genesis = JSON.parse(await readFile(join(out, 'a', 'genesis.json'), 'utf8'));
  const joined = JSON.parse(await readFile(join(out, 'b', 'priv', 'replica.json'), 'utf8'));
  assert.equal(joined.clusterId, genesis.clusterId);
});

/** A pipe that is full, with a reader that never reads. @returns its end for writing */
function fullPipe(directory: string): number {
  const path = join(directory, 'stdout');
  execFileSync('mkfifo', [path]);
  openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(filler, Buffer.alloc(4096));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
  }
  return openSync(path, 'w');
}

test('one replica alone, whose output is stuck from the first byte: it signs, answers, goes on leading', async (t) => {
  const scene = await Scene.open(t);
  const { directory } = scene;
  const validator = await scene.validator(CHAIN);
  const [place] = await makePlaces(directory, ['only'], [validator.address]);
  assert.ok(place);
  const solo = scene.start(place.args, { stdout: fullPipe(directory) });
  for (let height = 1; height <= 20; height++) await sign(validator, height);
  const healthz = `http://127.0.0.1:${place.httpPort}/healthz`;
  assert.equal((await fetch(healthz)).status, 200);
  const status = await statusAt(place);
  assert.deepEqual([status?.is_leader, status?.term], [true, 1], 'it never stopped leading');
  // The lines of its end get a second, and are given up then.
  assert.equal(await solo.stop(), 0);
});
