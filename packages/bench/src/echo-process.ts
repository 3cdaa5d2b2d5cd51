/**
 * The far end of a measured round trip: says back what it hears.
 *
 * Owns    one listening socket on loopback, whose port it tells whoever started it.
 * Never   outlives that one.
 */
import { createServer } from 'node:net';

process.once('disconnect', () => process.exit(0));
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
});
server.listen(0, '127.0.0.1', () => {
  const bound = server.address();
  if (bound !== null && typeof bound !== 'string') process.send?.(bound.port);
});
