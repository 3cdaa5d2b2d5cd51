/** Signing and verifying, by the vectors of CometBFT's fixture key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sign as signByNoble } from '@noble/ed25519';
import fc from 'fast-check';
import { addressOf, SoftwareKey, verifierFor } from '../src/index.js';
import { fixture, id, key } from './worlds.js';

/** Sign bytes and signatures of the fixture key: a nil vote, a precommit, an extension. */
const vectors = [
  [
    '2108021101000000000000001901000000000000002a0b088092b8c398feffffff01',
    'c83d0709de42f621a48257e7e64b296f1a10903c5dbe19b64ba08d1b91c6baf8aa16308513447687fc2ff2d8c0aa9d1e4c75972472f5ce80ee78d6cda550d404',
  ],
  [
    '7c0802113930000000000000190200000000000000224a0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d122072db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a2a0b08b1d381d20510809dca6f320d746573745f636861696e5f6964',
    '4876ba11ebc5aab61d4969d0e2f38abc5a019c609f13d60c08ceb96e979dbbfa89dd15b334ac666ec53c28ceee7741027c71efa2fa2532ba73bcf1fadd42ad0a',
  ],
  [
    '2c0a09657874656e73696f6e113930000000000000190200000000000000220d746573745f636861696e5f6964',
    'f542c6b98343d163ef03ac3ce415b17f36ac9fe9cbd09e6c63d73f6b25eeb6336d96653ceda54a6fac18ad7635a949dc6dd1adc32691174461018469981c210c',
  ],
] as const;

test('the fixture key has the address and the public key that its file says', () => {
  assert.equal(addressOf(key.publicKey), fixture.address);
  assert.equal(Buffer.from(key.publicKey.bytes).toString('base64'), fixture.publicBase64);
});

for (const [bytes, signature] of vectors) {
  test(`the signature over ${bytes.slice(0, 12)}… is the one that Go makes`, async () => {
    const message = new Uint8Array(Buffer.from(bytes, 'hex'));
    const made = await key.sign(message);
    assert.equal(Buffer.from(made).toString('hex'), signature);
    assert.ok(verifierFor(id.key)(message, made));
  });
}

test('any key signs any message as noble does', async () => {
  const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
  await fc.assert(
    fc.asyncProperty(seeds, fc.uint8Array({ maxLength: 300 }), async (seed, message) => {
      const made = Buffer.from(await new SoftwareKey(seed).sign(message));
      assert.deepEqual(made, Buffer.from(signByNoble(message, seed)));
    }),
    { numRuns: 200 },
  );
});

test('each flipped bit of a signature, and signatures of other lengths, are refused', async () => {
  const message = Uint8Array.of(1, 2, 3);
  const signature = await key.sign(message);
  const verify = verifierFor(id.key);
  for (let bit = 0; bit < signature.length * 8; bit++) {
    const flipped = new Uint8Array(signature);
    flipped.set([(flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))], bit >> 3);
    assert.ok(!verify(message, flipped), `bit ${bit}`);
  }
  assert.ok(!verify(message, signature.subarray(0, 63)));
  assert.ok(!verify(message, new Uint8Array(0)));
});
