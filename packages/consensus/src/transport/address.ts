/**
 * host:port, and what counts as loopback.
 *
 * Owns    the reading of addresses, and the look-up of a host's name at every dial.
 * Never   remembers what a name once resolved to: pods and machines move.
 * Proof   test/transport-address.test.ts.
 */
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction, type Socket } from 'node:net';
import { ConsensusError } from '../errors.js';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** @throws ConsensusError CONSENSUS_ADDRESS_INVALID */
export function parseAddress(address: string): HostPort {
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  const valid =
    host !== undefined && port <= 65_535 && (bracketed === undefined || isIP(bracketed) === 6);
  if (!valid) throw new ConsensusError('CONSENSUS_ADDRESS_INVALID', { address });
  return { host, port };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** @param address an IP address; a name is never loopback, whatever it may resolve to */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const family = isIP(address);
  if (family === 0) return false;
  // Covers ::ffff:127.0.0.1 too: BlockList maps it to IPv4.
  return loopback.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** An address that is surely not loopback; of a name that is known only when it is resolved. */
export function isForeignAddress(host: string): boolean {
  return isIP(host) !== 0 && !isLoopback(host);
}

/** For messages. */
export function remoteAddressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? 'unknown'}:${remotePort ?? 0}`;
}

/** For `net.connect`: resolves as usual, then refuses whatever is not loopback. */
export const lookupLoopback: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const local = (addresses ?? []).filter(({ address }) => isLoopback(address));
    const [first] = local;
    if (error !== null || first === undefined) {
      const cause =
        error ?? new ConsensusError('CONSENSUS_INSECURE_ADDRESS', { address: hostname });
      callback(cause, []);
    } else if (options.all === true) callback(null, local);
    else callback(null, first.address, first.family);
  });
};
