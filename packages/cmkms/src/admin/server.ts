/**
 * The admin socket of a running replica: the only way to change a cluster from outside.
 *
 * Owns    `<home>/data/admin.sock`, who may open it, and the limits on who talks.
 * Never   decides: it hands each request to the replica and writes back what that answers. Takes the
 *         socket's path only from a process that is gone.
 * Rule    The right to change is the right to open a file of mode 0600 in a directory of mode 0700.
 * Proof   test/admin-socket.test.ts.
 */
import { chmodSync, lstatSync, mkdirSync, type Stats, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { MAX_SOCKET_PATH_BYTES } from '../config/addresses.js';
import { CmkmsError } from '../errors.js';
import { EXIT } from '../exit-codes.js';
import type { Log } from '../log/index.js';
import {
  ADMIN_VERSION,
  type AdminErrorJson,
  type AdminKind,
  type AdminRequest,
  type AdminResponse,
  type AdminResults,
  BadRequest,
  decodeRequest,
  MAX_REQUEST_BYTES,
  type RequestOf,
} from './protocol.js';

const maxConnections = 16;
const idleTimeoutMs = 30_000;
/** A process that lives accepts at once; this is for one that hangs. */
const probeTimeoutMs = 1_000;

/** The replica. A rejection with a CmkmsError reaches the operator as it is. */
export type AdminHandler = {
  readonly [K in AdminKind]: (request: RequestOf<K>) => Promise<AdminResults[K]>;
};

export interface AdminServer {
  readonly path: string;
  /** Closes every connection and removes the socket. */
  stop(): Promise<void>;
}

/**
 * @param home  for messages
 * @throws CmkmsError SOCKET_PATH    the path is longer than a socket's may be
 * @throws CmkmsError HOME_LOCKED    a process answers there
 * @throws CmkmsError NOT_WRITABLE   the socket cannot be made
 */
export async function startAdmin(
  home: string,
  path: string,
  handler: AdminHandler,
  log: Log,
): Promise<AdminServer> {
  checkSocketPath(path);
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    serve(socket, handler, log);
  });
  server.maxConnections = maxConnections;
  try {
    makePrivateDirectory(dirname(path));
    await removeStale(home, path);
    await listen(server, path);
  } catch (error) {
    server.close();
    if (error instanceof CmkmsError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new CmkmsError('NOT_WRITABLE', { path, detail }, { cause: error });
  }
  return { path, stop: () => stop(server, connections) };
}

/** @throws CmkmsError SOCKET_PATH */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new CmkmsError('SOCKET_PATH', { path, bytes, what: 'the admin socket' });
}

/** The directory guards the socket in the moment between its creation and its chmod. */
function makePrivateDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
}

async function removeStale(home: string, path: string): Promise<void> {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (!stats.isSocket()) throw new Error('something that is no socket lies there');
  if (await answers(path)) {
    throw new CmkmsError('HOME_LOCKED', { home, holder: `the process that answers on ${path}` });
  }
  unlinkSync(path);
}

/** Only a refusal proves that nobody listens: whoever hangs may come back. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const settle = (alive: boolean): void => {
      probe.destroy();
      resolve(alive);
    };
    probe.setTimeout(probeTimeoutMs, () => settle(true));
    probe.once('connect', () => settle(true));
    probe.once('error', (error: NodeJS.ErrnoException) =>
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      // An accept that fails later costs that one connection.
      server.on('error', () => undefined);
      resolve();
    });
    // listen(2) has happened, accept(2) has not: nobody is served before this line.
    if (server.listening) chmodSync(path, 0o600);
  });
}

function serve(socket: Socket, handler: AdminHandler, log: Log): void {
  let waiting = Buffer.alloc(0);
  let busy = false;
  socket.setTimeout(idleTimeoutMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());

  const respond = (line: string): void => {
    if (!socket.destroyed) socket.write(line);
  };
  const refuse = (detail: string): void => {
    respond(refusal(badRequest(detail)));
    socket.pause();
    socket.destroySoon();
  };
  // In order, one at a time: the next line waits until this one is answered.
  const next = async (): Promise<void> => {
    for (;;) {
      const end = waiting.indexOf(10);
      if (busy || end < 0 || socket.destroyed) return;
      const line = waiting.subarray(0, end).toString('utf8');
      waiting = waiting.subarray(end + 1);
      busy = true;
      let request: AdminRequest;
      try {
        request = decodeRequest(line);
      } catch (error) {
        return refuse(error instanceof BadRequest ? error.message : 'not readable');
      }
      respond(await answer(request, handler, log));
      busy = false;
    }
  };
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    if (waiting.length > MAX_REQUEST_BYTES) refuse('the request is too long');
    else void next();
  });
}

/** One line. Never rejects. */
async function answer(request: AdminRequest, handler: AdminHandler, log: Log): Promise<string> {
  try {
    const result = await dispatch(request, handler);
    const response: AdminResponse = { v: ADMIN_VERSION, ok: true, result };
    if (!reads(request)) log('admin', { request: said(request), outcome: 'done', detail: null });
    return `${JSON.stringify(response)}\n`;
  } catch (error) {
    const shown = errorJson(error);
    log('admin', { request: said(request), outcome: shown.code, detail: shown.message });
    return refusal(shown);
  }
}

function refusal(error: AdminErrorJson): string {
  const response: AdminResponse = { v: ADMIN_VERSION, ok: false, error };
  return `${JSON.stringify(response)}\n`;
}

function dispatch(request: AdminRequest, handler: AdminHandler): Promise<unknown> {
  switch (request.kind) {
    case 'status':
      return handler.status(request);
    case 'floorRaise':
      return handler.floorRaise(request);
    case 'haltSet':
      return handler.haltSet(request);
    case 'haltClear':
      return handler.haltClear(request);
    case 'haltShow':
      return handler.haltShow(request);
    case 'chainRetire':
      return handler.chainRetire(request);
    case 'memberAdd':
      return handler.memberAdd(request);
    case 'memberReplace':
      return handler.memberReplace(request);
    case 'memberPromote':
      return handler.memberPromote(request);
    case 'memberRemove':
      return handler.memberRemove(request);
    case 'leaderTransfer':
      return handler.leaderTransfer(request);
  }
}

function reads(request: AdminRequest): boolean {
  return request.kind === 'status' || request.kind === 'haltShow';
}

function said(request: AdminRequest): string {
  const facts = Object.entries(request).filter(([, value]) => value !== null);
  return facts
    .map(([key, value]) => (key === 'kind' ? String(value) : `${key}=${value}`))
    .join(' ');
}

function errorJson(error: unknown): AdminErrorJson {
  if (error instanceof CmkmsError) {
    const { code, message, remedy, exitCode } = error;
    return { code, message, remedy, exitCode };
  }
  const foreign = error as { code?: unknown; message?: unknown; remedy?: unknown };
  return {
    code: typeof foreign?.code === 'string' ? foreign.code : 'UNEXPECTED',
    message: typeof foreign?.message === 'string' ? foreign.message : 'unexpected error',
    remedy: typeof foreign?.remedy === 'string' ? foreign.remedy : "look at the replica's log.",
    exitCode: EXIT.UNEXPECTED,
  };
}

function badRequest(detail: string): AdminErrorJson {
  return {
    code: 'BAD_REQUEST',
    message: `the replica does not understand the request: ${detail}`,
    remedy: 'use the cmkms of the same version as the running replica.',
    exitCode: EXIT.CONFIGURATION,
  };
}

async function stop(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  // Node removes the path of a pipe server when it closes it.
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    for (const socket of connections) socket.destroy();
  });
}
