/** Between two replicas stands one wire, whichever of them dials, and orders for one pair leave the others alone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { plain } from '@cometkms/interop';
import { RaftWires } from '../src/systems/raft-wires.js';

const names = ['a', 'b', 'c'] as const;
type Name = (typeof names)[number];

const wires = await RaftWires.lay(names);
const sockets: Socket[] = [];
const servers = wires.places.map(({ raftAddress }) => {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  return server.listen(Number(raftAddress.split(':')[1]), '127.0.0.1');
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  await wires.stop();
  for (const server of servers) server.close();
});

/** As `dials` would, by its own list of peers. */
async function dialled(dials: Name, other: Name): Promise<Socket> {
  const { args } = wires.places[names.indexOf(dials)] ?? { args: [] };
  const address = args.find((arg) => arg.startsWith(`${other}=`))?.split(':')[1];
  const socket = connect(Number(address), '127.0.0.1');
  sockets.push(socket);
  // Those of earlier tests are cut later on.
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function roundTripMs(socket: Socket): Promise<number> {
  const startedAtMs = performance.now();
  socket.write('ping');
  await once(socket, 'data');
  return performance.now() - startedAtMs;
}

test('a round trip takes the delay twice, whichever side dialled; other pairs keep theirs', async () => {
  const delayMs = 60;
  wires.order('a', 'b', { ...plain, delayMs });
  for (const socket of [await dialled('a', 'b'), await dialled('b', 'a')]) {
    // A timer may fire a millisecond early.
    assert.ok((await roundTripMs(socket)) >= 2 * delayMs - 2);
  }
  const other = await dialled('a', 'c');
  const trips = [await roundTripMs(other), await roundTripMs(other), await roundTripMs(other)];
  assert.ok(Math.min(...trips) < 2 * delayMs);
  wires.heal();
});

test('cut off by a reset: what this replica dialled and what was dialled from it breaks, the rest lives on', async () => {
  const [out, inward, rest] = [
    await dialled('a', 'b'),
    await dialled('c', 'a'),
    await dialled('b', 'c'),
  ];
  const broken = [out, inward].map((socket) => once(socket, 'error'));
  for (const socket of [out, inward, rest]) await roundTripMs(socket);
  wires.cutOff('a', { reset: true });
  for (const [error] of (await Promise.all(broken)) as [NodeJS.ErrnoException][]) {
    assert.equal(error.code, 'ECONNRESET');
  }
  await roundTripMs(rest);
  wires.heal();
});

test('cut off silently: nothing comes and nothing breaks, until it is healed', async () => {
  const socket = await dialled('b', 'a');
  await roundTripMs(socket);
  wires.cutOff('a', { reset: false });
  const heard: string[] = [];
  socket.on('data', () => heard.push('data'));
  socket.on('error', () => heard.push('error'));
  socket.write('ping');
  // Another pair's round trip, twice: the lost one would have come in that time.
  const rest = await dialled('c', 'b');
  for (let i = 0; i < 2; i += 1) await roundTripMs(rest);
  assert.deepEqual(heard, []);
  wires.heal();
  await new Promise((resolve) => socket.once('close', resolve));
  assert.deepEqual(heard, ['error']);
});
