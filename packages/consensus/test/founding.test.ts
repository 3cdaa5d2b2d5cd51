/** When a replica founds: with all members there, one cluster whatever happens, and never by a part. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleHello } from '../src/conformance/transport.js';
import type { Membership } from '../src/core/types.js';
import { type FoundingFacts, type ListedMember, planFounding } from '../src/founding.js';
import type { Genesis } from '../src/storage.js';
import type { Hello } from '../src/transport.js';

const names = ['a', 'b', 'c'];
const members: readonly ListedMember[] = names.map((name) => ({
  ...{ id: null, name, address: `${name}:1`, witness: false },
}));
const membership = (suffix = ''): Membership => ({
  voters: names.map((name) => ({
    ...{ id: `id-${name}${suffix}`, name, address: `${name}:9`, witness: false },
  })),
  learners: [],
});
const helloOf = (name: string, clusterId: string): Hello => ({
  ...sampleHello(`id-${name}`, name, `run-${name}`),
  clusterId,
  joined: clusterId !== '',
  emptyLog: clusterId === '',
});
const genesis = (clusterId: string, of = membership()): Genesis => ({
  clusterId,
  self: 'id-x',
  membership: of,
});

function facts(name: string, seen: Record<string, string>, rest: Partial<FoundingFacts> = {}) {
  return {
    self: { id: `id-${name}`, name },
    ...{ members, clusterId: null, told: null },
    hellos: new Map(Object.entries(seen).map(([peer, id]) => [peer, helloOf(peer, id)])),
    ...rest,
  };
}

type Row = readonly [why: string, facts: FoundingFacts, expected: string];
const rows: readonly Row[] = [
  ['nobody answers: it waits for both', facts('a', {}), 'wait b c'],
  ['one is missing: it waits for that one', facts('a', { b: '' }), 'wait c'],
  [
    'given a cluster, one missing member is enough to wait',
    facts('a', { b: 'X' }, { clusterId: 'X' }),
    'wait c',
  ],
  [
    'given a cluster, with all there it founds',
    facts('b', { a: '', c: '' }, { clusterId: 'X' }),
    'found X',
  ],
  [
    'given a cluster that others founded a moment ago, it follows',
    facts('b', { a: 'X', c: '' }, { clusterId: 'X' }),
    'found X',
  ],
  ['the first by name draws', facts('a', { b: '', c: '' }), 'found drawn'],
  ['another one waits for the first by name', facts('b', { a: '', c: '' }), 'await a'],
  ['the first by name draws none beside one that exists', facts('a', { b: 'X', c: '' }), 'await a'],
  [
    'told by who founded, it takes that',
    facts('b', { a: 'X', c: '' }, { told: genesis('X') }),
    'found X',
  ],
  [
    'the first by name takes what it is told, too',
    facts('a', { b: 'X', c: '' }, { told: genesis('X') }),
    'found X',
  ],
  [
    'told of other members than it sees, it waits',
    facts('b', { a: 'X', c: '' }, { told: genesis('X', membership('-old')) }),
    'await a',
  ],
  [
    'two clusters are for an operator',
    facts('b', { a: 'X', c: 'Y' }, { told: genesis('X') }),
    'await a',
  ],
  [
    'told by one who has lost it since: nobody shows it, and another may be drawn',
    facts('b', { a: '', c: '' }, { told: genesis('X') }),
    'await a',
  ],
  [
    'the first by name was told, and nobody shows it: it draws',
    facts('a', { b: '', c: '' }, { told: genesis('X') }),
    'found drawn',
  ],
  ['told, with one missing: it waits', facts('b', { a: 'X' }, { told: genesis('X') }), 'wait c'],
];
for (const [why, given, expected] of rows) {
  test(`${expected}: ${why}`, () => {
    const plan = planFounding(given);
    const said = {
      wait: () => `wait ${plan.kind === 'wait' ? plan.missing.map((m) => m.name).join(' ') : ''}`,
      found: () => `found ${plan.kind === 'found' ? (plan.clusterId ?? 'drawn') : ''}`,
      await: () => `await ${plan.kind === 'await' ? plan.coordinator : ''}`,
    }[plan.kind]();
    assert.equal(said, expected);
  });
}

const states = ['absent', '', 'X', 'Y'];
const tales = [null, genesis('X'), genesis('X', membership('-old')), genesis('Y')];

test('all that one of three may see: 384 sights, and what holds in each', () => {
  let founded = 0;
  for (const name of names) {
    const [first = '', second = ''] = names.filter((other) => other !== name);
    for (const one of states) {
      for (const two of states) {
        for (const clusterId of [null, 'X']) {
          for (const told of tales) {
            const seen = Object.entries({ [first]: one, [second]: two });
            const there = seen.filter(([, state]) => state !== 'absent');
            const plan = planFounding(facts(name, Object.fromEntries(there), { clusterId, told }));
            const sight = `${name}: ${seen.join(' ')} given ${clusterId} told ${told?.clusterId}`;
            // Unanimity: never while one is missing, and who is missing is named.
            const missing = seen.filter(([, state]) => state === 'absent').map(([peer]) => peer);
            assert.equal(plan.kind === 'wait', missing.length > 0, sight);
            if (plan.kind === 'wait')
              assert.deepEqual(
                plan.missing.map((m) => m.name),
                missing,
              );
            if (plan.kind !== 'found') continue;
            founded += 1;
            const shown = new Set(there.map(([, state]) => state).filter((state) => state !== ''));
            // A cluster id comes from the home, else from one who shows it, else the first draws it.
            if (clusterId !== null) assert.equal(plan.clusterId, clusterId, sight);
            else if (shown.size > 0) assert.deepEqual([...shown], [plan.clusterId], sight);
            else assert.deepEqual([name, plan.clusterId], ['a', null], sight);
            assert.equal(plan.membership.voters.length, 3, sight);
          }
        }
      }
    }
  }
  // Given: 3 x 9 sights x 4 tales. Not given: `a` draws with every tale; each follows X and Y as told.
  assert.equal(founded, 108 + 4 + 3 * 2 * 3);
});

test('the membership that is founded holds the identities that were shown, in order of name', () => {
  const plan = planFounding(facts('a', { c: '', b: '' }));
  assert.ok(plan.kind === 'found');
  assert.deepEqual(
    plan.membership.voters.map(({ id }) => id),
    ['id-a', 'id-b', 'id-c'],
  );
});

test('one alone founds by itself', () => {
  const alone = members.slice(0, 1);
  const plan = planFounding({ ...facts('a', {}), members: alone });
  assert.equal(plan.kind, 'found');
});

/** Three replicas that link, part, crash between plan and disk, and tell; only the disk is kept. */
interface Life {
  genesis: Genesis | null;
  told: Genesis | null;
}
type Event = readonly [
  kind: 'link' | 'part' | 'plan' | 'crash' | 'tell',
  who: number,
  whom: number,
];
const events = fc.array(
  fc.tuple(
    fc.constantFrom<Event[0]>('link', 'link', 'part', 'plan', 'plan', 'crash', 'tell', 'tell'),
    fc.nat(2),
    fc.nat(2),
  ),
  { minLength: 30, maxLength: 80 },
);

test('however three replicas meet and crash, those that found found one cluster', () => {
  let founded = 0;
  fc.assert(
    fc.property(events, (history) => {
      const lives: Life[] = names.map(() => ({ genesis: null, told: null }));
      const links = new Set<string>();
      let drawn = 0;
      const key = (i: number, j: number) => [i, j].sort().join();
      const plan = (who: number) => {
        const life = lives[who];
        if (life === undefined || life.genesis !== null) return;
        const seen = names.flatMap((name, other) =>
          other !== who && links.has(key(who, other))
            ? [[name, lives[other]?.genesis?.clusterId ?? ''] as const]
            : [],
        );
        const given = facts(names[who] ?? '', Object.fromEntries(seen), { told: life.told });
        const step = planFounding(given);
        if (step.kind !== 'found') return;
        drawn += 1;
        life.genesis = genesis(step.clusterId ?? `drawn-${drawn}`, step.membership);
      };
      for (const [kind, who, whom] of history) {
        const life = lives[who];
        const other = lives[whom];
        if (life === undefined || other === undefined || who === whom) continue;
        if (kind === 'link') for (const peer of [0, 1, 2]) links.add(key(who, peer));
        if (kind === 'part') links.delete(key(who, whom));
        if (kind === 'plan') plan(who);
        if (kind === 'tell' && links.has(key(who, whom))) other.told = life.genesis ?? other.told;
        if (kind === 'crash') {
          life.told = null;
          for (const peer of [0, 1, 2]) links.delete(key(who, peer));
        }
      }
      const clusters = lives.flatMap((life) => life.genesis?.clusterId ?? []);
      founded += clusters.length;
      assert.ok(new Set(clusters).size <= 1, clusters.join(' and '));
    }),
    { numRuns: 3000 },
  );
  assert.ok(founded > 1000, `the histories founded only ${founded} times`);
});
