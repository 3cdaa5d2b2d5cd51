/**
 * Merlin transcripts against the vectors of gtank/merlin (`merlin_test.go`), which CometBFT used.
 *
 * Owns    nothing.
 * Never   computes an expected value with the code under test.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transcript } from '../src/merlin.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');

test('a short transcript gives the challenge of gtank/merlin', () => {
  const transcript = new Transcript('test protocol');
  transcript.append('some label', bytes('some data'));
  assert.equal(
    hex(transcript.challenge('challenge', 32)),
    'd5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615',
  );
});

test('a long one, over many blocks and with challenges fed back, does too', () => {
  const transcript = new Transcript('test protocol');
  transcript.append('step1', bytes('some data'));
  const big = new Uint8Array(1024).fill(0x63);
  let last = new Uint8Array(0);
  for (let i = 0; i < 32; i++) {
    last = new Uint8Array(transcript.challenge('challenge', 32));
    transcript.append('bigdata', big);
    transcript.append('challengedata', last);
  }
  assert.equal(hex(last), 'a8c933f54fae76e3f9bea93648c1308e7dfa2152dd51674ff3ca438351cf003c');
});

test('labels and messages do not run into each other', () => {
  const challengeOf = (label: string, message: string) => {
    const transcript = new Transcript('test protocol');
    transcript.append(label, bytes(message));
    return hex(transcript.challenge('challenge', 32));
  };
  assert.notEqual(challengeOf('ab', 'c'), challengeOf('a', 'bc'));
});
