/**
 * Addresses and files that cannot belong to two things at once.
 *
 * Owns    the comparison of everything that is bound, dialled or written, before any of it happens.
 * Never   binds: what another program holds is found when `start` listens.
 * Proof   test/config-clashes.test.ts
 */
import { CmkmsError } from '../errors.js';
import { covers, formatHostPort, type HostPort, type PeerAddress } from './addresses.js';
import type { Sourced } from './file.js';
import type { ChainSettings } from './settings.js';

interface Bound {
  readonly raftAddress: Sourced<HostPort> | null;
  readonly httpAddress: Sourced<HostPort> | null;
  readonly peers: readonly PeerAddress[];
  readonly chains: readonly ChainSettings[];
}

/** @throws CmkmsError ADDR_CLASH, CONFIG */
export function refuseClashes(bound: Bound, localAddresses: ReadonlySet<string>): void {
  refuseTwice(bound);
  const { raftAddress, httpAddress } = bound;
  const listens = [
    { name: 'http_addr', address: httpAddress?.value, flag: '--http-addr' },
    { name: 'raft_addr', address: raftAddress?.value, flag: '--raft-addr' },
  ];
  for (const { name, address, flag } of listens) {
    if (address === undefined) continue;
    for (const chain of bound.chains) {
      for (const validator of chain.validators) {
        if (validator.kind === 'unix' || !covers(address, validator, localAddresses)) continue;
        throw new CmkmsError('ADDR_CLASH', {
          first: `${name} "${formatHostPort(address)}"`,
          second: `validator ${validator.text} of chain ${chain.id}`,
          relation: 'covers',
          remedy: `${flag} ${formatHostPort({ ...address, port: address.port + 1 })}, or move priv_validator_laddr (26659 is usual).`,
        });
      }
    }
  }
  if (httpAddress === null || raftAddress === null) return;
  if (!covers(httpAddress.value, raftAddress.value, localAddresses)) return;
  throw new CmkmsError('ADDR_CLASH', {
    first: `http_addr "${formatHostPort(httpAddress.value)}"`,
    second: `raft_addr "${formatHostPort(raftAddress.value)}"`,
    relation: 'covers',
    remedy: 'give the two different ports (9430 and 8080 are usual).',
  });
}

/** The same validator, key, state, peer name or peer address, said twice. */
function refuseTwice(bound: Bound): void {
  const validators = new Map<string, string>();
  const chainKeys = new Map<string, string>();
  const states = new Map<string, string>();
  for (const chain of bound.chains) {
    for (const validator of chain.validators) {
      const name = `validator ${validator.text} of chain ${chain.id}`;
      once(validators, validator.text, name, 'a node has one signer: list each address once.');
    }
    const name = `the key ${chain.keyPath} of chain ${chain.id}`;
    once(chainKeys, `${chain.id} ${chain.keyPath}`, name, 'one [[chain]] per chain id and key.');
    const state = `the state ${chain.statePath} of chain ${chain.id}`;
    once(states, chain.statePath, state, 'each (chain id, key) needs a state file of its own.');
  }
  const names = new Map<string, string>();
  const addresses = new Map<string, string>();
  for (const peer of bound.peers) {
    const name = `peer ${peer.name}=${formatHostPort(peer)}`;
    once(names, peer.name, name, 'each replica stands once in peer.');
    once(addresses, formatHostPort(peer), name, 'each replica has an address of its own.');
  }
}

function once(seen: Map<string, string>, key: string, name: string, remedy: string): void {
  const first = seen.get(key);
  if (first !== undefined) {
    throw new CmkmsError('ADDR_CLASH', { first, second: name, relation: 'equals', remedy });
  }
  seen.set(key, name);
}
