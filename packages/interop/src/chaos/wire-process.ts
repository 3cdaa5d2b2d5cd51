/**
 * A wire in a process of its own, for it has to stand in the network of the replica that it leads to.
 *
 * Owns    one wire; its orders come over the channel to whoever started it.
 * Never   outlives that one.
 */
import { Wire, type WireOrder } from './wire.js';

/** `'cut'` resets what is open now. */
export type WireMessage = WireOrder | 'cut';

const [listenHost = '', listenPort = '', targetHost = '', targetPort = ''] = process.argv.slice(2);
const wire = new Wire({ host: targetHost, port: Number(targetPort) });
process.once('disconnect', () => process.exit(0));
process.on('message', (message: WireMessage) => {
  if (message === 'cut') wire.cut();
  else wire.order = message;
});
await wire.listen({ host: listenHost, port: Number(listenPort) });
process.send?.('listening');
