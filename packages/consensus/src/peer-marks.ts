/**
 * What each peer has shown of itself, and whether a peer now shows less.
 *
 * Owns    the marks that are written with the log's frames, and the judgement of a hello by them.
 * Never   forgets: a mark only rises. What it cannot see: a peer that shows less than it once had, but no less than
 *         it ever showed to any member that is here.
 * Rule    docs/architecture.md, founding and identity; rule 9 (a node id is used once).
 * Proof   test/peer-marks.test.ts.
 */
import type { Index, MemberId, Term } from './core/types.js';
import type { PeerMark } from './storage.js';
import type { Hello, Refusal } from './transport.js';

export class PeerMarks {
  readonly #marks = new Map<MemberId, PeerMark>();
  readonly #dirty = new Set<MemberId>();
  /** Joined, and that is on our disk: only then does a promise of this peer count. */
  readonly #joinedDurably = new Set<MemberId>();

  constructor(recovered: readonly PeerMark[]) {
    for (const mark of recovered) {
      this.#marks.set(mark.peer, mark);
      if (mark.joined) this.#joinedDurably.add(mark.peer);
    }
  }

  judge(hello: Hello): Refusal | null {
    const mark = this.#marks.get(hello.from);
    if (mark === undefined) return null;
    // Said by a run that we know, on another connection, it may come after what that run did since: late,
    // not less. What is on a disk does not go back while one process runs.
    if (mark.runId !== '' && hello.boot === mark.boot && hello.runId === mark.runId) return null;
    const { name } = hello;
    if (mark.joined && hello.emptyLog) {
      return { code: 'wiped', detail: `${name} joined before, and its log is empty now` };
    }
    if (hello.boot < mark.boot) {
      return {
        code: 'rolledBack',
        detail: `${name} shows start ${hello.boot}, it had ${mark.boot}`,
      };
    }
    if (hello.boot === mark.boot && mark.runId !== '') {
      return { code: 'cloned', detail: `two processes show start ${hello.boot} of ${name}` };
    }
    if (hello.term < mark.term) {
      return {
        code: 'rolledBack',
        detail: `${name} shows term ${hello.term}, it had ${mark.term}`,
      };
    }
    if (hello.lastIndex < mark.acknowledged) {
      const detail = `${name} shows entries up to ${hello.lastIndex}, it acknowledged ${mark.acknowledged}`;
      return { code: 'rolledBack', detail };
    }
    return null;
  }

  /** An accepted hello raises the mark. */
  shown(hello: Hello): void {
    const mark = this.#of(hello.from);
    // Before it joined, nothing that it said could count, and its starts are not numbered.
    if (!hello.joined && !mark.joined) return;
    const { boot, runId } = hello;
    // The last words of an earlier run, read after a later one greeted.
    if (boot < mark.boot || (boot === mark.boot && mark.runId !== '' && runId !== mark.runId))
      return;
    const joined = mark.joined || hello.joined;
    const term = Math.max(mark.term, hello.term);
    if (
      boot === mark.boot &&
      runId === mark.runId &&
      joined === mark.joined &&
      term === mark.term
    ) {
      return;
    }
    this.#set({ ...mark, boot, runId, joined, term });
  }

  /** What it sent carried this term, so its disk holds it (rule 10). */
  shownTerm(peer: MemberId, term: Term): void {
    const mark = this.#of(peer);
    if (term > mark.term) this.#set({ ...mark, term });
  }

  /** All up to `index` is committed, and the peer said that its disk holds it: leader or follower. */
  acknowledged(peer: MemberId, index: Index): void {
    const mark = this.#of(peer);
    if (index > mark.acknowledged) this.#set({ ...mark, acknowledged: index });
  }

  isJoinedDurably(peer: MemberId): boolean {
    return this.#joinedDurably.has(peer);
  }

  /** What the next frame must carry. */
  takeDirty(): readonly PeerMark[] {
    const taken = [...this.#dirty].flatMap((peer) => this.#marks.get(peer) ?? []);
    this.#dirty.clear();
    return taken;
  }

  /** These are on disk. @returns the peers whose promises count from now on */
  written(marks: readonly PeerMark[]): readonly MemberId[] {
    const joined = marks.filter((m) => m.joined && !this.#joinedDurably.has(m.peer));
    for (const { peer } of joined) this.#joinedDurably.add(peer);
    return joined.map(({ peer }) => peer);
  }

  #of(peer: MemberId): PeerMark {
    return (
      this.#marks.get(peer) ?? { peer, boot: 0, runId: '', term: 0, acknowledged: 0, joined: false }
    );
  }

  #set(mark: PeerMark): void {
    this.#marks.set(mark.peer, mark);
    this.#dirty.add(mark.peer);
  }
}
