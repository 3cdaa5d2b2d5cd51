/**
 * The real program as a child process: exit codes, the shape of errors, help.
 *
 * Owns    what a supervisor and a person see: code and two lines, never a usage text, no colour in a pipe.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeKeyFile } from '@cometkms/signer';
import { run } from '../src/cli/run.js';
import { CHAIN, cmkms, keyOf, makeFleet, scratch, terminal, VALIDATOR } from './scratch-homes.js';

const twoLines = /^error [A-Z_]+: .+\nfix: .+\n$/;

const misuse: readonly (readonly [args: string, says: string, fix: string])[] = [
  ['', 'cmkms needs a command', 'cmkms --help'],
  ['floor', 'cmkms floor needs a command', 'cmkms floor --help'],
  ['strat', "unknown command 'strat' (Did you mean start?)", 'cmkms --help'],
  ['start --peeer a=b:1', "unknown option '--peeer' (Did you mean --peer?)", 'cmkms start --help'],
  [
    'start extra',
    "too many arguments for 'start'. Expected 0 arguments but got 1.",
    'cmkms start --help',
  ],
  ['start --allow-unsafe', "unknown option '--allow-unsafe'", 'cmkms start --help'],
  [
    'halt set --chain-id c',
    "required option '--height <n>' not specified",
    'cmkms halt set --help',
  ],
  [
    'floor raise --chain-id c --height -1',
    '--height takes a height from 1 on, not "-1"',
    'cmkms floor raise --help',
  ],
  [
    'cluster add d=10.0.0.13:9430',
    'give --identity, as cmkms cluster home printed it, or --cert, its certificate; one of the two',
    'cmkms cluster add --help',
  ],
  [
    'cluster replace c --with d=10.0.0.13:9430 --identity abc',
    '--identity takes the 64 hex digits that cmkms cluster home printed, not "abc"',
    'cmkms cluster replace --help',
  ],
  ['cluster remove', "missing required argument 'id'", 'cmkms cluster remove --help'],
  ['cluster cert', 'cmkms cluster cert needs a command', 'cmkms cluster cert --help'],
];
for (const [args, says, fix] of misuse) {
  test(`misuse: cmkms ${args}`, async () => {
    const said = terminal('/nowhere');
    const code = await run(
      args.split(' ').filter((word) => word !== ''),
      said,
    );
    assert.equal(said.printed.err, `error USAGE: ${says}\nfix: ${fix}\n`);
    assert.deepEqual([code, said.printed.out], [2, '']);
  });
}

test('misuse in the real program: the same two lines, and 2', async () => {
  const { code, out, err } = await cmkms(['start', '--peeer', 'a=b:1']);
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, twoLines);
});

test('colour only where the terminal has it', async () => {
  const said = terminal('/nowhere');
  await run(['strat'], { ...said, colorErr: true });
  assert.ok(said.printed.err.startsWith('\u001b[31merror\u001b[0m USAGE: '));
});

test('help names commands, variables and exit codes, on stdout, with code 0', async () => {
  const { code, out, err } = await cmkms(['--help']);
  assert.deepEqual([code, err], [0, '']);
  for (const words of ['cluster', 'COMETKMS_PEER is --peer', '3  refused for safety', 'import']) {
    assert.ok(out.includes(words), words);
  }
  const start = await cmkms(['start', '--help']);
  for (const flag of ['--raft-addr', '--http-addr', '--peer', '--insecure-raft', '--default-ttl']) {
    assert.ok(start.out.includes(flag), flag);
  }
  assert.ok(!`${out}${start.out}`.includes('\u001b'), 'no colour in a pipe');
});

test('version, for people and for programs', async () => {
  const plain = await cmkms(['version']);
  assert.match(plain.out, /^cmkms \d+\.\d+\.\d+ \(node v\d+/);
  const json = JSON.parse((await cmkms(['version', '--json'])).out) as Record<string, unknown>;
  assert.equal(json['node'], process.version);
});

test('--home before the command is --home after it, and the nearer one wins', async (t) => {
  const cwd = await scratch(t);
  for (const args of [
    ['--home', 'there', 'halt', 'show'],
    ['halt', 'show', '--home', 'there'],
    ['--home', 'elsewhere', 'halt', 'show', '--home', 'there'],
  ]) {
    const { code, err } = await cmkms(args, { cwd });
    assert.equal(code, 4);
    assert.match(err, new RegExp(`^error NOT_RUNNING: no replica answers for ${cwd}/there: `));
    assert.match(err, twoLines);
  }
});

test('the README of the Go program: one port for HTTP and validator is refused before anything is bound', async (t) => {
  const cwd = await scratch(t);
  const args =
    'start --home h --id node-0 --raft-addr 127.0.0.1:9430 --http-addr :8080 ' +
    '--peer node-0=127.0.0.1:9430 --peer node-1=127.0.0.1:9431 ' +
    '--validator-addr tcp://127.0.0.1:8080 --chain-id testnet-1';
  const { code, out, err } = await cmkms(args.split(' '), { cwd });
  assert.deepEqual([code, out], [2, '']);
  assert.equal(
    err,
    'error ADDR_CLASH: http_addr ":8080" covers validator tcp://127.0.0.1:8080 of chain testnet-1; ' +
      'one of the two cannot be bound and cmkms would talk to itself.\n' +
      'fix: --http-addr :8081, or move priv_validator_laddr (26659 is usual).\n',
  );
  assert.deepEqual(await readdir(cwd), [], 'and nothing is written');
});

test('a start that is refused for safety ends in 3, and leaves the home as it was', async (t) => {
  const home = await scratch(t);
  const args = ['start', '--home', home, '--chain-id', CHAIN, '--validator-addr', VALIDATOR];
  const { code, err } = await cmkms(args);
  assert.equal(code, 3);
  assert.match(err, /^error PEERS_EMPTY: .*sign alone.*\nfix: .*solo = true\.\n$/);
  assert.deepEqual(await readdir(home), []);
});

test('the home of the Go program is refused, and nothing is written beside its log', async (t) => {
  const home = await scratch(t);
  await mkdir(join(home, 'data', 'node-0'), { recursive: true });
  await writeFile(join(home, 'data', 'node-0', 'raft-log.bolt'), '');
  for (const command of ['start', 'check']) {
    const solo = ['--solo', '--chain-id', CHAIN, '--validator-addr', VALIDATOR];
    const { code, err } = await cmkms([command, '--home', home, ...solo]);
    assert.equal(code, 3);
    assert.match(err, /^error GO_DATA: .*data\/node-0\/raft-log\.bolt is from the Go CometKMS/);
    assert.match(err, twoLines);
  }
  assert.deepEqual(await readdir(join(home, 'data')), ['node-0']);
});

test('check finds a port that is in use, and says 4', async (t) => {
  const directory = await scratch(t);
  const homes = await makeFleet(directory);
  const home = homes['a'] ?? '';
  await writeKeyFile(join(home, 'priv', 'priv_validator_key.json'), keyOf(1));
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const at = `127.0.0.1:${port}`;
  const raft = await cmkms(['check', '--home', home, '--raft-addr', at, '--json']);
  assert.equal(raft.code, 4);
  assert.match(
    raft.err,
    new RegExp(`^error RAFT_BIND: cannot listen on ${at} for the other replicas: another process`),
  );
  const { ok, code } = JSON.parse(raft.out) as { ok: boolean; code: string };
  assert.deepEqual([ok, code], [false, 'RAFT_BIND']);
  const http = await cmkms(['check', '--home', home, '--http-addr', at]);
  assert.match(http.err, /^error HTTP_BIND: /);
  const foreign = await cmkms(['check', '--home', home, '--raft-addr', '192.0.2.1:9430']);
  assert.match(
    foreign.err,
    /not an address of this machine \(has .*\)\.\nfix: raft_addr = "0\.0\.0\.0:9430"/,
  );
  const good = await cmkms(['check', '--home', home, '--json']);
  const said = JSON.parse(good.out) as Record<string, unknown>;
  assert.deepEqual([good.code, good.err, said['ok'], said['id']], [0, '', true, 'a']);
});
