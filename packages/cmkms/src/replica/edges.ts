/**
 * Where a replica ends and the world begins: time, chance, log, links, files.
 *
 * Owns    the list of what a replica is given of the world, and the real ones. A simulated world gives its own.
 * Never   holds a rule: what is not here is the same in both.
 */
import {
  type Clock,
  type Entropy,
  LinkTransport,
  type LogStorage,
  openWal,
  systemEntropy,
  type Transport,
} from '@cometkms/consensus';
import {
  type Closing,
  type LinkEvents,
  type SigningHandler,
  ValidatorLink,
} from '@cometkms/privval';
import { type DurableFiles, systemClock, systemFiles, type Verifier } from '@cometkms/signer';
import type { Checked } from '../check-home.js';
import { formatHostPort, type ValidatorAddress } from '../config/addresses.js';
import type { Settings } from '../config/settings.js';
import { noLinks } from './no-links.js';

export interface ReplicaClock extends Clock {
  /** Unix milliseconds; for people, never for a deadline. */
  wallMs(): number;
}

/** One link to a validator, as `ValidatorLink` of privval. */
export interface OpenedLink {
  hold(): void;
  /** @param reason  for the log */
  release(closing?: Closing, reason?: string): Promise<void>;
  reset(holdOffMs: number): void;
}

export interface Edges {
  readonly clock: ReplicaClock;
  readonly entropy: Entropy;
  readonly storage: LogStorage;
  readonly transport: Transport;
  /** Watermarks, state files, and the record that this replica joined. */
  readonly files: DurableFiles;
  openLink(address: ValidatorAddress, handler: SigningHandler, events: LinkEvents): OpenedLink;
  /** Null: by the key's type. */
  readonly verify: Verifier | null;
}

export interface EdgesOptions {
  readonly settings: Settings;
  readonly checked: Checked;
  readonly identity: string;
}

export function realEdges({ settings, checked, identity }: EdgesOptions): Edges {
  const { paths } = checked;
  const { dialTimeoutMs, redialIntervalMs, handshakeTimeoutMs, idleTimeoutMs, maxMessageBytes } =
    settings.privval;
  const linkOptions = {
    ...{ dialTimeoutMs, handshakeTimeoutMs, idleTimeoutMs, maxMessageBytes },
    retryMs: redialIntervalMs,
  };
  return {
    clock: systemClock,
    entropy: systemEntropy,
    storage: openWal({ directory: paths.wal }),
    transport: checked.raftListen === null ? noLinks : linksOf(checked, identity),
    files: systemFiles,
    openLink: (address, handler, events) =>
      new ValidatorLink(address, handler, events, linkOptions),
    verify: null,
  };
}

function linksOf({ tls, raftListen }: Checked, identity: string): LinkTransport {
  return new LinkTransport({
    self: identity,
    listen: raftListen === null ? '' : formatHostPort(raftListen),
    security:
      tls === null
        ? { kind: 'insecure' }
        : {
            kind: 'tls',
            clusterId: tls.certificate.clusterId,
            authorityPem: tls.caPem,
            certificatePem: tls.certificatePem,
            privateKeyPem: tls.keyPem,
          },
  });
}
