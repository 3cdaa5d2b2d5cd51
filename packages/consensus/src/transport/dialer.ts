/**
 * When to dial one peer.
 *
 * Owns    the pace: at once when a link is needed, then after a short random pause, slowly where the
 *         other side answered and said no. At most one dial at a time.
 * Never   opens a socket itself, or gives up for good.
 * Proof   conformance/transport.ts (a peer that comes back is linked again).
 */
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
  needed(peer: PeerEndpoint): boolean;
  dial(peer: PeerEndpoint): Link;
}

export class Dialer {
  #pause: NodeJS.Timeout | undefined;
  #dialling: Link | null = null;
  #stopped = false;

  constructor(
    public peer: PeerEndpoint,
    readonly host: DialerHost,
  ) {}

  /** A link to this peer may be needed now. */
  wake(): void {
    if (this.#stopped || this.#dialling !== null || this.#pause !== undefined) return;
    if (this.host.needed(this.peer)) this.#dialling = this.host.dial(this.peer);
  }

  /** The dial became a link, or gave way to one. */
  done(link: Link): void {
    if (this.#dialling === link) this.#dialling = null;
  }

  /** After `done`. */
  failed(fault: LinkFault): void {
    if (this.#stopped || this.#pause !== undefined) return;
    const base = answeredNo.has(fault.kind) ? redialAfterRefusalMs : redialMinMs;
    this.#pause = setTimeout(
      () => {
        this.#pause = undefined;
        this.wake();
      },
      base + Math.random() * redialSpreadMs,
    );
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }
}
