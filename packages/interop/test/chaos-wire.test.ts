/** A wire hands on the same bytes in the same order however late, and breaks as it is told to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { plain, Wire } from '../src/chaos/wire.js';

const ending: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const end of ending.toReversed()) await end();
});

/** Both ends of a connection through a wire. */
async function connected(): Promise<{ wire: Wire; near: Socket; far: Socket }> {
  const server: Server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  assert.ok(bound !== null && typeof bound !== 'string');
  const wire = new Wire({ host: '127.0.0.1', port: bound.port });
  const port = await wire.listen({ host: '127.0.0.1', port: 0 });
  const near = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true });
  const [far] = (await once(server, 'connection')) as [Socket];
  ending.push(async () => {
    near.destroy();
    far.destroy();
    await wire.stop();
    server.close();
  });
  return { wire, near, far };
}

/** To the end of this direction; an iterator would close the other one as well. */
function all(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.once('end', () => resolve(Buffer.concat(pieces)));
    socket.once('error', reject);
  });
}

test('what is late comes in order and whole, and the end comes after it', async () => {
  const { wire, near, far } = await connected();
  wire.order = { ...plain, delayMs: 1, jitterMs: 12 };
  const sent: Buffer[] = [];
  const arrived = all(far);
  for (let i = 0; i < 60; i += 1) {
    sent.push(Buffer.alloc(i % 7 === 0 ? 9000 : 11, i));
    near.write(sent.at(-1) ?? '');
    // Pieces of their own, not one large one.
    await new Promise((resolve) => setImmediate(resolve));
  }
  near.end();
  assert.deepEqual(await arrived, Buffer.concat(sent));
});

test('an end in one direction leaves the other open', async () => {
  const { near, far } = await connected();
  near.end('question');
  assert.equal((await all(far)).toString(), 'question');
  far.end('answer');
  assert.equal((await all(near)).toString(), 'answer');
});

/** Resolves once this end was told that the connection is over, by whichever means, with what had come until then. */
function broken(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    socket.on('data', (piece: Buffer) => {
      heard += piece.toString();
    });
    for (const event of ['end', 'error'] as const) socket.once(event, () => resolve(heard));
  });
}

test('a cut breaks both ends after half of a piece', async (t) => {
  const { wire, near, far } = await connected();
  t.mock.timers.enable({ apis: ['setInterval'] });
  wire.order = { ...plain, cutEveryMs: 1 };
  t.mock.timers.tick(1);
  const ends = Promise.all([broken(near), broken(far)]);
  near.write('12345678');
  const [, heard] = await ends;
  assert.ok(['', '1234'].includes(heard), `half of it at most, and not ${heard}`);
});

test('a silent wire carries nothing, and what it swallowed ends the connection', async () => {
  const { wire, near, far } = await connected();
  wire.order = { ...plain, silent: true };
  const ends = Promise.all([broken(near), broken(far)]);
  // More than all buffers on the way hold: once it is written, the wire has read.
  await new Promise((resolve) => near.write(Buffer.alloc(64 * 1024 * 1024), resolve));
  wire.order = plain;
  assert.deepEqual(await ends, ['', '']);
});
