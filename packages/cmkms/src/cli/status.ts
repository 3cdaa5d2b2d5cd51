/**
 * `cmkms status`: what a running replica says of itself, for a person or for a script.
 *
 * Owns    where it is asked (HTTP, else the admin socket) and the exit code: 0 ready, 1 not ready.
 * Never   changes anything, and judges nothing: whether the replica is ready is what the replica says.
 * Proof   test/status-command.test.ts; the table: test/status-table.test.ts.
 */
import { get } from 'node:http';
import { adminRequest } from '../admin/index.js';
import { type HostPort, isWildcard } from '../config/addresses.js';
import { CmkmsError } from '../errors.js';
import { EXIT } from '../exit-codes.js';
import { homePaths } from '../home.js';
import type { StatusJson } from '../http/index.js';
import { statusTable } from './status-table.js';

export interface StatusOptions {
  /** Null: HTTP is switched off, only the admin socket is asked. */
  readonly httpAddress: HostPort | null;
  /** Absolute. */
  readonly home: string;
  readonly json: boolean;
  /** Colours; only for a terminal. */
  readonly color: boolean;
  readonly write: (text: string) => void;
  /** For each of the two ways. Default 3 s. */
  readonly timeoutMs?: number;
}

const maxBodyBytes = 4 * 1024 * 1024;

/**
 * @returns the exit code
 * @throws CmkmsError NOT_RUNNING, PERMISSION (exit 4)  nothing answers
 */
export async function statusCommand(options: StatusOptions): Promise<0 | 1> {
  const status = await readStatus(options);
  options.write(
    options.json
      ? `${JSON.stringify(status, null, 2)}\n`
      : statusTable(status, { now: Date.now(), color: options.color }),
  );
  return status.ready ? EXIT.OK : EXIT.UNEXPECTED;
}

async function readStatus(options: StatusOptions): Promise<StatusJson> {
  const timeoutMs = options.timeoutMs ?? 3_000;
  const overHttp =
    options.httpAddress === null ? null : await httpStatus(options.httpAddress, timeoutMs);
  if (overHttp !== null && 'status' in overHttp) return overHttp.status;
  try {
    const { adminSocket } = homePaths(options.home);
    return await adminRequest(adminSocket, { kind: 'status' }, timeoutMs);
  } catch (error) {
    // Both ways belong into the message: which of them is broken is what the reader wants to know.
    if (overHttp === null || !(error instanceof CmkmsError) || error.code !== 'NOT_RUNNING')
      throw error;
    const { detail } = error.facts as { detail: string };
    const facts = { home: options.home, detail: `${overHttp.failed}; ${detail}` };
    throw new CmkmsError('NOT_RUNNING', facts, { cause: error });
  }
}

type OverHttp = { readonly status: StatusJson } | { readonly failed: string };

/** A server on every interface is asked on loopback. */
function httpStatus(address: HostPort, timeoutMs: number): Promise<OverHttp> {
  const host = isWildcard(address.host) ? '127.0.0.1' : address.host;
  const where = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}/status`;
  return new Promise((resolve) => {
    const fail = (detail: string): void => {
      clearTimeout(timer);
      request.destroy();
      resolve({ failed: `${where}: ${detail}` });
    };
    const request = get({ host, port: address.port, path: '/status', agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > maxBodyBytes) fail('the answer is too long');
      });
      response.once('error', (error) => fail(error.message));
      response.once('end', () => {
        const status = parseStatus(Buffer.concat(chunks).toString('utf8'));
        if (status === null) return fail('what answers there is not cmkms');
        clearTimeout(timer);
        resolve({ status });
      });
    });
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
    request.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
  });
}

/** A node's own RPC has a /status too: ours is known by what is always in it. */
function parseStatus(body: string): StatusJson | null {
  try {
    const value = JSON.parse(body) as Partial<StatusJson> | null;
    const ours =
      typeof value?.ready === 'boolean' &&
      typeof value.is_leader === 'boolean' &&
      Array.isArray(value.chains) &&
      Array.isArray(value.replicas);
    return ours ? (value as StatusJson) : null;
  } catch {
    return null;
  }
}
