/**
 * Keys whose signatures cost nothing and tell what was signed.
 *
 * Owns    the table from each signature to the bytes under it, for the whole world and for ever: an oracle reads what
 *         was signed from the signature alone, not from what anybody says about it.
 * Never   is a signature in any other sense. Everything else about a key is as with a real one: the same bytes give
 *         the same signature, and a verifier takes no other.
 * Fault   Signing takes time, fails, or gives a signature over other bytes (a broken device): as the world draws.
 * Proof   test/keys.test.ts.
 */
import type { PublicKey } from '@cometkms/sign-state';
import type { KeyBackend, Verifier } from '@cometkms/signer';
import type { EventLoop } from './event-loop.js';

/** What a signing device does with one request. */
export type SigningFate = 'good' | 'fails' | 'wrong';

export interface SigningFaults {
  /** Asked once for each signature. */
  fate(): SigningFate;
  delayMs(): number;
}

const signatureBytes = 64;

export class SignatureTable {
  readonly #byContent = new Map<string, number>();
  readonly #contents: Uint8Array[] = [];

  sign(bytes: Uint8Array): Uint8Array {
    const name = Buffer.from(bytes).toString('latin1');
    let number = this.#byContent.get(name);
    if (number === undefined) {
      number = this.#contents.length;
      this.#contents.push(Uint8Array.from(bytes));
      this.#byContent.set(name, number);
    }
    const signature = Buffer.alloc(signatureBytes);
    signature.writeUInt32BE(number + 1, signatureBytes - 4);
    return signature;
  }

  /** What was signed; null: no signature of this world. */
  signedBy(signature: Uint8Array): Uint8Array | null {
    if (signature.length !== signatureBytes) return null;
    const number = Buffer.from(signature).readUInt32BE(signatureBytes - 4);
    return this.#contents[number - 1] ?? null;
  }

  readonly verify: Verifier = (bytes, signature) => {
    const signed = this.signedBy(signature);
    return signed !== null && Buffer.compare(signed, bytes) === 0;
  };
}

/** One key in one process. `inMemory` as a software key; else as a device, which is asked once and late. */
export function simulatedKey(
  publicKey: PublicKey,
  table: SignatureTable,
  loop: EventLoop,
  inMemory: boolean,
  faults: SigningFaults,
): KeyBackend {
  return {
    publicKey,
    signsEarly: inMemory,
    sign: (bytes) => {
      const asked = Uint8Array.from(bytes);
      const fate = faults.fate();
      const finish = (): Uint8Array => {
        if (fate === 'fails') throw new Error('the device does not answer');
        return table.sign(fate === 'wrong' ? asked.subarray(1) : asked);
      };
      if (inMemory) return Promise.resolve().then(finish);
      return new Promise((resolve, reject) => {
        loop.arrive(faults.delayMs(), () => {
          try {
            resolve(finish());
          } catch (error) {
            reject(error as Error);
          }
        });
      });
    },
  };
}
