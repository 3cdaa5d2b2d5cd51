/**
 * Addresses as operators write them: where we listen, where replicas and validators are dialled.
 *
 * Owns    their forms, what is local, and whether listening on one address takes another.
 * Never   resolves a name: a host name is equal only to itself (and localhost to 127.0.0.1).
 */
import { BadValue } from './values.js';

export interface HostPort {
  /** '' is every interface. IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface PeerAddress extends HostPort {
  readonly name: string;
}

export type ValidatorAddress =
  | ({ readonly kind: 'tcp'; readonly text: string } & HostPort)
  | { readonly kind: 'unix'; readonly text: string; readonly path: string };

/** `sun_path` has 108 bytes, the last one a NUL. */
export const MAX_SOCKET_PATH_BYTES = 107;

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const hostPattern = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?$/;

/** @throws BadValue  not `host:port`; `listen` also takes `:port` and port 0 */
export function parseHostPort(value: string, use: 'listen' | 'dial'): HostPort {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(value);
  const host = parts?.[1] ?? parts?.[2] ?? '';
  const port = Number(parts?.[3]);
  const example = use === 'listen' ? '"10.0.0.10:9430", or ":8080"' : '"10.0.0.10:9430"';
  if (parts === null || (parts[1] === undefined && host !== '' && !hostPattern.test(host))) {
    throw new BadValue(`"${value}" is not host:port`, `write it as in ${example}.`);
  }
  if (port > 65_535 || (port === 0 && use === 'dial')) {
    throw new BadValue(`"${value}" has no usable port`, 'a port is 1 to 65535.');
  }
  if (use === 'dial' && isWildcard(host)) {
    throw new BadValue(
      `"${value}" is no address that can be dialled`,
      'that is what a server listens on; give the address under which others reach it.',
    );
  }
  return { host, port };
}

/** @throws BadValue  not `id=host:port`, or the name is none */
export function parsePeer(value: string): PeerAddress {
  const at = value.indexOf('=');
  const name = value.slice(0, Math.max(at, 0));
  if (at < 0) throw new BadValue(`"${value}" is not id=host:port`, 'as in "kms-a=10.0.0.10:9430".');
  checkReplicaName(name);
  return { name, ...parseHostPort(value.slice(at + 1), 'dial') };
}

/** Names become directories and parts of certificates. @throws BadValue */
export function checkReplicaName(name: string): void {
  if (namePattern.test(name)) return;
  throw new BadValue(
    `"${name}" is no name for a replica`,
    'use letters, digits, dot, dash and underscore, at most 63, the first one a letter or digit.',
  );
}

/** @throws BadValue  no address of a `priv_validator_laddr` */
export function parseValidator(value: string): ValidatorAddress {
  if (value.startsWith('unix://')) {
    const path = value.slice('unix://'.length);
    if (!path.startsWith('/')) {
      throw new BadValue(
        `"${value}" has no absolute path`,
        'as in "unix:///run/node/privval.sock".',
      );
    }
    const bytes = Buffer.byteLength(path);
    if (bytes > MAX_SOCKET_PATH_BYTES) {
      throw new BadValue(
        `the path in "${value}" is ${bytes} bytes long; a unix socket's has at most ${MAX_SOCKET_PATH_BYTES}`,
        "use a shorter path, in the node's priv_validator_laddr too.",
      );
    }
    return { kind: 'unix', text: value, path };
  }
  const scheme = /^([a-z]+):\/\//.exec(value)?.[1];
  if (scheme !== undefined && scheme !== 'tcp') {
    throw new BadValue(
      `"${value}" has the scheme ${scheme}://, which is not supported`,
      'give the priv_validator_laddr of the node: tcp://host:port or unix:///path.',
    );
  }
  const dialled = parseHostPort(value.replace(/^tcp:\/\//, ''), 'dial');
  return { kind: 'tcp', text: `tcp://${formatHostPort(dialled)}`, ...dialled };
}

export function formatHostPort(address: HostPort): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

export function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Would a server that listens on `listen` be reached (or shut out) by one at `target`? */
export function covers(
  listen: HostPort,
  target: HostPort,
  localAddresses: ReadonlySet<string>,
): boolean {
  if (listen.port === 0 || listen.port !== target.port) return false;
  const [a, b] = [plain(listen.host), plain(target.host)];
  if (a === b || (isWildcard(a) && isWildcard(b))) return true;
  const local = (host: string): boolean => isLoopback(host) || localAddresses.has(host);
  return (isWildcard(a) && local(b)) || (isWildcard(b) && local(a));
}

function plain(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host.toLowerCase();
}
