/** What is said of a link that stays silent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { addressOf, systemClock } from '@cometkms/signer';
import { Metrics } from '../src/metrics/index.js';
import { describeLinks } from '../src/replica/link-reports.js';
import { Logged } from './cluster.js';
import { CHAIN, keyOf } from './scratch-homes.js';

test('a parked link says for how long it has been open without a byte', async (t) => {
  const key = keyOf(1).publicKey;
  const validator = 'tcp://127.0.0.1:26659';
  const chain = {
    ...{ id: { chainId: CHAIN, key }, chainId: CHAIN, keyAddress: addressOf(key) },
    validators: [],
  };
  const world = { build: { version: 'test', commit: 'test' }, chains: [], peers: [] };
  const metrics = new Metrics(world, { processMetrics: false });
  t.after(() => metrics.stop());
  const logged = new Logged();
  const links = describeLinks(logged.log, metrics, systemClock);
  links.state(chain, validator, 'dialing', '');
  links.state(chain, validator, 'handshaking', '');
  await pause(50);
  links.state(chain, validator, 'parked', '');
  const [said] = logged.all('link_parked');
  assert.ok((said?.for_ms ?? 0) >= 40, `for_ms=${said?.for_ms}`);
});
