/**
 * Which memberships this replica's log has had, so that the list in its configuration can be judged.
 *
 * Owns    `data/memberships.json`, and what a list is: the members, those of an earlier membership, or others.
 * Never   says who is a member: the log does. What is lost here changes what is said of a list, and nothing else.
 * Rule    docs/architecture.md, consensus 8, and docs/decisions/0011: the log's membership holds from founding on;
 *         a list equal to an earlier membership of this log is a warning, and so is one with somebody of whom this
 *         log knows nothing; any other difference is refused.
 * Proof   test/memberships.test.ts.
 */
import { type Membership, membersOf } from '@cometkms/consensus';
import { unreachable } from '@cometkms/invariant';
import { type DurableFiles, replaceFile } from '@cometkms/signer';

/** What of a membership a configuration can name. */
export interface PastMembership {
  /** Place in the log; 0 as founded. */
  readonly index: number;
  /** Names, learners too, in order. */
  readonly members: readonly string[];
}

export type ListVerdict =
  | { readonly kind: 'same' }
  | { readonly kind: 'earlier'; readonly members: readonly string[] }
  /** It names somebody of whom this log knows nothing: perhaps the log is behind, and not the list. */
  | {
      readonly kind: 'ahead';
      readonly members: readonly string[];
      readonly unknown: readonly string[];
    }
  | { readonly kind: 'differs'; readonly members: readonly string[] };

const VERSION = 1;
/** A list that is older than this many changes is refused. */
const MOST = 256;

export function namesOf(membership: Membership): readonly string[] {
  return membersOf(membership)
    .map(({ name }) => name)
    .sort();
}

/** @param past  in any order, and at least one */
export function judgeList(listed: readonly string[], past: readonly PastMembership[]): ListVerdict {
  const said = listed.toSorted().join();
  const [newest] = past.toSorted((a, b) => b.index - a.index);
  const members = newest?.members ?? [];
  if (members.join() === said) return { kind: 'same' };
  if (past.some((each) => each.members.join() === said)) return { kind: 'earlier', members };
  const known = new Set(past.flatMap((each) => each.members));
  const unknown = listed.filter((name) => !known.has(name)).sort();
  return unknown.length > 0 ? { kind: 'ahead', members, unknown } : { kind: 'differs', members };
}

/** What is to be said of it; null: nothing. */
export function listText(listed: readonly string[], verdict: ListVerdict): string | null {
  if (verdict.kind === 'same') return null;
  const members = verdict.members.join(', ');
  const list = `peer lists ${listed.toSorted().join(', ')}`;
  switch (verdict.kind) {
    case 'earlier':
      return `${list}, as it was once; the members are ${members} now. Edit it.`;
    case 'ahead': {
      const unknown = verdict.unknown.join(', ');
      return `${list}; by the log of this replica the members are ${members}, and it knows nothing of ${unknown}. Admitted while this replica was away: the log catches up. Never admitted: a list admits nobody, cmkms cluster add does.`;
    }
    case 'differs':
      return `${list}, which it never was; the members are ${members}. Edit it, or the next start is refused.`;
    default:
      return unreachable(verdict);
  }
}

/** None where the file is missing or damaged. */
export async function readMemberships(
  path: string,
  files: Pick<DurableFiles, 'read'>,
): Promise<readonly PastMembership[]> {
  const file = await files.read(path);
  if (file === null) return [];
  try {
    const { version, memberships } = JSON.parse(Buffer.from(file.bytes).toString('utf8')) as {
      readonly version?: unknown;
      readonly memberships?: unknown;
    };
    if (version !== VERSION || !Array.isArray(memberships)) return [];
    return memberships.filter(isPast);
  } catch {
    // Damaged: as if it were not there.
    return [];
  }
}

function isPast(value: unknown): value is PastMembership {
  if (typeof value !== 'object' || value === null) return false;
  const { index, members } = value as Readonly<Record<string, unknown>>;
  const named = Array.isArray(members) && members.every((name) => typeof name === 'string');
  return typeof index === 'number' && named;
}

export class Memberships {
  readonly #path: string;
  readonly #files: DurableFiles;
  #past: readonly PastMembership[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, files: DurableFiles) {
    this.#path = path;
    this.#files = files;
  }

  async read(): Promise<void> {
    this.#past = await readMemberships(this.#path, this.#files);
  }

  get past(): readonly PastMembership[] {
    return this.#past;
  }

  /** Only what is committed: what may be rolled back was never a membership. One write at a time, in order. */
  note(index: number, membership: Membership): Promise<void> {
    const members = namesOf(membership);
    const [newest] = this.#past.toSorted((a, b) => b.index - a.index);
    if (newest?.members.join() === members.join()) return this.#writing;
    this.#past = [...this.#past, { index, members }].slice(-MOST);
    const text = `${JSON.stringify({ version: VERSION, memberships: this.#past }, null, 2)}\n`;
    const write = (): Promise<void> => replaceFile(this.#path, Buffer.from(text), this.#files);
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }
}
