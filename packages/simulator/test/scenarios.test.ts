/**
 * The scenarios come out as they are written, line by line; and the language that they are told in.
 *
 * Owns    the comparison. After a change of behaviour that is meant: `npm run scenarios -- --update`, and read the diff.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Oracle } from '../src/scenarios/oracle.js';
import { forms } from '../src/scenarios/orders.js';
import { tell } from '../src/scenarios/run.js';
import { readHrs, requestFor } from '../src/scenarios/signing.js';
import { Trace } from '../src/scenarios/trace.js';

const folder = fileURLToPath(new URL('../../scenarios/', import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));
const readScenario = (name: string): string => readFileSync(join(folder, name), 'utf8');

for (const name of names) {
  test(`the scenario ${name} comes out as it is written`, () => {
    const written = readScenario(name);
    const { text, broken } = tell(written);
    assert.equal(text, written);
    assert.deepEqual(broken, [], 'no scenario may show a broken promise');
  });
}

test('every scenario begins by saying what it shows', () => {
  assert.ok(names.length > 15);
  const silent = names.filter((name) => !/^# .+\n(#.*\n)*world /.test(readScenario(name)));
  assert.deepEqual(silent, []);
});

test('the page beside them names every order, and every order is used in a scenario', () => {
  const page = readFileSync(join(folder, 'README.md'), 'utf8');
  assert.deepEqual(
    forms.filter((form) => !page.includes(`\n${form}\n`)),
    [],
  );
  const all = names.map(readScenario).join('\n');
  const verbs = new Set(
    forms.flatMap((form) => form.split(' | ').map((each) => each.split(' ')[0])),
  );
  assert.deepEqual(
    [...verbs].filter(
      (verb) =>
        verb !== undefined &&
        ![`\n${verb} `, `: ${verb} `, `\n${verb}\n`].some((use) => all.includes(use)),
    ),
    [],
  );
});

test('a trace that is missing, wrong or too long is written anew; orders and prose are not touched', () => {
  const right = tell('# One.\nworld replicas=a,b\nelect a\n\n# Two.\n').text;
  assert.equal(right, tell(right).text);
  assert.match(right, /^# One\.\nworld replicas=a,b\nelect a\n {4}a asks ahead\n/);
  assert.match(right, /\n\n# Two\.\n$/);
  for (const wrong of ['    a leads term 9', '    a sleeps\n    a sleeps']) {
    const lines = right.split('\n').filter((line) => !line.startsWith('    '));
    lines.splice(3, 0, wrong);
    assert.equal(tell(lines.join('\n')).text, right);
  }
});

for (const [why, story, message] of [
  ['no such order', 'world replicas=a\nsing', /line 2, `sing`: no such order/],
  ['no world', 'elect a', /line 1, .*begins with `world`/],
  ['nobody of that name', 'world replicas=a\nelect b', /nobody is called b/],
  ['an election that cannot be won', 'world replicas=a,b\npower off b\nelect a', /was not elected/],
  ['nothing held', 'world replicas=a,b\ndeliver a -> b', /nothing of that kind is held/],
  ['asking one that is off', 'world replicas=a\nkill a\nask a 1/0/prevote block=X', /is off/],
] as const) {
  test(`a story that makes no sense names its line: ${why}`, () => {
    assert.throws(() => tell(story), message);
  });
}

test('replicas that do the same one after the other share a line', () => {
  const trace = new Trace();
  for (const who of ['a', 'b']) {
    trace.say(who, 'writes 1:2');
    trace.say(who, 'has 1:1 on disk');
    trace.endOfDeeds();
  }
  for (let times = 0; times < 2; times += 1) {
    trace.say('a', 'writes 1:2');
    trace.endOfDeeds();
  }
  trace.say('a', 'passes 1:2');
  assert.deepEqual(trace.take(), [
    'a, b write 1:2, have 1:1 on disk',
    'a writes 1:2',
    'a passes 1:2',
  ]);
  assert.deepEqual(trace.take(), []);
});

test('the oracle sees two contents, two entries in one place, and a term that is won twice', () => {
  const trace = new Trace();
  const oracle = new Oracle(trace);
  const at = readHrs('7/0/prevote');
  oracle.released(requestFor(at, 'X', 1).signBytes);
  oracle.released(requestFor(at, 'X', 2).signBytes);
  oracle.released(requestFor(readHrs('7/0/precommit'), 'nil', 1).signBytes);
  oracle.committed({ kind: 'empty', index: 1, term: 1 });
  oracle.committed({ kind: 'empty', index: 1, term: 1 });
  oracle.leads('a', 1);
  assert.deepEqual(trace.take(), []);
  oracle.released(requestFor(at, 'nil', 1).signBytes);
  oracle.committed({ kind: 'empty', index: 1, term: 2 });
  oracle.leads('a', 1);
  assert.deepEqual(trace.take(), [
    '!! signed twice: 7/0/prevote X, and 7/0/prevote nil',
    '!! committed 1:1, and then 2:1 in its place',
    '!! term 1 was won twice: by a, and by a',
  ]);
});
