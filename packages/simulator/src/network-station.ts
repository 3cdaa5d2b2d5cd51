/**
 * One process at one address of the simulated network: the edge below its LinkTransport.
 *
 * Owns    what this process listens and dials, and how all of it ends with the process or the machine.
 * Never   does anything for a dead process.
 * Proof   consensus/conformance/transport.ts; test/network.test.ts.
 */
import {
  type Connection,
  type ConnectionHandlers,
  type ConnectionLimits,
  ConsensusError,
  type LinkNetwork,
  type Listener,
  type ListenerHandlers,
  type ListenerLimits,
  type Proof,
} from '@cometkms/consensus';
import { invariant } from '@cometkms/invariant';
import type { EventLoop } from './event-loop.js';
import type { SimulatedNetwork } from './network.js';
import type { WireEnd } from './network-wire.js';

interface Listening {
  readonly limits: ListenerLimits;
  readonly handlers: ListenerHandlers;
}

const ofADeadProcess: Connection = {
  remoteAddress: '',
  raiseFrameLimit() {},
  send: () => false,
  fail() {},
  end: () => new Promise(() => {}),
};

export class Station implements LinkNetwork {
  readonly ends = new Set<WireEnd>();
  readonly #inbound = new Set<WireEnd>();
  #listening: Listening | null = null;
  #powered = true;

  /** @param shows  what others come to know about who is here: its certificate, or nothing */
  constructor(
    readonly network: SimulatedNetwork,
    readonly address: string,
    readonly loop: EventLoop,
    readonly shows: Proof,
  ) {}

  get listens(): boolean {
    return this.#listening !== null;
  }

  /** Its machine runs, whether the process lives or not. */
  get powered(): boolean {
    return this.#powered;
  }

  // -------------------------------------------------------------------------- as a network

  checkPeerAddress(_address: string): void {
    // There is no wrong address here: to an unknown one nobody answers.
  }

  async listen(
    address: string,
    limits: ListenerLimits,
    handlers: ListenerHandlers,
  ): Promise<Listener> {
    invariant(address === this.address, 'a process listens at its own address', { address });
    if (this.#listening !== null) {
      const detail = 'this address is in use';
      throw new ConsensusError('CONSENSUS_LISTEN_FAILED', { address, detail });
    }
    const listening = { limits, handlers };
    this.#listening = this.loop.alive ? listening : null;
    return {
      address,
      refuse: () => {
        if (this.#listening === listening) this.#listening = null;
      },
      close: async () => {
        for (const end of this.#inbound) end.closedByKernel();
      },
    };
  }

  dial(
    address: string,
    limits: ConnectionLimits,
    handlers: ConnectionHandlers,
    onReady: (proof: Proof) => void,
  ): Connection {
    if (!this.loop.alive) return ofADeadProcess;
    return this.network.connect(this, address).opened(limits, handlers, onReady);
  }

  /** @returns false where it is not taken */
  accept(end: WireEnd, proof: Proof): boolean {
    for (const earlier of this.#inbound) if (earlier.isGone) this.#inbound.delete(earlier);
    if (this.#listening === null) return false;
    const { limits, handlers } = this.#listening;
    if (this.#inbound.size >= limits.maxInbound) return false;
    let taken = false;
    handlers.onInbound((connection) => {
      taken = true;
      this.#inbound.add(end);
      return end.opened(limits, connection);
    }, proof);
    return taken;
  }

  // ---------------------------------------------------------------------------------- ends

  /** After `loop.die`: kill -9, or a crash. The kernel closes what was open, and says so. */
  killed(): void {
    this.#listening = null;
    invariant(!this.loop.alive, 'the process is dead');
    for (const end of [...this.ends]) end.closedByKernel();
  }

  /** After `loop.die`: nothing here says anything more, until another process is at this address. */
  powerLost(): void {
    this.#listening = null;
    this.#powered = false;
    invariant(!this.loop.alive, 'the process is dead');
    for (const end of [...this.ends]) end.powerLost();
  }
}
