/**
 * Asks the running replica of a home over its admin socket.
 *
 * Owns    one request, one answer, one deadline, and what is said when nobody answers.
 * Never   asks twice: a request that changes something may have been carried out.
 * Proof   test/admin-socket.test.ts.
 */
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { CmkmsError } from '../errors.js';
import { EXIT } from '../exit-codes.js';
import {
  ADMIN_VERSION,
  type AdminErrorJson,
  type AdminKind,
  type AdminResponse,
  type AdminResults,
  encodeRequest,
  MAX_RESPONSE_BYTES,
  type RequestOf,
} from './protocol.js';
import { checkSocketPath } from './server.js';

/** What the replica said no to, as it said it: code, message and remedy are the replica's. */
export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal';
  readonly code: string;
  readonly remedy: string;
  readonly exitCode: number;
  constructor(said: AdminErrorJson) {
    super(said.message);
    this.code = said.code;
    this.remedy = said.remedy;
    this.exitCode = said.exitCode;
  }
}

/**
 * @param socketPath  `homePaths(home).adminSocket`
 * @param timeoutMs  from the call to the answer
 * @throws CmkmsError NOT_RUNNING   nobody answers there, or not in time
 * @throws CmkmsError PERMISSION    the socket belongs to another user
 * @throws CmkmsError SOCKET_PATH   the path is longer than a socket's may be
 * @throws AdminRefusal             the replica refused
 */
export async function adminRequest<K extends AdminKind>(
  socketPath: string,
  request: RequestOf<K>,
  timeoutMs: number,
): Promise<AdminResults[K]> {
  checkSocketPath(socketPath);
  const line = await exchange(socketPath, encodeRequest(request), timeoutMs);
  const response = parseResponse(line);
  if (response === null) {
    throw notRunning(socketPath, 'what listens there does not speak this version of the protocol');
  }
  if (!response.ok) throw new AdminRefusal(response.error);
  return response.result as AdminResults[K];
}

function exchange(path: string, request: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(notRunning(path, `no answer within ${timeoutMs} ms; it may still be carried out`)),
      timeoutMs,
    );
    socket.once('error', (error: NodeJS.ErrnoException) => fail(connectError(path, error)));
    socket.once('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      const end = chunk.indexOf(10);
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      bytes += chunk.length;
      if (end >= 0) {
        clearTimeout(timer);
        socket.destroy();
        resolve(Buffer.concat(chunks).toString('utf8'));
      } else if (bytes > MAX_RESPONSE_BYTES) {
        fail(notRunning(path, 'the answer is too long'));
      }
    });
    socket.once('end', () => fail(notRunning(path, 'it closed the connection without an answer')));
  });
}

function connectError(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new CmkmsError('PERMISSION', { detail: path }, { cause: error });
  }
  const details: Readonly<Record<string, string>> = {
    ENOENT: `${path} does not exist`,
    ECONNREFUSED: `nobody listens on ${path}`,
  };
  return notRunning(path, details[error.code ?? ''] ?? error.message, error);
}

function notRunning(path: string, detail: string, cause?: Error): CmkmsError<'NOT_RUNNING'> {
  const home = dirname(dirname(path));
  return new CmkmsError('NOT_RUNNING', { home, detail }, cause === undefined ? {} : { cause });
}

function parseResponse(line: string): AdminResponse | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { v, ok, result, error } = value as Readonly<Record<string, unknown>>;
  if (v !== ADMIN_VERSION) return null;
  if (ok === true && result !== undefined) return { v, ok, result };
  return ok === false ? { v, ok, error: errorJson(error) } : null;
}

function errorJson(error: unknown): AdminErrorJson {
  const { code, message, remedy, exitCode } = (error ?? {}) as Readonly<Record<string, unknown>>;
  return {
    code: typeof code === 'string' ? code : 'UNEXPECTED',
    message: typeof message === 'string' ? message : 'the replica refused without saying why',
    remedy: typeof remedy === 'string' ? remedy : '',
    exitCode: typeof exitCode === 'number' ? exitCode : EXIT.UNEXPECTED,
  };
}
