/**
 * A trace of the real thing, written down in the seams of the signer.
 *
 * Owns    the wrappers around ReservationStore and Watermark, and the words for what passes through them.
 * Never   changes an answer, its order, or the microtask in which the gate gets it.
 */
import { createHash } from 'node:crypto';
import { invariant } from '@cometkms/invariant';
import type { Answer, Command, Hrs, RecordId } from '@cometkms/sign-state';
import type { ReservationStore, SignOutcome, SignRequest, Watermark } from '@cometkms/signer';
import { readSigned } from '../signed-bytes.js';
import type { Bytes, TraceCommand, TraceEvent, TraceStart } from './events.js';

/** Codes of refusals that say nothing of what is reserved. */
const noVerdicts: ReadonlySet<string> = new Set(['BACKEND', 'MALFORMED', 'WATERMARK']);

export class Recorder {
  /** What is written by others too: crashes, restarts, snapshots, damage. */
  readonly events: TraceEvent[] = [];
  #tickets = 0;
  /** The gate hands the very same buffer to the store and to its observer. */
  readonly #ticketOf = new WeakMap<Uint8Array, number>();
  readonly #lastAsked = new Map<string, number>();
  readonly #down = new Set<string>();

  reservations(
    replica: string,
    inner: Pick<ReservationStore, 'reserve'>,
  ): Pick<ReservationStore, 'reserve'> {
    return {
      reserve: (request) => {
        this.#tickets += 1;
        const of = { chain: chainName(request.id), replica, ticket: this.#tickets };
        this.#ticketOf.set(request.signBytes, of.ticket);
        this.#lastAsked.set(`${of.chain} ${replica}`, of.ticket);
        const { by, signBytes } = request;
        this.#add({ kind: 'asked', ...of, by, bytes: bytesOf(signBytes) });
        return first(inner.reserve(request), (result) => {
          if (result.kind !== 'committed') return;
          this.#add({ kind: 'heard', ...of, index: result.proof.index });
        });
      },
    };
  }

  /** @param written  told of each that is on the disk, after the event */
  watermark(
    replica: string,
    id: RecordId,
    inner: Watermark,
    written: (hrs: Hrs) => void = () => {},
  ): Watermark {
    const chain = chainName(id);
    return {
      raise: (hrs, content) => {
        const ticket = this.turnOf(replica, id);
        return first(inner.raise(hrs, content), (verdict) => {
          const raised = verdict.kind === 'raised';
          this.#add({ kind: 'marked', chain, replica, ticket, raised });
          if (raised) written(hrs);
        });
      },
      current: () => inner.current(),
    };
  }

  /** The gate marks for the turn that it has just begun. */
  turnOf(replica: string, id: RecordId): number {
    return this.#lastAsked.get(`${chainName(id)} ${replica}`) ?? 0;
  }

  /** The turn in which a store of ours was handed this very buffer. */
  ticketOf(signBytes: Uint8Array): number | undefined {
    return this.#ticketOf.get(signBytes);
  }

  /** For `GateObserver.answered`. A request that was refused at once has no turn, and is left out. */
  answered(replica: string, request: SignRequest, outcome: SignOutcome): void {
    const ticket = this.#ticketOf.get(request.signBytes);
    if (ticket !== undefined) this.ended(replica, request.id, ticket, outcome);
  }

  /** By what is applied there: nothing was proposed, so there is no turn. */
  refusedAtOnce(replica: string, id: RecordId, signBytes: Uint8Array, code: string): void {
    if (noVerdicts.has(code)) return;
    const of = { chain: chainName(id), replica };
    const bytes = bytesOf(signBytes);
    this.#add({ kind: 'refusedAtOnce', ...of, bytes, reason: reasonOf(code) });
  }

  ended(replica: string, id: RecordId, ticket: number, outcome: SignOutcome): void {
    const of = { chain: chainName(id), replica, ticket };
    if (outcome.kind === 'released') {
      this.#add({ kind: 'released', ...of, bytes: bytesOf(outcome.signBytes) });
    } else if (outcome.kind === 'refused' && outcome.code !== 'BACKEND') {
      this.#add({ kind: 'refused', ...of, reason: reasonOf(outcome.code) });
    } else {
      this.#add({ kind: 'gaveUp', ...of });
    }
  }

  /** For whoever sees a state machine apply its commands. */
  applied(replica: string, index: number, command: Command, answer: Answer): void {
    const said = answer.kind === 'verdict' ? answer.verdict.kind : answer.kind;
    if (said === 'malformed') return;
    if (answer.kind === 'rejected' && answer.reason === 'malformed') return;
    const chain = chainName(command.id);
    const traced = commandOf(command);
    this.#add({ kind: 'applied', chain, replica, index, command: traced, answer: said });
  }

  /** The process is gone: what its promises still come to is nothing that happened. */
  crashed(replica: string): void {
    this.#add({ kind: 'crashed', replica });
    this.#down.add(replica);
  }

  /** A process has all up to `index` from its own disk. */
  restarted(replica: string, index: number): void {
    if (!this.#down.delete(replica)) this.#add({ kind: 'installed', replica, index });
    else this.#add({ kind: 'restarted', replica, index });
  }

  #add(event: TraceEvent): void {
    if (!this.#down.has(event.replica)) this.events.push(event);
  }
}

/** Who subscribes first is called first: whoever was promised the result has it after us, and not a tick later. */
function first<T>(result: Promise<T>, then: (value: T) => void): Promise<T> {
  // A rejection is the caller's affair, who holds the same promise.
  void result.then(then, () => {});
  return result;
}

export function chainName({ chainId, key }: RecordId): string {
  return `${chainId} ${Buffer.from(key.bytes).toString('hex').slice(0, 16)}`;
}

/** By the simulator's own reader: one that the program shares would hide its faults. */
export function bytesOf(signBytes: Uint8Array): Bytes {
  const said = readSigned(signBytes);
  invariant(said !== null, 'what is proposed, applied or released is a vote or a proposal');
  const { hrs, content, time } = said;
  return { hrs, content: createHash('sha256').update(content).digest('hex').slice(0, 16), time };
}

/** `PROPOSAL_RETIMED` is `proposalRetimed` in the specification. */
function reasonOf(code: string): string {
  return code.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function commandOf(command: Command): TraceCommand {
  switch (command.kind) {
    case 'reserve':
      return { kind: 'reserve', by: command.by, bytes: bytesOf(command.signBytes) };
    case 'registerChain':
      return { kind: 'registerChain', start: startOf(command.start), limits: command.limits };
    case 'raiseFloor':
      return { kind: 'raiseFloor', floor: command.floor, endsCutover: command.endsCutover };
    case 'setLimits':
      return { kind: 'setLimits', limits: command.limits };
    case 'setHaltHeight':
      return { kind: 'setHaltHeight', height: command.height };
    case 'retire':
      return { kind: 'retire' };
  }
}

function startOf(start: Extract<Command, { kind: 'registerChain' }>['start']): TraceStart {
  if (start.kind === 'neverSigned') return start;
  const { position, signBytes } = start;
  return {
    kind: 'imported',
    position,
    bytes: signBytes === null ? null : bytesOf(signBytes),
  };
}
