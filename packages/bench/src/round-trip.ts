/**
 * What a round trip between two processes of this machine takes, bare or over a wire with a delay.
 *
 * Owns    an echo in a process of its own, and the clock at this end.
 * Never   encrypts: what TLS adds is the signer's own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Wire, type WireOrder } from '@cometkms/interop';
import { median } from './statistics.js';

const HOST = '127.0.0.1';
/** About what a replica sends for one signature. */
const MESSAGE_BYTES = 400;
const WARM_UP = 5;
const ECHO_WITHIN_MS = 10_000;

const program = fileURLToPath(new URL('./echo-process.js', import.meta.url));

/** @param order of the wire; null: none stands between @returns the median of so many, in milliseconds */
export async function roundTripMs(order: WireOrder | null, times: number): Promise<number> {
  const echo = fork(program);
  let wire: Wire | null = null;
  try {
    const [told] = (await once(echo, 'message')) as [unknown];
    let port = Number(told);
    if (order !== null) {
      wire = new Wire({ host: HOST, port });
      wire.order = order;
      port = await wire.listen({ host: HOST, port: 0 });
    }
    const trips: number[] = [];
    const trip = await dialled(port);
    for (let i = 0; i < WARM_UP; i += 1) await trip.once();
    for (let i = 0; i < times; i += 1) trips.push(await trip.once());
    trip.end();
    return median(trips);
  } finally {
    await wire?.stop();
    echo.disconnect();
  }
}

interface Trips {
  once(): Promise<number>;
  end(): void;
}

async function dialled(port: number): Promise<Trips> {
  const socket = connect({ host: HOST, port, noDelay: true });
  await once(socket, 'connect');
  const message = Buffer.alloc(MESSAGE_BYTES, 7);
  return {
    once: async () => {
      const startedAtMs = performance.now();
      const signal = AbortSignal.timeout(ECHO_WITHIN_MS);
      socket.write(message);
      for (let heard = 0; heard < MESSAGE_BYTES; ) {
        const [piece] = (await once(socket, 'data', { signal })) as [Buffer];
        heard += piece.length;
      }
      return performance.now() - startedAtMs;
    },
    end: () => socket.destroy(),
  };
}
