/**
 * Merlin transcripts: STROBE-128 over keccak-f[1600], as far as a SecretConnection needs it.
 *
 * Owns    the sponge's state and the order in which labels and bytes enter it.
 * Never   holds a key for longer than its transcript, or offers an operation that Merlin does not
 *         use.
 * Rule    strobe.sourceforge.io, specification 1.0.2; merlin.cool, transcript protocols 1.0.
 * Proof   test/merlin.test.ts: the vectors of gtank/merlin, which CometBFT used.
 */
import { keccakP } from '@noble/hashes/sha3.js';
import { swap32IfBE } from '@noble/hashes/utils.js';

/** STROBE-128 over a state of 200 bytes: 200 - 2*128/8, less two bytes for its own padding. */
const rate = 166;

const flag = { i: 1, a: 2, c: 4, m: 16 } as const;
const metaAd = flag.m | flag.a;
const ad = flag.a;
const prf = flag.i | flag.a | flag.c;

const ascii = new TextEncoder();

export class Transcript {
  readonly #words = new Uint32Array(50);
  readonly #state = new Uint8Array(this.#words.buffer);
  #position = 0;
  #operationStart = 0;

  constructor(label: string) {
    this.#state.set([1, rate + 2, 1, 0, 1, 12 * 8]);
    this.#state.set(ascii.encode('STROBEv1.0.2'), 6);
    this.#permute();
    this.#begin(metaAd);
    this.#absorb(ascii.encode('Merlin v1.0'));
    this.append('dom-sep', ascii.encode(label));
  }

  append(label: string, message: Uint8Array): void {
    this.#labelAndLength(label, message.length);
    this.#begin(ad);
    this.#absorb(message);
  }

  /** `length` bytes that depend on everything so far; taking them changes the transcript too. */
  challenge(label: string, length: number): Uint8Array {
    this.#labelAndLength(label, length);
    this.#begin(prf);
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      out[i] = this.#byteAt(this.#position);
      this.#state[this.#position] = 0;
      this.#advance();
    }
    return out;
  }

  /** meta-AD(label), continued by meta-AD(LE32(length)): one operation, hence one `begin`. */
  #labelAndLength(label: string, length: number): void {
    this.#begin(metaAd);
    this.#absorb(ascii.encode(label));
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, length, true);
    this.#absorb(bytes);
  }

  #begin(flags: number): void {
    const previous = this.#operationStart;
    this.#operationStart = this.#position + 1;
    this.#absorb(Uint8Array.of(previous, flags));
    // C (and K, which Merlin does not use) needs a fresh block.
    if ((flags & flag.c) !== 0 && this.#position !== 0) this.#runF();
  }

  #absorb(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.#mix(this.#position, byte);
      this.#advance();
    }
  }

  #advance(): void {
    this.#position += 1;
    if (this.#position === rate) this.#runF();
  }

  #runF(): void {
    this.#mix(this.#position, this.#operationStart);
    this.#mix(this.#position + 1, 0x04);
    this.#mix(rate + 1, 0x80);
    this.#permute();
    this.#position = 0;
    this.#operationStart = 0;
  }

  #byteAt(index: number): number {
    return this.#state[index] ?? 0;
  }

  #mix(index: number, byte: number): void {
    this.#state[index] = this.#byteAt(index) ^ byte;
  }

  /** keccakP works on words in the machine's order; STROBE counts bytes, lowest first. */
  #permute(): void {
    swap32IfBE(this.#words);
    keccakP(this.#words);
    swap32IfBE(this.#words);
  }
}
