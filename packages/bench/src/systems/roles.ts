/**
 * Who leads a cluster of ours and who holds its validator's link, and bringing it about.
 *
 * Owns    the wait until all replicas are ready and agree, and the planned transfers that put both into one replica or
 *         into two.
 * Never   moves the link: it stays where it is, and leadership comes to that replica or goes from it.
 * Proof   test/roles.test.ts.
 */
import { type Fleet, type FleetStatus, until } from '@cometkms/interop';

export interface Roles {
  readonly leader: string;
  readonly holder: string;
}

/** `together`: the leader holds the link. `apart`: another one does. */
export type Arrangement = 'together' | 'apart' | 'any';

/** It is about the last write, and where nobody asks there is no next one: waiting would be in vain. */
const SLOW_LAST_WRITE = 'DISK_SLOW';

const SETTLED_WITHIN_MS = 60_000;
const ARRANGED_WITHIN_MS = 120_000;

/** @returns the roles, or in words why there are none */
export function rolesOf(statuses: ReadonlyMap<string, FleetStatus | undefined>): Roles | string {
  const leaders: string[] = [];
  const holders: string[] = [];
  const views = new Set<string>();
  for (const [name, status] of statuses) {
    if (status === undefined) return `${name} does not answer`;
    const reasons = status.reasons.filter(({ code }) => code !== SLOW_LAST_WRITE);
    if (reasons.length > 0) {
      return [`${name} is not ready`, ...reasons.map((r) => `${r.code}: ${r.detail}`)].join('; ');
    }
    views.add(`${status.leader_id} in term ${status.term}`);
    if (status.is_leader) leaders.push(name);
    const links = status.chains.flatMap(({ validators }) => validators);
    if (links.some(({ state }) => state === 'active' || state === 'connected')) holders.push(name);
  }
  if (views.size > 1) return `replicas do not agree on who leads: ${[...views].join(', ')}`;
  const [leader, rival] = leaders;
  if (leader === undefined) return 'nobody says that it leads';
  if (rival !== undefined) return `${leaders.join(' and ')} say that they lead`;
  const [holder, second] = holders;
  if (holder === undefined) return 'nobody holds the link to the validator';
  if (second !== undefined) return `${holders.join(' and ')} say that they hold the link`;
  return { leader, holder };
}

/** Resolves once every replica is ready, one of them leads and one holds the link. */
export async function settled(fleet: Fleet): Promise<Roles> {
  let missing = '';
  const look = async (): Promise<Roles | undefined> => {
    const names = fleet.replicas.map(({ name }) => name);
    const asked = names.map(async (name) => [name, await fleet.status(name)] as const);
    const found = rolesOf(new Map(await Promise.all(asked)));
    if (typeof found !== 'string') return found;
    missing = found;
    return undefined;
  };
  return until('all replicas ready', look, SETTLED_WITHIN_MS).catch((cause: unknown) => {
    throw new Error(`the cluster did not settle within ${SETTLED_WITHIN_MS} ms: ${missing}`, {
      cause,
    });
  });
}

/** @throws where leadership could not be brought there in time, with the last reason */
export function arranged(fleet: Fleet, wanted: Arrangement): Promise<Roles> {
  return led(fleet, wanted, (roles) => {
    if (isSo(roles, wanted)) return roles.leader;
    return wanted === 'together' ? roles.holder : another(fleet, roles.holder);
  });
}

/** @throws as `arranged` */
export function ledBy(fleet: Fleet, leader: string): Promise<Roles> {
  return led(fleet, `led by ${leader}`, () => leader);
}

async function led(fleet: Fleet, wanted: string, chosen: (now: Roles) => string): Promise<Roles> {
  const deadlineMs = performance.now() + ARRANGED_WITHIN_MS;
  let failure: unknown = 'none was needed';
  while (performance.now() < deadlineMs) {
    const roles = await settled(fleet);
    const to = chosen(roles);
    if (to === roles.leader) return roles;
    try {
      await fleet.transfer(roles.leader, to);
    } catch (error) {
      // It may have lost leadership in between, or nobody took over in time: the next look shows what is so now.
      failure = error;
    }
  }
  const what = `the cluster was not ${wanted} within ${ARRANGED_WITHIN_MS} ms`;
  throw new Error(`${what}; the last transfer: ${String(failure)}`);
}

/** One that is not this one, each as likely as the next. */
export function another(fleet: Fleet, than: string): string {
  const others = fleet.replicas.filter(({ name }) => name !== than);
  const chosen = others[Math.floor(Math.random() * others.length)];
  if (chosen === undefined) throw new Error(`there is no replica beside ${than}`);
  return chosen.name;
}

function isSo({ leader, holder }: Roles, wanted: Arrangement): boolean {
  return wanted === 'any' || (leader === holder) === (wanted === 'together');
}
