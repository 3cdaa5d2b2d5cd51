/**
 * What happens on validators' links, as log lines and counters.
 *
 * Owns    the words, and how often a link that stays down says so.
 * Never   touches a link.
 * Proof   test/replica-link-reports.test.ts.
 */
import { atMost, type Log } from '../log/index.js';
import type { BadFrameReason, Metrics } from '../metrics/index.js';
import type { ReplicaClock } from './edges.js';
import type { LinkedChain, LinkObserver } from './validator-links.js';

interface Down {
  readonly since: number;
  readonly allows: (nowMs: number) => number | null;
  tries: number;
}

const badFrameReasons: Readonly<Record<string, BadFrameReason>> = {
  oversize: 'oversized',
  decrypt: 'authentication',
  chunk_length: 'malformed',
  varint: 'malformed',
  truncated: 'malformed',
  undecodable: 'malformed',
  empty_message: 'unexpected',
  unexpected_message: 'unexpected',
  pipelined: 'unexpected',
};

export function describeLinks(log: Log, metrics: Metrics, clock: ReplicaClock): LinkObserver {
  const down = new Map<string, Down>();
  const up = new Set<string>();
  /** When its connection opened, on the monotonic clock. */
  const open = new Map<string, number>();
  const link = (chain: LinkedChain, validator: string) => ({
    chain: chain.chainId,
    validator,
  });
  return {
    state: (chain, validator, state, detail) => {
      const named = link(chain, validator);
      if (state === 'handshaking') open.set(validator, clock.nowMs());
      if (state === 'connected' || state === 'active') {
        const was = down.get(validator);
        down.delete(validator);
        if (!up.has(validator)) {
          up.add(validator);
          log('link_up', {
            ...named,
            state,
            after_ms: was === undefined ? 0 : clock.nowMs() - was.since,
            tries: (was?.tries ?? 0) + 1,
          });
        }
        if (state === 'active') log('link_active', named);
      } else if (state === 'parked') {
        const for_ms = clock.nowMs() - (open.get(validator) ?? clock.nowMs());
        log('link_parked', { ...named, for_ms });
      } else if (state === 'idle' || state === 'dialing') {
        if (!up.delete(validator)) return;
        if (state === 'idle') log('link_closed', { ...named, reason: detail });
        else log('link_down', { ...named, reason: detail });
      }
    },
    dialed: (chain, validator, outcome, detail) => {
      metrics.dialed(
        { chainId: chain.chainId, validator },
        outcome === 'other' ? 'refused' : outcome,
      );
      if (outcome === 'ok') return;
      const named = link(chain, validator);
      if (outcome === 'not_privval') log('not_privval', { ...named, answered: detail });
      const known = down.get(validator);
      if (known === undefined) {
        const allows = atMost(60_000);
        allows(clock.nowMs());
        down.set(validator, { since: clock.nowMs(), allows, tries: 1 });
        log('link_down', { ...named, reason: detail });
        return;
      }
      known.tries += 1;
      if (known.allows(clock.nowMs()) === null) return;
      const for_ms = clock.nowMs() - known.since;
      log('link_still_down', { ...named, reason: detail, for_ms, tries: known.tries });
    },
    badFrame: (chain, validator, reason) => {
      metrics.badFrame({ chainId: chain.chainId, validator }, badFrameReasons[reason] ?? 'other');
      log('link_closed', { ...link(chain, validator), reason: `bad frame: ${reason}` });
    },
    request: (chain, validator, kind) => {
      const named = { chainId: chain.chainId, validator };
      metrics.validatorSpoke(named, clock.wallMs());
      if (kind === 'pubKey') metrics.pubKeyAnswered(named);
    },
    invalid: (chain, validator, kind, error) => {
      if (error.code === 'PRIVVAL_WRONG_CHAIN') {
        log('chain_id_differs', { ...link(chain, validator), asked_for: error.message });
        if (kind === 'vote' || kind === 'proposal') {
          metrics.signRequest(chain, kind === 'proposal' ? 'proposal' : 'precommit', 'wrong_chain');
        }
        return;
      }
      log('config_note', {
        note: `${validator} sent a ${kind} request that is not valid: ${error.message}`,
      });
      if (kind === 'vote' || kind === 'proposal') {
        metrics.signRequest(chain, kind === 'proposal' ? 'proposal' : 'precommit', 'invalid');
      }
    },
  };
}
