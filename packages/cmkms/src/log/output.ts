/**
 * Lines to standard output, without ever waiting for whoever reads it.
 *
 * Owns    the bounded queue, the one write in flight, and the count of lines that were dropped.
 * Never   blocks the event loop, and never occupies a thread that could block the end of the process:
 *         process.stdout writes synchronously, and a thread of the pool that is stuck in write(2) is joined
 *         at exit, which then never comes. So pipes and sockets are written through the event loop, and a
 *         terminal through a description of its own that does not block.
 * Proof   test/log-output.test.ts (a stuck reader, a closed one, a full disk, each as a real process).
 */
import { closeSync, constants, fstatSync, openSync, type Stats, write } from 'node:fs';
import { Socket } from 'node:net';

export interface OutputLimits {
  readonly maxLines: number;
  readonly maxBytes: number;
}

export const defaultOutputLimits: OutputLimits = { maxLines: 10_000, maxBytes: 4 * 1024 * 1024 };

/** One write carries at most this much, so that a queue of many lines is few system calls. */
const chunkBytes = 64 * 1024;
/** After a failed write (a full disk, a terminal that is stopped): the next attempt. */
const retryAfterMs = 250;

/** Takes bytes and tells when they are gone. Only one call at a time. */
interface Device {
  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  close(): void;
}

export interface LineOutput {
  /** Never blocks. False: the queue is full, the line was dropped and counted. */
  write(line: string): boolean;
  /** Lines dropped since the start: queue full, or lost with a failed write. */
  dropped(): number;
  /** Resolves when all is written or after `deadlineMs`; writes nothing more. */
  close(deadlineMs: number): Promise<void>;
}

/**
 * @param onFlowing  called after a write succeeded that follows drops, with how many lines were lost; may write
 */
export function openLineOutput(
  fd: number,
  limits: OutputLimits = defaultOutputLimits,
  onFlowing: (lost: number) => void = () => undefined,
): LineOutput {
  return new BoundedOutput(openDevice(fd), limits, onFlowing);
}

class BoundedOutput implements LineOutput {
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** What the write in flight still has to deliver, and how many lines it is. */
  #inFlight: { rest: Buffer; lines: number } | null = null;
  #dropped = 0;
  #reported = 0;
  #closed = false;
  #drained: (() => void) | null = null;
  #retry: NodeJS.Timeout | null = null;

  constructor(
    private readonly device: Device | null,
    private readonly limits: OutputLimits,
    private readonly onFlowing: (lost: number) => void,
  ) {}

  write(line: string): boolean {
    const bytes = Buffer.from(line, 'utf8');
    const full =
      this.#queue.length >= this.limits.maxLines ||
      this.#queuedBytes + bytes.length > this.limits.maxBytes;
    // The newest line is the one dropped: what led up to a stall is worth more than the middle of it.
    if (this.#closed || this.device === null || full) {
      this.#dropped++;
      return false;
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#pump();
    return true;
  }

  dropped(): number {
    return this.#dropped;
  }

  async close(deadlineMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#inFlight !== null) await this.#drainedWithin(deadlineMs);
    this.#dropped += this.#queue.length + (this.#inFlight?.lines ?? 0);
    this.#queue = [];
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.device?.close();
  }

  #drainedWithin(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #pump(): void {
    if (this.#inFlight !== null || this.device === null) return;
    if (this.#queue.length === 0) {
      this.#drained?.();
      return;
    }
    const lines: Buffer[] = [];
    let bytes = 0;
    for (const line of this.#queue) {
      if (lines.length > 0 && bytes + line.length > chunkBytes) break;
      lines.push(line);
      bytes += line.length;
    }
    this.#queue.splice(0, lines.length);
    this.#queuedBytes -= bytes;
    this.#inFlight = { rest: Buffer.concat(lines, bytes), lines: lines.length };
    this.#deliver();
  }

  #deliver(): void {
    const current = this.#inFlight;
    if (current === null || this.device === null) return;
    this.device.write(current.rest, (error, written) => this.#onWritten(error, written));
  }

  #onWritten(error: NodeJS.ErrnoException | null, written: number): void {
    const current = this.#inFlight;
    if (current === null) return;
    if (error === null && written < current.rest.length) {
      current.rest = current.rest.subarray(written);
      this.#deliver();
    } else if (error === null) {
      this.#inFlight = null;
      this.#pump();
      this.#reportLost();
    } else if (error.code === 'EAGAIN') {
      this.#later(() => this.#deliver());
    } else {
      // Part of the chunk may have arrived; the whole of it counts as lost, which errs on the loud side.
      this.#dropped += current.lines;
      this.#later(() => {
        this.#inFlight = null;
        this.#pump();
      });
    }
  }

  #later(action: () => void): void {
    this.#retry = setTimeout(action, retryAfterMs);
    this.#retry.unref();
  }

  #reportLost(): void {
    const lost = this.#dropped - this.#reported;
    if (lost === 0 || this.#closed) return;
    this.#reported = this.#dropped;
    this.onFlowing(lost);
  }
}

/** Null: there is nothing to write to; every line counts as dropped. */
function openDevice(fd: number): Device | null {
  let stats: Stats;
  try {
    stats = fstatSync(fd);
  } catch {
    return null;
  }
  // O_NONBLOCK belongs to the open file description, which stderr, the parent and its shell may share:
  // so a description of our own wherever the system gives one.
  const own = stats.isFile() ? null : reopenNonBlocking(fd);
  if (stats.isFIFO() || stats.isSocket()) return new StreamDevice(own ?? fd);
  return new FileDevice(own ?? fd, own !== null);
}

function reopenNonBlocking(fd: number): number | null {
  try {
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return openSync(`/proc/self/fd/${fd}`, flags);
  } catch {
    return null;
  }
}

/** Pipes and sockets: written by the event loop when they can take more. */
class StreamDevice implements Device {
  readonly #socket: Socket;
  #failed: NodeJS.ErrnoException | null = null;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.unref();
    this.#socket.on('error', (error) => {
      this.#failed = error;
    });
  }

  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    if (this.#failed !== null) {
      done(this.#failed, 0);
      return;
    }
    this.#socket.write(bytes, (error) => done(error ?? null, error ? 0 : bytes.length));
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Files and devices. A file may take its time, on one thread; a terminal answers EAGAIN. */
class FileDevice implements Device {
  constructor(
    private readonly fd: number,
    private readonly owned: boolean,
  ) {}

  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    write(this.fd, bytes, 0, bytes.length, null, done);
  }

  close(): void {
    if (this.owned) closeSync(this.fd);
  }
}
