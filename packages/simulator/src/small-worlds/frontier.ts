/**
 * The states of one depth that are still to be followed, packed into numbers.
 *
 * Owns    the packing: a state's number, its replicas, its history, its messages. First in, first out.
 * Never   grows by copying: chunks are added, and let go once they are read.
 */
const chunkWords = 1 << 18;

export interface Packed {
  readonly replicas: readonly number[];
  readonly history: number;
  readonly messages: readonly number[];
}

export class Frontier {
  readonly #replicas: number;
  #chunks: (Int32Array | null)[] = [];
  #used = chunkWords;
  #readChunk = 0;
  #readAt = 0;
  #state: Packed | null = null;
  count = 0;

  constructor(replicas: number) {
    this.#replicas = replicas;
  }

  push(number: number, { replicas, history, messages }: Packed): void {
    const words = 3 + replicas.length + messages.length;
    if (this.#used + words + 1 > chunkWords) {
      this.#chunks.push(new Int32Array(chunkWords).fill(-1));
      this.#used = 0;
    }
    const chunk = this.#chunks.at(-1) as Int32Array;
    chunk[this.#used++] = number;
    chunk[this.#used++] = history;
    chunk[this.#used++] = messages.length;
    for (const each of replicas) chunk[this.#used++] = each;
    for (const each of messages) chunk[this.#used++] = each;
    this.count += 1;
  }

  /** The number of the next state, to be read by `state`; -1: there is none. */
  next(): number {
    let chunk = this.#chunks[this.#readChunk];
    if (chunk === undefined || chunk === null) return -1;
    if ((chunk[this.#readAt] ?? -1) < 0) {
      this.#chunks[this.#readChunk] = null;
      this.#readChunk += 1;
      this.#readAt = 0;
      chunk = this.#chunks[this.#readChunk];
      if (chunk === undefined || chunk === null) return -1;
    }
    let at = this.#readAt;
    const number = chunk[at++] ?? -1;
    const history = chunk[at++] ?? 0;
    const count = chunk[at++] ?? 0;
    const replicas = Array.from(chunk.subarray(at, at + this.#replicas));
    at += this.#replicas;
    const messages = Array.from(chunk.subarray(at, at + count));
    this.#readAt = at + count;
    this.#state = { replicas, history, messages };
    return number;
  }

  state(): Packed {
    return this.#state as Packed;
  }
}
