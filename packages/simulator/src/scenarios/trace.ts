/**
 * What the world did, in lines that a reader of Raft can follow.
 *
 * Owns    joining: what one replica does in one go is one line; replicas that do the same, one after the other,
 *         share a line, and one that repeats itself is named once.
 * Never   leaves anything else out: what is not worth a line is not said at all.
 */

interface Line {
  readonly who: string[];
  readonly deeds: readonly string[];
}

export class Trace {
  #lines: (Line | string)[] = [];
  #who: string | null = null;
  #deeds: string[] = [];

  /** @param deed  begins with its verb, in the third person: `leads term 2` */
  say(who: string, deed: string): void {
    if (this.#who !== who) this.endOfDeeds();
    this.#who = who;
    this.#deeds.push(deed);
  }

  /** A line of its own, that no replica says. */
  remark(line: string): void {
    this.endOfDeeds();
    this.#lines.push(line);
  }

  /** What is said from here on belongs to another go. */
  endOfDeeds(): void {
    if (this.#who === null) return;
    const [who, deeds] = [this.#who, this.#deeds];
    this.#who = null;
    this.#deeds = [];
    const last = this.#lines.at(-1);
    if (last !== undefined && typeof last !== 'string' && sameDeeds(last.deeds, deeds)) {
      if (!last.who.includes(who)) last.who.push(who);
    } else {
      this.#lines.push({ who: [who], deeds });
    }
  }

  /** All lines since the last call. */
  take(): readonly string[] {
    this.endOfDeeds();
    const lines = this.#lines;
    this.#lines = [];
    return lines.map((line) => (typeof line === 'string' ? line : written(line)));
  }
}

function sameDeeds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((deed, n) => deed === b[n]);
}

function written({ who, deeds }: Line): string {
  const several = who.length > 1;
  return `${who.join(', ')} ${deeds.map((deed) => (several ? plural(deed) : deed)).join(', ')}`;
}

/** `b writes` but `b, c write`. */
function plural(deed: string): string {
  if (deed.startsWith('has ')) return `have ${deed.slice(4)}`;
  return deed.replace(/^(\w+?)(?:(ss|sh|ch)es|s)\b/, '$1$2');
}
