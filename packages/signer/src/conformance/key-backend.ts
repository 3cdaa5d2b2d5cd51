/**
 * What every KeyBackend must do, in software or in a device.
 *
 * Owns    the examination: right signatures over exactly the bytes given, also when asked many times at once, and
 *         nothing of the private key to be seen.
 * Never   trusts the backend's own verification: OpenSSL judges.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { verifierFor } from '../keys/verify.js';
import type { KeyBackend } from '../seams.js';

export interface KeyBackendUnderTest {
  readonly key: KeyBackend;
  /** The private bytes, where the test can know them: they must not be seen. */
  readonly secret?: Uint8Array;
  close(): Promise<void>;
}

export function keyBackendSuite(name: string, factory: () => Promise<KeyBackendUnderTest>): void {
  describe(`key backend: ${name}`, () => {
    let subject: KeyBackendUnderTest;
    before(async () => {
      subject = await factory();
    });
    after(() => subject.close());

    test('its signatures verify over exactly the bytes given, from none to a megabyte', async () => {
      const { key } = subject;
      const verify = verifierFor(key.publicKey);
      for (const length of [0, 1, 111, 128, 1 << 20]) {
        const bytes = new Uint8Array(length).fill(7);
        const signature = await key.sign(bytes);
        assert.equal(signature.length, 64);
        assert.ok(verify(bytes, signature), `${length} bytes`);
        const other = new Uint8Array(length + 1).fill(7);
        assert.ok(!verify(other, signature), 'a signature over other bytes');
      }
    });

    test('the same bytes give the same signature (RFC 8032 is deterministic)', async () => {
      const bytes = Uint8Array.of(1, 2, 3);
      const [first, second] = [await subject.key.sign(bytes), await subject.key.sign(bytes)];
      assert.ok(Buffer.from(first).equals(second));
    });

    test('many at once do not mix', async () => {
      const { key } = subject;
      const verify = verifierFor(key.publicKey);
      const all = Array.from({ length: 16 }, (_, i) => new Uint8Array(40).fill(i));
      const signatures = await Promise.all(all.map((bytes) => key.sign(bytes)));
      for (const [i, signature] of signatures.entries()) {
        assert.ok(verify(new Uint8Array(40).fill(i), signature), `number ${i}`);
      }
    });

    test('the bytes are read before the first await', async () => {
      const { key } = subject;
      const bytes = new Uint8Array(40).fill(1);
      const pending = key.sign(bytes);
      bytes.fill(2);
      assert.ok(verifierFor(key.publicKey)(new Uint8Array(40).fill(1), await pending));
    });

    test('neither inspection nor JSON shows the private key', (t) => {
      const { key, secret } = subject;
      if (secret === undefined) return t.skip('the private key is unknown to the test');
      const shown = [
        inspect(key, { depth: null, showHidden: true, getters: true, maxArrayLength: null }),
        JSON.stringify(key),
        String(key),
        inspect(structuredClone(key), { depth: null, maxArrayLength: null }),
      ].join('\n');
      const buffer = Buffer.from(secret);
      for (const form of [
        buffer.toString('hex'),
        buffer.toString('base64').replace(/=+$/, ''),
        [...buffer].join(', '),
        [...buffer].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
        [...buffer].join(','),
      ]) {
        assert.ok(!shown.toLowerCase().includes(form.toLowerCase()), 'the private key is shown');
      }
    });
  });
}
