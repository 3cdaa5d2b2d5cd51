/**
 * Is what a run did a behaviour of the specification?
 *
 * Owns    which action of signing.qnt each event stands for, and which proposal an entry of the log was.
 * Never   judges an event itself: it can happen if and only if the specification's action can be taken.
 * Proof   test/model-trace.test.ts: a run of the real gates is one; with one wrong event planted it is none.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Bytes, TraceCommand, TraceEvent, TraceLimits } from './events.js';
import { Machine, type Value } from './machine.js';
import { modelDirectory } from './quint.js';

/** The first event that cannot have happened. */
export interface Fault {
  /** Its place in the list, from 0. */
  readonly at: number;
  readonly event: TraceEvent;
  readonly why: string;
}

/** As in sign-state: how high a key that never signed may begin. */
const firstHeightLimit = 1_000_000_000n;

/**
 * @param replicas all that take part, witnesses too
 * @returns null: the run is a behaviour of the specification, for each of its chains
 */
export function checkTrace(
  replicas: readonly string[],
  events: readonly TraceEvent[],
): Fault | null {
  const chains = new Set(events.flatMap((event) => ('chain' in event ? [event.chain] : [])));
  const faults = [...chains].flatMap((chain) => {
    const fault = new ChainCheck(replicas, events, chain).run();
    return fault === null ? [] : [fault];
  });
  return faults.sort((a, b) => a.at - b.at)[0] ?? null;
}

type EventOf<K extends TraceEvent['kind']> = Extract<TraceEvent, { readonly kind: K }>;
type Ending = EventOf<'released' | 'refused' | 'gaveUp'>;

interface Proposal {
  readonly replica: string;
  /** As in its command. */
  readonly by: string;
  readonly bytes: Bytes;
  /** The recorder's, and the specification's. */
  readonly ticket: number;
  readonly number: number;
}

/** Thrown and caught in this file alone: the reason that an event cannot have happened. */
class Impossible extends Error {}

class ChainCheck {
  readonly #machine = new Machine(modelDirectory);
  readonly #events: readonly TraceEvent[];
  readonly #chain: string;
  /** Which turn heard of an index; read ahead, since equal requests of two turns look alike in the log. */
  readonly #heardAt: ReadonlyMap<number, string>;
  readonly #everHeard: ReadonlySet<string>;
  readonly #log: { readonly index: number; readonly command: TraceCommand }[] = [];
  readonly #inFlight: Proposal[] = [];
  readonly #committed = new Map<number, Proposal>();
  readonly #applied: Map<string, number>;
  readonly #open = new Map<string, number>();
  readonly #endedByMark = new Set<string>();
  readonly #taken = new Set<TraceEvent>();
  #tickets = 0;

  constructor(replicas: readonly string[], events: readonly TraceEvent[], chain: string) {
    this.#events = events;
    this.#chain = chain;
    const heard = events.filter(
      (event): event is EventOf<'heard'> => event.kind === 'heard' && event.chain === chain,
    );
    this.#heardAt = new Map(heard.map((event) => [event.index, turnName(event)]));
    this.#everHeard = new Set(heard.map(turnName));
    this.#applied = new Map(replicas.map((replica) => [replica, 0]));
    this.#machine.act('start', new Set(replicas));
  }

  run(): Fault | null {
    for (const [at, event] of this.#events.entries()) {
      if ('chain' in event && event.chain !== this.#chain) continue;
      if (this.#taken.has(event)) continue;
      try {
        this.#take(event, at);
      } catch (error) {
        if (!(error instanceof Impossible)) throw error;
        return { at, event, why: error.message };
      }
    }
    return null;
  }

  #take(event: TraceEvent, at: number): void {
    switch (event.kind) {
      case 'asked':
        this.#asked(event, at);
        break;
      case 'refusedAtOnce':
        this.#refusedAtOnce(event);
        break;
      case 'marked':
        this.#marked(event);
        break;
      case 'applied':
        this.#appliedBy(event);
        break;
      case 'heard':
        this.#heard(event);
        break;
      case 'released':
      case 'refused':
      case 'gaveUp':
        this.#ended(event);
        break;
      case 'markDamaged':
        this.#act(event, 'damageMark', event.replica, event.lost);
        break;
      case 'markRestored':
        this.#act(event, 'believe', event.replica, true);
        this.#act(event, 'restoreMark', event.replica);
        break;
      case 'installed':
        this.#applied.set(event.replica, this.#positionUpTo(event.index));
        this.#act(event, 'install', event.replica, this.#positionUpTo(event.index));
        break;
      case 'crashed':
        this.#open.delete(event.replica);
        this.#act(event, 'crash', event.replica);
        break;
      case 'restarted':
        this.#applied.set(event.replica, this.#positionUpTo(event.index));
        this.#act(event, 'restart', event.replica, this.#positionUpTo(event.index));
        break;
    }
  }

  /** Leadership is a belief that anybody may hold at any time, so whoever is asked holds it. */
  #asked(event: EventOf<'asked'>, at: number): void {
    const { replica, by, bytes, ticket } = event;
    if (this.#open.has(replica)) this.#endBefore(event, at);
    this.#act(event, 'believe', replica, true);
    this.#act(event, 'ask', replica, bytesOf(bytes));
    this.#tickets += 1;
    this.#open.set(replica, ticket);
    this.#inFlight.push({ replica, by, bytes, ticket, number: this.#tickets });
  }

  #refusedAtOnce({ replica, bytes, reason }: EventOf<'refusedAtOnce'>): void {
    const said = this.#machine.ask('reasonNow', replica, bytesOf(bytes));
    if (said !== reason) {
      throw new Impossible(
        `refused for ${reason}; by what is applied: ${String(said) || 'allowed'}`,
      );
    }
  }

  /** The turn before was answered in the same go, and that is written a little later. */
  #endBefore({ replica }: EventOf<'asked'>, at: number): void {
    for (const event of this.#events.slice(at)) {
      if (event.kind === 'crashed' && event.replica === replica) break;
      if (!isEnding(event) || event.chain !== this.#chain || event.replica !== replica) continue;
      if (event.ticket !== this.#open.get(replica)) continue;
      this.#ended(event);
      this.#taken.add(event);
      return;
    }
    throw new Impossible('the turn before has no end');
  }

  #marked(event: EventOf<'marked'>): void {
    this.#act(event, event.raised ? 'mark' : 'markRefused', event.replica);
    if (event.raised) return;
    if (this.#open.get(event.replica) !== event.ticket) return;
    this.#open.delete(event.replica);
    this.#endedByMark.add(turnName(event));
  }

  #appliedBy(event: EventOf<'applied'>): void {
    const { replica, index, command, answer } = event;
    const known = this.#log.find((entry) => entry.index === index);
    if (known === undefined) this.#commit(event);
    else if (!isDeepStrictEqual(known.command, command)) {
      throw new Impossible('another replica applied another command at this index');
    }
    const position = this.#positionUpTo(index);
    const before = this.#applied.get(replica);
    if (before === undefined) throw new Impossible('nobody of that name takes part');
    if (position !== before + 1) {
      throw new Impossible(`entry ${position} of the chain, after ${before} of them`);
    }
    this.#act(event, 'apply', replica);
    this.#applied.set(replica, position);
    const said = this.#machine.ask('verdictAt', position);
    if (said !== answer) throw new Impossible(`the specification says ${String(said)}`);
  }

  #commit(event: EventOf<'applied'>): void {
    const { index, command } = event;
    const last = this.#log.at(-1);
    if (last !== undefined && index < last.index) {
      throw new Impossible(`committed only now, though ${last.index} already was`);
    }
    this.#log.push({ index, command });
    if (command.kind !== 'reserve') {
      this.#act(event, 'order', commandOf(command));
      return;
    }
    const turn = this.#heardAt.get(index);
    const found = this.#inFlight.findIndex((proposal) => {
      const name = turnName(proposal);
      if (turn === undefined ? this.#everHeard.has(name) : name !== turn) return false;
      return proposal.by === command.by && isDeepStrictEqual(proposal.bytes, command.bytes);
    });
    const [proposal] = found < 0 ? [] : this.#inFlight.splice(found, 1);
    if (proposal === undefined) throw new Impossible('committed, and nobody proposed it');
    this.#committed.set(index, proposal);
    const { replica, bytes, number } = proposal;
    this.#act(event, 'commit', { by: replica, ticket: number, bytes: bytesOf(bytes) });
  }

  #heard(event: EventOf<'heard'>): void {
    const proposal = this.#committed.get(event.index);
    if (proposal?.replica !== event.replica || proposal.ticket !== event.ticket) {
      throw new Impossible('what stands there was not proposed in this turn');
    }
    // Too late: the turn is over, and its verdict serves nobody.
    if (this.#open.get(event.replica) !== event.ticket) return;
    this.#act(event, 'hear', event.replica, this.#positionUpTo(event.index));
  }

  #ended(event: Ending): void {
    // Whatever else it heard, the watermark's refusal ended it for the specification.
    if (event.kind !== 'released' && this.#endedByMark.has(turnName(event))) return;
    if (this.#open.get(event.replica) !== event.ticket) {
      throw new Impossible('it has no such turn now');
    }
    this.#open.delete(event.replica);
    switch (event.kind) {
      case 'released':
        this.#act(event, 'releaseOf', event.replica, bytesOf(event.bytes));
        break;
      case 'refused':
        this.#act(event, 'refuse', event.replica, event.reason);
        break;
      case 'gaveUp':
        this.#act(event, 'giveUp', event.replica);
        break;
    }
  }

  #act(event: TraceEvent, action: string, ...args: readonly Value[]): void {
    if (this.#machine.act(action, ...args)) return;
    const node = this.#machine.show('nodeOf', event.replica);
    throw new Impossible(`${action} cannot happen now; ${event.replica} is ${node}`);
  }

  /** How many entries of this chain stand at or below an index of the log. */
  #positionUpTo(index: number): number {
    return this.#log.filter((entry) => entry.index <= index).length;
  }
}

function turnName({ replica, ticket }: { replica: string; ticket: number }): string {
  return `${replica}/${ticket}`;
}

function isEnding(event: TraceEvent): event is Ending {
  return event.kind === 'released' || event.kind === 'refused' || event.kind === 'gaveUp';
}

function bytesOf({ hrs, content, time }: Bytes): Value {
  return { hrs: hrsOf(hrs), content, time };
}

function hrsOf({ height, round, step }: Bytes['hrs']): Value {
  return { height, round, step };
}

function limitsOf({ maxHeightJump, cutoverWindow }: TraceLimits): Value {
  return { jump: maxHeightJump, window: cutoverWindow, first: firstHeightLimit };
}

function commandOf(command: Exclude<TraceCommand, { readonly kind: 'reserve' }>): Value {
  switch (command.kind) {
    case 'registerChain':
      return {
        variant: 'Register',
        of: { start: startOf(command.start), limits: limitsOf(command.limits) },
      };
    case 'raiseFloor': {
      const { floor, endsCutover } = command;
      return { variant: 'RaiseFloor', of: { floor: hrsOf(floor), endsCutover } };
    }
    case 'setLimits':
      return { variant: 'SetLimits', of: limitsOf(command.limits) };
    case 'setHaltHeight':
      return { variant: 'SetHalt', of: command.height ?? 0 };
    case 'retire':
      return { variant: 'Retire', of: null };
  }
}

function startOf(start: Extract<TraceCommand, { kind: 'registerChain' }>['start']): Value {
  if (start.kind === 'neverSigned') return { variant: 'NeverSigned', of: null };
  return start.bytes === null
    ? { variant: 'ImportedPosition', of: hrsOf(start.position) }
    : { variant: 'ImportedBytes', of: bytesOf(start.bytes) };
}
