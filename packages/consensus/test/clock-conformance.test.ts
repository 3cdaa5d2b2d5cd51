/** The clock's suite on Node's own timers, with arrivals through a loopback socket and stalls that block. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { systemClock } from '../src/clock.js';
import { type ClockPlace, clockSuite } from '../src/conformance/clock.js';

/** Nothing runs meanwhile, as when the process is stopped or the machine is too busy. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function place(): Promise<ClockPlace> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [
    [Socket],
    unknown,
  ];
  far.setNoDelay(true);
  const arriving: (() => void)[] = [];
  near.on('data', (chunk: Buffer) => {
    for (const run of arriving.splice(0, chunk.length)) run();
  });
  return {
    clock: systemClock,
    arrive: (run) => {
      arriving.push(run);
      far.write('.');
    },
    stall: standStill,
    dispose: async () => {
      near.destroy();
      far.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

clockSuite('system clock', { place });
