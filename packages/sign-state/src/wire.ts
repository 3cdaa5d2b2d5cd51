/**
 * Protobuf's encoding, as much of it as canonical sign bytes use.
 *
 * Owns    varints, little-endian 64 bit numbers and length-delimited fields, in both directions.
 * Never   knows a message. Reading is in the order of the field numbers, each at most once; whether
 *         what was read was also written canonically is for canonical.ts, which writes it again.
 * Rule    protobuf's encoding guide; proto3 leaves out what is zero or empty.
 * Proof   test/canonical-reader.test.ts, test/canonical.property.test.ts.
 */
import { SignStateError } from './errors.js';

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_DELIMITED = 2;

const NOTHING = new Uint8Array(0);
const utf8Encoder = new TextEncoder();
// With `ignoreBOM` a leading byte order mark stays in the string: dropping it would merge two chain ids.
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param detail  put into words only where it does not hold: this stands on the road of every signature */
export function requireCanonical(holds: boolean, detail: () => string): asserts holds {
  if (!holds) throw new SignStateError('SIGN_STATE_NOT_CANONICAL', { detail: detail() });
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** A copy, whatever kind of array it was: `Buffer.slice` would share the memory. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

// ----------------------------------------------------------------------------------- writing

/** Base 128, low groups first; negative numbers as 64 bit two's complement, so ten bytes long. */
function pushVarint(to: number[], value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    to.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  to.push(Number(rest));
}

const tagOf = (field: number, wireType: number): number => (field << 3) | wireType;

/** In one piece: arrays of bytes are dear to make, and every signature's are written several times. */
function taggedVarint(field: number, wireType: number, value: bigint): Uint8Array {
  const bytes = [tagOf(field, wireType)];
  pushVarint(bytes, value);
  return new Uint8Array(bytes);
}

/** int32, int64, uint32 and enums. */
export function varintField(field: number, value: bigint): Uint8Array {
  return value === 0n ? NOTHING : taggedVarint(field, WIRE_VARINT, value);
}

/** sfixed64. */
export function fixed64Field(field: number, value: bigint): Uint8Array {
  if (value === 0n) return NOTHING;
  const bytes = new Uint8Array(9);
  bytes[0] = tagOf(field, WIRE_FIXED64);
  new DataView(bytes.buffer).setBigInt64(1, value, true);
  return bytes;
}

export function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 ? NOTHING : messageField(field, bytes);
}

export function stringField(field: number, text: string): Uint8Array {
  return bytesField(field, utf8Encoder.encode(text));
}

/** Written even where it is empty: gogoproto's `nullable = false`. */
export function messageField(field: number, body: Uint8Array): Uint8Array {
  return concatBytes(taggedVarint(field, WIRE_DELIMITED, BigInt(body.length)), body);
}

export function lengthPrefixed(body: Uint8Array): Uint8Array {
  const length: number[] = [];
  pushVarint(length, BigInt(body.length));
  return concatBytes(new Uint8Array(length), body);
}

// ----------------------------------------------------------------------------------- reading

/**
 * Reads fields in ascending order. One that is absent reads as zero or empty, as proto3 says; one that
 * is out of order, repeated or unknown is never consumed, so that `end` refuses it.
 */
export class FieldReader {
  #offset = 0;

  constructor(readonly bytes: Uint8Array) {}

  get offset(): number {
    return this.#offset;
  }

  /** @returns the 64 bits as a signed number */
  varintField(field: number): bigint {
    return this.#takeTag(field, WIRE_VARINT) ? BigInt.asIntN(64, this.#varint()) : 0n;
  }

  fixed64Field(field: number): bigint {
    if (!this.#takeTag(field, WIRE_FIXED64)) return 0n;
    const bytes = this.#take(8n);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0, true);
  }

  /** @returns a view of the bytes read from */
  bytesField(field: number): Uint8Array {
    return this.#takeTag(field, WIRE_DELIMITED) ? this.lengthPrefixed() : NOTHING;
  }

  stringField(field: number): string {
    const bytes = this.bytesField(field);
    try {
      return utf8Decoder.decode(bytes);
    } catch (cause) {
      const detail = 'text is not UTF-8';
      throw new SignStateError('SIGN_STATE_NOT_CANONICAL', { detail }, { cause });
    }
  }

  messageField(field: number): FieldReader | null {
    return this.#takeTag(field, WIRE_DELIMITED) ? new FieldReader(this.lengthPrefixed()) : null;
  }

  lengthPrefixed(): Uint8Array {
    return this.#take(this.#varint());
  }

  end(): void {
    requireCanonical(
      this.#offset === this.bytes.length,
      () => `byte ${this.#offset} of ${this.bytes.length} begins what must not be there`,
    );
  }

  #takeTag(field: number, wireType: number): boolean {
    // All our field numbers are below 16, so that a tag is one byte.
    if (this.bytes[this.#offset] !== tagOf(field, wireType)) return false;
    this.#offset += 1;
    return true;
  }

  #varint(): bigint {
    const first = this.bytes[this.#offset];
    if (first !== undefined && first < 0x80) {
      this.#offset += 1;
      return BigInt(first);
    }
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const group = this.bytes[this.#offset];
      requireCanonical(group !== undefined, () => 'a number is cut short');
      this.#offset += 1;
      value |= BigInt(group & 0x7f) << shift;
      if (group < 0x80) return value;
    }
    throw new SignStateError('SIGN_STATE_NOT_CANONICAL', { detail: 'a number is over ten bytes' });
  }

  #take(length: bigint): Uint8Array {
    const left = this.bytes.length - this.#offset;
    requireCanonical(length <= BigInt(left), () => `${length} bytes announced, ${left} left`);
    const from = this.#offset;
    this.#offset += Number(length);
    return this.bytes.subarray(from, this.#offset);
  }
}
