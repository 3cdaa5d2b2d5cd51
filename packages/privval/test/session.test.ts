/**
 * What each input leads to, over real unix sockets and real SecretConnections: which answer, or
 * which end, and that nothing is ever written after the end.
 *
 * Owns    nothing.
 * Never   waits for a time to pass: every wait is for an answer or an end.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SignAnswer } from '../src/answer.js';
import type { Connection, Receiver, TransportKind } from '../src/connection.js';
import { dial } from '../src/dialer.js';
import { type PrivvalCode, PrivvalError } from '../src/errors.js';
import { frame } from '../src/framing.js';
import type { Message, Proposal, Vote } from '../src/messages.js';
import { createIdentity } from '../src/sealed-frames.js';
import { secretHandshake } from '../src/secret-connection.js';
import {
  type LogEntry,
  type RequestKind,
  Session,
  type SessionOptions,
  type SigningHandler,
} from '../src/session.js';
import { Feed, Listener, type NodeSide } from './validator-side.js';
import {
  blockId,
  bytesOf,
  empty,
  key,
  nilBlockId,
  precommit,
  prevote,
  proposal,
  time,
} from './vectors.js';

const chainId = 'test-1';
const transports = ['tcp', 'unix'] as const;
const ping: Message = { kind: 'pingRequest' };
const pong: Message = { kind: 'pingResponse' };

function askVote(vote: Vote | null, chain = chainId): Message {
  return { kind: 'signVoteRequest', vote, chainId: chain, skipExtensionSigning: false };
}

function askProposal(asked: Proposal | null, chain = chainId): Message {
  return { kind: 'signProposalRequest', proposal: asked, chainId: chain };
}

const signature = new Uint8Array(64).fill(1);
const extensionSignature = new Uint8Array(64).fill(2);
const signedVote: SignAnswer = {
  ...{ kind: 'signed', signature, timestamp: time },
  extensionSignature: null,
};

/** Counts writes below the session, so that even one into a closed connection is seen. */
class Watched implements Connection {
  writes = 0;
  constructor(readonly inner: Connection) {}
  get transport(): TransportKind {
    return this.inner.transport;
  }
  get unsentBytes(): number {
    return this.inner.unsentBytes;
  }
  start(receiver: Receiver): void {
    this.inner.start(receiver);
  }
  write(bytes: Uint8Array): void {
    this.writes += 1;
    this.inner.write(bytes);
  }
  end(): void {
    this.inner.end();
  }
  reset(): void {
    this.inner.reset();
  }
}

class Signer implements SigningHandler {
  readonly chainId = chainId;
  readonly asked = new Feed<string>();
  calls = 0;
  atOnce = 0;
  mostAtOnce = 0;
  constructor(readonly decide: () => Promise<SignAnswer>) {}
  publicKey() {
    return key;
  }
  signVote = () => this.#sign('vote');
  signProposal = () => this.#sign('proposal');
  async #sign(kind: string): Promise<SignAnswer> {
    this.calls += 1;
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    this.asked.push(kind);
    const answer = await this.decide();
    this.atOnce -= 1;
    return answer;
  }
}

interface Opened {
  readonly node: NodeSide;
  readonly session: Session;
  readonly signer: Signer;
  readonly connection: Watched;
  readonly log: LogEntry[];
  readonly requests: RequestKind[];
  readonly invalid: PrivvalError[];
  /** Resolves with each line. */
  readonly lines: Feed<LogEntry>;
}

async function open(
  t: TestContext,
  kind: TransportKind,
  decide: () => Promise<SignAnswer> = () => Promise.resolve(signedVote),
  options: Partial<SessionOptions> = {},
): Promise<Opened> {
  const listener = await Listener.open(t, kind);
  const plain = await dial(listener.address);
  const identity = createIdentity();
  const ours = kind === 'unix' ? Promise.resolve(plain) : secretHandshake(plain, { identity });
  const [node, opened] = await Promise.all([listener.node(), ours]);
  const connection = new Watched(opened);
  const signer = new Signer(decide);
  const log: LogEntry[] = [];
  const lines = new Feed<LogEntry>();
  const requests: RequestKind[] = [];
  const invalid: PrivvalError[] = [];
  const events = {
    onRequest: (request: RequestKind) => requests.push(request),
    onInvalidRequest: (_: RequestKind, error: PrivvalError) => invalid.push(error),
    onLog: (entry: LogEntry) => {
      log.push(entry);
      lines.push(entry);
    },
  };
  const session = new Session(connection, signer, events, options);
  t.after(() => session.reset());
  return { node, session, signer, connection, log, lines, requests, invalid };
}

// ------------------------------------------------------------------------------- good requests

for (const kind of transports) {
  test(`${kind}: ping, key, vote and proposal are answered in their own kind`, async (t) => {
    const { node, requests } = await open(t, kind);
    assert.deepEqual(await node.ask(ping), pong);
    assert.deepEqual(await node.ask({ kind: 'pubKeyRequest', chainId }), {
      ...{ kind: 'pubKeyResponse', key, error: null },
    });
    const vote = await node.ask(askVote(prevote));
    assert.deepEqual(vote, {
      ...{ kind: 'signedVoteResponse', vote: { ...prevote, signature }, error: null },
    });
    const proposed = await node.ask(askProposal(proposal));
    assert.deepEqual(proposed, {
      kind: 'signedProposalResponse',
      proposal: { ...proposal, type: 32, signature },
      error: null,
    });
    assert.deepEqual(requests, ['ping', 'pubKey', 'vote', 'proposal']);
  });

  test(`${kind}: a vote with an extension of 1 MiB gets a small answer`, async (t) => {
    const answer: SignAnswer = { ...signedVote, extensionSignature };
    const { node } = await open(t, kind, () => Promise.resolve(answer));
    const extension = new Uint8Array(1024 * 1024).fill(5);
    const response = await node.ask(askVote({ ...precommit, extension }));
    assert.deepEqual(response, {
      kind: 'signedVoteResponse',
      vote: { ...precommit, signature, extension: empty, extensionSignature },
      error: null,
    });
  });

  test(`${kind}: a refusal is a typed error, and the link stays`, async (t) => {
    const refused: SignAnswer = { kind: 'refused', code: 2, description: 'CONFLICT: no' };
    const { node } = await open(t, kind, () => Promise.resolve(refused));
    const error = { code: 2, description: 'CONFLICT: no' };
    assert.deepEqual(await node.ask(askVote(prevote)), {
      ...{ kind: 'signedVoteResponse', vote: null, error },
    });
    assert.deepEqual(await node.ask(askProposal(proposal)), {
      ...{ kind: 'signedProposalResponse', proposal: null, error },
    });
    assert.deepEqual(await node.ask(ping), pong);
  });

  test(`${kind}: requests that come at once are answered one by one, in order`, async (t) => {
    const turns = new Feed<SignAnswer>();
    const { node, signer, requests } = await open(t, kind, () => turns.next());
    node.send(askVote(prevote), ping, askProposal(proposal), askVote(prevote), ping);
    assert.equal(await signer.asked.next(), 'vote');
    // Nothing that came after it was looked at.
    assert.deepEqual(requests, ['vote']);
    turns.push(signedVote);
    turns.push({ kind: 'refused', code: 0, description: '' });
    turns.push(signedVote);
    const kinds = [];
    for (let i = 0; i < 5; i++) kinds.push((await node.answers.next()).kind);
    assert.deepEqual(kinds, [
      'signedVoteResponse',
      'pingResponse',
      'signedProposalResponse',
      'signedVoteResponse',
      'pingResponse',
    ]);
    assert.equal(signer.mostAtOnce, 1);
    assert.equal(node.answers.unread.length, 0);
  });
}

// -------------------------------------------------------- bad requests that get a typed error

const refusals: readonly (readonly [
  why: string,
  message: Message,
  answer: Message['kind'],
  code: PrivvalCode,
])[] = [
  [
    'the public key for another chain',
    { kind: 'pubKeyRequest', chainId: 'test-2' },
    'pubKeyResponse',
    'PRIVVAL_WRONG_CHAIN',
  ],
  [
    'a vote for another chain',
    askVote(prevote, 'test-2'),
    'signedVoteResponse',
    'PRIVVAL_WRONG_CHAIN',
  ],
  [
    'a proposal for another chain',
    askProposal(proposal, 'test-2'),
    'signedProposalResponse',
    'PRIVVAL_WRONG_CHAIN',
  ],
  ['no vote', askVote(null), 'signedVoteResponse', 'PRIVVAL_BAD_REQUEST'],
  ['no proposal', askProposal(null), 'signedProposalResponse', 'PRIVVAL_BAD_REQUEST'],
  ['vote type 0', askVote({ ...prevote, type: 0 }), 'signedVoteResponse', 'PRIVVAL_BAD_REQUEST'],
  ['vote type 7', askVote({ ...prevote, type: 7 }), 'signedVoteResponse', 'PRIVVAL_BAD_REQUEST'],
  [
    'a block hash of 5 bytes',
    askVote({ ...prevote, blockId: { ...blockId, hash: new Uint8Array(5) } }),
    'signedVoteResponse',
    'PRIVVAL_BAD_REQUEST',
  ],
  [
    'a negative height',
    askVote({ ...prevote, height: -1n }),
    'signedVoteResponse',
    'PRIVVAL_BAD_REQUEST',
  ],
  [
    'a proposal of negative height',
    askProposal({ ...proposal, height: -1n }),
    'signedProposalResponse',
    'PRIVVAL_BAD_REQUEST',
  ],
  [
    'a nil precommit with an extension',
    askVote({ ...precommit, blockId: nilBlockId }),
    'signedVoteResponse',
    'PRIVVAL_UNEXPECTED_EXTENSION',
  ],
  ['arbitrary bytes', { kind: 'signBytesRequest' }, 'signBytesResponse', 'PRIVVAL_SIGN_BYTES'],
];
for (const kind of transports) {
  for (const [why, message, answer, code] of refusals) {
    test(`${kind}: ${code} for ${why}; the link stays and the signer was not asked`, async (t) => {
      const { node, signer, log, invalid } = await open(t, kind);
      const response = await node.ask(message);
      assert.ok(!(response instanceof PrivvalError), 'the connection ended');
      assert.equal(response.kind, answer);
      assert.ok('error' in response && response.error?.description.startsWith(code));
      assert.ok(!('signature' in response) || response.signature.length === 0);
      assert.deepEqual(await node.ask(ping), pong);
      assert.equal(signer.calls, 0);
      assert.deepEqual(
        invalid.map((error) => error.code),
        [code],
      );
      assert.deepEqual(
        log.map(({ facts: { code: logged } }) => logged),
        [code],
      );
    });
  }
}

test("Celestia's request for raw bytes gets the same refusal", async (t) => {
  const { node } = await open(t, 'unix');
  node.sendBytes(frame(bytesOf('4a0c0a02636812036162631a0178')));
  const response = await node.answers.next();
  assert.equal(response.kind, 'signBytesResponse');
});

// --------------------------------------------------------------------- bytes that end the link

const bad: readonly (readonly [why: string, bytes: string, code: PrivvalCode])[] = [
  ['an oversized message', 'ffffff7f', 'PRIVVAL_OVERSIZE'],
  ['a length that never ends', '80808080808080808080', 'PRIVVAL_VARINT'],
  ['a message that is no protobuf', '030a7f00', 'PRIVVAL_UNDECODABLE'],
  ['an empty message', '00', 'PRIVVAL_EMPTY_MESSAGE'],
  ['a kind that is not known', '025a00', 'PRIVVAL_EMPTY_MESSAGE'],
  ['an answer instead of a request', '024200', 'PRIVVAL_UNEXPECTED_MESSAGE'],
];
for (const kind of transports) {
  for (const [why, bytes, code] of bad) {
    test(`${kind}: ${why} ends the link (${code}), answered by nothing`, async (t) => {
      const { node, session, signer } = await open(t, kind);
      node.sendBytes(bytesOf(bytes));
      assert.equal((await session.ended).code, code);
      assert.equal(await node.closeCode(), kind === 'tcp' ? 'ECONNRESET' : undefined);
      assert.equal(node.answers.unread.length, 0);
      assert.equal(signer.calls, 0);
    });
  }

  test(`${kind}: a message cut off by the end is named`, async (t) => {
    const { node, session } = await open(t, kind);
    node.sendBytes(bytesOf('053a00'));
    node.connection.end();
    assert.equal((await session.ended).code, 'PRIVVAL_TRUNCATED');
  });

  test(`${kind}: a clean end between messages is no fault`, async (t) => {
    const { node, session } = await open(t, kind);
    await node.ask(ping);
    node.connection.end();
    const cause = await session.ended;
    assert.deepEqual([cause.code, cause.facts], ['PRIVVAL_CLOSED', { by: 'validator' }]);
  });

  test(`${kind}: a message's worth behind a pending answer ends the link`, async (t) => {
    const never = () => new Promise<SignAnswer>(() => {});
    const { node, session, signer } = await open(t, kind, never, { maxMessageBytes: 1000 });
    node.send(askVote(prevote));
    await signer.asked.next();
    node.sendBytes(new Uint8Array(2000).fill(1));
    assert.equal((await session.ended).code, 'PRIVVAL_PIPELINED');
  });

  test(`${kind}: a peer that asks and asks and does not read ends the link`, async (t) => {
    const { node, session } = await open(t, kind);
    node.socket.pause();
    const flood = Buffer.concat(Array.from({ length: 150_000 }, () => bytesOf('023a00')));
    node.sendBytes(flood);
    assert.equal((await session.ended).code, 'PRIVVAL_NOT_READING');
  });
}

test('tcp: a frame that was tampered with ends the link', async (t) => {
  const { node, session } = await open(t, 'tcp');
  node.socket.write(new Uint8Array(1044));
  assert.equal((await session.ended).code, 'PRIVVAL_DECRYPT');
});

// ------------------------------------------------------------- drops, deadlines, late answers

for (const kind of transports) {
  const gone = kind === 'tcp' ? 'ECONNRESET' : undefined;

  test(`${kind}: a drop is felt at once: ${gone ?? 'closed'}`, async (t) => {
    const drop: SignAnswer = { kind: 'drop', reason: 'no leader' };
    const { node, session } = await open(t, kind, () => Promise.resolve(drop));
    node.send(askVote(prevote));
    assert.equal(await node.closeCode(), gone);
    const cause = await session.ended;
    assert.equal(cause.code, 'PRIVVAL_DROPPED');
    assert.match(cause.message, /no leader/);
    assert.equal(node.answers.unread.length, 0);
  });

  for (const [how, decide] of [
    ['rejects', () => Promise.reject(new Error('gate is shut'))],
    [
      'throws',
      () => {
        throw new Error('gate is shut');
      },
    ],
  ] as const) {
    test(`${kind}: a handler that ${how} counts as a drop`, async (t) => {
      const { node, session } = await open(t, kind, decide);
      node.send(askVote(prevote));
      assert.equal(await node.closeCode(), gone);
      assert.match((await session.ended).message, /gate is shut/);
    });
  }

  test(`${kind}: an answer that would stop the node's consensus is held back`, async (t) => {
    // A precommit for a block, signed without its extension.
    const { node, session } = await open(t, kind);
    node.send(askVote(precommit));
    assert.equal((await session.ended).code, 'PRIVVAL_ANSWER_UNFIT');
    assert.equal(await node.closeCode(), gone);
    assert.equal(node.answers.unread.length, 0);
  });

  const endings: readonly (readonly [
    why: string,
    end: (opened: Opened) => void,
    code: PrivvalCode,
    options?: Partial<SessionOptions>,
  ])[] = [
    ['the validator closes', ({ node }) => node.connection.end(), 'PRIVVAL_CLOSED'],
    ['the signer resets', ({ session }) => session.reset(), 'PRIVVAL_CLOSED'],
    ['the signer closes', ({ session }) => session.close(), 'PRIVVAL_CLOSED'],
    ['the deadline passes', () => {}, 'PRIVVAL_ANSWER_DEADLINE', { answerDeadlineMs: 20 }],
  ];
  for (const [why, end, code, options] of endings) {
    test(`${kind}: an answer that comes after ${why} is never written`, async (t) => {
      const turns = new Feed<SignAnswer>();
      const opened = await open(t, kind, () => turns.next(), options);
      const { node, session, signer, connection, lines } = opened;
      // A second request waits behind it: it must not be taken up either.
      node.send(askVote(prevote), askVote(prevote));
      await signer.asked.next();
      end(opened);
      assert.equal((await session.ended).code, code);
      turns.push(signedVote);
      const line = await lines.next();
      assert.equal(line.message, 'late answer discarded');
      assert.deepEqual(line.facts, { answer: 'signed', ended: code });
      await node.closed;
      assert.equal(connection.writes, 0);
      assert.equal(node.answers.unread.length, 0);
      assert.equal(signer.calls, 1);
    });
  }

  test(`${kind}: reset once answered, what is being answered is the last`, async (t) => {
    const turns = new Feed<SignAnswer>();
    const { node, session, signer, connection } = await open(t, kind, () => turns.next());
    node.send(askVote(prevote), askVote(prevote));
    await signer.asked.next();
    session.resetOnceAnswered();
    turns.push(signedVote);
    assert.equal((await session.ended).code, 'PRIVVAL_CLOSED');
    await node.closed;
    assert.deepEqual(
      node.answers.unread.map(({ kind: answer }) => answer),
      ['signedVoteResponse'],
    );
    assert.equal(connection.writes, 1);
    assert.equal(signer.calls, 1, 'the second request is the next signer’s');
  });

  test(`${kind}: reset once answered, with nothing to answer, at once`, async (t) => {
    const { session, signer } = await open(t, kind);
    session.resetOnceAnswered();
    assert.equal((await session.ended).code, 'PRIVVAL_CLOSED');
    assert.equal(signer.calls, 0);
  });

  test(`${kind}: closing sends what was answered before`, async (t) => {
    const { node, session } = await open(t, kind);
    assert.deepEqual(await node.ask(ping), pong);
    session.close();
    const cause = await node.closed;
    assert.equal(cause.code, 'PRIVVAL_CLOSED');
  });
}

// ------------------------------------------------------------------------------------ silence

for (const kind of transports) {
  test(`${kind}: a link on which nothing ever comes ends`, async (t) => {
    const { session, node } = await open(t, kind, undefined, { firstMessageTimeoutMs: 20 });
    assert.equal((await session.ended).code, 'PRIVVAL_IDLE');
    assert.equal(await node.closeCode(), kind === 'tcp' ? 'ECONNRESET' : undefined);
  });

  test(`${kind}: after a message, silence ends the link sooner`, async (t) => {
    const { session, node } = await open(t, kind, undefined, { idleTimeoutMs: 20 });
    assert.deepEqual(await node.ask(ping), pong);
    const cause = await session.ended;
    assert.deepEqual([cause.code, cause.facts], ['PRIVVAL_IDLE', { silentMs: 20 }]);
  });

  test(`${kind}: a stall of this process is not the validator's silence`, async (t) => {
    const { session, node } = await open(t, kind, undefined, { idleTimeoutMs: 400 });
    assert.deepEqual(await node.ask(ping), pong);
    node.send(ping);
    // Nothing runs here meanwhile: the idle timer is overdue while a ping already waits.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    const answered = node.answers.next();
    assert.deepEqual(await Promise.race([answered, session.ended]), pong);
  });

  test(`${kind}: a pending answer is not silence`, async (t) => {
    const turns = new Feed<SignAnswer>();
    const { session, node, signer } = await open(t, kind, () => turns.next(), {
      idleTimeoutMs: 5,
    });
    node.send(askVote(prevote));
    await signer.asked.next();
    // Another link, silent for the same time from now on, ends meanwhile.
    const silent = await open(t, kind, undefined, { firstMessageTimeoutMs: 5 });
    assert.equal((await silent.session.ended).code, 'PRIVVAL_IDLE');
    turns.push(signedVote);
    const first = await Promise.race([node.answers.next(), session.ended]);
    assert.ok(!(first instanceof PrivvalError), 'ended as idle while the signer was at work');
  });
}
