/**
 * A wire that can be slow, silent, or cut: a TCP proxy in user space, as kernel delay queues are not everywhere.
 *
 * Owns    the bytes between two sockets, in order, late or not; a FIN goes through as a FIN.
 * Never   changes a byte. What waits is bounded: a side that waits for the wire is not read from.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net';

export interface WireOrder {
  /** Of each piece, one way. */
  readonly delayMs: number;
  /** Up to so much more, different for each piece. */
  readonly jitterMs: number;
  /** Takes bytes and hands none on. */
  readonly silent: boolean;
  /** Reset in the middle of the next piece. Null: not. */
  readonly cutEveryMs: number | null;
}

export const plain: WireOrder = { delayMs: 0, jitterMs: 0, silent: false, cutEveryMs: null };

export interface Place {
  readonly host: string;
  readonly port: number;
}

const MOST_WAITING_BYTES = 1024 * 1024;

export class Wire {
  readonly #server: Server;
  readonly #target: Place;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #order: WireOrder = plain;
  #cutting: NodeJS.Timeout | null = null;
  /** The next piece is cut in its middle. */
  #cutNext = false;

  constructor(target: Place) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#join(near));
  }

  /** @returns the port; `port` 0 finds a free one */
  listen({ host, port }: Place): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        const bound = this.#server.address();
        if (bound === null || typeof bound === 'string') reject(new Error('not listening on tcp'));
        else resolve(bound.port);
      });
    });
  }

  get order(): WireOrder {
    return this.#order;
  }

  set order(order: WireOrder) {
    const wasSilent = this.#order.silent;
    this.#order = order;
    // What was swallowed is missing: such a connection cannot go on.
    if (wasSilent && !order.silent) this.cut();
    if (this.#cutting !== null) clearInterval(this.#cutting);
    this.#cutNext = false;
    this.#cutting =
      order.cutEveryMs === null
        ? null
        : setInterval(() => {
            this.#cutNext = true;
          }, order.cutEveryMs);
  }

  /** Resets all that is open. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  async stop(): Promise<void> {
    this.order = plain;
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(near: Socket): void {
    const far = createConnection({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      const other = socket === near ? far : near;
      // An error is followed by `close`, where the other side hears of it.
      socket.on('error', () => socket.resetAndDestroy());
      socket.once('close', (hadError) => {
        this.#pairs.delete(pair);
        if (hadError || !socket.readableEnded) other.resetAndDestroy();
      });
      this.#carry(socket, other);
    }
  }

  #carry(from: Socket, to: Socket): void {
    const queue: (Buffer | 'end')[] = [];
    let waitingBytes = 0;
    let lastAtMs = 0;
    // Timers of different lengths may fire in another order than they end: each takes the oldest, whosever it is.
    const deliver = (): void => {
      const piece = queue.shift();
      if (piece === undefined || to.destroyed) return;
      if (piece === 'end') return void to.end();
      waitingBytes -= piece.length;
      if (to.write(piece) && waitingBytes < MOST_WAITING_BYTES) from.resume();
      else from.pause();
    };
    const later = (piece: Buffer | 'end'): void => {
      const { delayMs, jitterMs } = this.#order;
      const nowMs = performance.now();
      const atMs = Math.max(lastAtMs, nowMs + delayMs + Math.random() * jitterMs);
      queue.push(piece);
      if (piece !== 'end') waitingBytes += piece.length;
      lastAtMs = atMs;
      if (atMs <= nowMs && queue.length === 1) {
        deliver();
        return;
      }
      if (waitingBytes >= MOST_WAITING_BYTES) from.pause();
      setTimeout(deliver, atMs - nowMs);
    };
    from.on('data', (bytes: Buffer) => {
      if (this.#order.silent) return;
      if (this.#cutNext) this.#cutWithin(bytes, to);
      else later(bytes);
    });
    from.on('end', () => {
      if (!this.#order.silent) later('end');
    });
    to.on('drain', () => from.resume());
  }

  /** The first half arrives, then nothing ever. */
  #cutWithin(bytes: Buffer, to: Socket): void {
    this.#cutNext = false;
    to.write(bytes.subarray(0, bytes.length >> 1), () => this.cut());
  }
}
