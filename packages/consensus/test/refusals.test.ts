/** Which refusals end a replica. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endBy } from '../src/refusals.js';
import type { Genesis } from '../src/storage.js';
import type { LinkFault, RefusalCode } from '../src/transport.js';
import { membershipOf } from './core-bench.js';

const refused = (code: RefusalCode, kind: LinkFault['kind'] = 'refusedByPeer'): LinkFault => ({
  ...{ kind, detail: 'no', remoteAddress: 'b:1' },
  refusal: { code, detail: 'why' },
});

const genesis: Genesis = { clusterId: 'c-1', self: 'a', membership: membershipOf('abc') };
const founding = { genesis: null, isToFound: true };
const joining = { genesis: null, isToFound: false };
const joined = { genesis, isToFound: false };

type End = string | null;
type Row = readonly [code: RefusalCode, founding: End, joining: End, joined: End];
const doubted = 'CONSENSUS_DISK_DOUBTED';
const rows: readonly Row[] = [
  ['rolledBack', doubted, doubted, doubted],
  ['cloned', doubted, doubted, doubted],
  ['wiped', doubted, doubted, doubted],
  // Once it has a log, that was said of a hello from before.
  ['emptyVoter', doubted, doubted, null],
  ['removed', 'CONSENSUS_REMOVED', 'CONSENSUS_REMOVED', 'CONSENSUS_REMOVED'],
  ['nameDiffers', doubted, null, null],
  ['foundedWithout', 'CONSENSUS_FOUNDED_WITHOUT', null, null],
  ['alive', null, null, null],
  ['notMember', null, null, null],
  ['clusterDiffers', null, null, null],
  ['self', null, null, null],
  ['other', null, null, null],
];
for (const [code, ...ends] of rows) {
  const said = ends.map((end) => end ?? 'may pass').join(', ');
  test(`${code}, to one that founds, joins, has joined: ${said}`, () => {
    const own = [founding, joining, joined];
    assert.deepEqual(
      own.map((one) => endBy('b', refused(code), one)?.code ?? null),
      ends,
    );
    for (const one of own) {
      const end = endBy('b', refused(code, 'refusedByUs'), one);
      assert.equal(end, null, 'what we said ends nobody');
    }
  });
}

test('without a refusal a fault is a fault of the link', () => {
  assert.equal(endBy('b', { kind: 'tls', detail: 'no', remoteAddress: 'b:1' }, founding), null);
});
