/**
 * The secrets of a SecretConnection and its sealed frames, without any socket.
 *
 * Owns    the key schedule, the challenge that both sides sign, the nonces, sealing and opening.
 * Never   awaits, or uses a nonce twice: one counter per direction, and it may not wrap.
 * Rule    CometBFT p2p/conn/secret_connection.go, `deriveSecrets`, `Write`, `Read`.
 * Proof   test/sealed-frames.test.ts: CometBFT's golden file, and a whole handshake with fixed
 *         keys.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { invariant } from '@cometkms/invariant';
import { PrivvalError } from './errors.js';
import { Transcript } from './merlin.js';

export const chunkBytes = 1024;
const lengthBytes = 4;
const tagBytes = 16;
export const sealedFrameBytes = lengthBytes + chunkBytes + tagBytes;

const cipher = 'chacha20-poly1305';

// The fixed part of the DER form, RFC 8410: all that node:crypto needs around 32 raw bytes.
const x25519Secret = Buffer.from('302e020100300506032b656e04220420', 'hex');
const x25519Public = Buffer.from('302a300506032b656e032100', 'hex');
const ed25519Secret = Buffer.from('302e020100300506032b657004220420', 'hex');
const ed25519Public = Buffer.from('302a300506032b6570032100', 'hex');

function secretKey(prefix: Buffer, raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'pkcs8' });
}

function publicKey(prefix: Buffer, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' });
}

function rawPublicKey(secret: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(secret).export({ format: 'der', type: 'spki' }).slice(-32));
}

/** One side's key for one handshake. */
export interface EphemeralKey {
  readonly publicKey: Uint8Array;
  /** @throws PRIVVAL_HANDSHAKE_LOW_ORDER */
  agree(remote: Uint8Array): Uint8Array;
}

/** @param secret 32 bytes, only for tests with fixed keys; else random */
export function ephemeralKey(secret: Uint8Array = randomBytes(32)): EphemeralKey {
  const key = secretKey(x25519Secret, secret);
  return {
    publicKey: rawPublicKey(key),
    agree(remote) {
      try {
        return diffieHellman({ privateKey: key, publicKey: publicKey(x25519Public, remote) });
      } catch (cause) {
        // OpenSSL refuses an all-zero result, as Go's x/crypto does; a test holds each such point.
        throw new PrivvalError('PRIVVAL_HANDSHAKE_LOW_ORDER', {}, { cause });
      }
    },
  };
}

/** The long-lived ed25519 key that signs challenges. No node checks whose it is. */
export interface Identity {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** @param seed 32 bytes; else random, which is what nodes do at each start */
export function createIdentity(seed: Uint8Array = randomBytes(32)): Identity {
  const key = secretKey(ed25519Secret, seed);
  return { publicKey: rawPublicKey(key), sign: (message) => sign(null, message, key) };
}

export function verifyIdentity(
  ed25519: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (ed25519.length !== 32 || signature.length !== 64) return false;
  return verify(null, message, publicKey(ed25519Public, ed25519), signature);
}

export interface Secrets {
  readonly receiveKey: Uint8Array;
  readonly sendKey: Uint8Array;
}

/**
 * From the shared secret alone, not from the transcript. Bytes 64 to 95 were once the challenge.
 * @param localIsLower whether our ephemeral public key sorts below the other one
 */
export function deriveSecrets(shared: Uint8Array, localIsLower: boolean): Secrets {
  const info = 'TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN';
  const bytes = new Uint8Array(hkdfSync('sha256', shared, new Uint8Array(0), info, 96));
  const [first, second] = [bytes.slice(0, 32), bytes.slice(32, 64)];
  return localIsLower
    ? { receiveKey: first, sendKey: second }
    : { receiveKey: second, sendKey: first };
}

/** What both sides sign: it binds the two ephemeral keys and the shared secret. */
export function handshakeChallenge(
  lower: Uint8Array,
  upper: Uint8Array,
  shared: Uint8Array,
): Uint8Array {
  const transcript = new Transcript('TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH');
  transcript.append('EPHEMERAL_LOWER_PUBLIC_KEY', lower);
  transcript.append('EPHEMERAL_UPPER_PUBLIC_KEY', upper);
  transcript.append('DH_SECRET', shared);
  return transcript.challenge('SECRET_CONNECTION_MAC', 32);
}

/** 4 zero bytes, then a little-endian counter. */
class Nonce {
  readonly #bytes = new Uint8Array(12);
  readonly #view = new DataView(this.#bytes.buffer);
  #counter = 0n;

  get counter(): bigint {
    return this.#counter;
  }

  /** Valid until the next call. */
  next(): Uint8Array {
    invariant(this.#counter < 1n << 64n, 'no nonce is used twice', { counter: this.#counter });
    this.#view.setBigUint64(4, this.#counter, true);
    this.#counter += 1n;
    return this.#bytes;
  }
}

export class FrameSealer {
  readonly #nonce = new Nonce();
  constructor(readonly key: Uint8Array) {}

  /** All frames for `plain`, in one piece. Nothing for nothing. */
  seal(plain: Uint8Array): Uint8Array {
    const frames: Uint8Array[] = [];
    for (let start = 0; start < plain.length; start += chunkBytes) {
      const chunk = plain.subarray(start, start + chunkBytes);
      // Fresh, so that the padding is zero; Go's may hold old bytes and is never looked at.
      const open = new Uint8Array(lengthBytes + chunkBytes);
      new DataView(open.buffer).setUint32(0, chunk.length, true);
      open.set(chunk, lengthBytes);
      const sealing = createCipheriv(cipher, this.key, this.#nonce.next(), {
        authTagLength: tagBytes,
      });
      frames.push(sealing.update(open), sealing.final(), sealing.getAuthTag());
    }
    return Buffer.concat(frames);
  }
}

export class FrameOpener {
  readonly #nonce = new Nonce();
  constructor(readonly key: Uint8Array) {}

  /**
   * @param frame `sealedFrameBytes` long
   * @throws PRIVVAL_DECRYPT, PRIVVAL_CHUNK_LENGTH  both fatal to the stream
   */
  open(frame: Uint8Array): Uint8Array {
    const number = this.#nonce.counter;
    const opening = createDecipheriv(cipher, this.key, this.#nonce.next(), {
      authTagLength: tagBytes,
    });
    opening.setAuthTag(frame.subarray(frame.length - tagBytes));
    const plain = opening.update(frame.subarray(0, frame.length - tagBytes));
    try {
      opening.final();
    } catch (cause) {
      throw new PrivvalError('PRIVVAL_DECRYPT', { frame: number }, { cause });
    }
    const length = plain.readUInt32LE(0);
    if (length > chunkBytes) {
      throw new PrivvalError('PRIVVAL_CHUNK_LENGTH', { length, limit: chunkBytes });
    }
    return plain.subarray(lengthBytes, lengthBytes + length);
  }
}
