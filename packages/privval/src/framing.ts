/**
 * Length-prefixed messages on a stream of bytes.
 *
 * Owns    the prefix (unsigned LEB128), the limit, and the bytes that have come but are not yet
 *         taken.
 * Never   knows what a message means, or reads ahead of its caller: whatever was not taken stays
 *         as bytes, so that the memory of one peer is bounded by what the caller lets in.
 * Rule    CometBFT libs/protoio, `ReadMsg` and `WriteMsg`.
 * Proof   test/framing.test.ts (each error, and any chunking of any messages).
 */
import { PrivvalError } from './errors.js';

/** Above the 1,056,218 bytes that the largest vote extension needs. */
export const defaultMaxMessageBytes = 2 * 1024 * 1024;

/** As long as a 64-bit number may be; Go's reader gives up there too. */
const maxPrefixBytes = 10;

/** `message` with its length in front, in one piece: one write on the socket. */
export function frame(message: Uint8Array): Uint8Array {
  const prefix: number[] = [];
  let rest = message.length;
  while (rest >= 0x80) {
    prefix.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  prefix.push(rest);
  const framed = new Uint8Array(prefix.length + message.length);
  framed.set(prefix);
  framed.set(message, prefix.length);
  return framed;
}

/** Takes chunks as they come, gives whole messages. After an error it must not be used again. */
export class FrameDecoder {
  #buffer = new Uint8Array(1024);
  #start = 0;
  #end = 0;

  constructor(readonly maxMessageBytes: number = defaultMaxMessageBytes) {}

  /** Bytes that came and were not taken yet. */
  get bufferedBytes(): number {
    return this.#end - this.#start;
  }

  /** Copies `chunk`. The caller bounds what it pushes without taking. */
  push(chunk: Uint8Array): void {
    const needed = this.bufferedBytes + chunk.length;
    if (this.#end + chunk.length > this.#buffer.length) {
      // Doubling keeps the copies linear in the bytes, however small the chunks are.
      const target =
        needed > this.#buffer.length / 2
          ? new Uint8Array(Math.max(needed, this.#buffer.length) * 2)
          : this.#buffer;
      target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = target;
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The next whole message, as a copy; undefined while it is not all there.
   * @throws PRIVVAL_OVERSIZE  as soon as the prefix says so, before any of the body is kept
   * @throws PRIVVAL_VARINT
   */
  next(): Uint8Array | undefined {
    let length = 0;
    let at = this.#start;
    for (; ; at++) {
      if (at - this.#start === maxPrefixBytes) {
        throw new PrivvalError('PRIVVAL_VARINT', { limit: maxPrefixBytes });
      }
      const byte = at < this.#end ? this.#buffer[at] : undefined;
      if (byte === undefined) return undefined;
      // Not shifts: they would wrap at 32 bits and let a huge length pass as a small one.
      length += (byte & 0x7f) * 2 ** (7 * (at - this.#start));
      if (length > this.maxMessageBytes) {
        throw new PrivvalError('PRIVVAL_OVERSIZE', { length, limit: this.maxMessageBytes });
      }
      if (byte < 0x80) break;
    }
    const bodyStart = at + 1;
    if (this.#end - bodyStart < length) return undefined;
    this.#start = bodyStart + length;
    return this.#buffer.slice(bodyStart, this.#start);
  }

  /**
   * All bytes that were not taken, which are then forgotten here: for a stream that changes hands.
   */
  takeRest(): Uint8Array {
    const rest = this.#buffer.slice(this.#start, this.#end);
    this.#start = this.#end;
    return rest;
  }

  /**
   * The stream has ended.
   * @throws PRIVVAL_TRUNCATED  it ended inside a prefix or a body
   */
  finish(): void {
    if (this.bufferedBytes > 0) {
      throw new PrivvalError('PRIVVAL_TRUNCATED', { bufferedBytes: this.bufferedBytes });
    }
  }
}
