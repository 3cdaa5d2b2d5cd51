/**
 * Whatever is wrong with a home, its surroundings or its flags: the real `start` ends with two lines and its code, and
 * nothing is lost. Root may read and write everything, so what only permissions forbid is tested elsewhere.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { makeHome, makePlaces, type Place } from './process-homes.js';
import { type Process, refuses, Scene } from './processes.js';
import { CHAIN, cmkms, keyOf, makeFleet } from './scratch-homes.js';

const deadValidator = 'tcp://127.0.0.1:1';

async function one(t: TestContext): Promise<Place & { readonly scene: Scene }> {
  const scene = await Scene.open(t);
  const [place] = await makePlaces(scene.directory, ['only'], [deadValidator]);
  assert.ok(place);
  return { ...place, scene };
}

async function two(t: TestContext): Promise<{ scene: Scene; a: Place; b: Place }> {
  const scene = await Scene.open(t);
  const [a, b] = await makePlaces(scene.directory, ['a', 'b'], [deadValidator]);
  assert.ok(a && b);
  return { scene, a, b };
}

/** Started once and stopped: from now on the home has a log. */
async function joined(scene: Scene, ...places: readonly Place[]): Promise<void> {
  const processes = places.map(({ args }) => scene.start(args));
  for (const process_ of processes) await process_.until('ready');
  for (const process_ of processes) assert.equal(await process_.stop(), 0, process_.said);
}

describe('what start refuses', { concurrency: 3 }, () => {
  const files: readonly (readonly [string, string, RegExp])[] = [
    ['no TOML', 'id = "a', /^error CONFIG: .*config\.toml:1/],
    ['an unknown key', 'log_levle = "info"', /^error CONFIG: .*unknown key "log_levle"/],
    ['a key of another type', 'solo = "yes"', /^error CONFIG: .*not true or false/],
    ['an endpoint that does not exist', 'allow_unsafe = true', /^error CONFIG: .*allow_unsafe/],
  ];
  for (const [what, toml, says] of files) {
    test(`config.toml with ${what}`, async (t) => {
      const { home, args, scene } = await one(t);
      await writeFile(join(home, 'config.toml'), toml);
      await refuses(scene.start(args), 2, says);
    });
  }

  test('a key that others may read', async (t) => {
    const { home, args, scene } = await one(t);
    await chmod(join(home, 'priv', 'priv_validator_key.json'), 0o640);
    await refuses(scene.start(args), 2, /^error KEY_MODE: .*group/);
  });

  test('a data directory that is none', async (t) => {
    const { home, args, scene } = await one(t);
    await writeFile(join(home, 'data'), '');
    await refuses(scene.start(args), 4, /^error NOT_WRITABLE: .*\/data /);
  });

  test('a port that is in use, of HTTP and between replicas, and the home is free again after it', async (t) => {
    const { a, scene } = await two(t);
    const server = createServer().listen(a.httpPort, '127.0.0.1');
    await once(server, 'listening');
    await refuses(scene.start(a.args), 4, /^error HTTP_BIND: .*in use/);
    server.close();
    const raft = createServer().listen(a.raftPort, '127.0.0.1');
    scene.atEnd(async () => raft.close());
    await once(raft, 'listening');
    await refuses(scene.start(a.args), 4, /^error RAFT_BIND: .*another process listens there/);
  });

  test('a second process on one home, beside the first one', async (t) => {
    const { args, scene } = await one(t);
    const first = scene.start(args);
    await first.until('ready');
    await refuses(scene.start(args), 4, new RegExp(`^error HOME_LOCKED: .*process ${first.pid} `));
    assert.equal(await first.stop(), 0);
  });

  test('no peers, an id that is none of them, an admin socket with too long a path', async (t) => {
    const { a, scene } = await two(t);
    const alone = a.args.filter((arg, i) => arg !== '--peer' && a.args[i - 1] !== '--peer');
    await refuses(scene.start(alone), 3, /^error PEERS_EMPTY: .*sign alone/);
    const renamed = a.args.map((arg, i) => (a.args[i - 1] === '--id' ? 'vm' : arg));
    await refuses(scene.start(renamed), 2, /^error ID_NOT_IN_PEERS: id "vm".*\(a, b\)/);
    const home = join(a.home, 'x'.repeat(107 - a.home.length));
    await mkdir(home);
    const far = a.args.map((arg, i) => (a.args[i - 1] === '--home' ? home : arg));
    await refuses(scene.start(far), 2, /^error SOCKET_PATH: .*admin\.sock is \d+ bytes long/);
  });

  test("another replica's certificate, and another cluster's", async (t) => {
    const scene = await Scene.open(t);
    const { directory } = scene;
    const mine = await makeFleet(directory, ['a', 'b'], 'mine');
    const theirs = await makeFleet(directory, ['a', 'b'], 'theirs');
    const [home = '', sibling = '', stranger = ''] = [mine['a'], mine['b'], theirs['a']];
    const swap = async (from: string, ...names: readonly string[]): Promise<void> => {
      for (const name of names) await copyFile(join(from, 'tls', name), join(home, 'tls', name));
    };
    await makeHome(home);
    const run = (): Process => scene.start(['start', '--home', home, '--id', 'a']);
    await swap(sibling, 'replica.crt', 'replica.key');
    await refuses(run(), 2, /^error CERT_ID: .*is for b of cluster .*this replica is a/);
    await swap(stranger, 'replica.crt', 'replica.key');
    await refuses(run(), 2, /^error TLS_DAMAGED: .*another cluster/);
    await swap(stranger, 'ca.crt');
    await refuses(run(), 2, /^error CERT_ID: .*of cluster/);
  });

  test('a log that is gone, with the record of joining beside the key', async (t) => {
    const place = await one(t);
    await joined(place.scene, place);
    await rm(join(place.home, 'data'), { recursive: true });
    await refuses(
      place.scene.start(place.args),
      3,
      /^error DATA_MISSING: .*its log is gone|no log/i,
    );
  });

  test("another replica's log, and afterwards each with its own again", async (t) => {
    const { a, b, scene } = await two(t);
    await joined(scene, a, b);
    const [dataA, dataB, aside] = [join(a.home, 'data'), join(b.home, 'data'), `${a.home}-aside`];
    await rename(dataA, aside);
    await cp(dataB, dataA, { recursive: true });
    await refuses(scene.start(a.args), 3, /^error CONSENSUS_LOG_FOREIGN: /);
    await rm(dataA, { recursive: true });
    await rename(aside, dataA);
    await joined(scene, a, b);
  });
});

describe('a disk that is full', () => {
  test('at the start: said, with its code; with space again it goes on', async (t) => {
    const place = await one(t);
    const data = join(place.home, 'data');
    await mkdir(data);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', data], { stdio: 'ignore' });
    } catch {
      return t.skip('no file system can be mounted here');
    }
    try {
      const filler = join(data, 'filler');
      await writeFile(filler, Buffer.alloc(3 << 20)).catch(() => 'as far as it goes');
      await refuses(place.scene.start(place.args), 4, /^error DISK_FULL: the disk is full: /);
      await writeFile(filler, Buffer.alloc(1 << 20));
      await refuses(
        place.scene.start(place.args),
        5,
        /^error CONSENSUS_LOG_FAILED: .*no space left/,
      );
      execFileSync('mount', ['-o', 'remount,size=300m', data], { stdio: 'ignore' });
      await joined(place.scene, place);
    } finally {
      execFileSync('umount', [data]);
    }
  });

  test('while it runs: the process ends, nothing is signed after it, and the next start goes on', async (t) => {
    const scene = await Scene.open(t);
    const { directory } = scene;
    const validator = await scene.validator(CHAIN);
    const [place] = await makePlaces(directory, ['only'], [validator.address]);
    assert.ok(place);
    const key = keyOf(1).publicKey;
    const first = scene.start(place.args);
    await validator.sign(key, { height: 1 });
    // From here on every write into a file fails.
    execFileSync('prlimit', ['--pid', String(first.pid), '--fsize=0']);
    const asked = validator.sign(key, { height: 2 });
    await refuses(first, 5, /^error (CONSENSUS_LOG_FAILED|SIGNER_WATERMARK_FAILED): /);
    // The node asks again, and the next process answers.
    const again = scene.start(place.args);
    await asked;
    await assert.rejects(validator.sign(key, { height: 2, block: 'Y' }), /CONFLICT/);
    await assert.rejects(validator.sign(key, { height: 1, block: 'Y' }), /REGRESSED/);
    assert.equal(await again.stop(), 0);
  });
});

test('flags of the Go program that mean nothing here are said and ignored', async (t) => {
  const { args, scene } = await one(t);
  const process_ = scene.start([...args, '--default-ttl', '10s']);
  const { note } = await process_.until('config_note');
  assert.equal(note, 'DEFAULT_TTL: --default-ttl has no meaning here; remove it.');
  await process_.until('ready');
  assert.equal(await process_.stop(), 0);
  const { code, err } = await cmkms(['start', '--allow-unsafe']);
  assert.deepEqual([code, err.split(':')[0]], [2, 'error USAGE']);
});
