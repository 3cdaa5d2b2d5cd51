/** What a member said holds for as long as its link, and a witness never asks for a signature. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Members } from '../src/replica/members.js';
import type { Statement } from '../src/replica/message.js';
import { CHAIN, keyOf } from './scratch-homes.js';

const id = { chainId: CHAIN, key: keyOf(1).publicKey };
const other = { chainId: CHAIN, key: keyOf(2).publicKey };
const validator = 'tcp://127.0.0.1:26659';

function statement(facts: Partial<Statement> = {}): Statement {
  return {
    kind: 'statement',
    chains: [{ id, known: { kind: 'nothing' }, validators: [validator] }],
    linksHeld: [],
    linksSilent: [],
    ...facts,
  };
}

function three(witness = 'c'): Members {
  const members = new Members('id-a');
  members.setMembers(
    ['a', 'b', 'c'].map((name) => ({
      id: `id-${name}`,
      name,
      address: `${name}:9430`,
      witness: name === witness,
    })),
  );
  return members;
}

test('a statement ends with its link: what registration sees of a member that is gone is nothing', () => {
  const members = three();
  members.stated('id-b', statement());
  const said = (): unknown => members.views().find(({ name }) => name === 'b')?.statement;
  assert.deepEqual(said(), statement());
  assert.ok(members.heard('id-b'));
  members.linkEnded('id-b');
  assert.equal(said(), null);
  assert.ok(!members.heard('id-b'));
});

test('what this replica says of itself has no link that could end', () => {
  const members = three();
  members.stated('id-a', statement());
  members.linkEnded('id-a');
  assert.ok(members.heard('id-a'));
});

test('only a member that holds the key may hand requests on, over a link that is up', () => {
  const members = three();
  assert.ok(!members.holdsKey('id-b', id), 'before its statement');
  members.stated('id-b', statement());
  assert.ok(members.holdsKey('id-b', id));
  assert.ok(!members.holdsKey('id-b', other), 'another key');
  members.linkEnded('id-b');
  assert.ok(!members.holdsKey('id-b', id), 'after its link');
  members.stated('id-c', statement());
  assert.ok(!members.holdsKey('id-c', id), 'a witness');
  members.stated('id-x', statement());
  assert.ok(!members.holdsKey('id-x', id), 'a stranger');
});

test('a member lists what it last said, also when it is away; one never heard counts as listing', () => {
  const members = three('nobody');
  members.stated('id-a', statement());
  members.stated('id-b', statement({ chains: [] }));
  members.linkEnded('id-b');
  const listing = (): readonly string[] => members.listing(id, validator).map(({ name }) => name);
  assert.deepEqual(listing(), ['a', 'c']);
  members.stated('id-b', statement());
  members.linkEnded('id-b');
  assert.deepEqual(listing(), ['a', 'b', 'c']);
});

test('a witness lists no validator, whether it was heard or not: it dials nobody', () => {
  const members = three();
  for (const each of ['id-a', 'id-b', 'id-c']) {
    assert.deepEqual(
      members.listing(id, validator).map(({ name }) => name),
      ['a', 'b'],
    );
    members.stated(each, statement());
  }
});

test('who holds a link: the others that say so over a link that is up', () => {
  const members = three();
  for (const each of ['id-a', 'id-b']) members.stated(each, statement({ linksHeld: [validator] }));
  assert.deepEqual(members.holding(validator), ['id-b']);
  members.linkEnded('id-b');
  assert.deepEqual(members.holding(validator), []);
});

test('names for people, ids for links', () => {
  const members = three();
  assert.deepEqual(
    [members.nameOf('id-b'), members.nameOf('id-x'), members.nameOf(null), members.named('b')?.id],
    ['b', 'id-x', null, 'id-b'],
  );
});
