/** `cluster status`: whole tables as text, and in words what may be lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asText } from '../src/cli/cluster-status.js';
import { statusJson } from '../src/http/index.js';
import type { ReplicaStatus } from '../src/status.js';
import { alone, consensus, healthy, judged, member, withConsensus } from './example-status.js';

const shown = (status: ReplicaStatus): string => asText(statusJson(status, judged(status)));
const lost = (status: ReplicaStatus): string => shown(status).split('\n')[1] ?? '';

test('the leader: voters, a witness, a learner that lags, who is away, whose certificate ends when', () => {
  const [a, b, c] = consensus.members;
  const members = [
    {
      ...(a ?? member('kms-a')),
      ...{ certificateNotAfter: Date.UTC(2045, 1, 3), rules: { oldest: 1, newest: 2 } },
    },
    b ?? member('kms-b'),
    { ...(c ?? member('kms-c')), witness: true, reachable: false, role: 'unknown' as const },
    member('kms-d', {
      ...{ voter: false, role: 'learner', matchIndex: 10, version: null },
      ...{ certificateNotAfter: null, lastContactMs: null, rules: null },
    }),
  ];
  const status = withConsensus({ members, votersReachable: 2 });
  assert.equal(
    shown(status),
    `cluster c-7f3a  leader kms-a  term 7  rules 1
2 of 3 voters in contact: if any one more stops, signing stops

REPLICA  ROLE      VOTE            ADDRESS         REACHABLE  LAG    LAST CONTACT  VERSION  RULES  CERT ENDS   IDENTITY
kms-a *  leader    voter           10.0.0.10:9430  yes        0      -             0.1.0    1-2    2045-02-03  kms-a00000000000
kms-b    follower  voter           10.0.0.11:9430  yes        0      12 ms ago     0.1.0    1      2035-12-31  kms-b00000000000
kms-c    unknown   voter, witness  10.0.0.12:9430  no         4      12 ms ago     0.1.0    1      2035-12-31  kms-c00000000000
kms-d    learner   learner         10.0.0.13:9430  yes        81224  -             -        -      -           kms-d00000000000
`,
  );
});

test('a follower says who knows more', () => {
  const status = withConsensus({ role: 'follower', leaseMs: null });
  assert.match(shown(status), /\n\nasked at kms-a: how far the others are, kms-a knows\n$/);
});

test('what may be lost', () => {
  const members = (count: number, change: (i: number) => object) =>
    Array.from({ length: count }, (_, i) => ({
      ...member(`kms-${'abcde'[i]}`, { self: i === 0 }),
      ...change(i),
    }));
  const at = (count: number, change: (i: number) => object = () => ({})) =>
    lost(withConsensus({ members: members(count, change) }));
  assert.equal(at(5), '5 of 5 voters in contact: any 2 more may stop');
  assert.equal(at(3), '3 of 3 voters in contact: any one more may stop');
  assert.equal(at(2), '2 of 2 voters in contact: if any one more stops, signing stops');
  assert.equal(
    at(3, (i) => ({ witness: i > 0 })),
    '3 of 3 voters in contact: kms-a alone holds the key; if it stops, signing stops',
  );
  assert.equal(
    at(5, (i) => ({ witness: i > 1 })),
    '5 of 5 voters in contact: any one more may stop',
    'both key holders may not',
  );
  assert.equal(
    at(3, (i) => ({ witness: i < 2, reachable: i < 2 })),
    '2 of 3 voters in contact, none of them holds the key: nothing is signed',
  );
  assert.equal(lost(alone), '1 of 3 voters in contact, 2 are needed: nothing is signed');
});

test('before there is a member list: what is waited for', () => {
  const waits = 'no member knows this identity yet';
  const status: ReplicaStatus = { ...healthy, consensus: null, phase: { kind: 'joining', waits } };
  assert.equal(shown(status), `cluster c-7f3a  leader none  term -  rules -\n${waits}\n`);
});

test('what another machine says of itself does not move the cursor', () => {
  const status = withConsensus({
    members: [member('kms-b', { version: '\u001b[2J', address: 'x\ny' })],
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  assert.doesNotMatch(shown(status).replaceAll('\n', ''), /[\u0000-\u001f]/);
  assert.equal(shown(status).split('\n').length, 6);
});
