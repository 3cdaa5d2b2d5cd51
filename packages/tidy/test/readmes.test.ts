/** Each package says in a few lines what it is, and the example that it gives runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, trackedFiles } from '../src/tree.js';

const rooms = trackedFiles(/^packages\/[^/]+\/package\.json$/).map(
  ({ path }) => path.split('/')[1] ?? '',
);
const readmes = new Map(
  trackedFiles(/^packages\/[^/]+\/README\.md$/).map(({ path, text }) => [
    path.split('/')[1] ?? '',
    text,
  ]),
);

for (const room of rooms) {
  test(`${room} has a README of at most 40 lines, with its interface and one example`, () => {
    const text = readmes.get(room);
    assert.ok(text !== undefined, `write packages/${room}/README.md`);
    assert.ok(text.trimEnd().split('\n').length <= 40, 'a README says where to start, not all');
    assert.match(text, new RegExp(`^# ${room}\n`), 'its title is the name of the package');
    assert.match(text, /^Interface: /m, 'say what others may use: "Interface: ..."');
    assert.equal(text.match(/^```(js|sh)$/gm)?.length, 1, 'one example, as js or sh');
  });
}

for (const [room, text] of readmes) {
  const example = /^```js\n([\s\S]*?)^```$/m.exec(text)?.[1];
  if (example === undefined) continue;
  test(`the example in the README of ${room} runs`, () => {
    // Inside the package, so that it finds itself and what it may use by name; dist/ is not tracked.
    const directory = join(root, 'packages', room, 'dist');
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'readme-example.mjs');
    writeFileSync(file, example);
    const ran = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
  });
}
