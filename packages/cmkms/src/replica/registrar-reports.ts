/**
 * What the registrar's news become in the log.
 *
 * Owns    the words, and saying what still holds once a minute.
 * Proof   test/replica-registrar-reports.test.ts.
 */
import { idKey } from '@cometkms/sign-state';
import { addressOf } from '@cometkms/signer';
import { atMost, type Log } from '../log/index.js';
import { positionText } from '../status.js';
import type { ReplicaClock } from './edges.js';
import type { RegistrarNews } from './registrar.js';
import type { MissingMember } from './registration.js';

export function describeMissing(members: readonly MissingMember[]): string {
  return members
    .map(
      ({ name, why }) =>
        `${name} (${why === 'unreachable' ? 'not reachable' : 'chain not configured there'})`,
    )
    .join(', ');
}

/** Who is gone for good is waited for as well: its state file may be the newest, and only an operator knows. */
function remedyFor(members: readonly MissingMember[]): string {
  return members
    .map(({ name, why }) =>
      why === 'unreachable'
        ? `start ${name}; if it is gone for good, and what it knew was copied: cmkms cluster remove ${name}`
        : `add the chain to config.toml of ${name}, with its key and state, and restart it`,
    )
    .join('; ');
}

export function newRegistrarNews(log: Log, clock: ReplicaClock): (news: RegistrarNews) => void {
  const alarms = new Map<string, (nowMs: number) => number | null>();
  const waiting = new Map<string, { text: string; allows: (nowMs: number) => number | null }>();
  return (news) => {
    // Of the key itself: the chain may be one that another member is configured with, and this one is not.
    const named = { chain: news.id.chainId, key: addressOf(news.id.key) };
    switch (news.kind) {
      case 'waiting': {
        const text = describeMissing(news.missing);
        const last = waiting.get(idKey(news.id));
        const entry = last?.text === text ? last : { text, allows: atMost(60_000) };
        waiting.set(idKey(news.id), entry);
        if (entry.allows(clock.nowMs()) === null) return;
        log('registration_wait', { ...named, waiting_for: text, fix: remedyFor(news.missing) });
        return;
      }
      case 'registered': {
        const { start } = news;
        const at =
          start.kind === 'neverSigned'
            ? 'never signed'
            : `imported at ${start.position.height}/${start.position.round}/${start.position.step}`;
        log('registered', { ...named, start: at, by: 'the leader' });
        return;
      }
      case 'raised': {
        const floor = positionText(news.floor);
        log('floor_raised', {
          ...named,
          floor,
          reason: `the state file of ${news.from} stands there`,
        });
        return;
      }
      case 'alarm': {
        const { height, round, step } = news.hrs;
        const which = `${idKey(news.id)} ${news.from} ${height}/${round}/${step}`;
        const allows = alarms.get(which) ?? atMost(60_000);
        alarms.set(which, allows);
        if (allows(clock.nowMs()) === null) return;
        const note = `the state file of ${news.from} for ${news.id.chainId} is at ${height}/${round}/${step} like the cluster, with other bytes: nothing at or below it is signed again; find out what else signed`;
        log('config_note', { note });
        return;
      }
      case 'rejected':
        log('config_note', {
          note: `registration of ${news.id.chainId} was rejected: ${news.detail}`,
        });
        return;
    }
  };
}
