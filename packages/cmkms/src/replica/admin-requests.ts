/**
 * What an operator asks of the running cluster: floors, halt heights, the end of a chain.
 *
 * Owns    which record is meant, who may change it (the leader), and the answer in the operator's words.
 * Never   lowers a floor or undoes a retirement: there is no such command.
 * Proof   test/replica-cluster.test.ts.
 */
import {
  type Hrs,
  highestPosition,
  type Position,
  type RecordId,
  type SigningRecord,
} from '@cometkms/sign-state';
import type { Change, Committed } from '@cometkms/signer';
import type { AdminHandler, ChainChoice } from '../admin/index.js';
import { CmkmsError } from '../errors.js';
import { type ReadinessWatch, statusJson } from '../http/index.js';
import type { Log } from '../log/index.js';
import { positionText, type StatusSource } from '../status.js';
import type { HeldChain } from './chains.js';
import { type MembershipWorld, membershipHandler } from './membership-requests.js';
import type { RaftStore } from './raft-store.js';

export interface AdminWorld {
  chains(): readonly HeldChain[];
  readonly store: RaftStore;
  readonly source: StatusSource;
  readonly readiness: ReadinessWatch;
  readonly log: Log;
  /** The name of the leader; null: none is known. */
  leader(): string | null;
  /** Writes the derived state file of this chain now. */
  writeStateFile(id: RecordId): Promise<void>;
  readonly membership: MembershipWorld;
}

export function adminHandler(world: AdminWorld): AdminHandler {
  const changed = async (
    choice: ChainChoice,
    change: (id: RecordId) => Promise<Committed<Change>>,
  ): Promise<{ chain: HeldChain; changed: boolean; record: SigningRecord }> => {
    const chain = chosen(world.chains(), choice);
    const done = settled(await change(chain.id), chain, world.leader());
    return { chain, changed: done.changed, record: done.record };
  };
  return {
    ...membershipHandler(world.membership),
    status: async () => {
      const status = world.source.status();
      return statusJson(status, world.readiness.judge(status, Date.now()));
    },
    floorRaise: async (request) => {
      const floor: Hrs = request;
      const done = await changed(request, (id) => world.store.raiseFloor(id, floor, true));
      if (done.changed) {
        world.log('floor_raised', {
          ...named(done.chain),
          floor: positionText(floor),
          reason: 'operator',
        });
      }
      return { changed: done.changed, floor: json(done.record.floor) };
    },
    haltSet: (request) => setHalt(world, changed, request, request.height),
    haltClear: (request) => setHalt(world, changed, request, null),
    haltShow: async () => ({
      chains: world.chains().map((chain) => ({
        chainId: chain.chainId,
        keyAddress: chain.keyAddress,
        haltHeight: world.store.read(chain.id)?.haltHeight?.toString() ?? null,
      })),
    }),
    chainRetire: async (request) => {
      const {
        chain,
        changed: now,
        record,
      } = await changed(request, (id) => world.store.retire(id));
      await world.writeStateFile(chain.id);
      const stateFile = chain.checked.settings.statePath;
      if (now) world.log('retired', { ...named(chain), state_file: stateFile });
      return { changed: now, position: json(highestPosition(record)), stateFile };
    },
  };
}

async function setHalt(
  world: AdminWorld,
  changed: (
    choice: ChainChoice,
    change: (id: RecordId) => Promise<Committed<Change>>,
  ) => Promise<{ chain: HeldChain; changed: boolean; record: SigningRecord }>,
  choice: ChainChoice,
  height: bigint | null,
): Promise<{ changed: boolean; haltHeight: string | null }> {
  const done = await changed(choice, (id) => world.store.setHaltHeight(id, height));
  if (done.changed) world.log('halt_height', { ...named(done.chain), height });
  return { changed: done.changed, haltHeight: done.record.haltHeight?.toString() ?? null };
}

const named = (chain: HeldChain): { chain: string; key: string } => ({
  chain: chain.chainId,
  key: chain.keyAddress,
});
const json = (p: Position | null): { height: string; round: number; step: number } | null =>
  p === null ? null : { height: p.height.toString(), round: p.round, step: p.step };

/** @throws CmkmsError CHAIN_UNKNOWN, KEY_AMBIGUOUS */
function chosen(chains: readonly HeldChain[], choice: ChainChoice): HeldChain {
  const { chainId, keyAddress } = choice;
  const found = chains.filter(
    (chain) =>
      chain.chainId === chainId && (keyAddress === null || chain.keyAddress === keyAddress),
  );
  const [first, second] = found;
  if (first === undefined) {
    const known = chains.map((chain) => `${chain.chainId} ${chain.keyAddress}`);
    throw new CmkmsError('CHAIN_UNKNOWN', { chainId, where: 'this replica', known });
  }
  if (second !== undefined) {
    throw new CmkmsError('KEY_AMBIGUOUS', { chainId, keys: found.map((c) => c.keyAddress) });
  }
  return first;
}

/** @throws CmkmsError NOT_LEADER, OUTCOME_UNKNOWN, CHANGE_REJECTED */
function settled(
  outcome: Committed<Change>,
  chain: HeldChain,
  leader: string | null,
): Extract<Change, { kind: 'done' }> {
  if (outcome.kind === 'notLeader') throw new CmkmsError('NOT_LEADER', { leader });
  if (outcome.kind === 'unknown') {
    throw new CmkmsError('OUTCOME_UNKNOWN', { detail: outcome.detail });
  }
  if (outcome.value.kind === 'done') return outcome.value;
  const { reason, detail } = outcome.value;
  throw new CmkmsError('CHANGE_REJECTED', { chainId: chain.chainId, reason, detail });
}
