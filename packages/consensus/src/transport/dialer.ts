/**
 * When to dial one peer.
 *
 * Owns    the pace: at once when a link is needed, then after a short random pause, slowly where the
 *         other side answered and said no. At most one dial at a time.
 * Never   opens a socket itself, or gives up for good.
 * Proof   conformance/transport.ts (a peer that comes back is linked again).
 */
import type { Clock, Entropy } from '../clock.js';
import type { LinkFault, PeerEndpoint } from '../transport.js';
import type { Link } from './link.js';

/** Short, because a restarted replica is one that the quorum may be waiting for. */
const redialMinMs = 40;
const redialSpreadMs = 60;
/** A refusal, a wrong certificate or a wrong name does not go away by itself. */
const redialAfterRefusalMs = 1_000;

const answeredNo: ReadonlySet<LinkFault['kind']> = new Set([
  'tls',
  'identity',
  'malformed',
  'oversized',
  'refusedByUs',
  'refusedByPeer',
  'insecureAddress',
]);

export interface DialerHost {
  readonly clock: Clock;
  readonly entropy: Entropy;
  needed(peer: PeerEndpoint): boolean;
  dial(peer: PeerEndpoint): Link;
}

export class Dialer {
  /** Ends the pause before the next dial. */
  #pause: (() => void) | null = null;
  #dialling: Link | null = null;
  #stopped = false;

  constructor(
    public peer: PeerEndpoint,
    readonly host: DialerHost,
  ) {}

  /** A link to this peer may be needed now. */
  wake(): void {
    if (this.#stopped || this.#dialling !== null || this.#pause !== null) return;
    if (this.host.needed(this.peer)) this.#dialling = this.host.dial(this.peer);
  }

  /** The dial became a link, or gave way to one. */
  done(link: Link): void {
    if (this.#dialling === link) this.#dialling = null;
  }

  /** After `done`. */
  failed(fault: LinkFault): void {
    if (this.#stopped || this.#pause !== null) return;
    const base = answeredNo.has(fault.kind) ? redialAfterRefusalMs : redialMinMs;
    const [chance = 0] = this.host.entropy(1);
    this.#pause = this.host.clock.after(base + (chance / 256) * redialSpreadMs, () => {
      this.#pause = null;
      this.wake();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#pause?.();
    this.#pause = null;
  }
}
