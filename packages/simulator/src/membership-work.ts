/**
 * The operator of a world who changes its members: newcomers, replacements, removals, and who leads.
 *
 * Owns    his deeds from the first request to the last: a home, `cluster add` until it is admitted and votes, what
 *         becomes of the home of one that was removed, and the lists in the configurations. He asks whom he takes for
 *         the leader, does not wait for an answer for ever, and asks again, not knowing what became of it.
 * Never   goes around the requests that the admin socket takes (cmkms/src/replica/membership-requests.ts), or removes
 *         anybody before each founder is founded and each chain registered: what only one home knew would be lost.
 * Atlas   A disk is lost only where a majority of every membership that may be in force is left with its own.
 */
import { type Membership, membersOf } from '@cometkms/consensus';
import { homePaths, membershipHandler } from 'cmkms/replica';
import type { MemberDeed } from './faults.js';
import type { Lives } from './lives.js';
import type { Making } from './making.js';
import type { Member } from './member.js';
import type { Random } from './random.js';
import type { SiteMember } from './replica.js';
import type { Scene } from './scene.js';
import { membershipAt } from './shadow-log.js';

/** As `cluster add` looks (cmkms/src/cli/cluster-members.ts). */
const lookMs = 250;
/** More would make a world slow, and show nothing else. */
const mostMembers = 7;
const mostHomes = 14;

type Handler = ReturnType<typeof membershipHandler>;
type Reply<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'unanswered' };

/** What an operator is told; anything else is a fault of the program. */
const refusals = new Set([
  ...['NOT_LEADER', 'CHANGE_REFUSED', 'OUTCOME_UNKNOWN', 'MEMBER_UNKNOWN', 'NOBODY_TOOK_OVER'],
]);

const paths = homePaths('/home');

const isOther = (listed: readonly string[], names: readonly string[]): boolean =>
  listed.toSorted().join() !== names.toSorted().join();

/** One in another's place may have that one's name, at an address of its own. */
const asListed = ({ name, address }: Pick<SiteMember, 'name' | 'address'>): string =>
  `${name}=${address}`;

export class MembershipWork {
  readonly #scene: Scene;
  readonly #lives: Lives;
  readonly #making: Making;
  readonly #random: Random;
  /** Whose departure was dealt with. */
  readonly #departed = new Set<string>();

  constructor(scene: Scene, lives: Lives, making: Making) {
    this.#scene = scene;
    this.#lives = lives;
    this.#making = making;
    this.#random = scene.seed.fork('operator of members');
    lives.listDiffers = (member, listed, names) => {
      // Of homes with one name the latest is meant.
      const latest = new Map(scene.members.map(({ replica: { site } }) => [site.name, site]));
      this.#relist(
        member,
        names.flatMap((name) => latest.get(name) ?? []),
      );
      return isOther(listed, names);
    };
  }

  begin(deed: MemberDeed): void {
    this.#carryOut(deed).catch((error: unknown) => {
      this.#scene.violation ??= error instanceof Error ? error : new Error(String(error));
    });
  }

  async #carryOut(deed: MemberDeed): Promise<void> {
    const current = this.#scene.oracle.memberships.current;
    if (current === null || !this.#allFounded()) return;
    const takesAway = deed.deed !== 'add' && deed.deed !== 'transfer';
    if (takesAway && !this.#allRegistered()) return;
    const removes = deed.deed === 'remove' || deed.deed === 'removeLeader';
    // Now and then down to one; a world of one voter shows little.
    if (removes && current.voters.length < 3 && this.#random.chance(0.8)) return;
    const untilMs = this.#scene.timeline.now + deed.patienceMs;
    switch (deed.deed) {
      case 'add':
        return await this.#add(deed, untilMs, current);
      case 'replace':
        return await this.#replace(deed, untilMs, current);
      case 'remove':
        return await this.#remove(deed, untilMs, this.#scene.struck(deed.on).replica.site.name);
      case 'removeLeader': {
        const name = this.#leader()?.replica.site.name;
        if (name !== undefined) await this.#remove(deed, untilMs, name);
        return;
      }
      case 'transfer':
        return await this.#transfer(deed, current);
      case 'reuse':
        return await this.#reuse(deed, untilMs, current);
    }
  }

  // --------------------------------------------------------------------------------- deeds

  async #add(deed: MemberDeed, untilMs: number, current: Membership): Promise<void> {
    if (membersOf(current).length >= mostMembers) return;
    const newcomer = this.#newcomer(deed, null, null);
    if (newcomer === null) return;
    const asked = { kind: 'memberAdd', ...this.#described(newcomer) } as const;
    await this.#admit(deed, untilMs, newcomer, (handler) => handler.memberAdd(asked));
  }

  async #replace(deed: MemberDeed, untilMs: number, current: Membership): Promise<void> {
    const old = this.#scene.struck(deed.on);
    if (!membersOf(current).some(({ id }) => id === old.id)) return;
    if (deed.disk !== 'sound') {
      if (!this.#mayLose(old)) return;
      this.#lose(old, deed);
    }
    const { name } = old.replica.site;
    const newcomer = this.#newcomer(deed, deed.sameName ? name : null, old);
    if (newcomer === null) return;
    const asked = { kind: 'memberReplace', old: name, ...this.#described(newcomer) } as const;
    await this.#admit(deed, untilMs, newcomer, (handler) => handler.memberReplace(asked));
  }

  /** Until it is in, and votes; or the operator has enough of it. */
  async #admit(
    deed: MemberDeed,
    untilMs: number,
    newcomer: Member,
    request: (handler: Handler) => ReturnType<Handler['memberAdd']>,
  ): Promise<void> {
    const { name } = newcomer.replica;
    const came = await this.#until(deed, untilMs, `admit ${name}`, request);
    if (came === null) return;
    this.#afterwards(deed);
    const promote = { kind: 'memberPromote', identity: newcomer.id } as const;
    const voted = await this.#until(
      deed,
      untilMs,
      `promote ${name}`,
      (handler) => handler.memberPromote(promote),
      ({ behind }) => behind === null,
    );
    if (voted !== null && deed.edits) this.#editLists();
  }

  async #remove(deed: MemberDeed, untilMs: number, name: string): Promise<void> {
    const remove = { kind: 'memberRemove', name } as const;
    const gone = await this.#until(deed, untilMs, `remove ${name}`, (h) => h.memberRemove(remove));
    if (gone === null) return;
    this.#afterwards(deed);
    if (deed.edits) this.#editLists();
  }

  async #transfer(deed: MemberDeed, current: Membership): Promise<void> {
    const names: (string | null)[] = [null, ...current.voters.map(({ name }) => name)];
    const to = this.#random.pick(names);
    await this.#ask(deed, `transfer to ${to ?? 'anybody'}`, (handler) =>
      handler.leaderTransfer({ kind: 'leaderTransfer', to }),
    );
  }

  /** By mistake: the identity of one that left. It must be refused, for ever. */
  async #reuse(deed: MemberDeed, untilMs: number, { departed = [] }: Membership): Promise<void> {
    const [member] = departed.slice(-1 - (deed.on % Math.max(1, departed.length)));
    if (member === undefined) return;
    const { id: identity, address, witness } = member;
    const again = { name: `${member.name}-again`, address, identity, witness, clusterId: null };
    const asked = { kind: 'memberAdd', ...again } as const;
    while (!this.#scene.isHealing && this.#scene.timeline.now < untilMs) {
      const reply = await this.#ask(deed, `admit ${again.name}, who left`, (handler) =>
        handler.memberAdd(asked),
      );
      const isRefused = reply.kind === 'refused' && reply.message.includes('used once');
      if (isRefused) this.#scene.marks.mark('an identity that left is refused');
      if (isRefused || reply.kind === 'done') return;
      await this.#pause();
    }
  }

  // --------------------------------------------------------------------------------- homes

  #newcomer(deed: MemberDeed, name: string | null, instead: Member | null): Member | null {
    const { members } = this.#scene;
    if (members.length >= mostHomes) return null;
    // A replacement of a holder holds the key as well: else a few witnesses would be left.
    const witness = instead === null ? deed.witness : instead.witness;
    // In another's place: its list may still name that one, and be corrected once it is known as a difference.
    const without = deed.edits ? (instead?.replica.site.name ?? null) : null;
    const others = this.#listed().filter((other) => other.name !== without);
    const newcomer = this.#making.makeNewcomer({ name, witness, instead, others });
    const { identity, members: list } = newcomer.replica.site;
    const said = list.map((one) => one.name).join('+');
    this.#scene.trace.add(`${newcomer.replica.name} is ${identity.slice(0, 8)}, listing ${said}`);
    this.#lives.startIn(newcomer, deed.startMs);
    return newcomer;
  }

  #described({ replica: { site } }: Member) {
    const { name, address, identity, witness, clusterId } = site;
    return { name, address, identity, witness, clusterId };
  }

  /** As an operator would list the members now; of founders alone the homes say the identities. */
  #listed(): readonly SiteMember[] {
    const current = this.#scene.oracle.memberships.current;
    return (current === null ? [] : membersOf(current)).map(({ name, address, witness }) => ({
      ...{ name, address, witness, identity: null },
    }));
  }

  /** Of all who are members: seen at their next starts. */
  #editLists(): void {
    const current = this.#scene.oracle.memberships.current;
    for (const { id } of current === null ? [] : membersOf(current)) {
      const member = this.#scene.members.find((one) => one.id === id);
      if (member !== undefined) this.editList(member);
    }
  }

  /** To those who are members now: seen at its next start. */
  editList(member: Member): void {
    const current = this.#scene.oracle.memberships.current;
    if (current !== null) this.#relist(member, membersOf(current));
  }

  #relist({ replica }: Member, others: readonly Omit<SiteMember, 'identity'>[]): void {
    const { site } = replica;
    const members = others
      .map(({ name, ...other }): SiteMember => {
        const { address, witness } = name === site.name ? site : other;
        const known = site.founders?.find((founder) => founder.name === name);
        return { name, address, witness, identity: known?.identity ?? null };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (!isOther(site.members.map(asListed), members.map(asListed))) return;
    replica.site = { ...site, members };
    const line = members.map(asListed).join(' ');
    this.#scene.trace.add(`${replica.name} lists ${line} from its next start on`);
  }

  #lose(member: Member, { disk, record, startMs }: MemberDeed): void {
    member.lost = true;
    member.marred = true;
    member.left = disk === 'lost';
    member.cancelStart();
    this.#lives.kill(member);
    this.#scene.oracle.diskReplaced(member.id);
    member.replica.disk.wipe(
      (path) => path.startsWith(`${paths.data}/`) || (record === 'lost' && path === paths.replica),
    );
    this.#scene.recording?.emptied(member.replica.name);
    this.#scene.trace.add(`${member.replica.name} has lost its disk`);
    // Somebody starts it all the same, as it was.
    if (!member.left) this.#lives.startIn(member, startMs);
  }

  /** Enough others keep theirs, and sound, whichever membership comes to be in force. */
  #mayLose(member: Member): boolean {
    const { members, oracle } = this.#scene;
    const kept = (id: string): boolean =>
      members.some((one) => one.id === id && one !== member && !one.marred);
    const possible = members.map(({ id }) =>
      membershipAt(oracle.logs.given(id), Number.POSITIVE_INFINITY),
    );
    return [oracle.memberships.current, ...possible].every((one) => {
      const voters = one?.voters ?? [];
      const left = voters.filter(({ id }) => kept(id));
      // Who lost its disk may be counted in a change that nobody has seen yet.
      const holders = left.filter(({ witness }) => !witness);
      return voters.length === 0 || (2 * left.length > voters.length && holders.length > 0);
    });
  }

  /** Whoever is out by now, by this deed or another. */
  #afterwards({ afterwards, lateMs }: MemberDeed): void {
    const { oracle, members } = this.#scene;
    for (const { id } of oracle.memberships.current?.departed ?? []) {
      const member = members.find((one) => one.id === id);
      if (member === undefined || this.#departed.has(id)) continue;
      this.#departed.add(id);
      if (afterwards === 'runs') continue;
      member.left = true;
      member.cancelStart();
      this.#lives.kill(member);
      if (afterwards === 'late') this.#scene.in(lateMs, () => this.wake(member));
    }
  }

  /** One that its operator had done with. */
  wake(member: Member): void {
    if (!member.left || member.replica.process !== null) return;
    member.left = false;
    this.#lives.startIn(member, 0);
  }

  // ------------------------------------------------------------------------------- requests

  get #lookEveryMs(): number {
    return Math.max(lookMs, this.#scene.swarm.timers.electionTimeoutMs);
  }

  /** @returns null: the operator has enough of it, or was told that it cannot be */
  async #until<T>(
    deed: MemberDeed,
    untilMs: number,
    what: string,
    request: (handler: Handler) => Promise<T>,
    isDone: (value: T) => boolean = () => true,
  ): Promise<T | null> {
    while (!this.#scene.isHealing && this.#scene.timeline.now < untilMs) {
      const reply = await this.#ask(deed, what, request);
      if (reply.kind === 'done' && isDone(reply.value)) return reply.value;
      if (reply.kind === 'refused' && reply.code === 'MEMBER_UNKNOWN') return null;
      const leads =
        reply.kind === 'refused' &&
        reply.code === 'CHANGE_REFUSED' &&
        reply.message.includes('leads now');
      if (leads) {
        const transfer = { kind: 'leaderTransfer', to: null } as const;
        await this.#ask(deed, 'transfer', (handler) => handler.leaderTransfer(transfer));
      }
      await this.#pause();
    }
    return null;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#scene.in(this.#lookEveryMs, resolve));
  }

  /** Of one replica, once. What is not answered in time may have been done, or may be yet. */
  #ask<T>(
    { answerMs }: MemberDeed,
    what: string,
    request: (handler: Handler) => Promise<T>,
  ): Promise<Reply<T>> {
    const member = this.#whom();
    const process_ = member?.replica.process;
    const running = process_?.replica;
    if (!member || !process_ || !running) {
      return new Promise((resolve) => {
        this.#scene.in(answerMs, () => resolve({ kind: 'unanswered' }));
      });
    }
    const handler = membershipHandler({
      ...{ node: running.node, alone: false, clock: process_.loop },
      leader: () => running.leaderName(),
    });
    return new Promise((resolve) => {
      let isOver = false;
      const end = (reply: Reply<T>): void => {
        if (isOver) return;
        isOver = true;
        const why = reply.kind === 'refused' ? ` ${reply.message.slice(0, 100)}` : '';
        this.#scene.trace.add(`OPERATOR ${what}: ${reply.kind}${why}`);
        resolve(reply);
      };
      this.#scene.in(answerMs, () => end({ kind: 'unanswered' }));
      request(handler).then(
        (value) => end({ kind: 'done', value }),
        (error: Error & { readonly code?: string }) => {
          const { code = '', message } = error;
          if (code === 'OUTCOME_UNKNOWN') {
            this.#scene.marks.mark('the outcome of a change stays unknown');
          }
          if (!refusals.has(code) && process_.loop.alive) this.#scene.violation ??= error;
          end({ kind: 'refused', code, message });
        },
      );
    });
  }

  /** Mostly who leads, as far as he can see. */
  #whom(): Member | undefined {
    const up = this.#scene.members.filter((m) => m.replica.process?.replica?.node.core);
    const leader = this.#leader();
    if (leader !== null && !this.#random.chance(0.2)) return leader;
    return up.length === 0 ? undefined : this.#random.pick(up);
  }

  #leader(): Member | null {
    const leaders = this.#scene.members.filter(
      ({ replica }) => replica.process?.replica?.node.core?.role.kind === 'leader',
    );
    return leaders.length === 0 ? null : this.#random.pick(leaders);
  }

  #allFounded(): boolean {
    const { members, oracle } = this.#scene;
    return members.every(
      ({ id, lost, replica }) =>
        replica.site.founders === null || lost || oracle.logs.acknowledged(id).founded,
    );
  }

  #allRegistered(): boolean {
    const { chains, oracle } = this.#scene;
    return chains.every(({ id }) => oracle.truth.reference(id) !== undefined);
  }
}
