/**
 * The life of a link, against real listeners: missing, wrong, silent, closing, and good ones.
 *
 * Owns    nothing.
 * Never   waits for a time to pass. Where a pause is part of the promise, only its lower bound is
 *         checked.
 */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer as createHttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import { parseValidatorAddress, type ValidatorAddress } from '../src/address.js';
import type { SignAnswer } from '../src/answer.js';
import { PlainConnection } from '../src/connection.js';
import { PrivvalError } from '../src/errors.js';
import type { Message } from '../src/messages.js';
import { createIdentity } from '../src/sealed-frames.js';
import { secretHandshake } from '../src/secret-connection.js';
import type { LogEntry, RequestKind, SigningHandler } from '../src/session.js';
import {
  type DialOutcome,
  type LinkOptions,
  type LinkState,
  ValidatorLink,
} from '../src/validator-link.js';
import { Feed, frozenListener, Listener, NodeSide } from './validator-side.js';
import { bytesOf, key, prevote, time } from './vectors.js';

const chainId = 'test-1';
const ping: Message = { kind: 'pingRequest' };
const vote: Message = {
  ...{ kind: 'signVoteRequest', vote: prevote, chainId, skipExtensionSigning: false },
};
const signed: SignAnswer = {
  ...{ kind: 'signed', signature: new Uint8Array(64).fill(1), timestamp: time },
  extensionSignature: null,
};

class Watch {
  readonly states = new Feed<LinkState>();
  readonly dials = new Feed<{ outcome: DialOutcome; detail: string }>();
  readonly badFrames = new Feed<string>();
  /** The state of the link each time that it was said to be silent. */
  readonly silences: LinkState[] = [];
  readonly requests: RequestKind[] = [];
  readonly log: LogEntry[] = [];
  readonly link: ValidatorLink;
  onShown: (state: LinkState, detail: string) => void = () => {};

  constructor(t: TestContext, address: ValidatorAddress, options: Partial<LinkOptions> = {}) {
    const handler: SigningHandler = {
      chainId,
      publicKey: () => key,
      signVote: () => Promise.resolve(signed),
      signProposal: () => Promise.resolve(signed),
    };
    const events = {
      onState: (state: LinkState, detail: string) => {
        this.states.push(state);
        this.onShown(state, detail);
      },
      onDial: (outcome: DialOutcome, detail: string) => this.dials.push({ outcome, detail }),
      onSilent: () => this.silences.push(this.link.state),
      onBadFrame: (reason: string) => this.badFrames.push(reason),
      onRequest: (kind: RequestKind) => this.requests.push(kind),
      onInvalidRequest: () => {},
      onLog: (entry: LogEntry) => this.log.push(entry),
    };
    this.link = new ValidatorLink(address, handler, events, { retryMs: 20, ...options });
    t.after(() => this.link.release('reset'));
  }

  /** From the first line with this message. */
  fact(message: string, name: string): string | number | bigint | undefined {
    return this.log.find((entry) => entry.message === message)?.facts[name];
  }

  async until(state: LinkState): Promise<void> {
    for (let seen = await this.states.next(); seen !== state; seen = await this.states.next());
  }

  async reaches(...expected: LinkState[]): Promise<void> {
    for (const state of expected) assert.equal(await this.states.next(), state);
  }
}

for (const kind of ['tcp', 'unix'] as const) {
  test(`${kind}: dialing, handshaking, connected by a ping, active by a vote`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address);
    assert.equal(watch.link.state, 'idle');
    watch.link.hold();
    const node = await listener.node();
    assert.equal((await watch.dials.next()).outcome, 'ok');
    await node.ask(ping);
    await watch.reaches('dialing', 'handshaking', 'connected');
    const answer = await node.ask(vote);
    assert.equal((answer as Message).kind, 'signedVoteResponse');
    await watch.reaches('active');
    await node.ask(ping);
    assert.equal(watch.link.state, 'active');
    assert.deepEqual(watch.requests, ['ping', 'vote', 'ping']);
  });

  test(`${kind}: a link that is no longer asked to sign is connected again`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address, { activeForMs: 20 });
    watch.link.hold();
    const node = await listener.node();
    await node.ask(vote);
    await watch.until('active');
    await watch.reaches('connected');
  });

  test(`${kind}: released, the node sees a clean end and no further dial`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address);
    watch.link.hold();
    const node = await listener.node();
    await node.ask(ping);
    await watch.link.release();
    assert.equal((await node.closed).code, 'PRIVVAL_CLOSED');
    assert.equal(watch.link.state, 'idle');
    assert.equal(listener.acceptedCount, 1);
  });

  test(`${kind}: released by a reset, the node sees that`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address);
    watch.link.hold();
    const node = await listener.node();
    await watch.link.release('reset');
    assert.equal(await node.closeCode(), kind === 'tcp' ? 'ECONNRESET' : undefined);
  });

  test(`${kind}: a validator that closes is dialled again`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address);
    watch.link.hold();
    const first = await listener.node();
    await first.ask(ping);
    first.connection.end();
    const second = await listener.node();
    await second.ask(ping);
    await watch.reaches('dialing', 'handshaking', 'connected', 'dialing', 'handshaking');
    await watch.reaches('connected');
  });

  test(`${kind}: reset, the node feels it, and is dialled after the hold-off`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address);
    watch.link.hold();
    const first = await listener.node();
    await first.ask(ping);
    const resetAt = performance.now();
    watch.link.reset(150);
    assert.equal(await first.closeCode(), kind === 'tcp' ? 'ECONNRESET' : undefined);
    const second = await listener.node();
    // A millisecond of grace: timers and this clock round differently.
    assert.ok(performance.now() - resetAt >= 149);
    await second.ask(ping);
    assert.equal(watch.link.state, 'connected');
  });

  test(`${kind}: bytes that break the protocol are reported by name`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address);
    watch.link.hold();
    const node = await listener.node();
    node.sendBytes(bytesOf('ffffff7f'));
    assert.equal(await watch.badFrames.next(), 'oversize');
    assert.equal(watch.fact('link closed', 'code'), 'PRIVVAL_OVERSIZE');
    assert.equal(watch.fact('link closed', 'validator'), listener.address.text);
    await listener.node();
  });

  test(`${kind}: however often it is held and let go, there is one connection`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address);
    const released: Promise<void>[] = [];
    for (let i = 0; i < 10; i++) {
      watch.link.hold();
      watch.link.hold();
      released.push(watch.link.release());
    }
    watch.link.hold();
    await Promise.all(released);
    // The first attempt may have been given up after it was accepted.
    let node = await listener.node();
    while ((await node.ask(ping)) instanceof PrivvalError) node = await listener.node();
    assert.ok(listener.acceptedCount <= 2, `${listener.acceptedCount} connections`);
    assert.equal(listener.accepted.unread.length, 0);
    assert.equal(watch.link.state, 'connected');
  });
}

test('a node that starts later is found, and until then each failure is named', async (t) => {
  const before = await Listener.open(t, 'tcp');
  await before.close();
  const watch = new Watch(t, before.address);
  watch.link.hold();
  for (let i = 0; i < 3; i++) {
    const { outcome, detail } = await watch.dials.next();
    assert.equal(outcome, 'refused');
    assert.match(detail, /node down or priv_validator_laddr unset/);
  }
  assert.equal(watch.link.state, 'dialing');
  const listener = await Listener.open(t, 'tcp', before.address.text);
  const node = await listener.node();
  await node.ask(ping);
  assert.equal(watch.link.state, 'connected');
  assert.ok(Number(watch.fact('link open', 'tries')) > 3);
});

test('a unix socket that is missing is named', async (t) => {
  const watch = new Watch(t, parseValidatorAddress('unix:///nonexistent/privval.sock'));
  watch.link.hold();
  const { outcome, detail } = await watch.dials.next();
  assert.equal(outcome, 'refused');
  assert.match(detail, /no such unix socket/);
});

test('the RPC port is named, again and again, and never becomes a link', async (t) => {
  const server = createHttpServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const bound = server.address();
  assert.ok(typeof bound === 'object' && bound !== null);
  const watch = new Watch(t, parseValidatorAddress(`tcp://127.0.0.1:${bound.port}`));
  watch.link.hold();
  for (let i = 0; i < 2; i++) {
    const { outcome, detail } = await watch.dials.next();
    assert.equal(outcome, 'not_privval');
    assert.match(detail, /HTTP.*that is the RPC port/);
  }
  assert.deepEqual(watch.requests, []);
});

test('a listener that never speaks is parked, and stays so through the next dials', async (t) => {
  const listener = await Listener.open(t, 'tcp');
  const watch = new Watch(t, listener.address, { parkedAfterMs: 10, handshakeTimeoutMs: 250 });
  watch.link.hold();
  await watch.reaches('dialing', 'handshaking', 'parked');
  assert.equal((await watch.dials.next()).outcome, 'parked');
  assert.equal((await watch.dials.next()).outcome, 'parked');
  assert.equal(watch.states.unread.length, 0);
  assert.equal(watch.log.filter(({ message }) => message === 'link parked').length, 1);
  // The other signer has left: the node now answers.
  const node = await listener.node();
  await node.ask(ping);
  assert.equal(watch.link.state, 'connected');
});

for (const kind of ['tcp', 'unix'] as const) {
  test(`${kind}: a connection that opens and then stays silent is parked`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address, { parkedAfterMs: 10 });
    watch.link.hold();
    const node = await listener.node();
    await watch.until('parked');
    await node.ask(ping);
    await watch.until('connected');
  });
}

test('a request that comes in one piece with the end of the handshake makes the link connected', async (t) => {
  const listener = await Listener.open(t, 'tcp');
  const watch = new Watch(t, listener.address);
  watch.link.hold();
  const socket = await listener.accepted.next();
  const shaking = secretHandshake(new PlainConnection(socket, 'tcp'), {
    identity: createIdentity(),
  });
  // Its ephemeral key has left; the rest leaves together.
  socket.cork();
  const node = new NodeSide(await shaking, socket);
  const answered = node.ask(ping);
  socket.uncork();
  await answered;
  assert.equal(watch.link.state, 'connected');
});

for (const kind of ['tcp', 'unix'] as const) {
  test(`${kind}: what talked and fell silent is said to be silent, before its link is down`, async (t) => {
    const listener = await Listener.open(t, kind);
    const watch = new Watch(t, listener.address, { idleTimeoutMs: 20 });
    watch.link.hold();
    const node = await listener.node();
    await node.ask(ping);
    await watch.until('connected');
    await watch.until('dialing');
    assert.deepEqual(watch.silences, ['connected']);
  });

  test(`${kind}: where another signer holds the node, or the node closes, nobody says silent`, async (t) => {
    const listener = await Listener.open(t, kind);
    const parked = new Watch(t, listener.address, { firstMessageTimeoutMs: 20 });
    parked.link.hold();
    await listener.node();
    // Given up without a message, and dialled again.
    await listener.accepted.next();
    const other = await Listener.open(t, kind);
    const closed = new Watch(t, other.address);
    closed.link.hold();
    const node = await other.node();
    await node.ask(ping);
    node.connection.end();
    await closed.until('connected');
    await closed.until('dialing');
    assert.deepEqual([...parked.silences, ...closed.silences], []);
  });
}

test('a machine that answers no dial is silent', async (t) => {
  const address = await frozenListener(t);
  const options = { dialTimeoutMs: 150, handshakeTimeoutMs: 10, retryMs: 5 };
  const watch = new Watch(t, address, options);
  watch.link.hold();
  for (let dial = await watch.dials.next(); dial.outcome !== 'timeout'; ) {
    assert.deepEqual(watch.silences, [], 'its queue took the others');
    dial = await watch.dials.next();
  }
  await watch.dials.next();
  assert.ok(watch.silences.length > 0);
});

test('a peer that closes each connection at once is not dialled faster for it', async (t) => {
  const listener = await Listener.open(t, 'tcp');
  listener.server.on('connection', (socket) => socket.destroy());
  const startedAt = performance.now();
  const watch = new Watch(t, listener.address, { retryMs: 50 });
  watch.link.hold();
  for (let i = 0; i < 5; i++) assert.equal((await watch.dials.next()).outcome, 'handshake');
  // Four pauses, each at least four fifths of 50 ms; the grace is for the clocks' rounding.
  assert.ok(performance.now() - startedAt >= 4 * 40 - 4);
});

test('a handshake that stops halfway is a failed handshake, not a parked link', async (t) => {
  const listener = await Listener.open(t, 'tcp');
  listener.server.on('connection', (socket) => socket.write(bytesOf('220a20')));
  const watch = new Watch(t, listener.address, { handshakeTimeoutMs: 40 });
  watch.link.hold();
  const { outcome, detail } = await watch.dials.next();
  assert.equal(outcome, 'handshake');
  assert.match(detail, /stopped after 3 bytes/);
});

test('released while it waits, dials or shakes hands, it ends at once', async (t) => {
  const silent = await Listener.open(t, 'tcp');
  const shaking = new Watch(t, silent.address);
  shaking.link.hold();
  await silent.accepted.next();
  await shaking.link.release();
  assert.equal(shaking.link.state, 'idle');

  const closed = await Listener.open(t, 'tcp');
  await closed.close();
  const waiting = new Watch(t, closed.address, { retryMs: 1000 });
  waiting.link.hold();
  await waiting.dials.next();
  await waiting.link.release();
  assert.equal(waiting.link.state, 'idle');

  const dialling = new Watch(t, silent.address);
  dialling.link.hold();
  await dialling.link.release();
  assert.equal(dialling.link.state, 'idle');
  assert.equal(dialling.dials.unread.length, 0, 'our own interruption is no outcome');
});

// The handshake would go on for longer than the test may.
const longShake = { timeout: 20_000 };
test('released in any step of the turn in which it connects, it ends', longShake, async (t) => {
  const listener = await Listener.open(t, 'tcp');
  const afterSteps = async (steps: number) => {
    for (let i = 0; i < steps; i++) await null;
  };
  for (let steps = 0; steps < 16; steps++) {
    const watch = new Watch(t, listener.address, { handshakeTimeoutMs: 60_000 });
    const released = new Promise<void>((resolve) => {
      const onSocket = (message: unknown) => {
        unsubscribe('net.client.socket', onSocket);
        // Before the dialer's own listener, and then so many microtasks later.
        (message as { socket: Socket }).socket.once('connect', () => {
          void afterSteps(steps).then(() => resolve(watch.link.release('reset')));
        });
      };
      subscribe('net.client.socket', onSocket);
    });
    watch.link.hold();
    await released;
    assert.equal(watch.link.state, 'idle');
    assert.deepEqual(watch.dials.unread, [], `after ${steps} steps`);
  }
});

for (const at of ['dialing', 'handshaking', 'connected', 'active'] as const) {
  test(`an owner may let go from inside the event that says ${at}`, async (t) => {
    const listener = await Listener.open(t, 'tcp');
    const watch = new Watch(t, listener.address);
    const released = new Promise<void>((resolve) => {
      watch.onShown = (state) => {
        if (state === at) resolve(watch.link.release('reset'));
      };
    });
    // Where the release comes first, there is no handshake to end.
    void listener.node().then(
      (node) => node.send(ping, vote),
      () => {},
    );
    watch.link.hold();
    await released;
    assert.equal(watch.link.state, 'idle');
  });
}
