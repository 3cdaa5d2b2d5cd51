/**
 * The commands that ask a running replica: what they send, what they print.
 *
 * Owns    one real admin socket per test, with answers like a replica's. The protocol: test/admin-socket.test.ts.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { run } from '../src/cli/run.js';
import { homePaths } from '../src/home.js';
import { CHAIN, scratch, terminal } from './scratch-homes.js';

const ADDRESS = 'AB'.repeat(20);

/** As the program, in this process. */
async function cmkms(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = terminal('/nowhere');
  const code = await run(args, said);
  return { code, ...said.printed };
}

/** Answers every request with `result`; tells what was asked. */
async function answering(
  t: TestContext,
  result: unknown,
): Promise<{ readonly home: string; readonly asked: Record<string, unknown>[] }> {
  const home = await scratch(t);
  const asked: Record<string, unknown>[] = [];
  await mkdir(join(home, 'data'));
  const server = createServer((socket) => {
    socket.once('data', (line) => {
      asked.push(JSON.parse(line.toString()) as Record<string, unknown>);
      socket.end(`${JSON.stringify({ v: 1, ok: true, result })}\n`);
    });
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(homePaths(home).adminSocket, resolve));
  return { home, asked };
}

const chain = { chainId: CHAIN, keyAddress: null };

const rows: readonly (readonly [
  args: string,
  result: unknown,
  request: Record<string, unknown>,
  out: string,
])[] = [
  [
    'floor raise --chain-id test-1 --height 50',
    { changed: true, floor: { height: '50', round: 2 ** 31 - 1, step: 3 } },
    // The whole height: round and step that were signed elsewhere are not known.
    { kind: 'floorRaise', ...chain, height: '50', round: 2 ** 31 - 1, step: 3 },
    'test-1: nothing at or below 50 is signed anew\n',
  ],
  [
    'floor raise --chain-id test-1 --height 50',
    { changed: false, floor: { height: '60', round: 1, step: 2 } },
    { kind: 'floorRaise', ...chain, height: '50', round: 2 ** 31 - 1, step: 3 },
    'test-1: nothing at or below 60/1/2 is signed anew (it was so already)\n',
  ],
  [
    `halt set --chain-id test-1 --height 9223372036854775807 --key ${ADDRESS.toLowerCase()}`,
    { changed: true, haltHeight: '9223372036854775807' },
    { kind: 'haltSet', chainId: CHAIN, keyAddress: ADDRESS, height: '9223372036854775807' },
    'test-1: nothing from 9223372036854775807 on\n',
  ],
  [
    'halt clear --chain-id test-1',
    { changed: false, haltHeight: null },
    { kind: 'haltClear', ...chain },
    'test-1: no halt height (it was so already)\n',
  ],
  [
    'halt show',
    { chains: [{ chainId: CHAIN, keyAddress: ADDRESS, haltHeight: '7' }] },
    { kind: 'haltShow' },
    `test-1 ${ADDRESS} 7\n`,
  ],
  [
    'chain retire --chain-id test-1',
    { changed: true, position: { height: '7', round: 0, step: 3 }, stateFile: '/h/state.json' },
    { kind: 'chainRetire', ...chain },
    'test-1 is retired: this cluster will never sign for it again\n' +
      'state for a plain validator: /h/state.json\n' +
      'stop all replicas, then move key and this state file into the node, and nowhere else\n',
  ],
];
for (const [args, result, request, out] of rows) {
  test(`cmkms ${args}: ${out.split('\n')[0]}`, async (t) => {
    const { home, asked } = await answering(t, result);
    const plain = await cmkms([...args.split(' '), '--home', home]);
    assert.deepEqual([plain.code, plain.err, plain.out], [0, '', out]);
    assert.deepEqual(asked, [{ v: 1, ...request }], 'asked once');
    const json = await cmkms([...args.split(' '), '--home', home, '--json']);
    assert.deepEqual(JSON.parse(json.out), result);
  });
}

test('a height or an address of a key that is none is refused before anybody is asked', async (t) => {
  const { home, asked } = await answering(t, {});
  const at = ['--home', home, '--chain-id', CHAIN];
  for (const args of [
    ['halt', 'set', '--height', '0'],
    ['halt', 'set', '--height', '9223372036854775808'],
    ['floor', 'raise', '--height', '1e3'],
    ['chain', 'retire', '--key', 'AB'],
  ]) {
    const { code, err } = await cmkms([...args, ...at]);
    assert.equal(code, 2);
    assert.match(err, /^error USAGE: --(height|key) takes .*\nfix: cmkms .*\n$/);
  }
  assert.deepEqual(asked, []);
});
