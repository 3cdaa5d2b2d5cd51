/**
 * One SecretConnection handshake with fixed keys: A is the signer, B the validator.
 *
 * Owns    its secrets, every value on the way, and the first frames of each direction. The values
 *         were computed with another implementation (Merlin, HKDF, X25519, ChaCha20-Poly1305 in
 *         Python).
 * Never   used outside tests: these secrets are public.
 */
import { createCipheriv } from 'node:crypto';
import { createIdentity, ephemeralKey } from '../src/sealed-frames.js';
import { bytesOf } from './vectors.js';

export const aEphemeralPublic = '07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c';
export const bEphemeralPublic = '5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b';
export const shared = 'a84dc7c3c8f058b1b2dc4cd1e9b5dc0a7987f88b6a9564cde3391fc421159e77';
export const challenge = '73741efc08f7a79fb3434cd0516b49401a6ffa569aeec3766268a90157017252';
/** A receives with it, B sends. */
export const key1 = '98c6615b5960d49d4e408d0c4fff744ebb2a34a37f7dc9bc2e3d3c57dfb440af';
/** A sends with it, B receives. */
export const key2 = 'ec8f82ecf4b7d32463db849a4e719f2d5bbaae670fc29dfe1f3bacede58a63bd';

export const a = {
  ephemeral: ephemeralKey(Uint8Array.from({ length: 32 }, (_, i) => i + 0x01)),
  identity: createIdentity(new Uint8Array(32).fill(0xa1)),
  identityPublic: 'bc7cbcb5636375fa1d82434d466724d92377f53b980695dd49d26d0ce12205a5',
  signature:
    'd4b46cf70b7b8ae79586cd2a36142c76977dc781a488bcf26471d494edb8b8070f795b612337596c675c48b9b1430e6e83cff56aab54877081774969df4d1506',
};

export const b = {
  ephemeral: ephemeralKey(Uint8Array.from({ length: 32 }, (_, i) => i + 0x21)),
  identity: createIdentity(new Uint8Array(32).fill(0xb2)),
  identityPublic: '55154f42065ea5a1bea05463826be2684eb92df92c100027aabaae57ca554207',
  signature:
    'ca9bbc3872fee05ff0364ccd63b12abe587153f5394e032c4a08113dcf143e280fef4f2eab1a7d1d1261f27a91a93906683d1e48aa4a339ac45815010dc3850a',
};

const auth = (side: typeof a) => `660a220a20${side.identityPublic}1240${side.signature}`;

export const framesFromA = [
  {
    plain: auth(a),
    first16: '4d72b57b6c1a592cfbeaa2a00e713d3e',
    tag: '444eea413b8e5d931de31a2e10aa45c1',
    sha256: 'dec2acf5f343af804e79ba63a759f59e7737672eaca317634a39352723c26270',
  },
  {
    plain: '024200',
    first16: '0d8594ab400c9ac85a6aa8bd49a34bc9',
    tag: '3fec8b03ac9343d44d7d8c58aaf8f3ef',
    sha256: 'f2fd55b254785ebfed91dfb1fd2657f4ce0e03e8200e37e6cea0fc2d32206643',
  },
];

export const framesFromB = [
  {
    plain: auth(b),
    first16: '54a955d3a0a82eb6be5a4de7d5329b8a',
    tag: 'a228d05054d20f086446169c38233aac',
    sha256: 'bb5359da4b6e62071eee11638e0aec8f0f2eb93c9aaccacab8f66fe4b71bdae0',
  },
  {
    plain: '023a00',
    first16: 'd44539dd4a201d7cf0beee58de1d598d',
    tag: '2aa86882363c633e7f057ac9f8752b63',
    sha256: '0ae8ae475aad60838394b596f1d1ef0b002a05729b8d6a28c4d79ff53f29f273',
  },
];

/** A frame that our own sealer would not make: any claimed length, any byte everywhere. */
export function sealByHand(
  key: Uint8Array,
  counter: number,
  claimedLength: number,
  fill: number,
): Uint8Array {
  const nonce = bytesOf(`00000000${counter.toString(16).padStart(2, '0')}00000000000000`);
  const plain = Buffer.alloc(1028, fill);
  plain.writeUInt32LE(claimedLength, 0);
  const sealing = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  return Buffer.concat([sealing.update(plain), sealing.final(), sealing.getAuthTag()]);
}
