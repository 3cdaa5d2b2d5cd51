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

/** Seven groups of seven bits: up to here a number is read and written without a bigint. */
const SMALL_END = 2 ** 49;

const tagOf = (field: number, wireType: number): number => (field << 3) | wireType;

/**
 * Writes fields one after the other, in the order of the calls; `written` is the only way to one.
 * One buffer for all: every signature's bytes are written several times, and arrays are dear to make.
 */
export class FieldWriter {
  #buffer = Buffer.allocUnsafeSlow(512);
  #length = 0;

  /** int32, int64, uint32 and enums; negative numbers as 64 bit two's complement, so ten bytes long. */
  varint(field: number, value: bigint | number): void {
    if (value === 0 || value === 0n) return;
    this.#tag(field, WIRE_VARINT);
    // What is no whole number is refused by BigInt.
    if (typeof value === 'number' && value > 0 && Number.isSafeInteger(value)) this.#small(value);
    else this.#large(BigInt(value));
  }

  /** sfixed64. */
  fixed64(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#tag(field, WIRE_FIXED64);
    this.#reserve(8);
    this.#length = this.#buffer.writeBigInt64LE(value, this.#length);
  }

  bytes(field: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#tag(field, WIRE_DELIMITED);
    this.#small(bytes.length);
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  string(field: number, text: string): void {
    if (text === '') return;
    this.#tag(field, WIRE_DELIMITED);
    const bytes = Buffer.byteLength(text, 'utf8');
    this.#small(bytes);
    this.#reserve(bytes);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  /** Written even where `body` writes nothing: gogoproto's `nullable = false`. */
  message(field: number, body: () => void): void {
    this.#tag(field, WIRE_DELIMITED);
    this.#delimited(body);
  }

  /** What `body` writes here, behind its length. @returns a copy */
  static written(body: (to: FieldWriter) => void): Uint8Array {
    const to = FieldWriter.#free ?? new FieldWriter();
    FieldWriter.#free = null;
    to.#length = 0;
    to.#delimited(() => body(to));
    const copy = new Uint8Array(to.#buffer.subarray(0, to.#length));
    FieldWriter.#free = to;
    return copy;
  }

  /** Null while it is in use, and after a body that threw. */
  static #free: FieldWriter | null = null;

  /** One byte is left for the length, and what follows is moved where that takes more. */
  #delimited(body: () => void): void {
    const from = this.#length;
    this.#reserve(1);
    this.#length += 1;
    body();
    const length = this.#length - from - 1;
    if (length >= 0x80) {
      const more = bytesOfSmall(length) - 1;
      this.#reserve(more);
      this.#buffer.copyWithin(from + 1 + more, from + 1, this.#length);
    }
    this.#length = from;
    this.#small(length);
    this.#length += length;
  }

  /** All our field numbers are below 16, so that a tag is one byte. */
  #tag(field: number, wireType: number): void {
    this.#byte(tagOf(field, wireType));
  }

  /** Base 128, low groups first. */
  #small(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#byte(rest);
  }

  #large(value: bigint): void {
    if (value > 0n && value < SMALL_END) {
      this.#small(Number(value));
      return;
    }
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * needed);
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

function bytesOfSmall(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
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
    const from = this.#offset;
    let value = 0;
    for (let unit = 1; unit < SMALL_END; unit *= 0x80) {
      const group = this.#group();
      value += (group & 0x7f) * unit;
      if (group < 0x80) return BigInt(value);
    }
    this.#offset = from;
    return this.#largeVarint();
  }

  #largeVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const group = this.#group();
      value |= BigInt(group & 0x7f) << shift;
      if (group < 0x80) return value;
    }
    throw new SignStateError('SIGN_STATE_NOT_CANONICAL', { detail: 'a number is over ten bytes' });
  }

  #group(): number {
    const group = this.bytes[this.#offset];
    requireCanonical(group !== undefined, () => 'a number is cut short');
    this.#offset += 1;
    return group;
  }

  #take(length: bigint): Uint8Array {
    const left = this.bytes.length - this.#offset;
    requireCanonical(length <= BigInt(left), () => `${length} bytes announced, ${left} left`);
    const from = this.#offset;
    this.#offset += Number(length);
    return this.bytes.subarray(from, this.#offset);
  }
}
