/**
 * A stage for stories: a few cores, and a director who decides what arrives, and when.
 *
 * Owns    the wire and the disks between directions; nothing moves unless it is told to.
 * Never   uses chance: the same directions give the same trace, line by line.
 *
 * Replicas are benches (core-bench.ts): heartbeat 5, election timeout 20, no jitter. Writes are
 * durable at once, except on a replica whose disk is held.
 */
import assert from 'node:assert/strict';
import type {
  CoreConfig,
  Entry,
  Input,
  MemberId,
  MembershipChange,
  Message,
  Receipt,
} from '../src/core/index.js';
import { Bench, type BenchStart, type Output } from './core-bench.js';

export interface Letter {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly message: Message;
}

type Choice = (letter: Letter) => boolean;

interface Actor {
  readonly bench: Bench;
  handedOut: number;
  durable: number;
  readonly waiting: { readonly letter: Letter; readonly after: Receipt }[];
}

export class Stage {
  readonly #actors = new Map<MemberId, Actor>();
  readonly #heldDisks = new Set<MemberId>();
  #wire: Letter[] = [];
  #trace: string[] = [];
  now = 1000;

  constructor(voters: string, starts: Record<MemberId, BenchStart>, config?: Partial<CoreConfig>) {
    for (const [self, start] of Object.entries(starts)) {
      const bench = new Bench({ voters, ...start, config: { ...config, self } });
      this.#actors.set(self, { bench, handedOut: 0, durable: 0, waiting: [] });
    }
  }

  bench(id: MemberId): Bench {
    return this.#actor(id).bench;
  }

  /** One line for each change of role, commit, write and outcome since the last call. */
  trace(): string {
    const lines = this.#trace;
    this.#trace = [];
    return lines.join('\n');
  }

  /** What happened since the last look is this, line by line. */
  tells(story: string): void {
    const lines = story.split('\n').map((line) => line.trim());
    assert.equal(this.trace(), lines.filter((line) => line !== '').join('\n'));
  }

  tell(id: MemberId, input: Input): void {
    const actor = this.#actor(id);
    actor.bench.now = this.now;
    for (const output of actor.bench.tell(input)) this.#carryOut(id, actor, output);
    if (!this.#heldDisks.has(id)) this.finishWrites(id);
  }

  holdDisk(id: MemberId): void {
    this.#heldDisks.add(id);
  }

  releaseDisk(id: MemberId): void {
    this.#heldDisks.delete(id);
    this.finishWrites(id);
  }

  finishWrites(id: MemberId): void {
    const actor = this.#actor(id);
    if (actor.durable === actor.handedOut) return;
    actor.durable = actor.handedOut;
    const kept = actor.waiting.splice(0);
    for (const { letter } of kept) this.#wire.push(letter);
    this.tell(id, { kind: 'durable', through: actor.durable as Receipt });
  }

  change(id: MemberId, ticket: number, change: MembershipChange): void {
    this.tell(id, { kind: 'change', ticket, change });
  }

  propose(id: MemberId, ticket: number, text: string): void {
    this.tell(id, { kind: 'propose', ticket, command: new TextEncoder().encode(text) });
  }

  /** Time passes until this one's election timer runs out. */
  expire(id: MemberId): void {
    this.now = Math.max(this.now, this.bench(id).core.electionDeadline);
    this.tell(id, { kind: 'wake' });
  }

  /** A leader's next heartbeat. */
  beat(id: MemberId): void {
    this.later(5);
    this.tell(id, { kind: 'wake' });
  }

  later(ms: number): void {
    this.now += ms;
  }

  /**
   * Delivers what is on the wire and chosen, and what that causes, until nothing chosen is left.
   */
  deliver(chosen: Choice = () => true, but: Choice = () => false): void {
    for (let delivered = 0; delivered < 1000; delivered += 1) {
      const next = this.#wire.findIndex((letter) => chosen(letter) && !but(letter));
      if (next < 0) return;
      const [letter] = this.#wire.splice(next, 1);
      assert.ok(letter !== undefined);
      const { from, to, message } = letter;
      this.tell(to, { kind: 'message', from, message });
    }
    assert.fail('the wire does not come to rest');
  }

  between(...ids: readonly MemberId[]): Choice {
    return ({ from, to }) => ids.includes(from) && ids.includes(to);
  }

  /** Takes letters off the wire: lost, or kept by the director to arrive late or twice. */
  intercept(chosen: Choice): readonly Letter[] {
    const taken = this.#wire.filter(chosen);
    this.#wire = this.#wire.filter((letter) => !chosen(letter));
    return taken;
  }

  post(...letters: readonly Letter[]): void {
    this.#wire.push(...letters);
  }

  #actor(id: MemberId): Actor {
    return this.#actors.get(id) ?? assert.fail(`nobody is called ${id}`);
  }

  #carryOut(id: MemberId, actor: Actor, output: Output): void {
    switch (output[0]) {
      case 'persist': {
        actor.handedOut = output[1];
        const { truncateFrom, entries } = output[2];
        const range = (entries ?? []).map(written).join(' ');
        if (truncateFrom !== undefined) this.#say(id, `truncates from ${truncateFrom}`);
        if (range !== '') this.#say(id, `writes ${range}`);
        return;
      }
      case 'send':
        this.#wire.push({ from: id, to: output[1], message: output[2] });
        return;
      case 'promise': {
        const letter = { from: id, to: output[1], message: output[2] };
        if (output[3] > actor.durable) actor.waiting.push({ letter, after: output[3] });
        else this.#wire.push(letter);
        return;
      }
      case 'commit':
        this.#say(id, `commits ${output[1]}`);
        return;
      case 'restore':
        this.#say(id, `restores ${output[1].index}`);
        return;
      case 'resolve': {
        const [, ticket, outcome] = output;
        const why = outcome.kind === 'refused' ? ` (${outcome.refusal.kind})` : '';
        this.#say(id, `answers ${ticket}: ${outcome.kind}${why}`);
        return;
      }
      case 'changed': {
        const { role, term, reason } = output[1];
        this.#say(id, `is ${role} of term ${term} (${reason})`);
        return;
      }
      case 'wakeAt':
        return;
    }
  }

  #say(id: MemberId, what: string): void {
    this.#trace.push(`${id} ${what}`);
  }
}

/** Term and place; of a membership, who votes and, after a bar, who learns. */
function written(entry: Entry): string {
  const place = `${entry.term}.${entry.index}`;
  if (entry.kind !== 'membership') return place;
  const { voters, learners } = entry.membership;
  const ids = (members: typeof voters): string => members.map(({ id }) => id).join('');
  return `${place}(${ids(voters)}${learners.length > 0 ? `|${ids(learners)}` : ''})`;
}
