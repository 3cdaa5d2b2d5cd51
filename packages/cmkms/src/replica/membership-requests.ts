/**
 * What an operator asks about who is a member: to come in, to leave, to vote, to lead.
 *
 * Owns    turning names into identities, what makes a request one that was carried out before, and each refusal in
 *         the operator's words, with what to do.
 * Never   judges whether a change is safe: the core does, with what it knows at that very step.
 * Rule    docs/architecture.md, consensus 8: one change at a time, learners catch up first, and nothing that
 *         would endanger the quorum.
 * Proof   test/membership-requests.test.ts, test/process-members.test.ts.
 */
import {
  type ChangeRefusal,
  type Clock,
  ConsensusError,
  type Member,
  type Membership,
  type MembershipChange,
  membersOf,
  type RaftNode,
} from '@cometkms/consensus';
import type { Answer } from '@cometkms/sign-state';
import type { AdminHandler, MembershipResult, Newcomer } from '../admin/index.js';
import { CmkmsError } from '../errors.js';

export interface MembershipWorld {
  readonly node: Pick<
    RaftNode<Answer>,
    'change' | 'clusterId' | 'id' | 'leader' | 'membership' | 'transferLeadership'
  >;
  /** It has no links, so nobody could ever join. */
  readonly alone: boolean;
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  /** The name of the leader; null: none is known. */
  leader(): string | null;
}

type Requests = 'memberAdd' | 'memberReplace' | 'memberPromote' | 'memberRemove' | 'leaderTransfer';

/** A commit by a majority, an election in between included. */
const CHANGE_TIMEOUT_MS = 5_000;
/** What passes by itself is asked for again this often, within that time. */
const AGAIN_MS = 20;

export function membershipHandler(world: MembershipWorld): Pick<AdminHandler, Requests> {
  return {
    memberAdd: async (request) => {
      const what = `adding ${request.name}`;
      const membership = mayChange(world, what);
      const there = known(membership, request, what);
      if (there !== null) return shown(membership, false);
      refuseForeign(world, request, what);
      return await changed(world, what, { kind: 'addLearner', member: memberOf(request) });
    },
    memberReplace: async (request) => {
      const { old, name } = request;
      const what = `replacing ${old} by ${name}`;
      const membership = mayChange(world, what);
      // Asked again after an answer that was lost: the old one is gone by the same entry.
      if (known(membership, request, what) !== null) return shown(membership, false);
      refuseForeign(world, request, what);
      const { id } = named(membership, old);
      if (id === world.node.id) {
        throw refused(what, `${old} leads now`, 'cmkms cluster transfer, then ask the new leader.');
      }
      return await changed(world, what, { kind: 'replace', id, member: memberOf(request) });
    },
    memberPromote: async ({ identity }) => {
      const membership = mayChange(world, 'making it a voter');
      if (membership.voters.some(({ id }) => id === identity)) {
        return { ...shown(membership, false), behind: null };
      }
      return await promoted(world, membership, identity);
    },
    memberRemove: async ({ name }) => {
      const what = `removing ${name}`;
      const membership = mayChange(world, what);
      return await changed(world, what, { kind: 'remove', id: named(membership, name).id });
    },
    leaderTransfer: async ({ to }) => await transferred(world, to),
  };
}

/** @throws CmkmsError NOT_LEADER, CHANGE_REFUSED */
function mayChange(world: MembershipWorld, what: string): Membership {
  const { id, leader, membership } = world.node;
  if (leader !== id || membership === null) throw notLeader(world);
  if (world.alone) {
    const remedy = 'begin a cluster with cmkms cluster init, and move the key to it.';
    throw refused(what, 'this replica runs alone (solo), without links to others', remedy);
  }
  return membership;
}

const notLeader = (world: MembershipWorld): CmkmsError =>
  new CmkmsError('NOT_LEADER', { leader: world.leader() });

const refused = (change: string, reason: string, remedy: string): CmkmsError =>
  new CmkmsError('CHANGE_REFUSED', { change, reason, remedy });

const memberOf = ({ identity: id, name, address, witness }: Newcomer): Member => ({
  ...{ id, name, address, witness },
});

/**
 * The member with this identity: the same request was carried out before. Its address may be another one by now.
 * @throws CmkmsError CHANGE_REFUSED  that identity came in as somebody else
 */
function known(membership: Membership, asked: Newcomer, what: string): Member | null {
  const there = membersOf(membership).find(({ id }) => id === asked.identity);
  if (there === undefined) return null;
  if (there.name === asked.name && there.witness === asked.witness) return there;
  const role = there.witness ? 'a witness' : 'one that holds the key';
  const reason = `this identity is a member already, as ${there.name}, ${role}`;
  throw refused(what, reason, 'use the identity that cmkms cluster home printed for this home.');
}

function refuseForeign({ node }: MembershipWorld, { clusterId }: Newcomer, what: string): void {
  if (clusterId === null || clusterId === node.clusterId) return;
  const reason = `its certificate is of cluster ${clusterId}, this is ${node.clusterId}`;
  throw refused(what, reason, "make the home with this cluster's authority (cmkms cluster home).");
}

/** @throws CmkmsError MEMBER_UNKNOWN */
function named(membership: Membership, name: string): Member {
  const members = membersOf(membership);
  const found = members.find((member) => member.name === name);
  if (found !== undefined) return found;
  throw new CmkmsError('MEMBER_UNKNOWN', { id: name, members: members.map((m) => m.name).sort() });
}

async function changed(
  world: MembershipWorld,
  what: string,
  change: MembershipChange,
): Promise<MembershipResult> {
  const made = await commit(world, change, passing);
  if ('membership' in made) return shown(made.membership, true);
  throw refusal(made.refusal, what, world);
}

async function promoted(
  world: MembershipWorld,
  before: Membership,
  identity: string,
): Promise<MembershipResult & { readonly behind: string | null }> {
  const learner = before.learners.find(({ id }) => id === identity);
  if (learner === undefined) {
    throw new CmkmsError('MEMBER_UNKNOWN', {
      ...{ id: `identity ${identity.slice(0, 16)}` },
      members: membersOf(before).map((member) => member.name),
    });
  }
  // While much is signed, its answers are a moment behind what the others let commit.
  const again = ({ kind }: ChangeRefusal): boolean => kind === 'behind' || passes(kind);
  const made = await commit(world, { kind: 'promote', id: identity }, again, 1_000);
  if ('membership' in made) return { ...shown(made.membership, true), behind: null };
  const { refusal: why } = made;
  if (why.kind === 'behind' || why.kind === 'silent' || passes(why.kind)) {
    return { ...shown(before, false), behind: reasonOf(why, world) };
  }
  throw refusal(why, `making ${learner.name} a voter`, world);
}

const passes = (kind: ChangeRefusal['kind']): boolean =>
  kind === 'underWay' || kind === 'termNotOpened';
const passing = ({ kind }: ChangeRefusal): boolean => passes(kind);

/** @throws CmkmsError NOT_LEADER, OUTCOME_UNKNOWN */
async function commit(
  world: MembershipWorld,
  change: MembershipChange,
  again: (refusal: ChangeRefusal) => boolean,
  forMs: number = CHANGE_TIMEOUT_MS,
): Promise<{ readonly membership: Membership } | { readonly refusal: ChangeRefusal }> {
  const { clock, node } = world;
  const deadline = clock.nowMs() + forMs;
  for (;;) {
    try {
      return { membership: await node.change(change, CHANGE_TIMEOUT_MS) };
    } catch (error) {
      const why = refusalIn(error, world);
      if (!again(why) || clock.nowMs() > deadline) return { refusal: why };
    }
    await new Promise<void>((resolve) => {
      clock.after(AGAIN_MS, resolve);
    });
  }
}

/** @throws all that is no refusal, in our words */
function refusalIn(error: unknown, world: MembershipWorld): ChangeRefusal {
  if (!(error instanceof ConsensusError)) throw error;
  const facts = error.facts as { readonly refusal: ChangeRefusal; readonly detail: string };
  switch (error.code) {
    case 'CONSENSUS_CHANGE_REFUSED':
      return facts.refusal;
    case 'CONSENSUS_NOT_LEADER':
      throw notLeader(world);
    case 'CONSENSUS_OUTCOME_UNKNOWN':
      throw new CmkmsError('OUTCOME_UNKNOWN', { detail: facts.detail }, { cause: error });
    default:
      throw error;
  }
}

function refusal(why: ChangeRefusal, what: string, world: MembershipWorld): CmkmsError {
  return refused(what, reasonOf(why, world), remedies[why.kind]);
}

function reasonOf(why: ChangeRefusal, { node }: MembershipWorld): string {
  const members = node.membership === null ? [] : membersOf(node.membership);
  const name = (id: string): string =>
    members.find((member) => member.id === id)?.name ?? `identity ${id.slice(0, 16)}`;
  switch (why.kind) {
    case 'underWay':
      return 'another change is under way, and not committed yet';
    case 'termNotOpened':
      return 'the leader is new and has committed nothing yet';
    case 'unknownMember':
      return `${name(why.id)} is no member`;
    case 'notLearner':
      return `${name(why.id)} is a voter already`;
    case 'idInUse':
      return `${name(why.id)} is a member already`;
    case 'nameInUse':
      return `a member is called ${why.name} already`;
    case 'idUsedBefore':
      return `${name(why.id)} was a member once, and an identity is used once`;
    case 'behind':
      return `${name(why.id)} lacks ${why.commit - why.match} of ${why.commit} entries`;
    case 'silent':
      return `${name(why.id)} does not answer`;
    case 'lastVoter':
      return `${name(why.id)} is the last voter`;
    case 'lastKeyHolder':
      return `${name(why.id)} is the last voter that holds a key`;
    case 'noQuorum':
      return `of the voters that would remain ${why.live} answer, and ${why.needed} are needed: nothing could be signed, or changed back`;
    case 'noKeyHolder':
      return `besides ${name(why.id)} no voter that holds a key answers: nothing could be signed`;
  }
}

const again = 'ask again in a moment.';
const newHome = 'make a new home for it (cmkms cluster home).';
const remedies: Readonly<Record<ChangeRefusal['kind'], string>> = {
  underWay: again,
  termNotOpened: again,
  unknownMember: 'cmkms cluster status lists the members.',
  notLearner: 'cmkms cluster status lists the members.',
  idInUse: newHome,
  nameInUse: 'give it another id, or put it in the place of that one: cmkms cluster replace.',
  idUsedBefore: newHome,
  behind: again,
  silent: 'start it; cmkms cluster status shows who is reachable.',
  lastVoter: 'add another one first: cmkms cluster add.',
  lastKeyHolder: 'add one that holds the key first: cmkms cluster add.',
  noQuorum: 'bring back a replica that is down (cmkms cluster status), then ask again.',
  noKeyHolder:
    'bring back another one that holds the key (cmkms cluster status), or add one: cmkms cluster add.',
};

/** @throws CmkmsError NOT_LEADER, MEMBER_UNKNOWN, CHANGE_REFUSED, NOBODY_TOOK_OVER */
async function transferred(
  world: MembershipWorld,
  to: string | null,
): Promise<{ readonly leader: string }> {
  const what = `handing leadership to ${to ?? 'another replica'}`;
  const membership = mayChange(world, what);
  const successor = to === null ? null : named(membership, to);
  const voters = membership.voters.some(({ id }) => id === successor?.id);
  const remedy = 'name another one, or none: the best is chosen then.';
  if (successor?.id === world.node.id) return { leader: successor.name };
  if (successor !== null && !voters)
    throw refused(what, `${to} is a learner, without a vote`, remedy);
  if (successor?.witness) {
    throw refused(what, `${to} is a witness: it holds no key, and would only hand on`, remedy);
  }
  const id = await world.node.transferLeadership(successor?.id ?? null).catch((error: unknown) => {
    const code = error instanceof ConsensusError ? error.code : null;
    if (code !== 'CONSENSUS_NOT_LEADER') throw error;
    const leads = world.node.leader === world.node.id;
    if (!leads) throw notLeader(world);
    const leader = world.leader() ?? 'this replica';
    throw new CmkmsError('NOBODY_TOOK_OVER', { leader }, { cause: error });
  });
  return { leader: membersOf(membership).find((member) => member.id === id)?.name ?? id };
}

function shown({ voters, learners }: Membership, changedNow: boolean): MembershipResult {
  const entries = (members: readonly Member[]): MembershipResult['voters'] =>
    members.map(({ id: identity, name, address, witness }) => ({
      ...{ name, address, identity, witness },
    }));
  return { changed: changedNow, voters: entries(voters), learners: entries(learners) };
}
