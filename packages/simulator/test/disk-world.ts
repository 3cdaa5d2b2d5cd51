/**
 * One simulated disk and the processes that live with it, one after the other.
 *
 * Owns    time for the tests of the disk: either run until something has come to its end, or kept running.
 * Never   asserts what a test is about.
 */
import assert from 'node:assert/strict';
import { SimulatedDisk } from '../src/disk.js';
import { type DiskEvent, type DiskRates, soundDisk } from '../src/disk-faults.js';
import type { MountedDisk } from '../src/disk-mount.js';
import { EventLoop } from '../src/event-loop.js';
import { Random } from '../src/random.js';
import { Timeline } from '../src/timeline.js';

export class DiskWorld {
  readonly timeline = new Timeline();
  readonly events: DiskEvent[] = [];
  readonly disk: SimulatedDisk;
  #loop: EventLoop | null = null;
  #stopped = false;

  constructor(seed: number, rates: Partial<DiskRates> = {}) {
    this.disk = new SimulatedDisk({
      timeline: this.timeline,
      random: new Random(seed, 'disk'),
      observe: (event) => this.events.push(event),
    });
    this.disk.rates = { ...soundDisk, ...rates };
  }

  /** The process that now begins; the one before is killed if it lives. */
  start(): MountedDisk {
    this.#loop?.die();
    this.#loop = new EventLoop(this.timeline, 0);
    return this.disk.mount(this.#loop);
  }

  get loop(): EventLoop {
    assert.ok(this.#loop !== null);
    return this.#loop;
  }

  kill(): void {
    this.loop.die();
    this.disk.kill();
  }

  losePower(): void {
    this.loop.die();
    this.disk.losePower();
  }

  /** Lets the world go on until `work` is done, and not further. */
  async until<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    work.then(end, end);
    await this.timeline.run(() => over);
    assert.ok(over, 'nothing will ever happen again, and it has not ended');
    return work;
  }

  /** That many events, or until there are none. */
  async goOn(count: number): Promise<void> {
    const end = this.timeline.count + count;
    await this.timeline.run(() => this.timeline.count >= end);
  }

  /** For suites that know no simulated time: it runs whenever they wait. */
  keepRunning(): void {
    const turn = async (): Promise<void> => {
      if (this.#stopped) return;
      await this.timeline.run(() => this.#stopped);
      setImmediate(() => void turn());
    };
    setImmediate(() => void turn());
  }

  stop(): void {
    this.#stopped = true;
  }
}
