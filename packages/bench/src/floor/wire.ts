/**
 * A connection between two processes of the floor, plain or TLS 1.3 with certificates on both sides.
 *
 * Owns    the options, as replicas use them, and records of one length without any frame.
 * Never   judges whom a certificate names: nothing that matters goes over it.
 */
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type SecureVersion,
} from 'node:tls';

/** A directory with certificates as `cmkms cluster init` makes them; empty: plain TCP. */
export type Certificates = string;

const version: SecureVersion = 'TLSv1.3';

function tlsOptions(directory: Certificates) {
  return {
    ca: readFileSync(join(directory, 'ca.crt')),
    cert: readFileSync(join(directory, 'replica.crt')),
    key: readFileSync(join(directory, 'replica.key')),
    minVersion: version,
  };
}

export function serve(certificates: Certificates, onSocket: (socket: Socket) => void): Server {
  if (certificates === '') return createServer(onSocket);
  const options = { ...tlsOptions(certificates), requestCert: true, rejectUnauthorized: true };
  return createTlsServer(options, onSocket);
}

export function dial(certificates: Certificates, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const place = { host: '127.0.0.1', port };
    const ready = (): void => {
      socket.setNoDelay(true);
      resolve(socket);
    };
    const socket =
      certificates === ''
        ? connect(place, ready)
        : connectTls(
            { ...tlsOptions(certificates), ...place, checkServerIdentity: () => undefined },
            ready,
          );
    socket.once('error', reject);
  });
}

/** Calls back once for each `bytes` bytes that came, however they were cut on the way. */
export function onRecord(socket: Socket, bytes: number, run: () => void): void {
  let have = 0;
  socket.on('data', (chunk: Buffer) => {
    have += chunk.length;
    for (; have >= bytes; have -= bytes) run();
  });
}
