/**
 * Which rare situations a world has reached: a clean run without them proves nothing.
 *
 * Owns    the closed list, and how often each was seen.
 */
export const situations = [
  'a leader is elected',
  'a leader steps down',
  'two lead at once',
  'two hold leases at once',
  'an entry is overwritten',
  'an older term’s entry commits with a later one',
  'a snapshot is installed',
  'a torn tail is cut',
  'a frame under way survives its process',
  'a link closes and is a hint',
  'leadership is handed over',
  'a process stands still longer than an election',
  'an election is lost',
  'a verdict is granted',
  'a verdict is repeated',
  'a vote is retimed',
  'a proposal is refused for its time',
  'a conflict is refused',
  'a regression is refused',
  'a leap is refused',
  'the cut-over guard refuses',
  'a halted height is refused',
  'the watermark refuses',
  'a request is forwarded',
  'an outcome stays unknown',
  'nobody leads and the validator is told',
  'a log refuses to open',
  'a disk is doubted by its peers',
  'a copy beside its original waits',
  'a copy runs beside its original',
  'a copy is refused',
  'a copy ends and its original goes on',
  'a watermark is made anew',
  'a full disk ends a process',
  'a failed write ends a process',
  'a chain waits for a member',
  'a chain is registered by a file',
  'a state file ahead becomes a floor',
  'a plain node signs where a request was left',
  'a witness is in the world',
  'a witness is added',
  'a witness leads',
  'a member is added',
  'a learner becomes a voter',
  'a member is replaced',
  'a member is removed',
  'a leader is removed',
  'a member is removed that has lost its disk',
  'a change commits during a partition',
  'a change is rolled back',
  'a learner votes',
  'a removed replica is told so',
  'the outcome of a change stays unknown',
  'an identity that left is refused',
  'a list of members is refused',
  'a newcomer’s program is too old',
  'later rules come into force',
] as const;

export type Situation = (typeof situations)[number];

export class Marks {
  readonly #counts = new Map<Situation, number>();

  mark(situation: Situation): void {
    this.#counts.set(situation, (this.#counts.get(situation) ?? 0) + 1);
  }

  count(situation: Situation): number {
    return this.#counts.get(situation) ?? 0;
  }

  add(record: Readonly<Record<string, number>>): void {
    for (const situation of situations) {
      const more = record[situation] ?? 0;
      if (more > 0) this.#counts.set(situation, this.count(situation) + more);
    }
  }

  static asRecord(marks: Marks): Readonly<Record<string, number>> {
    return Object.fromEntries(marks.#counts);
  }

  get missing(): readonly Situation[] {
    return situations.filter((situation) => this.count(situation) === 0);
  }
}
