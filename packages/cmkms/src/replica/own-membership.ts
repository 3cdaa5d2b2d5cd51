/**
 * What it means for this replica who is a member: its own configuration, and what its home was made for.
 *
 * Owns    following the memberships of the log, saying each once it is final, and ending a replica whose list or
 *         role was never the cluster's.
 * Never   changes a membership, or lets a configuration do it.
 * Rule    docs/architecture.md, consensus 8 and 9.
 * Proof   test/memberships.test.ts, test/process-members.test.ts.
 */
import {
  type AdmissionStep,
  type Genesis,
  type Member,
  type Membership,
  membersOf,
  type NodeEvents,
  type RaftNode,
} from '@cometkms/consensus';
import type { Answer } from '@cometkms/sign-state';
import type { Checked } from '../check-home.js';
import { CmkmsError } from '../errors.js';
import type { Log } from '../log/index.js';
import { judgeList, listText, type Memberships, namesOf } from '../memberships.js';

export interface OwnMembershipWorld {
  readonly checked: Checked;
  readonly identity: string;
  readonly memberships: Memberships;
  readonly log: Log;
  /** Other members are in force. */
  changed(): void;
  fail(error: unknown): void;
}

export class OwnMembership {
  readonly #world: OwnMembershipWorld;
  /** What a home that joins waits for; null: nothing was heard yet. */
  joiningStep: AdmissionStep | null = null;
  /** What is to be edited in `peer`; null: nothing. */
  staleList: string | null = null;

  constructor(world: OwnMembershipWorld) {
    this.#world = world;
  }

  listen(node: RaftNode<Answer>): void {
    node.on('joining', (step) => {
      this.joiningStep = step;
    });
    node.on('joined', (genesis) => this.#guarded(() => this.#onJoined(genesis)));
    node.on('membership', (news) => this.#guarded(() => this.#onNews(news)));
  }

  /** @throws CmkmsError MEMBERS_DIFFER, ROLE_DIFFERS */
  judge(membership: Membership): void {
    const { checked, identity, memberships } = this.#world;
    this.staleList = judgeOwnList(checked, membership, memberships);
    refuseOtherRole(checked, memberIn(membership, identity));
  }

  /** Said at once, while somebody still looks: the next start would refuse a list that never was one. */
  #onJoined({ clusterId, admitted }: Genesis): void {
    if (admitted === undefined) return;
    const { log } = this.#world;
    log('joined', { cluster: clusterId, members: namesOf(admitted.membership) });
    this.judge(admitted.membership);
    this.#world.changed();
  }

  #onNews({ membership, index, committed }: NodeEvents['membership'][0]): void {
    const { checked, identity, log, memberships } = this.#world;
    refuseOtherRole(checked, memberIn(membership, identity));
    this.#world.changed();
    if (!committed) return;
    const named = (all: readonly Member[]): readonly string[] => all.map(({ name }) => name);
    log('membership', {
      index,
      voters: named(membership.voters.filter(({ witness }) => !witness)),
      witnesses: named(membership.voters.filter(({ witness }) => witness)),
      learners: named(membership.learners),
    });
    memberships.note(index, membership).catch((error: unknown) => {
      log('state_file_failed', { path: checked.paths.memberships, detail: String(error) });
    });
    const listed = checked.members.map(({ name }) => name);
    const now = { index, members: namesOf(membership) };
    this.staleList = listText(listed, judgeList(listed, [now, ...memberships.past]));
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#world.fail(error);
    }
  }
}

const memberIn = (membership: Membership, id: string): Member | undefined =>
  membersOf(membership).find((member) => member.id === id);

/**
 * Who the members are, the log says; addresses may differ, since each side dials by its own list.
 * @returns what is to be edited; null: nothing
 * @throws CmkmsError MEMBERS_DIFFER
 */
export function judgeOwnList(
  { members, genesis }: Pick<Checked, 'members' | 'genesis'>,
  inForce: Membership,
  memberships: Pick<Memberships, 'past'>,
): string | null {
  const listed = members.map((member) => member.name);
  const founders = (genesis?.members ?? []).map((member) => member.name).sort();
  const now = { index: 0, members: namesOf(inForce) };
  // In force already, though it may not be committed yet, or this log may lag behind what admitted this replica.
  if (judgeList(listed, [now]).kind === 'same') return null;
  const founded = founders.length === 0 ? [] : [{ index: 0, members: founders }];
  const verdict = judgeList(listed, [now, ...founded, ...memberships.past]);
  if (verdict.kind !== 'differs') return listText(listed, verdict);
  const config = listed.toSorted();
  throw new CmkmsError('MEMBERS_DIFFER', { config, members: verdict.members, source: 'its log' });
}

/**
 * What this home was made for is what the cluster must have admitted it as: a witness that is counted among the key
 * holders would be waited for, and one with a key would never sign.
 * @throws CmkmsError ROLE_DIFFERS
 */
export function refuseOtherRole(
  { name, witness }: Pick<Checked, 'name' | 'witness'>,
  self: Member | undefined,
): void {
  if (self === undefined || self.witness === witness) return;
  const role = (is: boolean): string => (is ? 'a witness' : 'one that holds the key');
  const facts = { id: name, home: role(witness), cluster: role(self.witness) };
  throw new CmkmsError('ROLE_DIFFERS', facts);
}
