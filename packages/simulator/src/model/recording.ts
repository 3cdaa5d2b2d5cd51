/**
 * Whole replicas of a simulated world, and the trace of what they did.
 *
 * Owns    standing in the seams of each process before it can be asked for anything; and what a start finds on the
 *         disk: whether the mark that was being written when the process ended is there, or a slot is bad.
 * Never   changes what a world does: a seed has the same hash with and without it. Never asks the oracle.
 *
 * What the specification does not speak of is projected away:
 *   several chains   A gate, a record and a watermark are of one (key, chain) and share nothing with those of another
 *                    but the log and the process. So one trace holds all chains, and is checked once for each: its own
 *                    events, and those of whole replicas (crash, restart, snapshot). Positions count the entries of
 *                    that chain alone, and each of them moves one record.
 *   membership, elections, leases, floors of the registrar, who holds a link
 *                    They choose who is asked and which orders are proposed. The specification lets anybody be asked
 *                    at any time and any order be committed, so whatever they come to is one of its behaviours, as
 *                    long as the log is one: which the check sees, as two replicas may not apply different entries.
 *   disks that are put back (an old copy, a wiped or a cloned one)
 *                    The program refuses to run on them, and the specification knows no such disk. Worlds that have
 *                    them are left out (`speaksOf`); the oracle watches them in `npm run simulate`.
 */
import type { RecoveredStorage } from '@cometkms/consensus';
import { invariant } from '@cometkms/invariant';
import { compareHrs, decodeCommand, type Hrs, type RecordId } from '@cometkms/sign-state';
import type { SignOutcome } from '@cometkms/signer';
import type { Replica } from 'cmkms/replica';
import type { Swarm } from '../swarm.js';
import type { TraceEvent } from './events.js';
import { chainName, Recorder } from './recorder.js';

type Held = Replica['chains'][number];

/** What the disk of one gate is known to hold, and what it may hold besides. */
interface Disk {
  /** Null: nothing was ever marked. */
  mark: Hrs | null;
  /** A write that was not acknowledged; `after` is the event before it. */
  pending: { readonly hrs: Hrs | null; readonly event: TraceEvent; readonly after: Last } | null;
}

type Last = TraceEvent | undefined;

/** A call to a gate that has not been answered. */
interface Call {
  readonly signBytes: Uint8Array;
  ticket: number | null;
}

export function speaksOf({ rates: { damage, oldCopy, wipe, clone } }: Swarm): boolean {
  return [damage, oldCopy, wipe, clone].every((ms) => ms === Number.POSITIVE_INFINITY);
}

export class Recording {
  readonly recorder = new Recorder();
  /** What a watermark said that no behaviour explains. */
  readonly lost: string[] = [];
  readonly #disks = new Map<string, Disk>();
  /** How much of the log the snapshot holds that a replica found at its start. */
  readonly #snapshots = new Map<string, number>();

  get events(): readonly TraceEvent[] {
    return this.recorder.events;
  }

  logOpened(name: string, { snapshot }: RecoveredStorage): void {
    this.#snapshots.set(name, snapshot?.index ?? 0);
  }

  gone(name: string): void {
    this.recorder.crashed(name);
  }

  /** Its disk was lost, its mark with it. A member that is refused for it from then on; the specification has none. */
  emptied(name: string): void {
    for (const [key, disk] of this.#disks) {
      if (key.startsWith(`${name} `)) Object.assign(disk, { mark: null, pending: null });
    }
  }

  /** Before it starts. */
  assembled(name: string, replica: Replica): void {
    const { machine, node } = replica;
    const calls = new Map<string, Call[]>();
    this.#listenToLog(name, replica, calls);
    const { apply, restore } = machine;
    machine.apply = (bytes: Uint8Array, at?: { readonly index: number }) => {
      const answer = apply.call(machine, bytes);
      invariant(at !== undefined, 'consensus says where an entry stands');
      this.recorder.applied(name, at.index, decodeCommand(bytes), answer);
      return answer;
    };
    machine.restore = (bytes) => {
      restore.call(machine, bytes);
      // At a start the core is not made yet.
      const index = node.core?.snapshot.index ?? this.#snapshots.get(name) ?? 0;
      this.recorder.restarted(name, index);
    };
    const start = node.start.bind(node);
    // Its gates are open by then, and nothing can be asked of them yet.
    node.start = () => {
      for (const chain of replica.chains) this.#listenToGate(name, chain, calls);
      return start();
    };
  }

  #listenToLog(name: string, { store }: Replica, calls: ReadonlyMap<string, Call[]>): void {
    const heard = this.recorder.reservations(name, { reserve: store.reserve.bind(store) });
    store.reserve = (request) => {
      const result = heard.reserve(request);
      // First in, first out: of equal requests the first one that waits has the turn.
      const waiting = calls.get(chainName(request.id)) ?? [];
      const call = waiting.find(
        ({ ticket, signBytes }) =>
          ticket === null && Buffer.compare(signBytes, request.signBytes) === 0,
      );
      if (call !== undefined) call.ticket = this.recorder.ticketOf(request.signBytes) ?? null;
      return result;
    };
  }

  #listenToGate(name: string, chain: Held, calls: Map<string, Call[]>): void {
    const { gate, id } = chain;
    this.#opened(name, chain);
    this.#listenToWatermark(name, chain);
    const waiting: Call[] = [];
    calls.set(chainName(id), waiting);
    const sign = gate.sign.bind(gate);
    gate.sign = (request, deadlineMs) => {
      const call: Call = { signBytes: new Uint8Array(request.signBytes), ticket: null };
      waiting.push(call);
      const outcome = sign(request, deadlineMs);
      void outcome.then((said) => {
        waiting.splice(waiting.indexOf(call), 1);
        this.#answered(name, id, call, said);
      });
      return outcome;
    };
  }

  #answered(name: string, id: RecordId, { ticket, signBytes }: Call, outcome: SignOutcome): void {
    if (ticket !== null) this.recorder.ended(name, id, ticket, outcome);
    else if (outcome.kind === 'refused') {
      this.recorder.refusedAtOnce(name, id, signBytes, outcome.code);
    }
  }

  // ------------------------------------------------------------------------------ second gates

  #disk(name: string, id: RecordId): Disk {
    const key = `${name} ${chainName(id)}`;
    const disk = this.#disks.get(key) ?? { mark: null, pending: null };
    this.#disks.set(key, disk);
    return disk;
  }

  #listenToWatermark(name: string, { id, watermark }: Held): void {
    const disk = this.#disk(name, id);
    const of = { chain: chainName(id), replica: name };
    const { current } = watermark;
    const raise = watermark.raise.bind(watermark);
    const heard = this.recorder.watermark(
      name,
      id,
      { raise, current: () => current.call(watermark) },
      (hrs) => {
        disk.mark = hrs;
        disk.pending = null;
      },
    );
    watermark.raise = (hrs, content) => {
      const ticket = this.recorder.turnOf(name, id);
      const event = { kind: 'marked', ...of, ticket, raised: true } as const;
      disk.pending = { hrs, event, after: this.events.at(-1) };
      return heard.raise(hrs, content);
    };
    const restore = watermark.restore.bind(watermark);
    watermark.restore = (record) => {
      const restored = restore(record);
      if (watermark.ready || disk.pending !== null) return restored;
      // Told where the record was read: until it is done this gate takes no request.
      const event = { kind: 'markRestored', ...of } as const;
      const hrs = higher(record?.last?.hrs ?? null, disk.mark);
      disk.pending = { hrs, event, after: this.events.at(-1) };
      // A rejection is the replica's affair, which ends by it.
      void restored.then(
        () => this.#happened(disk),
        () => {},
      );
      return restored;
    };
  }

  /** What was begun is on the disk. */
  #happened(disk: Disk): void {
    if (disk.pending === null) return;
    const { hrs, event, after } = disk.pending;
    const at = after === undefined ? 0 : this.events.lastIndexOf(after) + 1;
    this.recorder.events.splice(at, 0, event);
    disk.mark = hrs;
    disk.pending = null;
  }

  /** Of what was being written when the last process ended, all may be on the disk, or half of it, or nothing. */
  #opened(name: string, { id, watermark }: Held): void {
    const disk = this.#disk(name, id);
    const found = watermark.current()?.hrs ?? null;
    if (disk.pending !== null && !isSame(found, disk.mark) && isSame(found, disk.pending.hrs)) {
      this.#happened(disk);
    }
    disk.pending = null;
    const isThere = isSame(found, disk.mark);
    if (watermark.ready && !isThere) {
      this.lost.push(`${name} ${id.chainId}: its watermark is not the one that it acknowledged`);
    }
    disk.mark = found;
    if (watermark.ready) return;
    const lost = isThere ? 'older' : found === null ? 'both' : 'newest';
    this.recorder.events.push({ kind: 'markDamaged', chain: chainName(id), replica: name, lost });
  }
}

function higher(a: Hrs | null, b: Hrs | null): Hrs | null {
  if (a === null || b === null) return a ?? b;
  return compareHrs(a, b) < 0 ? b : a;
}

function isSame(a: Hrs | null, b: Hrs | null): boolean {
  return a?.height === b?.height && a?.round === b?.round && a?.step === b?.step;
}
