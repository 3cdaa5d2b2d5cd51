/**
 * A validator's home as a node makes one: a key that never signed, and a state at height 0.
 *
 * Owns    the two files of CometBFT's file signer, for clusters of tests and of the demo.
 * Never   used for a key that anybody stakes on.
 * Rule    CometBFT privval/file.go, `GenFilePV`.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @returns the public key, raw */
export function makeNodeHome(home: string): Uint8Array {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const bytes = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  for (const part of ['config', 'data']) {
    mkdirSync(join(home, part), { recursive: true, mode: 0o700 });
  }
  const key = {
    address: createHash('sha256').update(bytes).digest('hex').slice(0, 40).toUpperCase(),
    pub_key: { type: 'tendermint/PubKeyEd25519', value: bytes.toString('base64') },
    priv_key: {
      type: 'tendermint/PrivKeyEd25519',
      value: Buffer.concat([seed, bytes]).toString('base64'),
    },
  };
  const state = { height: '0', round: 0, step: 0 };
  const [config, data] = [join(home, 'config'), join(home, 'data')];
  writeFileSync(join(config, 'priv_validator_key.json'), JSON.stringify(key, null, 2), {
    mode: 0o600,
  });
  writeFileSync(join(data, 'priv_validator_state.json'), JSON.stringify(state, null, 2), {
    mode: 0o600,
  });
  return bytes;
}
