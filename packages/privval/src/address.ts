/**
 * Where a validator listens: the text of `priv_validator_laddr`, read as CometBFT reads it.
 *
 * Owns    which addresses can be dialled, and why the others cannot.
 * Never   resolves names or touches the network.
 * Rule    CometBFT libs/net, `ProtocolAndAddress`: no scheme means tcp.
 * Proof   test/address.test.ts.
 */
import { isIPv6 } from 'node:net';
import { PrivvalError } from './errors.js';

export type ValidatorAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

/**
 * sun_path holds 108 bytes, the last one is a NUL. A longer path would be cut, and mean another
 * file.
 */
const maxUnixPathBytes = 107;

/**
 * `text` of the result is the address in full, with its scheme: one address has one text.
 * @throws PRIVVAL_ADDRESS
 */
export function parseValidatorAddress(address: string): ValidatorAddress {
  const separator = address.indexOf('://');
  const scheme = separator < 0 ? 'tcp' : address.slice(0, separator);
  const rest = separator < 0 ? address : address.slice(separator + 3);
  switch (scheme) {
    case 'tcp':
      return parseTcp(address, rest);
    case 'unix':
      return parseUnix(address, rest);
    case 'noise':
      throw refusal(address, 'noise:// is not supported; set priv_validator_laddr to tcp or unix');
    default:
      throw refusal(address, `the scheme ${JSON.stringify(scheme)} is neither tcp nor unix`);
  }
}

function parseTcp(address: string, rest: string): ValidatorAddress {
  if (rest.includes('@')) {
    throw refusal(address, 'a peer id is no use here: a node draws a new one at each start');
  }
  const match = /^(?:\[(?<v6>[^\]]*)\]|(?<name>[A-Za-z0-9._-]+)):(?<port>[0-9]{1,5})$/.exec(rest);
  const { v6, name, port: digits } = match?.groups ?? {};
  const host = v6 ?? name;
  if (host === undefined || (v6 !== undefined && !isIPv6(v6))) {
    throw refusal(address, 'it is not host:port (an IPv6 host goes in brackets)');
  }
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw refusal(address, `${digits} is not a port`);
  const shown = v6 === undefined ? host : `[${host}]`;
  return { kind: 'tcp', host, port, text: `tcp://${shown}:${port}` };
}

function parseUnix(address: string, path: string): ValidatorAddress {
  if (!path.startsWith('/')) {
    throw refusal(address, 'a unix socket needs its absolute path: unix:///run/node/privval.sock');
  }
  if (path.includes('\0')) throw refusal(address, 'the path holds a NUL byte');
  const bytes = Buffer.byteLength(path);
  if (bytes > maxUnixPathBytes) {
    throw refusal(
      address,
      `the path of a unix socket may have ${maxUnixPathBytes} bytes, this one has ${bytes}`,
    );
  }
  return { kind: 'unix', path, text: `unix://${path}` };
}

function refusal(address: string, detail: string): PrivvalError {
  return new PrivvalError('PRIVVAL_ADDRESS', { address, detail });
}
