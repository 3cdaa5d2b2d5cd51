/**
 * The other end: takes a record, syncs it where it was given a file, and answers.
 *
 * Owns    one connection; its port goes over the channel to whoever started it.
 * Never   outlives that one. It has nothing else to do, so it may block while its disk writes.
 */
import { writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { makeRecordFile, RECORD_BYTES } from './record-file.js';
import { onRecord, serve } from './wire.js';

/** An empty path: answers without writing, a record for a record. */
const [path = '', certificates = ''] = process.argv.slice(2);
const record = Buffer.alloc(RECORD_BYTES, 7);
const file = path === '' ? null : makeRecordFile(path, true);

process.once('disconnect', () => process.exit(0));
const server = serve(certificates, (socket) => {
  socket.setNoDelay(true);
  // The leader ends when it has its figures, and everything with it.
  socket.on('error', () => process.exit(0));
  onRecord(socket, RECORD_BYTES, () => {
    if (file !== null) writeSync(file.fd, record, 0, RECORD_BYTES, file.nextOffset());
    socket.write(record);
  });
});
server.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port);
});
