/** Which replica dials a validator, by who leads, who lists it, and who hears nothing from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '@cometkms/signer';
import { parseValidator } from '../src/config/addresses.js';
import { Dialling } from '../src/replica/dialling.js';
import { Members } from '../src/replica/members.js';
import { CHAIN, keyOf } from './scratch-homes.js';

const validator = 'tcp://10.0.1.20:26659';
const key = keyOf(1).publicKey;
const id = { chainId: CHAIN, key };
const chain = {
  ...{ id, chainId: CHAIN, keyAddress: addressOf(key) },
  validators: [parseValidator(validator)],
};
const names = ['a', 'b', 'c'] as const;

interface Facts {
  readonly leader: string | null;
  readonly lists?: readonly string[];
  readonly silent?: readonly string[];
  /** Whose links are up. */
  readonly up?: readonly string[];
}

/** Who of all would dial, each by what it knows. */
function dial({ leader, lists = names, silent = [], up = names }: Facts): readonly string[] {
  return names.filter((self) => {
    const members = new Members(self);
    members.setMembers(names.map((name) => ({ id: name, name, address: '', witness: false })));
    const node = { id: self, leader, isUp: (peer: string) => up.includes(peer), heardAt: () => 0 };
    for (const name of names) {
      if (name !== self && !up.includes(name)) continue;
      const validators = lists.includes(name) ? [validator] : [];
      members.stated(name, {
        kind: 'statement',
        chains: [{ id, known: { kind: 'nothing' }, validators }],
        linksHeld: [],
        linksSilent: silent.includes(name) ? [validator] : [],
      });
    }
    const clock = { nowMs: () => 0, wallMs: () => 0, soon: () => {}, after: () => () => {} };
    return new Dialling(node, members, [], clock).oursToDial(chain, validator);
  });
}

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['the leader dials', { leader: 'b' }, ['b']],
  ['nobody, while nobody leads', { leader: null }, []],
  ['the first that lists it, where the leader does not', { leader: 'a', lists: ['b', 'c'] }, ['b']],
  ['the first that hears it, where the leader does not', { leader: 'b', silent: ['b'] }, ['a']],
  ['the next, where that one does not either', { leader: 'b', silent: ['a', 'b'] }, ['c']],
  ['the leader again, where nobody does', { leader: 'b', silent: names }, ['b']],
  ['the leader, though another does not', { leader: 'b', silent: ['a', 'c'] }, ['b']],
  [
    'nobody waits for one that is away',
    { leader: 'a', silent: ['a'], up: ['a', 'c'] },
    // What b knows of itself is that it could: it reaches nobody, and is told so by the election.
    ['b', 'c'],
  ],
  [
    'one that lists it and hears nothing is better than one that does not list it',
    { leader: 'a', lists: ['b'], silent: ['b'] },
    ['b'],
  ],
];
for (const [why, facts, expected] of rows) {
  test(`${expected.join(' and ') || 'nobody'}: ${why}`, () =>
    assert.deepEqual(dial(facts), expected));
}
