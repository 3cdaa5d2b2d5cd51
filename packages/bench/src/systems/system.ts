/**
 * What the benchmark knows of a signer, ours or another's: the same for all, so that all are driven alike.
 *
 * Owns    the words of the comparison.
 * Never   knows how one of them is configured: each has a file of its own beside this one.
 */
import type { ManagedProcess } from '@cometkms/interop';

/** A chain that is to be signed for, and the validator that asks. */
export interface ChainToSign {
  readonly chainId: string;
  /** As CometBFT's file signer keeps it: config/priv_validator_key.json, data/priv_validator_state.json. */
  readonly keyHome: string;
  /** `priv_validator_laddr` as the signer dials it: tcp://host:port. */
  readonly validator: string;
}

/** Whatever has figures in a report: a signer, or the machine without one. */
export interface Described {
  /** In options, files and tables: `cmkms-3`. */
  readonly name: string;
  /** In sentences: `CometKMS, three replicas`. */
  readonly title: string;
  /** What is on a disk before a signature leaves. */
  readonly durability: string;
  /** As it says itself, or as it was built. */
  version(): Promise<string>;
}

export interface System extends Described {
  readonly replicas: number;
  /** How many chains one of it signs for; more are not asked of it. */
  readonly mostChains: number;
  /** The largest vote extension that it signs, of those that are asked for; 0: it signs none. */
  readonly mostExtensionBytes: number;
  /**
   * Makes homes and starts all processes. Whether it signs yet, the validator sees.
   * @param directory fresh; all that it writes goes there
   * @throws what is missing, or what the program said
   */
  start(directory: string, chains: readonly ChainToSign[]): Promise<RunningSystem>;
}

export interface RunningReplica {
  readonly name: string;
  readonly process: ManagedProcess;
  /** All that its processes wrote. */
  readonly logPath: string;
}

export interface RunningSystem {
  /** Each with its process, which may have ended; after `restart` the new one. */
  readonly replicas: readonly RunningReplica[];
  /** The replica that decides. @throws where none says so in time */
  leader(): Promise<string>;
  /** After its process ended. */
  restart(name: string): Promise<void>;
  stop(): Promise<void>;
}
