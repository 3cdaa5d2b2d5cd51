/**
 * The two formats of a log line, compared as text.
 *
 * Owns    the promise that both carry the same keys, that no value leaves its line, and that nothing that
 *         looks like a key is printed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EventFacts } from '../src/log/index.js';
import { events, formatLine, levels } from '../src/log/index.js';

const at = Date.UTC(2026, 0, 2, 12, 0, 1, 123);
const key = '5B9F6C0D2E4A1B3C5D7E9F00112233445566AABB';

const signed: EventFacts['signed'] = {
  chain: 'cosmoshub-4',
  key,
  type: 'precommit',
  h: 9_007_199_254_740_993n,
  r: 0,
  block: '5C1F09AA',
  validator: 'tcp://10.0.1.20:26659',
  verdict: 'granted',
  total_ms: 3.2004,
  commit_ms: 2.4,
  watermark_ms: 1.1,
  sign_ms: 0.3,
  term: 7,
  index: 81234,
  via: null,
};

test('plain: time, level, event, key=value', () => {
  assert.equal(
    formatLine('plain', at, 'signed', signed),
    '2026-01-02T12:00:01.123Z INFO  signed chain=cosmoshub-4 key=5B9F6C0D2E4A1B3C5D7E9F00112233445566AABB' +
      ' type=precommit h=9007199254740993 r=0 block=5C1F09AA validator=tcp://10.0.1.20:26659' +
      ' verdict=granted total_ms=3.2 commit_ms=2.4 watermark_ms=1.1 sign_ms=0.3 term=7 index=81234\n',
  );
});

test('json: the same keys in the same order, heights as digits', () => {
  assert.equal(
    formatLine('json', at, 'signed', signed),
    '{"time":"2026-01-02T12:00:01.123Z","level":"info","event":"signed","chain":"cosmoshub-4",' +
      '"key":"5B9F6C0D2E4A1B3C5D7E9F00112233445566AABB","type":"precommit","h":"9007199254740993","r":0,' +
      '"block":"5C1F09AA","validator":"tcp://10.0.1.20:26659","verdict":"granted","total_ms":3.2,' +
      '"commit_ms":2.4,"watermark_ms":1.1,"sign_ms":0.3,"term":7,"index":81234}\n',
  );
});

const refused: EventFacts['refused'] = {
  ...signed,
  verdict: 'conflict',
  detail: 'signed 5C1F09AA, asked nil',
};

test('a conflict is an error and says that nothing was double signed', () => {
  const line = formatLine('plain', at, 'refused', refused);
  assert.match(line, / ERROR refused .*detail="signed 5C1F09AA, asked nil"/);
  assert.match(
    line,
    /note="two validators disagree; this one was refused, nothing was double signed"/,
  );
});

test('a node that replays is refused without an alarm', () => {
  const line = formatLine('plain', at, 'refused', { ...refused, verdict: 'regressed' });
  assert.match(line, / INFO {2}refused .*note="node replaying or behind; nothing to do"/);
});

test('lists are one value', () => {
  const facts = { cluster: 'c-1', members: ['kms-a', 'kms b'], coordinator: 'kms-a' };
  assert.match(formatLine('plain', at, 'founded', facts), / members="kms-a,kms b" /);
  assert.match(formatLine('json', at, 'founded', facts), /"members":\["kms-a","kms b"\]/);
});

test('every event has a level that exists and says when it appears', () => {
  for (const [name, row] of Object.entries(events)) {
    assert.match(name, /^[a-z]+(_[a-z]+)*$/);
    assert.ok(row.when.endsWith('.'), name);
    if (typeof row.level === 'string') assert.ok(levels.includes(row.level), name);
  }
});

test('whatever a text contains, it stays one line, and JSON gives it back', () => {
  const text = fc.string({ unit: 'binary', maxLength: 100 });
  fc.assert(
    fc.property(text, (reason) => {
      const facts = { chain: 'test-1', validator: 'unix:///s', reason };
      for (const format of ['plain', 'json'] as const) {
        const line = formatLine(format, at, 'link_closed', facts);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(line.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
      }
      const back = JSON.parse(formatLine('json', at, 'link_closed', facts)) as { reason: string };
      assert.equal(back.reason, reason);
    }),
  );
});

test('a value cannot pretend to be another fact', () => {
  const facts = { chain: 'test-1', validator: 'unix:///s', reason: 'x verdict=granted' };
  assert.match(formatLine('plain', at, 'link_closed', facts), / reason="x verdict=granted"\n$/);
  const quote = { ...facts, reason: '"' };
  assert.match(formatLine('plain', at, 'link_closed', quote), / reason="\\""\n$/);
});

test('long texts are cut', () => {
  const facts = { chain: 'test-1', validator: 'unix:///s', reason: 'x '.repeat(10_000) };
  assert.ok(formatLine('plain', at, 'link_closed', facts).length < 1000);
});

const secret = Buffer.alloc(64, 0xa7);
const secrets: readonly (readonly [string, string])[] = [
  ['a private key in base64', secret.toString('base64')],
  ['a seed in base64', secret.subarray(32).toString('base64')],
  ['a seed in base64url with padding', `${secret.subarray(32).toString('base64url')}=`],
  ['a private key or a signature in hex', secret.toString('hex')],
];
for (const [what, text] of secrets) {
  test(`${what} that came with another text is not printed`, () => {
    const facts = { detail: `Unexpected token in JSON: {"value":"${text}"}` };
    const line = formatLine('plain', at, 'journal_failed', facts);
    assert.ok(!line.includes(text.slice(0, 20)), line);
    assert.match(line, /<\d+ characters>/);
  });
}

test('paths, hashes and addresses are printed whole', () => {
  const detail = `/var/lib/cmkms/${'a'.repeat(60)}/journal ${'0'.repeat(64)} ${key}`;
  assert.ok(formatLine('plain', at, 'journal_failed', { detail }).includes(detail));
});

test('a secret that a cut divides is still not printed', () => {
  for (let before = 200; before < 520; before++) {
    const detail = `${'x '.repeat(before)}${secret.toString('hex')}`;
    assert.ok(!formatLine('plain', at, 'journal_failed', { detail }).includes('a7a7a7'));
  }
});
