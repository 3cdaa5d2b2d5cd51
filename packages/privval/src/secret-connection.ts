/**
 * A SecretConnection: the handshake, then sealed frames as a stream of plain bytes.
 *
 * Owns    the order of the handshake, and what the first bytes of a stranger tell an operator.
 * Never   knows which side dialled: the protocol is symmetric, so a validator's side uses it too.
 * Rule    CometBFT p2p/conn/secret_connection.go, `MakeSecretConnection`. Stricter than upstream in
 *         the first message: exactly 35 bytes, where Go pads or cuts other lengths.
 * Proof   test/secret-connection.test.ts: a handshake with fixed keys, byte for byte; strangers.
 */
import type { Connection, Receiver, TransportKind } from './connection.js';
import { asPrivvalError, PrivvalError } from './errors.js';
import { FrameDecoder, frame } from './framing.js';
import { decodeAuthSignature, encodeAuthSignature } from './message-codec.js';
import {
  deriveSecrets,
  type EphemeralKey,
  ephemeralKey,
  FrameOpener,
  FrameSealer,
  handshakeChallenge,
  type Identity,
  sealedFrameBytes,
  verifyIdentity,
} from './sealed-frames.js';

/** Length 34, then google.protobuf.BytesValue { 1: 32 bytes }. */
const keyPrefix = Uint8Array.of(0x22, 0x0a, 0x20);
const keyMessageBytes = keyPrefix.length + 32;

/** The honest one has 102 bytes; Go accepts up to 1 MiB here. */
const maxAuthBytes = 1024;

export const defaultHandshakeTimeoutMs = 10_000;

export interface HandshakeOptions {
  readonly identity: Identity;
  /** Only for tests with fixed keys; else fresh for each handshake. */
  readonly ephemeral?: EphemeralKey;
  /** A node may need 3.3 s to notice a dead predecessor, and 5 s for a bad client ahead of us. */
  readonly timeoutMs?: number;
}

interface Settle {
  readonly resolve: (connection: SecretConnection) => void;
  readonly reject: (error: PrivvalError) => void;
}

/**
 * Shakes hands over `plain`, which was not started yet. When this rejects, `plain` was reset.
 * The caller starts the result in the same turn of the loop.
 * @throws PRIVVAL_PARKED  not one byte came in time
 * @throws PRIVVAL_NOT_PRIVVAL  the first bytes were something else
 * @throws PRIVVAL_HANDSHAKE_TIMEOUT, _CLOSED, _LOW_ORDER, _IDENTITY
 * @throws PRIVVAL_DECRYPT, _CHUNK_LENGTH, _OVERSIZE, _VARINT, _UNDECODABLE  in the last message
 */
export function secretHandshake(
  plain: Connection,
  options: HandshakeOptions,
): Promise<SecretConnection> {
  return new Promise((resolve, reject) => {
    new SecretConnection(plain, options, { resolve, reject });
  });
}

export class SecretConnection implements Connection {
  readonly transport: TransportKind;
  readonly #plain: Connection;
  readonly #identity: Identity;
  readonly #ephemeral: EphemeralKey;
  readonly #timer: NodeJS.Timeout;
  /** Set until the handshake has ended, one way or the other. */
  #settle: Settle | null;
  #secured: { sealer: FrameSealer; opener: FrameOpener; challenge: Uint8Array } | null = null;
  #remoteKey: Uint8Array | null = null;
  #receivedBytes = 0;
  #rest: Uint8Array = new Uint8Array(0);
  readonly #auth = new FrameDecoder(maxAuthBytes);
  #receiver: Receiver | null = null;
  #ended = false;
  #failure: PrivvalError | null = null;
  #closed: PrivvalError | null = null;

  /** Not for callers: `secretHandshake` makes one. */
  constructor(plain: Connection, options: HandshakeOptions, settle: Settle) {
    this.#plain = plain;
    this.transport = plain.transport;
    this.#identity = options.identity;
    this.#ephemeral = options.ephemeral ?? ephemeralKey();
    this.#settle = settle;
    const timeoutMs = options.timeoutMs ?? defaultHandshakeTimeoutMs;
    this.#timer = setTimeout(() => this.#onTimeout(timeoutMs), timeoutMs);
    plain.start({
      data: (bytes, receivedMs) => this.#onBytes(bytes, receivedMs),
      closed: (cause) => this.#onClosed(cause),
    });
    // Both sides send at once, without waiting for each other.
    plain.write(Buffer.concat([keyPrefix, this.#ephemeral.publicKey]));
  }

  /** The other side's ed25519 identity; a node draws a new one at each start. */
  get remoteKey(): Uint8Array {
    return this.#remoteKey ?? new Uint8Array(0);
  }

  get unsentBytes(): number {
    return this.#plain.unsentBytes;
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
    const cause = this.#closed;
    if (cause !== null) {
      queueMicrotask(() => receiver.closed(cause));
      return;
    }
    // The frame of the handshake's last message may already carry more.
    const early = this.#auth.takeRest();
    queueMicrotask(() => {
      const now = performance.now();
      if (early.length > 0) this.#deliver(early, now);
      this.#onBytes(new Uint8Array(0), now);
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#ended || this.#secured === null) return;
    this.#plain.write(this.#secured.sealer.seal(bytes));
  }

  end(): void {
    this.#ended = true;
    this.#plain.end();
  }

  reset(): void {
    this.#ended = true;
    this.#plain.reset();
  }

  // --------------------------------------------------------------------------- what comes in

  #onBytes(bytes: Uint8Array, receivedMs: number): void {
    this.#receivedBytes += bytes.length;
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    try {
      if (this.#secured === null) this.#takeKey();
      if (this.#settle !== null) this.#takeAuth();
      // Until the receiver is there, sealed bytes wait unopened.
      while (this.#receiver !== null && !this.#ended) {
        const plain = this.#openNext();
        if (plain === undefined) return;
        this.#deliver(plain, receivedMs);
      }
    } catch (error) {
      this.#fail(asPrivvalError(error));
    }
  }

  #deliver(plain: Uint8Array, receivedMs: number): void {
    if (!this.#ended) this.#receiver?.data(plain, receivedMs);
  }

  #openNext(): Uint8Array | undefined {
    if (this.#secured === null || this.#rest.length < sealedFrameBytes) return undefined;
    const sealed = this.#rest.subarray(0, sealedFrameBytes);
    this.#rest = this.#rest.subarray(sealedFrameBytes);
    return this.#secured.opener.open(sealed);
  }

  #takeKey(): void {
    const seen = this.#rest.subarray(0, keyPrefix.length);
    if (!seen.every((byte, i) => byte === keyPrefix[i])) {
      throw new PrivvalError('PRIVVAL_NOT_PRIVVAL', { saw: describeStranger(this.#rest) });
    }
    if (this.#rest.length < keyMessageBytes) return;
    const remote = this.#rest.slice(keyPrefix.length, keyMessageBytes);
    this.#rest = this.#rest.subarray(keyMessageBytes);

    const local = this.#ephemeral.publicKey;
    const shared = this.#ephemeral.agree(remote);
    const localIsLower = Buffer.compare(local, remote) < 0;
    const [lower, upper] = localIsLower ? [local, remote] : [remote, local];
    const { sendKey, receiveKey } = deriveSecrets(shared, localIsLower);
    const challenge = handshakeChallenge(lower, upper, shared);
    this.#secured = {
      sealer: new FrameSealer(sendKey),
      opener: new FrameOpener(receiveKey),
      challenge,
    };
    const { publicKey } = this.#identity;
    this.write(frame(encodeAuthSignature(publicKey, this.#identity.sign(challenge))));
  }

  #takeAuth(): void {
    if (this.#secured === null) return;
    for (;;) {
      const message = this.#auth.next();
      if (message !== undefined) {
        this.#remoteKey = verifiedKey(message, this.#secured.challenge);
        clearTimeout(this.#timer);
        this.#settle?.resolve(this);
        this.#settle = null;
        return;
      }
      const plain = this.#openNext();
      if (plain === undefined) return;
      this.#auth.push(plain);
    }
  }

  // ------------------------------------------------------------------------------ how it ends

  #onTimeout(waitedMs: number): void {
    const receivedBytes = this.#receivedBytes;
    this.#fail(
      receivedBytes === 0
        ? new PrivvalError('PRIVVAL_PARKED', { waitedMs })
        : new PrivvalError('PRIVVAL_HANDSHAKE_TIMEOUT', { waitedMs, receivedBytes }),
    );
  }

  /** A stream that broke its own rules is not read on: its next bytes could mean anything. */
  #fail(error: PrivvalError): void {
    this.#failure ??= error;
    this.#abandonHandshake(error);
    this.reset();
  }

  #onClosed(cause: PrivvalError): void {
    this.#ended = true;
    this.#closed = this.#failure ?? cause;
    this.#abandonHandshake(
      new PrivvalError('PRIVVAL_HANDSHAKE_CLOSED', {
        receivedBytes: this.#receivedBytes,
        detail: cause.message,
      }),
    );
    this.#receiver?.closed(this.#closed);
  }

  #abandonHandshake(error: PrivvalError): void {
    clearTimeout(this.#timer);
    this.#settle?.reject(error);
    this.#settle = null;
  }
}

function verifiedKey(message: Uint8Array, challenge: Uint8Array): Uint8Array {
  const { ed25519, signature } = decodeAuthSignature(message);
  if (ed25519 === null) {
    throw new PrivvalError('PRIVVAL_HANDSHAKE_IDENTITY', { detail: 'its key is not ed25519' });
  }
  if (!verifyIdentity(ed25519, challenge, signature)) {
    const detail = 'its signature does not fit the challenge';
    throw new PrivvalError('PRIVVAL_HANDSHAKE_IDENTITY', { detail });
  }
  return ed25519;
}

/** What the first bytes look like, for an operator who has typed another port. */
function describeStranger(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 48)).toString('latin1');
  const line = JSON.stringify((text.split(/[\r\n]/, 1)[0] ?? '').replace(/[^\x20-\x7e]/g, '?'));
  if (text.startsWith('HTTP/')) return `answered HTTP (${line}): that is the RPC port`;
  if (text.startsWith('SSH-')) return `answered SSH (${line})`;
  if (bytes[0] === 0x15 && bytes[1] === 0x03) return 'answered TLS';
  if (/^[\x20-\x7e]{3}/.test(text)) return `said ${line}`;
  return `sent ${Buffer.from(bytes.subarray(0, 16)).toString('hex')}`;
}
