/** The TypeScript node's side: it takes one signer at a time, and has a node's manners towards a lost one. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  createIdentity,
  dial,
  parseValidatorAddress,
  Session,
  type SignAnswer,
  secretHandshake,
} from '@cometkms/privval';
import { voteSignBytes } from '@cometkms/sign-state';
import {
  blockNamed,
  NoAnswerError,
  RemoteSignerError,
  Validator,
} from '../src/validator/validator.js';

const directory = mkdtempSync(join(tmpdir(), 'signer-endpoint-'));
after(() => rmSync(directory, { recursive: true }));
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const keyBytes = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
const chainId = 'test-1';

async function signer(address: string, refuse = false): Promise<Session> {
  const plain = await dial(parseValidatorAddress(address));
  const stream = address.startsWith('tcp')
    ? await secretHandshake(plain, { identity: createIdentity() })
    : plain;
  return new Session(
    stream,
    {
      chainId,
      publicKey: () => ({ type: 'ed25519', bytes: keyBytes }),
      signVote: async (request): Promise<SignAnswer> =>
        refuse
          ? { kind: 'refused', code: 2, description: 'conflict' }
          : {
              kind: 'signed',
              signature: sign(null, voteSignBytes(chainId, request), privateKey),
              timestamp: request.timestamp,
              extensionSignature: null,
            },
      signProposal: async (): Promise<SignAnswer> => ({ kind: 'drop', reason: 'not here' }),
    },
    { onRequest: () => {}, onInvalidRequest: () => {}, onLog: () => {} },
  );
}

function validator(kind: 'tcp' | 'unix', name: string): Validator {
  const path = join(directory, name);
  const listen = kind === 'tcp' ? { kind, port: 0 } : { kind, path };
  return new Validator({ chainId, listen, released: join(directory, `${name}.jsonl`) });
}

for (const kind of ['tcp', 'unix'] as const) {
  test(`${kind}: asks, and takes what is right`, async () => {
    const node = validator(kind, `${kind}-1`);
    const session = await signer(await node.listen());
    assert.deepEqual(Buffer.from(await node.publicKey()), keyBytes);
    await node.signVote(1, 7n, 0, blockNamed('X'));
    session.close();
    await node.stop();
  });

  for (const end of ['close', 'reset'] as const) {
    test(`${kind}: after a signer's ${end} it goes on with the one that waited`, async () => {
      const node = validator(kind, `${kind}-${end}`);
      const address = await node.listen();
      const first = await signer(address);
      await node.publicKey();
      const waiting = signer(address);
      first[end]();
      await node.signVote(1, 7n, 0, blockNamed('X'));
      (await waiting).close();
      await node.stop();
    });
  }
}

test('the last try that fails is told as that', async () => {
  const node = validator('tcp', 'unanswered');
  const session = await signer(await node.listen());
  await node.publicKey();
  session.close();
  await session.ended;
  await assert.rejects(node.publicKey(1), NoAnswerError);
  await node.stop();
});

test('a typed error is final', async () => {
  const node = validator('tcp', 'refused');
  const session = await signer(await node.listen(), true);
  await node.publicKey();
  await assert.rejects(node.signVote(1, 7n, 0, blockNamed('X')), RemoteSignerError);
  session.close();
  await node.stop();
});
