/**
 * The read-only HTTP server: /livez /readyz /healthz /status /metrics.
 *
 * Owns    the endpoints, their status codes, and the limits on who asks.
 * Never   changes anything (GET and HEAD only), prints a secret, or lets a slow or silent client hold
 *         more than a bounded number of sockets for a bounded time.
 * Rule    /livez says that the event loop turns and the log has not failed, nothing else; /readyz what
 *         readiness.ts says; /healthz is always 200, as in the Go program; /status is always 200.
 * Proof   test/http-server.test.ts.
 */
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatHostPort, type HostPort } from '../config/addresses.js';
import { CmkmsError } from '../errors.js';
import type { Log } from '../log/index.js';
import type { Metrics } from '../metrics/index.js';
import type { StatusSource } from '../status.js';
import { Paced } from './pace.js';
import type { ReadinessWatch } from './readiness.js';
import { readinessJson, statusJson } from './status-json.js';

/** Prometheus, a load balancer and a few people; each connection is given up when it is slow. */
const maxConnections = 64;
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;
const keepAliveTimeoutMs = 10_000;
const maxHeaderBytes = 8 * 1024;
/** A client that does not read its answer is cut off after this long without progress. */
const socketIdleTimeoutMs = 15_000;
/** With twenty chains a rendering takes the event loop some 15 ms: many clients must not add up. */
const metricsPauseMs = 100;

export interface HttpOptions {
  readonly address: HostPort;
  readonly source: StatusSource;
  readonly readiness: ReadinessWatch;
  readonly metrics: Metrics;
  readonly log: Log;
}

export interface HttpServer {
  /** The port that was given for port 0. */
  readonly port: number;
  /** Lets answers under way finish for at most `graceMs`, then closes every socket. */
  stop(graceMs: number): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

interface Context extends HttpOptions {
  readonly paced: Paced;
}

type Endpoint = (context: Context, now: number) => Answer | Promise<Answer>;

const endpoints: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  ['/healthz', () => text(200, 'ok\n')],
  [
    '/livez',
    ({ source }) =>
      source.status().log?.failed === true
        ? text(503, 'the log cannot be written\n')
        : text(200, 'ok\n'),
  ],
  [
    '/readyz',
    ({ source, readiness }, now) => {
      const judged = readiness.judge(source.status(), now);
      return json(judged.ready ? 200 : 503, readinessJson(judged));
    },
  ],
  [
    '/status',
    ({ source, readiness }, now) => {
      const status = source.status();
      return json(200, statusJson(status, readiness.judge(status, now)));
    },
  ],
  [
    '/metrics',
    async ({ source, readiness, metrics, paced }) => {
      const body = await paced.render(() => {
        const [status, now] = [source.status(), Date.now()];
        return metrics.text(status, readiness.judge(status, now), now);
      });
      return { status: 200, type: metrics.contentType, body };
    },
  ],
]);

/** @throws CmkmsError HTTP_BIND */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const context: Context = { ...options, paced: new Paced(metricsPauseMs) };
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => void answer(context, request, response),
  );
  server.maxConnections = maxConnections;
  server.setTimeout(socketIdleTimeoutMs, (socket) => socket.destroy());
  await listen(server, options.address);
  const { port } = server.address() as AddressInfo;
  options.log('http_listening', { address: formatHostPort({ ...options.address, port }) });
  return { port, stop: (graceMs) => stop(server, graceMs) };
}

async function answer(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const endpoint = endpoints.get(path);
  if (endpoint === undefined) {
    send(request, response, text(404, `${[...endpoints.keys()].join(' ')}\n`));
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(request, response, text(405, 'GET and HEAD only\n'), { Allow: 'GET, HEAD' });
    return;
  }
  try {
    send(request, response, await endpoint(context, Date.now()));
  } catch (error) {
    context.log('http_failed', {
      path,
      detail: error instanceof Error ? error.message : 'unknown',
    });
    send(request, response, text(500, 'internal error\n'));
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body }: Answer,
  headers: OutgoingHttpHeaders = {},
): void {
  // Nobody has a reason to send us a body: it is not read, and the connection ends with the answer.
  const hasBody =
    request.headers['content-length'] !== undefined ||
    request.headers['transfer-encoding'] !== undefined;
  if (hasBody) {
    response.shouldKeepAlive = false;
    response.once('finish', () => request.socket.destroySoon());
  }
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

async function listen(server: Server, address: HostPort): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(bindError(address, error)));
    const done = (): void => resolve();
    if (address.host === '') server.listen(address.port, done);
    else server.listen(address.port, address.host, done);
  });
  // After the start an accept can fail (no more descriptors); that connection is lost, nothing else.
  server.on('error', () => undefined);
}

function bindError(address: HostPort, error: NodeJS.ErrnoException): CmkmsError<'HTTP_BIND'> {
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: 'stop what listens there, or give another address: --http-addr 127.0.0.1:8081.',
    EADDRNOTAVAIL: 'give an address of this machine, or ":PORT" for all of them: --http-addr.',
    EACCES: 'ports below 1024 need a privilege; give a higher one: --http-addr 127.0.0.1:8080.',
  };
  const detail: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the address is in use',
    EADDRNOTAVAIL: 'it is not an address of this machine',
    EACCES: 'permission denied',
  };
  const code = error.code ?? '';
  return new CmkmsError(
    'HTTP_BIND',
    {
      address: formatHostPort(address),
      detail: detail[code] ?? error.message,
      advice: advice[code] ?? 'give another address with --http-addr, or "" to switch HTTP off.',
    },
    { cause: error },
  );
}

async function stop(server: Server, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
