/**
 * What a replica was told: one immutable value, every unit explicit.
 *
 * Owns    its shape.
 * Never   holds what is found on the disk: keys, certificates and states are `Checked` (check-home.ts).
 */
import type { HostPort, PeerAddress, ValidatorAddress } from './addresses.js';
import type { Sourced } from './file.js';

/** Not an error: said once at the start, and shown by `check`. */
export interface Warning {
  readonly code: string;
  readonly text: string;
}

export interface ChainSettings {
  readonly id: string;
  /** Absolute. */
  readonly keyPath: string;
  /** Absolute. */
  readonly statePath: string;
  /** What the configuration says that the key's address is: 40 upper-case hex digits. */
  readonly address: string | null;
  readonly validators: readonly ValidatorAddress[];
  /** Where it is configured, for messages. */
  readonly where: string;
}

export interface Settings {
  /** Absolute. */
  readonly home: string;
  /** Null: there is none, all comes from flags, environment and defaults. */
  readonly configFile: string | null;
  /** Null: the certificate names it, or, without one, the host name. */
  readonly id: Sourced<string> | null;
  readonly hostName: string;
  /** Null: the own address in `peers`; unused when solo. */
  readonly raftAddress: HostPort | null;
  /** Null: HTTP is off. */
  readonly httpAddress: HostPort | null;
  /** In order of name. Empty when solo. */
  readonly peers: readonly PeerAddress[];
  readonly solo: boolean;
  /** No TLS between replicas; only on loopback. */
  readonly insecureRaft: boolean;
  /** Chains of which the operator states that their key never signed. Only ever from the flag. */
  readonly allowFreshState: readonly string[];
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    readonly format: 'plain' | 'json';
  };
  /** Absolute. */
  readonly tls: {
    readonly caPath: string;
    readonly certificatePath: string;
    readonly keyPath: string;
  };
  readonly raft: {
    readonly heartbeatIntervalMs: number;
    readonly electionTimeoutMs: number;
    readonly leaseMs: number;
    readonly snapshotEntries: number;
    readonly minFreeDiskBytes: number;
  };
  readonly signing: { readonly deadlineMs: number; readonly latencyBudgetMs: number };
  readonly privval: {
    readonly dialTimeoutMs: number;
    readonly redialIntervalMs: number;
    readonly handshakeTimeoutMs: number;
    readonly idleTimeoutMs: number;
    readonly maxMessageBytes: number;
  };
  /** None in the home of a witness, at least one in any other. */
  readonly chains: readonly ChainSettings[];
  readonly warnings: readonly Warning[];
}
