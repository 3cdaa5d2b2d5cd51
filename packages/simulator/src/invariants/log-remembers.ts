/**
 * What a log has acknowledged it gives back at every later start, or the replica does not start.
 *
 * Source  docs/architecture.md, consensus 3; rules 48 to 52. A frame that was under way at the end may be there
 *         whole or not at all. Where a disk was changed by another hand (an old copy, a flipped bit) it must be
 *         refused, by the log or by the others: invariants/promises-are-durable.ts sees what comes of one that
 *         is taken back.
 */

import { isDeepStrictEqual } from 'node:util';
import type { LogBatch, MemberId, PeerMark, RecoveredStorage } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { contentOf, emptyShadow, lastIndexOf, type ShadowLog, withBatch } from '../shadow-log.js';
import { Violation } from '../violation.js';

interface Remembered {
  acknowledged: ShadowLog;
  underWay: ShadowLog | null;
  /** The furthest end that it had in this run, and with what is under way. */
  end: number;
  endUnderWay: number;
  /** What it had acknowledged each time before another hand changed its disk. */
  readonly lost: ShadowLog[];
}

export class LogRemembers implements Invariant {
  readonly promise = 'a log that opens gives back what it acknowledged';
  readonly #logs = new Map<string, Remembered>();
  /** Changed by another hand since they were opened last. */
  readonly #changed = new Set<string>();

  /** What the log of this identity has acknowledged. */
  acknowledged(id: MemberId): ShadowLog {
    return this.#logs.get(id)?.acknowledged ?? emptyShadow;
  }

  /** What it had acknowledged, and no longer has: its disk was changed by another hand. */
  lost(id: MemberId): readonly ShadowLog[] {
    return this.#logs.get(id)?.lost ?? [];
  }

  /** The furthest end that its log had on disk in this run, whatever was cut off since. */
  furthestEnd(id: MemberId): number {
    return this.#logs.get(id)?.end ?? 0;
  }

  /** With what it was given, and may not have on disk yet. */
  given(id: MemberId): ShadowLog {
    const log = this.#logs.get(id);
    return log?.underWay ?? log?.acknowledged ?? emptyShadow;
  }

  /** What the disks of others hold of this one. */
  marksOf(id: MemberId): readonly (readonly [MemberId, PeerMark])[] {
    return [...this.#logs].flatMap(([other, { acknowledged }]) => {
      const mark = acknowledged.marks.get(id);
      return mark === undefined ? [] : [[other, mark] as const];
    });
  }

  whoRecordedJoined(id: MemberId): readonly MemberId[] {
    return this.marksOf(id).flatMap(([other, { joined }]) => (joined ? [other] : []));
  }

  logBegun({ id }: At, batches: readonly LogBatch[]): void {
    const log = this.#of(id);
    log.underWay = log.acknowledged;
    log.endUnderWay = log.end;
    for (const batch of batches) {
      log.underWay = withBatch(log.underWay, batch);
      log.endUnderWay = Math.max(log.endUnderWay, lastIndexOf(log.underWay));
    }
  }

  logAcknowledged({ id }: At, _batches: readonly LogBatch[]): void {
    const log = this.#of(id);
    log.acknowledged = log.underWay ?? log.acknowledged;
    log.underWay = null;
    log.end = log.endUnderWay;
  }

  diskReplaced(id: MemberId): void {
    this.#changed.add(id);
  }

  logOpened({ replica, id }: At, recovered: RecoveredStorage): void {
    const log = this.#of(id);
    const read = shadowOf(recovered);
    log.end = lastIndexOf(read);
    if (this.#changed.delete(id)) {
      log.lost.push(log.acknowledged);
      log.acknowledged = read;
      log.underWay = null;
      return;
    }
    const fits = [log.acknowledged, log.underWay].find(
      (known) => known !== null && isSame(known, read),
    );
    if (!fits) {
      throw new Violation(
        this.promise,
        `${replica} had ${words(log.acknowledged)}, and opens with ${words(read)}`,
      );
    }
    log.acknowledged = fits;
    log.underWay = null;
  }

  #of(id: MemberId): Remembered {
    const known = this.#logs.get(id);
    if (known !== undefined) return known;
    const fresh: Remembered = {
      ...{ acknowledged: emptyShadow, underWay: null, end: 0, endUnderWay: 0, lost: [] },
    };
    this.#logs.set(id, fresh);
    return fresh;
  }
}

function shadowOf(recovered: RecoveredStorage): ShadowLog {
  const { genesis, boot, hard, snapshot, entries } = recovered;
  const marks = new Map(recovered.marks.map((mark) => [mark.peer, mark]));
  return { founded: genesis !== null, boot: boot?.boot ?? 0, hard, snapshot, entries, marks };
}

function isSame(x: ShadowLog, y: ShadowLog): boolean {
  return (
    x.founded === y.founded &&
    x.boot === y.boot &&
    x.hard.term === y.hard.term &&
    x.hard.votedFor === y.hard.votedFor &&
    x.snapshot?.index === y.snapshot?.index &&
    x.snapshot?.term === y.snapshot?.term &&
    isDeepStrictEqual(x.snapshot?.membership, y.snapshot?.membership) &&
    Buffer.compare(x.snapshot?.state ?? Buffer.alloc(0), y.snapshot?.state ?? Buffer.alloc(0)) ===
      0 &&
    isDeepStrictEqual(x.marks, y.marks) &&
    x.entries.length === y.entries.length &&
    x.entries.every((entry, at) => {
      const other = y.entries[at];
      return (
        other !== undefined &&
        entry.index === other.index &&
        entry.term === other.term &&
        contentOf(entry) === contentOf(other)
      );
    })
  );
}

function words({ founded, boot, hard, snapshot, entries }: ShadowLog): string {
  const last = entries.at(-1);
  const end = last === undefined ? 'no entries' : `entries to ${last.index} of term ${last.term}`;
  const vote = hard.votedFor === null ? 'no vote' : `a vote for ${hard.votedFor.slice(0, 8)}`;
  return founded
    ? `start ${boot}, term ${hard.term} with ${vote}, snapshot ${snapshot?.index ?? 'none'}, ${end}`
    : 'nothing';
}
