/**
 * A record on the disks of two of three processes: the least that a replicated signature has to wait for.
 *
 * Owns    the leader's part: to both followers at once, beside that its own disk, done when any two of the three
 *         have it. The next record begins when all three have it, so none waits for the one before; after a rest,
 *         where it is given one, in which the machine does nothing.
 * Never   batches, frames, checks or remembers anything: what a signer does beyond this is what it is measured by.
 */
import { write } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { tell, WARM_UP } from './counting.js';
import { endFollower, startFollower } from './followers.js';
import { makeRecordFile, RECORD_BYTES } from './record-file.js';
import { onRecord } from './wire.js';

const REPLICAS = 3;
const MAJORITY = 2;

/** Without certificates: plain TCP. */
const [directory = '', count = '', name = '', restMs = '', ...certificates] = process.argv.slice(2);
const record = Buffer.alloc(RECORD_BYTES, 7);
const file = makeRecordFile(join(directory, 'leader'), true);
const [own = '', ...theirs] = certificates;
const followers = await Promise.all(
  [0, 1].map((i) =>
    startFollower({
      file: join(directory, `follower-${i + 1}`),
      certificates: theirs[i] ?? '',
      ownCertificates: own,
    }),
  ),
);

let onDisk: () => void = () => {};
for (const { socket } of followers) onRecord(socket, RECORD_BYTES, () => onDisk());

/** @returns milliseconds until a majority had it; resolves when all have it */
const written = (): Promise<number> =>
  new Promise((resolve, reject) => {
    let have = 0;
    let tookMs = 0;
    const started = performance.now();
    onDisk = () => {
      have += 1;
      if (have === MAJORITY) tookMs = performance.now() - started;
      if (have === REPLICAS) resolve(tookMs);
    };
    for (const { socket } of followers) socket.write(record);
    // In the thread pool: both followers may have it before this disk does.
    write(file.fd, record, 0, RECORD_BYTES, file.nextOffset(), (error) => {
      if (error === null) onDisk();
      else reject(error);
    });
  });

for (let i = 0; i < WARM_UP; i += 1) await written();
const times: number[] = [];
for (let i = 0; i < Number(count); i += 1) {
  if (Number(restMs) > 0) await pause(Number(restMs));
  times.push(await written());
}
tell({ [name]: times });
for (const follower of followers) endFollower(follower);
