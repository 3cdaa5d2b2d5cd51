/**
 * What this replica says to the other members above consensus, and what it hears from them.
 *
 * Owns    saying its statement whenever it changed or a link came up, and taking messages apart.
 * Never   acts on a message itself: it hands each to whoever it is for.
 */
import type { RaftNode } from '@cometkms/consensus';
import type { Answer, RecordId } from '@cometkms/sign-state';
import type { Log } from '../log/index.js';
import type { HeldChain } from './chains.js';
import type { ReplicaClock } from './edges.js';
import type { Members } from './members.js';
import {
  type Dismissal,
  decodeReplicaMessage,
  encodeReplicaMessage,
  type ReplicaMessage,
  type SignAnswer,
  type SignAsk,
  type Statement,
} from './message.js';

export interface Listener {
  asked(from: string, ask: SignAsk): void;
  answered(from: string, answer: SignAnswer): void;
  /** A member said what it knows or holds. */
  stated(): void;
  /** The leader, or this replica as the leader, found that this replica must not go on. */
  dismissed(dismissal: Dismissal): void;
}

export class Conversation {
  readonly #node: RaftNode<Answer>;
  readonly #members: Members;
  readonly #chains: () => readonly HeldChain[];
  readonly #linksHeld: () => readonly string[];
  readonly #linksSilent: () => readonly string[];
  readonly #certificateNotAfter: number | null;
  readonly #listener: Listener;
  readonly #log: Log;
  readonly #clock: ReplicaClock;

  constructor(
    node: RaftNode<Answer>,
    members: Members,
    own: {
      chains(): readonly HeldChain[];
      linksHeld(): readonly string[];
      linksSilent(): readonly string[];
      readonly certificateNotAfter: number | null;
    },
    listener: Listener,
    log: Log,
    clock: ReplicaClock,
  ) {
    this.#node = node;
    this.#members = members;
    this.#chains = own.chains;
    this.#linksHeld = own.linksHeld;
    this.#linksSilent = own.linksSilent;
    this.#certificateNotAfter = own.certificateNotAfter;
    this.#listener = listener;
    this.#log = log;
    this.#clock = clock;
  }

  /** False: dropped, nothing was sent. */
  send(to: string, message: ReplicaMessage): boolean {
    return this.#node.sendApplication(to, encodeReplicaMessage(message));
  }

  stateTo(peer: string): void {
    this.send(peer, this.#statement());
  }

  /** Something in the statement changed. */
  stateToAll(): void {
    const statement = this.#statement();
    this.#members.stated(this.#node.id, statement);
    for (const { id } of this.#members.all) if (id !== this.#node.id) this.send(id, statement);
  }

  dismiss(member: string, id: RecordId, reason: Dismissal['reason']): void {
    const message: Dismissal = { kind: 'dismissal', id, reason };
    const to = this.#members.named(member)?.id;
    if (to === undefined) return;
    if (to !== this.#node.id) this.send(to, message);
    // Last, so that the others are told before this process ends.
    else this.#clock.soon(() => this.#listener.dismissed(message));
  }

  heard(from: string, payload: Uint8Array): void {
    let message: ReplicaMessage;
    try {
      message = decodeReplicaMessage(payload);
    } catch (error) {
      const peer = this.#members.nameOf(from) ?? from;
      this.#log('trace', { what: `message of ${peer} dropped`, detail: String(error) });
      return;
    }
    switch (message.kind) {
      case 'ask':
        this.#listener.asked(from, message);
        return;
      case 'answer':
        this.#listener.answered(from, message);
        return;
      case 'statement':
        this.#members.stated(from, message);
        this.#listener.stated();
        return;
      case 'dismissal':
        if (from === this.#node.leader) this.#listener.dismissed(message);
        return;
    }
  }

  #statement(): Statement {
    const notAfter = this.#certificateNotAfter;
    return {
      kind: 'statement',
      ...(notAfter === null ? {} : { certificateNotAfter: notAfter }),
      chains: this.#chains().map(({ id, known, validators }) => ({
        id,
        known,
        validators: validators.map((validator) => validator.text),
      })),
      linksHeld: this.#linksHeld(),
      linksSilent: this.#linksSilent(),
    };
  }
}
