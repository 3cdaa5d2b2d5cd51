/** Which refusals end a replica. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endBy } from '../src/refusals.js';
import type { LinkFault, RefusalCode } from '../src/transport.js';

const refused = (code: RefusalCode, kind: LinkFault['kind'] = 'refusedByPeer'): LinkFault => ({
  ...{ kind, detail: 'no', remoteAddress: 'b:1' },
  refusal: { code, detail: 'why' },
});

type Row = readonly [code: RefusalCode, founding: string | null, otherwise: string | null];
const doubted = 'CONSENSUS_DISK_DOUBTED';
const rows: readonly Row[] = [
  ['rolledBack', doubted, doubted],
  ['cloned', doubted, doubted],
  ['wiped', doubted, doubted],
  ['removed', 'CONSENSUS_REMOVED', 'CONSENSUS_REMOVED'],
  ['nameDiffers', doubted, null],
  ['foundedWithout', 'CONSENSUS_FOUNDED_WITHOUT', null],
  ['alive', null, null],
  ['notMember', null, null],
  ['clusterDiffers', null, null],
  ['self', null, null],
  ['other', null, null],
];
for (const [code, founding, otherwise] of rows) {
  test(`${code}: ${founding ?? 'may pass'}, ${otherwise ?? 'may pass'} once joined or joining`, () => {
    assert.equal(endBy('b', refused(code), true)?.code ?? null, founding);
    assert.equal(endBy('b', refused(code), false)?.code ?? null, otherwise);
    assert.equal(endBy('b', refused(code, 'refusedByUs'), true), null, 'what we said ends nobody');
  });
}

test('without a refusal a fault is a fault of the link', () => {
  assert.equal(endBy('b', { kind: 'tls', detail: 'no', remoteAddress: 'b:1' }, true), null);
});
