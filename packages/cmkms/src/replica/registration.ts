/**
 * What the leader must do about one (key, chain), given what every member states of it.
 *
 * Owns    who must have spoken before a chain is registered, which starting point wins, and what a state file
 *         that disagrees with the cluster means.
 * Never   commits anything: it answers with steps, the replica takes them one at a time and plans again.
 * Rule    docs/architecture.md, "a chain is registered once" and the derived state files.
 * Proof   test/replica-registration.test.ts (each row, and all small worlds).
 */
import {
  compareHrs,
  comparePosition,
  type Hrs,
  highestPosition,
  type Position,
  type RecordId,
  type SigningRecord,
  type StartingPoint,
} from '@cometkms/sign-state';
import type { ChainStatement, Dismissal, Statement } from './message.js';
import { chainIn } from './stated-chains.js';

export interface MemberView {
  readonly name: string;
  readonly witness: boolean;
  /** Null: its link is down, or it has said nothing on this link. An old statement is no statement. */
  readonly statement: Statement | null;
}

export type MissingMember = {
  readonly name: string;
  readonly why: 'unreachable' | 'notConfigured';
};

export type RegistrationStep =
  | { readonly kind: 'register'; readonly start: StartingPoint }
  | { readonly kind: 'wait'; readonly missing: readonly MissingMember[] }
  | {
      readonly kind: 'dismiss';
      readonly members: readonly string[];
      readonly reason: Dismissal['reason'];
    }
  /** A plain node signed after the cluster did, by at most one height: nothing at or below that is signed again. */
  | { readonly kind: 'raiseFloor'; readonly floor: Hrs; readonly from: string }
  /**
   * Same (h, r, s) as the cluster's last, other bytes: replaces nothing, and somebody must look. A floor comes with it:
   * the cluster may hold a reservation that was logged when it went down, and never released; a plain node then signed
   * in its place, and a repeat of the reservation would be the second signature.
   */
  | { readonly kind: 'alarm'; readonly from: string; readonly hrs: Hrs };

/** How far a state file may be ahead of the cluster and still be taken for a restart's last vote. */
export const MAX_HEIGHTS_AHEAD = 1n;

export function planRegistration(
  id: RecordId,
  record: SigningRecord | undefined,
  members: readonly MemberView[],
): readonly RegistrationStep[] {
  const holders = members.filter((member) => !member.witness);
  return record === undefined ? planFirst(id, holders) : planLater(id, record, holders);
}

const chainOf = ({ statement }: MemberView, id: RecordId): ChainStatement | undefined =>
  statement === null ? undefined : chainIn(statement, id);

/**
 * Not registered yet: every holder must speak, so that the highest position anywhere is known. A learner is one of
 * them: it has no vote, but it has the key, and its state file may be of the node that signed last; whoever is not
 * heard may know more than all others. A chain that is registered waits for nobody any more. So a holder that is down
 * keeps a new chain waiting, on purpose, until it is started or an operator takes it out of the cluster.
 */
function planFirst(id: RecordId, holders: readonly MemberView[]): readonly RegistrationStep[] {
  const missing = holders.flatMap((member): MissingMember[] => {
    if (member.statement === null) return [{ name: member.name, why: 'unreachable' }];
    return chainOf(member, id) ? [] : [{ name: member.name, why: 'notConfigured' }];
  });
  if (missing.length > 0) return [{ kind: 'wait', missing }];

  const known = holders.flatMap((member) => {
    const said = chainOf(member, id)?.known;
    return said === undefined ? [] : [{ ...said, name: member.name }];
  });
  const positions = known.flatMap((k) => (k.kind === 'position' ? [k] : []));
  const neverSigned = known.find((k) => k.kind === 'neverSigned');
  const everyone = holders.map((member) => member.name);
  const [first, ...others] = positions;
  if (neverSigned !== undefined && first !== undefined) {
    const between = { neverSigned: neverSigned.name, holder: first.name, position: first.hrs };
    return [{ kind: 'dismiss', members: everyone, reason: { kind: 'contradiction', between } }];
  }
  if (neverSigned !== undefined) return [{ kind: 'register', start: { kind: 'neverSigned' } }];
  if (first === undefined) {
    return [{ kind: 'dismiss', members: everyone, reason: { kind: 'allSilent' } }];
  }
  const highest = others.reduce((a, b) => (compareHrs(b.hrs, a.hrs) > 0 ? b : a), first);
  const atTop = positions.filter((p) => compareHrs(p.hrs, highest.hrs) === 0);
  // Two replicas that remember different bytes for one position: neither may be signed again.
  const agreed = atTop.every((p) => sameBytes(p.signBytes, highest.signBytes));
  return [
    {
      kind: 'register',
      start: {
        kind: 'imported',
        position: highest.hrs,
        signBytes: agreed ? highest.signBytes : null,
      },
    },
  ];
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return Buffer.compare(a, b) === 0;
}

/** Registered: behind is normal (a replica that was down); ahead means that something else signed. */
function planLater(
  id: RecordId,
  record: SigningRecord,
  holders: readonly MemberView[],
): readonly RegistrationStep[] {
  if (record.retired) return [];
  const position = highestPosition(record);
  return holders.flatMap((member): RegistrationStep[] => {
    const known = chainOf(member, id)?.known;
    if (known?.kind !== 'position') return [];
    const order = position === null ? 1 : comparePosition(known.hrs, position);
    if (order < 0) return [];
    if (order === 0) {
      const stored = record.last;
      const differs =
        stored !== null &&
        compareHrs(stored.hrs, known.hrs) === 0 &&
        known.signBytes !== null &&
        !sameBytes(stored.signBytes, known.signBytes);
      if (!differs) return [];
      const alarm = { kind: 'alarm', from: member.name, hrs: known.hrs } as const;
      const isClosed = record.floor !== null && comparePosition(record.floor, known.hrs) >= 0;
      if (isClosed) return [alarm];
      return [alarm, { kind: 'raiseFloor', floor: known.hrs, from: member.name }];
    }
    const base: Position = position ?? { height: 0n, round: 0, step: 0 };
    if (known.hrs.height > base.height + MAX_HEIGHTS_AHEAD) {
      return [
        { kind: 'dismiss', members: [member.name], reason: { kind: 'ahead', cluster: base } },
      ];
    }
    return [{ kind: 'raiseFloor', floor: known.hrs, from: member.name }];
  });
}
