/**
 * One core's share: takes the name of a world, searches it, answers with what it found, and takes the next.
 *
 * Owns    nothing that outlives a search.
 */
import { parentPort } from 'node:worker_threads';
import { invariant } from '@cometkms/invariant';
import { openRooms } from './opening.js';
import { Search } from './search.js';
import { worldNamed } from './worlds.js';

export interface Order {
  readonly world: string;
  readonly seconds: number;
}

const port = parentPort;
invariant(port !== null, 'a worker has somebody to answer to');
const rooms = await openRooms('none');
port.on('message', ({ world, seconds }: Order) => {
  port.postMessage(new Search(worldNamed(world), rooms).run({ seconds }));
});
