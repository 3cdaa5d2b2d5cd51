/**
 * Why listening failed, in words that help.
 *
 * Owns    the translation of the kernel's answer into RAFT_BIND and HTTP_BIND.
 * Never   binds for good: `tryBind` closes at once, and says nothing of the moment after.
 */
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { formatHostPort, type HostPort } from './config/addresses.js';
import { CmkmsError } from './errors.js';

export type BindUse = 'raft' | 'http';

/** Addresses of this machine's interfaces. */
export function localAddresses(): ReadonlySet<string> {
  const found = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return new Set(found.map((address) => address.address));
}

/** What `listen` failed with, as RAFT_BIND or HTTP_BIND. */
export function bindFailure(use: BindUse, address: HostPort, error: unknown): CmkmsError {
  const code = (error as NodeJS.ErrnoException).code;
  const facts = { address: formatHostPort(address), ...explain(use, address, code, error) };
  return new CmkmsError(use === 'raft' ? 'RAFT_BIND' : 'HTTP_BIND', facts, { cause: error });
}

function explain(
  use: BindUse,
  address: HostPort,
  code: string | undefined,
  error: unknown,
): { readonly detail: string; readonly advice: string } {
  const key = `${use}_addr`;
  switch (code) {
    case 'EADDRNOTAVAIL': {
      const own = [...localAddresses()].join(', ');
      const everywhere = `${key} = "0.0.0.0:${address.port}"`;
      return {
        detail: `not an address of this machine (has ${own})`,
        advice: use === 'raft' ? `${everywhere}; peer keeps what others dial.` : `${everywhere}.`,
      };
    }
    case 'EADDRINUSE':
      return {
        detail: 'another process listens there',
        advice: `stop it (ss -ltnp names it), or choose another ${key}.`,
      };
    case 'EACCES':
      return {
        detail: 'permission denied',
        advice: `choose a port from 1024 on for ${key}.`,
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        detail: 'this host name does not resolve here',
        advice: `set ${key} to an address of this machine, or to "0.0.0.0:${address.port}".`,
      };
    default:
      return { detail: (error as Error).message, advice: `choose another ${key}.` };
  }
}

/**
 * Listens for a moment, to find what only the kernel knows.
 * @throws CmkmsError RAFT_BIND, HTTP_BIND
 */
export function tryBind(use: BindUse, address: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(bindFailure(use, address, error)));
    const host = address.host === '' ? {} : { host: address.host };
    server.listen({ port: address.port, ...host }, () => server.close(() => resolve()));
  });
}
