/**
 * What this replica holds of each configured (chain, key): key, watermark, gate, and what its file said.
 *
 * Owns    opening them, in an order in which nothing can sign before everything is there.
 * Never   signs without a watermark, or before the registrar's first pass of the term.
 */
import { join } from 'node:path';
import { invariant } from '@cometkms/invariant';
import { idKey, type RecordId } from '@cometkms/sign-state';
import { Gate, type GateObserver, type ReservationStore, type SignerError } from '@cometkms/signer';
import type { CheckedChain } from '../check-home.js';
import type { Edges } from './edges.js';
import type { Known } from './message.js';
import type { LinkedChain } from './validator-links.js';
import { ReplicaWatermark, type WatermarkAlarm } from './watermarks.js';

export interface HeldChain extends LinkedChain {
  readonly checked: CheckedChain;
  readonly known: Known;
  readonly watermark: ReplicaWatermark;
  readonly gate: Gate;
}

export interface ChainsWorld {
  readonly edges: Pick<Edges, 'clock' | 'files' | 'verify'>;
  /** The name under which reservations are made. */
  readonly replica: string;
  readonly watermarkDirectory: string;
  /** This replica had not joined its cluster when the process started. */
  readonly isNew: boolean;
  readonly store: ReservationStore;
  mayServe(): boolean;
  leader(): string | null;
  observer(chain: { id: RecordId; keyAddress: string }): GateObserver;
  watermarkAlarm(chain: { id: RecordId; keyAddress: string }, alarm: WatermarkAlarm): void;
  fatal(error: SignerError, chain: { id: RecordId; keyAddress: string }): void;
}

/** @throws SignerError where a watermark is foreign or cannot be read */
export async function openChains(
  checked: readonly CheckedChain[],
  world: ChainsWorld,
): Promise<ReadonlyMap<string, HeldChain>> {
  const chains = new Map<string, HeldChain>();
  for (const chain of checked) {
    const held = await openChain(chain, world);
    chains.set(idKey(held.id), held);
  }
  return chains;
}

async function openChain(checked: CheckedChain, world: ChainsWorld): Promise<HeldChain> {
  const { key, keyAddress, settings } = checked;
  const id: RecordId = { chainId: settings.id, key: key.publicKey };
  const named = { id, keyAddress };
  // The chain id may hold what a file name may not.
  const name = `${Buffer.from(settings.id).toString('hex')}-${keyAddress}.watermark`;
  const watermark = await ReplicaWatermark.open(
    join(world.watermarkDirectory, name),
    id,
    world.edges,
    (alarm) => world.watermarkAlarm(named, alarm),
  );
  if (world.isNew) await watermark.createForNewReplica();
  const { clock, verify } = world.edges;
  const gate = new Gate({
    clock,
    ...(verify === null ? {} : { verify }),
    id,
    replica: world.replica,
    store: world.store,
    leadership: {
      mayServe: () => watermark.ready && world.mayServe(),
      leader: () => world.leader(),
    },
    key,
    watermark,
    fatal: (error) => world.fatal(error, named),
    observer: world.observer(named),
  });
  return {
    id,
    chainId: settings.id,
    keyAddress,
    validators: settings.validators,
    checked,
    known: knownOf(checked),
    watermark,
    gate,
  };
}

function knownOf({ state, neverSigned }: CheckedChain): Known {
  if (state === null) return neverSigned ? { kind: 'neverSigned' } : { kind: 'nothing' };
  const { height, round, step } = state.position;
  invariant(step !== 0, 'a state above height 0 stands at a step');
  return {
    kind: 'position',
    hrs: { height, round, step },
    signBytes: state.signed?.signBytes ?? null,
  };
}
