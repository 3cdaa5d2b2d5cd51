/** Roles are told only of a cluster that is whole and of one mind; else what is missing is named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetStatus } from '@cometkms/interop';
import { rolesOf } from '../src/systems/roles.js';

interface Said {
  readonly leads?: boolean;
  readonly link?: string;
  readonly not?: string;
  readonly sees?: string;
  readonly term?: number;
}

function status({
  leads = false,
  link = 'idle',
  not = '',
  sees = 'a',
  term = 3,
}: Said): FleetStatus {
  const validators = [{ addr: 'tcp://127.0.0.1:1', state: link, since: '' }];
  const chain = {
    chain_id: 'c',
    key_address: 'k',
    halt_height: null,
    last_sign_state: null,
    validators,
  };
  const reasons = not === '' ? [] : [{ code: not, detail: 'why' }];
  const role = { is_leader: leads, leader_id: sees, term, applied_index: null };
  return { ...role, ready: not === '', reasons, chains: [chain] };
}

const rows: readonly (readonly [
  why: string,
  a: Said | null,
  b: Said | null,
  found: ReturnType<typeof rolesOf>,
])[] = [
  ['both in one', { leads: true, link: 'active' }, {}, { leader: 'a', holder: 'a' }],
  ['one each', { leads: true }, { link: 'connected' }, { leader: 'a', holder: 'b' }],
  [
    'who only waits at the validator does not hold its link',
    { leads: true, link: 'parked' },
    { link: 'active' },
    { leader: 'a', holder: 'b' },
  ],
  ['one that is down', { leads: true, link: 'active' }, null, 'b does not answer'],
  [
    'one that is not ready',
    { leads: true, link: 'active' },
    { not: 'NO_QUORUM' },
    'b is not ready; NO_QUORUM: why',
  ],
  [
    'one that wrote slowly once, and has nothing more to write',
    { leads: true, link: 'active' },
    { not: 'DISK_SLOW' },
    { leader: 'a', holder: 'a' },
  ],
  [
    'a late one that sees another leader',
    { leads: true, link: 'active' },
    { sees: 'b', term: 2 },
    'replicas do not agree on who leads: a in term 3, b in term 2',
  ],
  ['two leaders', { leads: true, link: 'active' }, { leads: true }, 'a and b say that they lead'],
  ['no leader', { link: 'active' }, {}, 'nobody says that it leads'],
  [
    'two holders',
    { leads: true, link: 'active' },
    { link: 'active' },
    'a and b say that they hold the link',
  ],
  ['no holder', { leads: true }, { link: 'dialing' }, 'nobody holds the link to the validator'],
];
for (const [why, a, b, found] of rows) {
  test(why, () => {
    const said = [
      ['a', a],
      ['b', b],
    ] as const;
    const statuses = said.map(
      ([name, of]) => [name, of === null ? undefined : status(of)] as const,
    );
    assert.deepEqual(rolesOf(new Map(statuses)), found);
  });
}
