/**
 * How a connection is made safe: TLS 1.3 with certificates on both sides, or nothing on loopback.
 *
 * Owns    the TLS options, and who a connected socket proved to be.
 * Never   lets a certificate of another authority or another cluster through; never checks host names:
 *         an identity is a key, not a place.
 * Rule    docs/architecture.md, consensus 2: a frame's sender is what its certificate says.
 * Proof   test/transport-strangers.test.ts.
 */
import { connect, createServer, type LookupFunction, type Server, type Socket } from 'node:net';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls';
import { describeReplicaCertificate } from '../certificates.js';
import { ConsensusError } from '../errors.js';
import { isLoopback, lookupLoopback, parseAddress } from './address.js';
import type { Proof } from './connection.js';

export type LinkSecurity =
  | {
      readonly kind: 'tls';
      /** Every peer's certificate must name it. */
      readonly clusterId: string;
      readonly authorityPem: string;
      readonly certificatePem: string;
      readonly privateKeyPem: string;
    }
  /** A sender is whoever its hello says: loopback only. */
  | { readonly kind: 'insecure' };

type TlsSecurity = Extract<LinkSecurity, { kind: 'tls' }>;

const version: SecureVersion = 'TLSv1.3';

function tlsOptions(security: TlsSecurity) {
  return {
    ca: security.authorityPem,
    cert: security.certificatePem,
    key: security.privateKeyPem,
    minVersion: version,
    rejectUnauthorized: true,
  };
}

/** @param onSocket a socket that is connected and, with TLS, whose certificate chain was verified */
export function createLinkServer(
  security: LinkSecurity,
  handshakeTimeoutMs: number,
  onSocket: (socket: Socket) => void,
  onTlsFailed: (error: Error, socket: TLSSocket) => void,
): Server {
  const tcp = { keepAlive: true, keepAliveInitialDelay: 10_000 };
  if (security.kind === 'insecure') return createServer(tcp, onSocket);
  const options = { ...tlsOptions(security), ...tcp, requestCert: true };
  const server = createTlsServer({ ...options, handshakeTimeout: handshakeTimeoutMs }, onSocket);
  server.on('tlsClientError', (error, socket) => {
    onTlsFailed(error, socket);
    socket.destroy();
  });
  return server;
}

/** Dials; `onReady` is called once connected and, with TLS, once the server's chain was verified. */
export function dialLink(security: LinkSecurity, address: string, onReady: () => void): Socket {
  const tcp = {
    ...parseAddress(address),
    keepAlive: true,
    keepAliveInitialDelay: 10_000,
  };
  if (security.kind === 'insecure') {
    // `isIP` hosts skip `lookup`; the proof below judges those.
    const lookup: LookupFunction = lookupLoopback;
    return connect({ ...tcp, lookup }, onReady);
  }
  // Who it is, is judged by `proofOf` on both sides alike; a host name proves nothing here.
  const checkServerIdentity = () => undefined;
  return connectTls({ ...tlsOptions(security), ...tcp, checkServerIdentity }, onReady);
}

/** To be asked once the socket is ready. */
export function proofOf(security: LinkSecurity, socket: Socket): Proof {
  if (security.kind === 'insecure') {
    if (isLoopback(socket.remoteAddress)) return { kind: 'none' };
    const detail = `${socket.remoteAddress ?? 'the peer'} is not a loopback address`;
    return { kind: 'unacceptable', fault: 'insecureAddress', detail };
  }
  const tls = socket as TLSSocket;
  const presented = tls.authorized ? tls.getPeerX509Certificate() : undefined;
  if (presented === undefined) {
    return { kind: 'unacceptable', fault: 'tls', detail: 'no verified certificate was presented' };
  }
  try {
    const certificate = describeReplicaCertificate(presented);
    if (certificate.clusterId === security.clusterId) return { kind: 'certificate', certificate };
    const detail = `its certificate is of cluster ${certificate.clusterId}`;
    return { kind: 'unacceptable', fault: 'identity', detail };
  } catch (error) {
    if (!(error instanceof ConsensusError)) throw error;
    return { kind: 'unacceptable', fault: 'identity', detail: error.message };
  }
}
