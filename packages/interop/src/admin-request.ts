/**
 * A request to a running replica over its admin socket, as `cmkms cluster transfer` makes it, without the start of a
 * program: that takes a second on two processors, and what is measured beside it would pay for it.
 *
 * Owns    one line there and one line back.
 * Never   asks twice.
 * Rule    packages/cmkms/src/admin/protocol.ts.
 */
import { connect } from 'node:net';
import { join } from 'node:path';

const PROTOCOL_VERSION = 1;
const ANSWER_WITHIN_MS = 30_000;

interface Answer {
  readonly ok?: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}

/** @throws what it refused for; where nobody answers */
export async function adminRequest(
  home: string,
  request: { readonly kind: 'leaderTransfer'; readonly to: string },
): Promise<void> {
  const path = join(home, 'data', 'admin.sock');
  const line = JSON.stringify({ v: PROTOCOL_VERSION, ...request });
  const answer = JSON.parse(await exchange(path, `${line}\n`)) as Answer;
  if (answer.ok === true) return;
  const { code = 'unknown', message = 'no reason was given' } = answer.error ?? {};
  throw new Error(`${request.kind} to ${request.to}: ${code}: ${message}`);
}

function exchange(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(line));
    const pieces: Buffer[] = [];
    socket.setTimeout(ANSWER_WITHIN_MS, () => {
      socket.destroy(new Error(`${path}: no answer within ${ANSWER_WITHIN_MS} ms`));
    });
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece);
      if (!piece.includes('\n')) return;
      resolve(Buffer.concat(pieces).toString());
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${path}: closed without an answer`)));
  });
}
