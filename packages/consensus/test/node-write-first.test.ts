/** What is handed to the disk before something else is done, and what only after it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../src/index.js';
import { Journal, until } from './node-world.js';
import { Scene } from './puppet-peers.js';

const append = (index: number, commit: number): Message => ({
  ...{ kind: 'append', term: 1, prevIndex: index - 1, prevTerm: index === 1 ? 0 : 1 },
  entries: [{ kind: 'command', term: 1, index, command: Buffer.from(`entry ${index}`) }],
  ...{ commit, round: index },
});

test('an entry is on its way to the disk before the one that it commits is applied', async (t) => {
  const scene = await Scene.set(t);
  const underWay: boolean[] = [];
  class Watched extends Journal {
    override apply(...how: Parameters<Journal['apply']>): number {
      underWay.push(scene.log.isWriting);
      return super.apply(...how);
    }
  }
  const node = await scene.run({ stateMachine: new Watched() });
  scene.b.say(append(1, 0));
  await until('the first is acknowledged', () =>
    scene.b.messages().find((said) => said.kind === 'appendReply' && said.match === 1),
  );
  scene.log.shut();
  scene.b.say(append(2, 1));
  await scene.takenIn(node, scene.b);
  assert.deepEqual(underWay, [true]);
});

test('a snapshot that cannot be restored does not take the place of the log', async (t) => {
  const scene = await Scene.set(t);
  class Picky extends Journal {
    override restore(state: Uint8Array): void {
      if (Buffer.from(state).toString() === 'bad') throw new Error('it cannot be read');
      super.restore(state);
    }
  }
  const node = await scene.run({ stateMachine: new Picky() });
  const { membership } = node;
  assert.ok(membership !== null);
  const snapshot = { index: 9, term: 1, membership, state: Buffer.from('bad') };
  scene.b.say({ kind: 'installSnapshot', term: 1, snapshot, round: 1 });
  await until('it ends over that', () => scene.fatal[0]);
  await scene.ended(node);
  const again = await scene.run({ stateMachine: new Picky() });
  assert.equal(again.status()?.lastIndex, 0);
});
