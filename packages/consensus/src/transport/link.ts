/**
 * One connection on its way to being a link: who it is, then the hellos, then both sides' consent.
 *
 * Owns    the order of the greeting, the checks that need no memory of other links, and giving up on silence.
 * Never   decides which of two links is used, dials, or passes a frame up before the link is in use.
 * Rule    1 each side says hello; 2 each judges the other's; 3 the higher identity offers: it says
 *         `accepted`; 4 the lower one answers `accepted`: the link is up. Every frame carries the
 *         cluster id that its sender's last hello carried, and no other.
 *         Silence is counted in ticks of one timer, not in time: after a stall of this process the timer
 *         runs before the data that already waits (docs/architecture.md, consensus 5), and counts one.
 * Proof   conformance/transport.ts, test/transport-strangers.test.ts.
 */
import type { Clock } from '../clock.js';
import type { MemberId } from '../core/types.js';
import type {
  HeardFrame,
  Hello,
  LinkFault,
  LinkFrame,
  PeerEndpoint,
  Refusal,
} from '../transport.js';
import type { ReceivedFrame, WireFrame } from '../wire-codec.js';
import type { Connection, ConnectionEnd, OpenConnection, Proof } from './connection.js';
import { offers } from './pairing.js';

export interface LinkOwner {
  readonly self: MemberId;
  readonly clock: Clock;
  /** Ticks without a byte after which a link is lost. */
  readonly maxSilentTicks: number;
  hello(): Hello;
  /** After all checks that belong here passed. */
  judge(hello: Hello): { readonly accept: true } | { readonly accept: false; refusal: Refusal };
  /** The other side's hello was judged well. Where it is ours to offer, the owner says when. */
  onGreeted(link: Link): void;
  /** Both sides accepted. */
  onAgreed(link: Link): void;
  /** Only for a link in use. */
  onFrame(link: Link, frame: HeardFrame): void;
  /** It ended before both sides accepted. */
  onFailed(link: Link, fault: LinkFault): void;
  /** It ended after both sides accepted. */
  onEnd(link: Link, end: ConnectionEnd): void;
}

export class Link {
  readonly #connection: Connection;
  #cancelDeadline = (): void => {};
  #proof: Proof | null = null;
  #remote: Hello | null = null;
  #offered = false;
  #agreed = false;
  #ended = false;
  /** Of the last hello that we said here: all frames after it carry the same. */
  #clusterId = '';
  #silentTicks = 0;
  #saidSinceTick = false;

  /** @param dialled whom we dialled, or null where the other side did */
  constructor(
    open: OpenConnection,
    readonly dialled: PeerEndpoint | null,
    readonly owner: LinkOwner,
  ) {
    this.#connection = open({
      onHeard: () => {
        this.#silentTicks = 0;
      },
      onFrame: (received) => this.#onFrame(received),
      onEnd: (end) => this.#onEnd(end),
    });
  }

  get remote(): Hello | null {
    return this.#remote;
  }

  /** Judged well, and not agreed yet. */
  get isGreeted(): boolean {
    return this.#remote !== null && !this.#agreed && !this.#ended;
  }

  get isOffered(): boolean {
    return this.#offered;
  }

  /** Step 3: to be said on one connection with this peer at a time. */
  offer(): void {
    this.#offered = true;
    this.#say({ kind: 'accepted' });
  }

  /** Gives up unless the next step of the greeting is done by then. */
  expectWithin(ms: number, waitingFor: string): void {
    this.#cancelDeadline();
    this.#cancelDeadline = this.owner.clock.after(ms, () => {
      const fault = this.#proof === null ? 'unreachable' : 'unfinished';
      this.#connection.fail(fault, `no ${waitingFor} within ${ms} ms`);
    });
  }

  /** The connection stands: checks who it is and says hello. */
  greet(proof: Proof, greetingTimeoutMs: number): void {
    if (proof.kind === 'unacceptable') {
      this.#connection.fail(proof.fault, proof.detail);
      return;
    }
    this.#proof = proof;
    this.expectWithin(greetingTimeoutMs, 'hello');
    this.#sayHello(this.owner.hello());
  }

  send(frame: LinkFrame): boolean {
    if (frame.kind === 'hello') return this.#sayHello(frame.hello);
    return this.#say(frame);
  }

  /** Once per tick of the one timer: keeps the other side from giving up on us, and gives up on it. */
  tick(): void {
    // Before both agreed, the greeting has its own deadline.
    if (!this.#agreed || this.#ended) return;
    const { maxSilentTicks } = this.owner;
    this.#silentTicks += 1;
    if (this.#silentTicks > maxSilentTicks) {
      this.#connection.fail('unfinished', `silent for ${maxSilentTicks} ticks`);
      return;
    }
    if (!this.#saidSinceTick) this.#say({ kind: 'keepAlive' });
    this.#saidSinceTick = false;
  }

  /** Resolves when the connection is closed. */
  end(): Promise<void> {
    this.#over();
    return this.#connection.end();
  }

  #over(): void {
    this.#ended = true;
    this.#cancelDeadline();
  }

  #say(frame: WireFrame): boolean {
    const taken = this.#connection.send(this.#clusterId, frame);
    if (taken) this.#saidSinceTick = true;
    return taken;
  }

  #sayHello(hello: Hello): boolean {
    this.#clusterId = hello.clusterId;
    return this.#say({ kind: 'hello', hello });
  }

  #onFrame({ clusterId, frame }: ReceivedFrame): void {
    if (this.#ended) return;
    if (frame.kind === 'refused') {
      this.#failWith('refusedByPeer', frame.refusal);
      return;
    }
    if (frame.kind === 'hello') {
      if (clusterId !== frame.hello.clusterId) this.#wrongCluster(clusterId);
      else if (this.#remote === null) this.#onFirstHello(frame.hello);
      else this.#onLaterHello(this.#remote, frame.hello);
      return;
    }
    if (this.#remote === null) this.#connection.fail('malformed', `${frame.kind} before hello`);
    else if (clusterId !== this.#remote.clusterId) this.#wrongCluster(clusterId);
    else if (frame.kind === 'accepted') this.#onAccepted(this.#remote);
    else if (frame.kind !== 'keepAlive' && this.#agreed) this.owner.onFrame(this, frame);
  }

  #wrongCluster(clusterId: string): void {
    this.#connection.fail('identity', `a frame of cluster ${JSON.stringify(clusterId)}`);
  }

  #onFirstHello(hello: Hello): void {
    const stranger = this.#strangerIn(hello);
    if (stranger !== null) {
      this.#connection.fail('identity', stranger);
      return;
    }
    const verdict = this.#judge(hello);
    if (!verdict.accept) {
      this.#say({ kind: 'refused', refusal: verdict.refusal });
      this.#failWith('refusedByUs', verdict.refusal);
      return;
    }
    this.#remote = hello;
    this.#connection.raiseFrameLimit();
    this.owner.onGreeted(this);
  }

  #judge(hello: Hello) {
    if (hello.from !== this.owner.self) return this.owner.judge(hello);
    const detail = 'this address leads to the replica itself, or its identity is in use twice';
    return { accept: false, refusal: { code: 'self', detail } } as const;
  }

  /** What the certificate, and whom we meant to reach, say against this hello. */
  #strangerIn(hello: Hello): string | null {
    if (this.#proof?.kind === 'certificate') {
      const { certificate } = this.#proof;
      if (hello.from !== certificate.identity) return 'its hello is not of its certificate';
      if (hello.name !== certificate.replicaName) return 'its name is not that of its certificate';
      if (hello.clusterId !== certificate.clusterId) return 'its cluster is not its certificate’s';
    }
    if (this.dialled === null) return null;
    const { id, name } = this.dialled;
    if (id !== null && hello.from !== id) {
      return `${name} was expected with identity ${id}, ${hello.name} answered as ${hello.from}`;
    }
    return hello.name === name ? null : `${name} was expected, ${hello.name} answered`;
  }

  #onLaterHello(first: Hello, hello: Hello): void {
    const same =
      hello.from === first.from && hello.runId === first.runId && hello.boot === first.boot;
    // From "not founded yet" to a cluster is the one change that a process may go through.
    if (!same || (first.clusterId !== '' && hello.clusterId !== first.clusterId)) {
      this.#connection.fail('identity', 'it changed who it is');
      return;
    }
    this.#remote = hello;
    if (this.#agreed) this.owner.onFrame(this, { kind: 'hello', hello });
  }

  #onAccepted(remote: Hello): void {
    if (this.#agreed) return;
    if (!offers(this.owner.self, remote.from)) this.#say({ kind: 'accepted' });
    else if (!this.#offered) {
      this.#connection.fail('malformed', 'it accepted what was not offered');
      return;
    }
    this.#agreed = true;
    this.#cancelDeadline();
    this.owner.onAgreed(this);
  }

  #failWith(kind: 'refusedByUs' | 'refusedByPeer', refusal: Refusal): void {
    this.#over();
    void this.#connection.end();
    const detail = `${refusal.code}: ${refusal.detail}`;
    const { remoteAddress } = this.#connection;
    this.owner.onFailed(this, { kind, detail, refusal, remoteAddress });
  }

  #onEnd(end: ConnectionEnd): void {
    if (this.#ended) return;
    this.#over();
    if (this.#agreed) {
      this.owner.onEnd(this, end);
      return;
    }
    const { remoteAddress } = this.#connection;
    const kind = this.#proof === null && end.fault === 'unfinished' ? 'unreachable' : end.fault;
    this.owner.onFailed(this, { kind, detail: end.detail, remoteAddress });
  }
}
