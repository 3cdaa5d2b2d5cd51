/**
 * What a gate tells of the chain that it guards, and to whom that goes.
 *
 * Owns    which of its words is a count, a line, a state file or a reason not to lead.
 * Never   runs before the gate's answer was handed out.
 * Proof   test/replica-fitness.test.ts.
 */
import type { Hrs } from '@cometkms/sign-state';
import type { GateObserver, SignerError } from '@cometkms/signer';
import type { Log } from '../log/index.js';
import type { Metrics } from '../metrics/index.js';
import type { ChainKey } from '../status.js';
import type { Fitness } from './fitness.js';

export interface GateReportsWorld {
  readonly metrics: Metrics;
  readonly fitness: Fitness;
  /** Why the watermark refused last. */
  watermarkRefusal(): 'regressed' | 'otherContent' | null;
  released(signed: {
    readonly hrs: Hrs;
    readonly signBytes: Uint8Array;
    readonly signature: Uint8Array;
  }): void;
}

export function observeGate(chain: ChainKey, world: GateReportsWorld): GateObserver {
  const { metrics, fitness } = world;
  const key = nameOf(chain);
  return {
    answered: (request, outcome) => {
      if (outcome.kind === 'refused' && outcome.code === 'WATERMARK') {
        const regressed = world.watermarkRefusal() === 'regressed';
        metrics.secondGateRefused(chain, regressed ? 'regressed' : 'other_content');
      }
      if (outcome.kind !== 'released') return;
      fitness.keySigned(key);
      const { signBytes, signature } = outcome;
      world.released({ hrs: request.hrs, signBytes, signature });
    },
    alarm: ({ code, detail }) => {
      if (code === 'BACKEND') fitness.keyFailed(key, detail);
    },
  };
}

/** A signature that did not verify ends the process; before that it is said by name. */
export function reportGateFailure(
  chain: ChainKey,
  error: SignerError,
  log: Log,
  metrics: Metrics,
): void {
  if (error.code !== 'SIGNER_SIGNATURE_WRONG') return;
  metrics.selfVerifyFailed(chain);
  const { position: at } = error.facts as { readonly position: string };
  log('self_verify_failed', { chain: chain.chainId, key: chain.keyAddress, at });
}

const nameOf = ({ chainId, keyAddress }: ChainKey): string => `${chainId} key ${keyAddress}`;
