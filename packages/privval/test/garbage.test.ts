/**
 * Random and damaged bytes at each level: nothing throws, nothing is signed that no validator asked
 * for.
 *
 * Owns    nothing.
 * Never   expects one outcome: whatever comes, the end is typed and the process goes on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dial } from '../src/dialer.js';
import { PrivvalError } from '../src/errors.js';
import { FrameDecoder, frame } from '../src/framing.js';
import { decodeMessage, encodeMessage } from '../src/message-codec.js';
import { checkProposal, checkVote } from '../src/request-check.js';
import { createIdentity } from '../src/sealed-frames.js';
import { secretHandshake } from '../src/secret-connection.js';
import { Session, type SigningHandler } from '../src/session.js';
import { Listener } from './validator-side.js';
import { bytesOf, key, wire } from './vectors.js';

const handler: SigningHandler = {
  chainId: 'test-1',
  publicKey: () => key,
  signVote: () => assert.fail('a vote was asked for'),
  signProposal: () => assert.fail('a proposal was asked for'),
};
const events = { onRequest: () => {}, onInvalidRequest: () => {}, onLog: () => {} };

/** A valid message with some bytes changed: it gets further than random bytes do. */
const damaged = fc
  .record({
    hex: fc.constantFrom(...Object.values(wire)),
    changes: fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }),
    cut: fc.nat(200),
  })
  .map(({ hex, changes, cut }) => {
    const bytes = bytesOf(hex);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return cut < bytes.length && cut % 3 === 0 ? bytes.slice(0, cut) : bytes;
  });
const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged);

function typedOrNothing<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    assert.ok(error instanceof PrivvalError, `${error}`);
    return undefined;
  }
}

test('any bytes decode to a message or a typed error, and what decodes can be encoded', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const message = typedOrNothing(() => decodeMessage(bytes));
      if (message === undefined) return;
      assert.deepEqual(decodeMessage(encodeMessage(message)), message);
      if (message.kind === 'signVoteRequest') checkVote(message, message.chainId);
      if (message.kind === 'signProposalRequest') checkProposal(message, message.chainId);
    }),
    { numRuns: 3000 },
  );
});

test('any bytes are messages, an unfinished one, or a typed error to the frame decoder', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (chunks) => {
      const decoder = new FrameDecoder(64);
      typedOrNothing(() => {
        for (const chunk of chunks) {
          decoder.push(chunk);
          while (decoder.next() !== undefined);
        }
      });
    }),
    { numRuns: 1000 },
  );
});

test('any first bytes of a listener fail the handshake by a typed error', async (t) => {
  const listener = await Listener.open(t, 'tcp');
  const starts = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    // A right beginning, then anything: random keys, sealed frames that are none.
    fc.uint8Array({ maxLength: 3000 }).map((rest) => Buffer.concat([bytesOf('220a20'), rest])),
  );
  await fc.assert(
    fc.asyncProperty(starts, async (bytes) => {
      const plain = await dial(listener.address);
      const shaken = secretHandshake(plain, { identity: createIdentity() });
      const socket = await listener.accepted.next();
      socket.end(bytes);
      await shaken.then(
        () => assert.fail('shook hands with garbage'),
        (error: unknown) => assert.ok(error instanceof PrivvalError, `${error}`),
      );
    }),
    { numRuns: 60 },
  );
});

for (const kind of ['tcp', 'unix'] as const) {
  test(`${kind}: any bytes are answered or end the session, never signed`, async (t) => {
    const listener = await Listener.open(t, kind);
    const inputs = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        damaged.map((bytes) => frame(bytes)),
      ),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(inputs, async (chunks) => {
        const plain = await dial(listener.address);
        const identity = createIdentity();
        const ours =
          kind === 'unix' ? Promise.resolve(plain) : secretHandshake(plain, { identity });
        const [node, connection] = await Promise.all([listener.node(), ours]);
        const session = new Session(connection, handler, events);
        for (const chunk of chunks) node.sendBytes(chunk);
        node.connection.end();
        assert.ok((await session.ended) instanceof PrivvalError);
      }),
      { numRuns: 60 },
    );
  });
}
