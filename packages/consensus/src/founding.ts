/**
 * When a replica writes its genesis: once, with every member there.
 *
 * Owns    the judgement from what this replica was given and what the others' hellos say. Pure.
 * Never   founds by a quorum: a cluster that two halves can found is two clusters.
 * Rule    docs/architecture.md, founding and identity.
 * Proof   test/founding.test.ts (every combination of three members).
 */

import type { Member, MemberId, Membership } from './core/types.js';
import type { Genesis } from './storage.js';
import type { Hello } from './transport.js';

/** A member as the configuration names it; its identity may be known to itself alone. */
export interface ListedMember {
  readonly id: MemberId | null;
  readonly name: string;
  readonly address: string;
  readonly witness: boolean;
}

export interface FoundingFacts {
  readonly self: { readonly id: MemberId; readonly name: string };
  /** In any order, this replica included. */
  readonly members: readonly ListedMember[];
  /** Written into every home beforehand, or null: the first by name draws one. */
  readonly clusterId: string | null;
  /** By name; only of links that are up, so that all of them are there at once. */
  readonly hellos: ReadonlyMap<string, Hello>;
  /** Told by a founded member, or null. */
  readonly told: Genesis | null;
}

export type FoundingStep =
  | { readonly kind: 'wait'; readonly missing: readonly ListedMember[] }
  /** `clusterId` null: to be drawn. */
  | {
      readonly kind: 'found';
      readonly clusterId: string | null;
      readonly membership: Membership;
    }
  /** Another one is the first by name: it draws the cluster id and tells us. */
  | { readonly kind: 'await'; readonly coordinator: string };

/**
 * A hello that is here was accepted by both sides. A member that knows this replica as joined refuses its empty
 * log, so once all are linked nobody has ever counted a promise of this replica, and it may begin.
 */
export function planFounding(facts: FoundingFacts): FoundingStep {
  const others = facts.members.filter((member) => member.name !== facts.self.name);
  const missing = others.filter((member) => !facts.hellos.has(member.name));
  if (missing.length > 0) return { kind: 'wait', missing };

  const membership = membershipOf(facts);
  if (facts.clusterId !== null) return { kind: 'found', clusterId: facts.clusterId, membership };

  const { told } = facts;
  const shown = new Set([...facts.hellos.values()].map((hello) => hello.clusterId));
  shown.delete('');
  // Whoever told it is still there and has it; and none has another: two are for an operator to see.
  const agreed = told !== null && shown.size === 1 && shown.has(told.clusterId);
  if (agreed && sameMembers(told.membership, membership)) {
    return { kind: 'found', clusterId: told.clusterId, membership };
  }
  const coordinator = [...facts.members].sort((a, b) => (a.name < b.name ? -1 : 1))[0]?.name ?? '';
  // One who founded earlier tells its genesis; a second one must not be drawn beside it.
  if (coordinator !== facts.self.name || shown.size > 0) return { kind: 'await', coordinator };
  return { kind: 'found', clusterId: null, membership };
}

function membershipOf({ self, members, hellos }: FoundingFacts): Membership {
  const voters: Member[] = members.map(({ id, name, address, witness }) => ({
    id: name === self.name ? self.id : (id ?? hellos.get(name)?.from ?? ''),
    name,
    address,
    witness,
  }));
  return { voters: voters.sort((a, b) => (a.name < b.name ? -1 : 1)), learners: [] };
}

/** Addresses may differ: each side dials by its own list. */
function sameMembers(a: Membership, b: Membership): boolean {
  const said = (m: Membership): string => m.voters.map((v) => `${v.name}=${v.id}`).join();
  return said(a) === said(b);
}
