/**
 * A record to another process over TCP, and one back.
 *
 * Owns    the clock around it.
 */
import { tell, timesOf, WARM_UP } from './counting.js';
import { endFollower, startFollower } from './followers.js';
import { RECORD_BYTES } from './record-file.js';
import { onRecord } from './wire.js';

const [count = ''] = process.argv.slice(2);
const record = Buffer.alloc(RECORD_BYTES, 7);
const follower = await startFollower({ file: '', certificates: '', ownCertificates: '' });

let answered: () => void = () => {};
onRecord(follower.socket, RECORD_BYTES, () => answered());
const once = (): Promise<void> =>
  new Promise((resolve) => {
    answered = resolve;
    follower.socket.write(record);
  });
await timesOf(WARM_UP, once);
tell({ 'round trip': await timesOf(Number(count), once) });
endFollower(follower);
