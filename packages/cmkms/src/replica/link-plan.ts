/**
 * Who dials a validator: for one link of this replica, whether to hold it, let it go, or reset it.
 *
 * Owns    the policy of docs/architecture.md, "Who holds a validator's link".
 * Never   dials, and never lets leadership move a link that works: whoever holds it hands requests on.
 * Proof   test/replica-link-plan.test.ts (all combinations).
 */

/** Without a leader for this long, every replica holds every link, so that no node freezes. */
export const LEADERLESS_HOLD_MS = 2000;
/** Held that long without a leader, a link that others list too is given up for a moment. */
export const LEADERLESS_RESET_MS = 5000;
/** For this long, so that a leader which this replica cannot see gets in. */
export const LEADERLESS_HOLD_OFF_MS = 1000;

/** A link that nobody has held for this long is dialled by everyone: the leader may be cut off from that validator. */
export const UNHELD_DIAL_MS = 5000;

/** For this long a link that was dropped for want of an answer still counts as held: it is being dialled again. */
export const REDIAL_CLAIM_MS = 1000;

/**
 * So many requests in a row for which its holder had no answer in time, and another may have the link: a follower
 * that hears its leader late, and hands on late, would keep it for as long as that lasts, while all others could sign.
 */
export const DROPS_TO_GIVE_WAY = 3;

/** Where only this replica can serve it, or is the one that should, nobody else would do better. */
export function givesWay(
  drops: number,
  { exclusive, oursToDial }: Pick<LinkFacts, 'exclusive' | 'oursToDial'>,
): boolean {
  return drops >= DROPS_TO_GIVE_WAY && !exclusive && !oursToDial;
}

export interface LinkFacts {
  /** Nobody else can reach this validator, or nobody else lists it. */
  readonly exclusive: boolean;
  /** This replica leads, or it is the one that dials where the leader cannot (dialling.ts). */
  readonly oursToDial: boolean;
  /** The handshake is done; for how long, in milliseconds. Null: not connected. */
  readonly connectedMs: number | null;
  /** A member that we hear from says that it holds this link. */
  readonly heldElsewhere: boolean;
  /** This replica held it last, and ended it itself because it had no answer in time. */
  readonly dropped: boolean;
  /** For how long nobody, as far as known here, has held it. */
  readonly unheldMs: number;
}

export type LinkOrder = 'hold' | 'release' | 'reset';

export interface ClusterFacts {
  /** This replica's log was founded, in this run or an earlier one. */
  readonly founded: boolean;
  /** By the newest membership in this replica's log, committed or not. */
  readonly member: boolean;
  /** Without a known leader; 0 where there is one. */
  readonly leaderlessMs: number;
}

export function planLink(
  { founded, member, leaderlessMs }: ClusterFacts,
  link: LinkFacts,
): LinkOrder {
  // A node that got its public key starts, and its first votes would be refused: a chain that needs them then
  // stands until somebody restarts the node. One that finds no signer ends, and its supervisor starts it again.
  if (!founded) return 'release';
  // A node without its signer cannot start and freezes when running, whoever leads.
  if (link.exclusive) return 'hold';
  if (leaderlessMs >= LEADERLESS_HOLD_MS) {
    // Removed, as far as its log says, and perhaps nobody is left to confirm it: what it held, it would only refuse,
    // while a member that can sign waits for its turn at the node. If the removal never stood, a leader calls.
    if (!member) return 'release';
    const heldMs = Math.min(link.connectedMs ?? 0, leaderlessMs - LEADERLESS_HOLD_MS);
    return heldMs >= LEADERLESS_RESET_MS ? 'reset' : 'hold';
  }
  if (link.connectedMs !== null) return 'hold';
  if (link.heldElsewhere) return 'release';
  // Dropped so that the node asks again on its next link: that must be there at once.
  return link.dropped || link.oursToDial || link.unheldMs >= UNHELD_DIAL_MS ? 'hold' : 'release';
}

/** True where an address names this very machine, so that equal strings elsewhere are other nodes. */
export function isLocalAddress(validatorAddress: string): boolean {
  if (validatorAddress.startsWith('unix://')) return true;
  return isLoopbackHost(hostOf(validatorAddress.replace(/^tcp:\/\//, '')));
}

/** The host part of `host:port`; IPv6 in brackets. */
export function hostOf(hostPort: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(hostPort);
  return bracketed?.[1] ?? hostPort.replace(/:\d*$/, '');
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Whether only this replica can reach a validator.
 * @param listedBy      names of the members that list the address for this chain
 * @param replicaHosts  hosts under which the replicas reach each other: where these are loopback, all
 *                      replicas share one machine, and loopback validators are shared too
 */
export function isExclusive(
  validatorAddress: string,
  listedBy: readonly string[],
  replicaHosts: readonly string[],
): boolean {
  if (listedBy.length <= 1) return true;
  if (validatorAddress.startsWith('unix://')) {
    return !replicaHosts.every(isLoopbackHost);
  }
  return isLocalAddress(validatorAddress) && !replicaHosts.every(isLoopbackHost);
}
