/**
 * A trace of the real thing, written down in the seams of the signer.
 *
 * Owns    the wrappers around ReservationStore and Watermark, and the words for what passes through them.
 * Never   changes an answer, its order, or the microtask in which the gate gets it by more than this one `await`.
 */
import { createHash } from 'node:crypto';
import type { Answer, Command, RecordId } from '@cometkms/sign-state';
import { readSignBytes } from '@cometkms/sign-state';
import type { ReservationStore, SignOutcome, SignRequest, Watermark } from '@cometkms/signer';
import type { Bytes, TraceCommand, TraceEvent, TraceStart } from './events.js';

export class Recorder {
  /** What is written by others too: crashes, restarts, snapshots, damage. */
  readonly events: TraceEvent[] = [];
  #tickets = 0;
  /** The gate hands the very same buffer to the store and to its observer. */
  readonly #ticketOf = new WeakMap<Uint8Array, number>();
  readonly #lastAsked = new Map<string, number>();

  store(replica: string, inner: ReservationStore): ReservationStore {
    return {
      reserve: async (request) => {
        this.#tickets += 1;
        const of = { chain: chainName(request.id), replica, ticket: this.#tickets };
        this.#ticketOf.set(request.signBytes, of.ticket);
        this.#lastAsked.set(`${of.chain} ${replica}`, of.ticket);
        this.events.push({ kind: 'asked', ...of, bytes: bytesOf(request.signBytes) });
        const result = await inner.reserve(request);
        if (result.kind === 'committed') {
          this.events.push({ kind: 'heard', ...of, index: result.proof.index });
        }
        return result;
      },
      registerChain: (id, start, limits) => inner.registerChain(id, start, limits),
      raiseFloor: (id, floor, endsCutover) => inner.raiseFloor(id, floor, endsCutover),
      setLimits: (id, limits) => inner.setLimits(id, limits),
      setHaltHeight: (id, height) => inner.setHaltHeight(id, height),
      retire: (id) => inner.retire(id),
      read: (id) => inner.read(id),
    };
  }

  watermark(replica: string, id: RecordId, inner: Watermark): Watermark {
    const chain = chainName(id);
    return {
      raise: async (hrs, content) => {
        // The gate marks for the turn that it has just begun.
        const ticket = this.#lastAsked.get(`${chain} ${replica}`) ?? 0;
        const verdict = await inner.raise(hrs, content);
        const raised = verdict.kind === 'raised';
        this.events.push({ kind: 'marked', chain, replica, ticket, raised });
        return verdict;
      },
      current: () => inner.current(),
    };
  }

  /** For `GateObserver.answered`. A request that was refused at once has no turn, and is left out. */
  answered(replica: string, request: SignRequest, outcome: SignOutcome): void {
    const ticket = this.#ticketOf.get(request.signBytes);
    if (ticket === undefined) return;
    const of = { chain: chainName(request.id), replica, ticket };
    if (outcome.kind === 'released') {
      this.events.push({ kind: 'released', ...of, bytes: bytesOf(outcome.signBytes) });
    } else if (outcome.kind === 'refused' && outcome.code !== 'BACKEND') {
      this.events.push({ kind: 'refused', ...of, reason: reasonOf(outcome.code) });
    } else {
      this.events.push({ kind: 'gaveUp', ...of });
    }
  }

  /** For whoever sees a state machine apply its commands. */
  applied(replica: string, index: number, command: Command, answer: Answer): void {
    const said = answer.kind === 'verdict' ? answer.verdict.kind : answer.kind;
    if (said === 'malformed') return;
    if (answer.kind === 'rejected' && answer.reason === 'malformed') return;
    const chain = chainName(command.id);
    const traced = commandOf(command);
    this.events.push({ kind: 'applied', chain, replica, index, command: traced, answer: said });
  }
}

export function chainName({ chainId, key }: RecordId): string {
  return `${chainId} ${Buffer.from(key.bytes).toString('hex').slice(0, 16)}`;
}

export function bytesOf(signBytes: Uint8Array): Bytes {
  const { hrs, content, timestamp } = readSignBytes(signBytes);
  return {
    hrs,
    content: createHash('sha256').update(content).digest('hex').slice(0, 16),
    time: `${timestamp.seconds}.${timestamp.nanos}`,
  };
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
