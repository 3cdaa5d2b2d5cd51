/**
 * The table of `cmkms status`, whole, as text.
 *
 * Owns    what a person sees: three replicas and two chains, well and not.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusTable } from '../src/cli/status-table.js';
import { statusJson } from '../src/http/index.js';
import { LAST_ROUND, type ReplicaStatus } from '../src/status.js';
import {
  alone,
  healthy,
  hub,
  judged,
  member,
  now,
  osmosis,
  validator,
  withConsensus,
} from './example-status.js';

function table(status: ReplicaStatus, color = false): string {
  return statusTable(statusJson(status, judged(status)), { now, color });
}

test('three replicas and two chains, all well, at the leader', () => {
  assert.equal(
    table(healthy),
    `kms-a  ready  leader, serving, term 7
cluster c-7f3a  leader kms-a  cmkms 0.1.0
3 of 3 voters in contact: 1 more may stop

REPLICA  ROLE      ADDRESS         REACHABLE  LAG  RTT     VERSION
kms-a *  leader    10.0.0.10:9430  yes        0    -       0.1.0
kms-b    follower  10.0.0.11:9430  yes        0    0.4 ms  0.1.0
kms-c    follower  10.0.0.12:9430  yes        4    0.4 ms  0.1.0

cosmoshub-4  key 5B9F6C0D2E4A1B3C5D7E9F00112233445566AABB (ed25519)
  last signed   21345678/0/precommit
  floor         21000000/0/precommit
  halt          none
  released here 1 s ago
  median        3.1 ms
  VALIDATOR              LINK    SINCE  LAST REQUEST  ERROR
  tcp://10.0.1.20:26659  active  3 h    1 s ago       -
  tcp://10.0.2.20:26659  active  3 h    1 s ago       -

osmosis-1  key 77C0112233445566778899AABBCCDDEEFF001122 (ed25519)
  last signed   9223372036854775807/2/proposal
  floor         none
  halt          none
  released here 1 s ago
  median        3.1 ms
  VALIDATOR                         LINK    SINCE  LAST REQUEST  ERROR
  tcp://10.0.1.21:26659             active  3 h    1 s ago       -
  unix:///run/osmosis/privval.sock  active  3 h    1 s ago       -
`,
  );
});

test('everything that can be wrong is said in words', () => {
  const status: ReplicaStatus = {
    ...alone,
    chains: [
      {
        ...hub,
        keyLoaded: false,
        haltHeight: 22_000_000n,
        lastReleasedAt: null,
        medianMs: null,
        validators: [
          validator('tcp://a:1', {
            state: 'dialing',
            since: now - 300_000,
            lastRequestAt: null,
            lastError: 'connection refused',
          }),
          validator('tcp://b:1', { state: 'parked' }),
          validator('tcp://c:1', { state: 'idle', lastRequestAt: null }),
        ],
      },
      {
        ...osmosis,
        last: null,
        registration: 'unregistered',
        waitingFor: 'kms-c has not said what it knows',
        validators: [],
      },
    ],
  };
  assert.equal(
    table(status),
    `kms-a  not ready  follower, term 7
cluster c-7f3a  leader none  cmkms 0.1.0
1 of 3 voters in contact: no quorum, nothing is signed

REPLICA  ROLE      ADDRESS         REACHABLE       LAG  RTT     VERSION
kms-a *  follower  10.0.0.10:9430  yes             -    -       0.1.0
kms-b    unknown   10.0.0.11:9430  no, for 12 s    -    0.4 ms  0.1.0
kms-c    unknown   10.0.0.12:9430  no, never seen  -    0.4 ms  0.1.0

cosmoshub-4  key 5B9F6C0D2E4A1B3C5D7E9F00112233445566AABB (ed25519)
  key           not loaded on this replica
  last signed   21345678/0/precommit
  floor         21000000/0/precommit
  halt          from height 22000000 on
  released here nothing yet
  VALIDATOR  LINK                                  SINCE  LAST REQUEST  ERROR
  tcp://a:1  dialing                               5 min  -             connection refused
  tcp://b:1  parked (another signer is connected)  3 h    1 s ago       -
  tcp://c:1  idle (not held here)                  3 h    -             -

osmosis-1  key 77C0112233445566778899AABBCCDDEEFF001122 (ed25519)
  waiting       kms-c has not said what it knows
  last signed   none
  floor         none
  halt          none
  released here 1 s ago
  median        3.1 ms

not ready
  NO_QUORUM  1 of 3 voters in contact; kms-b 12 s ago, kms-c never seen (for 0 ms)
  KEY_MISSING  no key loaded for cosmoshub-4 (for 0 ms)

notes
  CHAIN_UNREGISTERED  osmosis-1: kms-c has not said what it knows (for 0 ms)
  CHAIN_HALTED  cosmoshub-4 signs nothing from height 22000000 on (for 0 ms)
  VALIDATOR_DOWN  tcp://a:1 (cosmoshub-4) dialing: connection refused; tcp://b:1 (cosmoshub-4) parked (for 0 ms)
`,
  );
});

test('a replica that waits to be founded', () => {
  const status: ReplicaStatus = {
    ...healthy,
    clusterId: null,
    phase: { kind: 'founding', answered: ['kms-a'], missing: ['kms-b=b:1', 'kms-c=c:1'] },
    consensus: null,
    log: null,
    chains: [],
  };
  assert.equal(
    table(status),
    `kms-a  not ready  waiting to found the cluster
cluster not founded  leader none  cmkms 0.1.0

not ready
  WAITING_FOR_FOUNDING  1 of 3 members answered, missing kms-b=b:1, kms-c=c:1 (for 0 ms)
`,
  );
});

test('a witness, a retired chain', () => {
  const text = table({
    ...withConsensus({
      members: [
        member('kms-a', { self: true, role: 'leader' }),
        member('kms-w', { witness: true }),
      ],
    }),
    witness: true,
    chains: [{ ...hub, registration: 'retired' }],
  });
  assert.match(text, /^kms-a {2}ready {2}leader, witness, serving, term 7\n/);
  assert.match(text, /\nkms-w {4}follower \(witness\) /);
  assert.match(text, /\n {2}retired {7}never signed again\n/);
});

test('a floor over a whole height is shown as one; JSON keeps its numbers', () => {
  const floor = { height: 21_000_000n, round: LAST_ROUND, step: 3 };
  const status = { ...healthy, chains: [{ ...hub, floor }] };
  assert.match(table(status), /\n {2}floor {9}height 21000000, all of it\n/);
  assert.deepEqual(statusJson(status, judged(status)).chains[0]?.floor, {
    ...{ height: '21000000', round: 2 ** 31 - 1, step: 3 },
  });
});

test('colours change no column', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes
  const codes = /\u001b\[\d+m/g;
  for (const status of [healthy, alone]) {
    const colored = table(status, true);
    assert.match(colored, codes);
    assert.equal(colored.replace(codes, ''), table(status));
  }
});

test('a text from elsewhere cannot move the cursor', () => {
  const lastError = 'x\u001b[2Jy\nz\u009b1A';
  const status = {
    ...healthy,
    chains: [{ ...hub, validators: [validator('tcp://a:1', { lastError })] }],
  };
  const text = table(status);
  assert.match(text, /x\?\[2Jy\?z\?1A\n/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});
