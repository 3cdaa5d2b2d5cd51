#!/usr/bin/env node
/**
 * Re-reads what validators wrote down of every released signature: check-released.mjs FILE...
 *
 * Owns    the verdict from outside: one content per (key, chain, height, round, step), ever, and each signature
 *         valid over canonical bytes that say just that position.
 * Never   imports anything of this repository: it must not share a mistake with what it checks.
 * Rule    CometBFT types/canonical.proto, read by hand. Exit 0: all is well. 1: a double sign or an invalid
 *         signature. 2: it could not be checked.
 */
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

function varint(bytes, at) {
  let value = 0n;
  for (let shift = 0n, i = at; i < bytes.length; i += 1, shift += 7n) {
    value |= BigInt(bytes[i] & 0x7f) << shift;
    if (bytes[i] < 0x80) return [value, i + 1];
  }
  throw new Error('a varint ends too early');
}

/** The fields of a protobuf message, in order: [number, value, raw bytes of the field]. */
function fields(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    const [tag, afterTag] = varint(bytes, at);
    const [number, type] = [Number(tag >> 3n), Number(tag & 7n)];
    let value;
    if (type === 0) [value, at] = varint(bytes, afterTag);
    else if (type === 1) {
      value = bytes.readBigInt64LE(afterTag);
      at = afterTag + 8;
    } else if (type === 2) {
      const [length, body] = varint(bytes, afterTag);
      at = body + Number(length);
      value = bytes.subarray(body, at);
    } else throw new Error(`wire type ${type} stands in no canonical message`);
    if (at > bytes.length) throw new Error('a field ends after its message');
    found.push([number, value, bytes.subarray(start, at)]);
  }
  return found;
}

/** Where the canonical bytes say that they belong, and what they say there, without the timestamp. */
function read(signBytes) {
  const [length, start] = varint(signBytes, 0);
  const body = signBytes.subarray(start);
  if (BigInt(body.length) !== length) throw new Error('the length prefix is wrong');
  const all = fields(body);
  const get = (number) => all.find(([n]) => n === number)?.[1];
  const type = Number(get(1) ?? 0n);
  const [step, timestamp, chain] = { 1: [2, 5, 6], 2: [3, 5, 6], 32: [1, 6, 7] }[type] ?? [];
  if (step === undefined) throw new Error(`type ${type} is not signed`);
  return {
    chainId: get(chain)?.toString('utf8') ?? '',
    height: Number(get(2) ?? 0n),
    round: Number(get(3) ?? 0n),
    step,
    content: Buffer.concat(all.filter(([n]) => n !== timestamp).map(([, , raw]) => raw)).toString(
      'hex',
    ),
  };
}

const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');
const keys = new Map();
function publicKey(hex) {
  if (!keys.has(hex)) {
    const der = Buffer.concat([ed25519Prefix, Buffer.from(hex, 'hex')]);
    keys.set(hex, createPublicKey({ key: der, format: 'der', type: 'spki' }));
  }
  return keys.get(hex);
}

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: check-released.mjs FILE...');
  process.exit(2);
}

const contents = new Map();
const faults = [];
let signatures = 0;
let doubleSigns = 0;
try {
  for (const file of files) {
    readFileSync(file, 'utf8')
      .split('\n')
      .forEach((text, at) => {
        if (text === '') return;
        const line = JSON.parse(text);
        const where = `${file}:${at + 1}`;
        const signBytes = Buffer.from(line.signBytes, 'hex');
        const said = read(signBytes);
        signatures += 1;
        for (const name of ['chainId', 'height', 'round', 'step']) {
          if (said[name] !== line[name]) faults.push(`${where}: the bytes say another ${name}`);
        }
        if (!verify(null, signBytes, publicKey(line.key), Buffer.from(line.signature, 'hex'))) {
          faults.push(`${where}: the signature is invalid`);
        }
        const position = `${line.key} ${said.chainId} ${said.height}/${said.round}/${said.step}`;
        const first = contents.get(position);
        if (first === undefined) contents.set(position, { content: said.content, where });
        else if (first.content !== said.content) {
          doubleSigns += 1;
          faults.push(`${where}: DOUBLE SIGN at ${position}, first signed at ${first.where}`);
        }
      });
  }
} catch (error) {
  console.error(`error UNREADABLE: ${error.message}`);
  process.exit(2);
}
for (const fault of faults) console.error(fault);
console.log(
  `${signatures} signatures at ${contents.size} positions, double signs ${doubleSigns}, ` +
    `invalid ${faults.length - doubleSigns}`,
);
process.exit(faults.length === 0 ? 0 : 1);
