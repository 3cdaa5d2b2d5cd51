/**
 * Frames on a byte stream: a length (u32, big endian), then that many bytes.
 *
 * Owns    where one frame ends and the next begins, and the bound on what is kept while one is incomplete.
 * Never   knows what a frame says, or touches a socket.
 * Proof   test/transport-framing.test.ts (any split of any stream).
 */

export const frameHeaderBytes = 4;

/** @returns header and payload in one piece, so that they leave as one write */
export function framed(payload: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  bytes.writeUInt32BE(payload.length);
  bytes.set(payload, frameHeaderBytes);
  return bytes;
}

export type Unframed =
  | { readonly kind: 'frame'; readonly payload: Uint8Array }
  /** Nothing after it can be read: the stream has to end. */
  | { readonly kind: 'oversized'; readonly bytes: number };

export class FrameReader {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #broken = false;

  /** @param maxFrameBytes bound on one payload; may be raised once the other side is known */
  constructor(public maxFrameBytes: number) {}

  /** Takes in what arrived. The chunk is kept, not copied: the caller must not reuse it. */
  push(chunk: Uint8Array): void {
    if (this.#broken) return;
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
  }

  /** @returns the next frame, or null until more arrives. Call until null. */
  next(): Unframed | null {
    if (this.#broken || this.#bytes < frameHeaderBytes) return null;
    const length = this.#peekLength();
    if (length > this.maxFrameBytes) {
      this.#broken = true;
      this.#parts = [];
      return { kind: 'oversized', bytes: length };
    }
    if (this.#bytes < frameHeaderBytes + length) return null;
    const all = this.#flatten();
    const end = frameHeaderBytes + length;
    this.#bytes = all.length - end;
    this.#parts = this.#bytes === 0 ? [] : [all.subarray(end)];
    return { kind: 'frame', payload: all.subarray(frameHeaderBytes, end) };
  }

  #peekLength(): number {
    const first = this.#parts[0];
    const head = first !== undefined && first.length >= frameHeaderBytes ? first : this.#flatten();
    return new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(0);
  }

  /** Joins once per completed frame, not per chunk: a large frame in many chunks stays linear. */
  #flatten(): Uint8Array {
    const [only] = this.#parts;
    if (only !== undefined && this.#parts.length === 1) return only;
    const all = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [all];
    return all;
  }
}
