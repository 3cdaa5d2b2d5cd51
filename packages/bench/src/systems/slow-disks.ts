/**
 * Disks of replicas of ours that take longer to sync than they do by themselves.
 *
 * Owns    one disk for each replica, its home, by a library that is preloaded into the replica and waits before each
 *         write that is synced (O_DSYNC) and each sync.
 * Never   touches a file outside the homes, or makes a disk faster.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { compileDiskFaults, FaultyDisk } from '@cometkms/interop';

export class SlowDisks {
  readonly #library: string;
  readonly #disks: ReadonlyMap<string, FaultyDisk>;

  private constructor(library: string, disks: ReadonlyMap<string, FaultyDisk>) {
    this.#library = library;
    this.#disks = disks;
  }

  /** @param directory of the fleet. @throws where there is no C compiler */
  static async make(directory: string, names: readonly string[]): Promise<SlowDisks> {
    const library = await compileDiskFaults(directory);
    const root = realpathSync(directory);
    const disks = names.map((name) => {
      return [name, new FaultyDisk(join(root, `${name}.disk`), join(root, 'fleet', name))] as const;
    });
    return new SlowDisks(library, new Map(disks));
  }

  environment(replica: string): Readonly<Record<string, string>> {
    return { ...this.#disk(replica).environment, LD_PRELOAD: this.#library };
  }

  /** From the next synced write on. @param delayMs whole milliseconds; 0: as the disk is */
  slow(replica: string, delayMs: number): void {
    if (delayMs === 0) this.#disk(replica).heal();
    else this.#disk(replica).fail({ call: 'sync', error: null, delayMs });
  }

  /** How many writes waited so far. */
  waited(replica: string): number {
    return this.#disk(replica).bites;
  }

  #disk(replica: string): FaultyDisk {
    const disk = this.#disks.get(replica);
    if (disk === undefined) throw new Error(`${replica} has no such disk`);
    return disk;
  }
}
