/**
 * A simulated disk as one process has it: the two seams of the production code.
 *
 * Owns    which calls wait for the disk and which the page cache answers, and handles that were closed.
 * Never   decides what a fault does: the disk does (disk.ts).
 */
import { basename, dirname, join } from 'node:path/posix';
import type { LogFile, LogFiles } from '@cometkms/consensus/wal';
import { type DurableFile, type DurableFiles, SignerError } from '@cometkms/signer';
import type { SimulatedDisk } from './disk.js';
import type { DiskCall } from './disk-endings.js';
import { type Inode, writeOf } from './disk-inode.js';
import { type NameCall, systemError } from './disk-names.js';
import type { EventLoop } from './event-loop.js';

/** The largest plain file that the signer reads. */
const plainFileBytes = 64 * 1024;

export class MountedDisk {
  readonly #disk: SimulatedDisk;
  readonly #loop: EventLoop;

  constructor(disk: SimulatedDisk, loop: EventLoop) {
    this.#disk = disk;
    this.#loop = loop;
  }

  /** @param directory  whole, as the paths of the files in it begin */
  logFiles(directory: string): LogFiles {
    const disk = this.#disk;
    const whole = (name: string): string => join(directory, name);
    return {
      path: directory,
      makeDirectory: () => this.#wait(directory, () => {}),
      list: () => this.#ask(directory, () => disk.list(directory)),
      read: (name) => this.#ask(whole(name), () => disk.read(whole(name))),
      open: async (name, { content, durable }) => {
        const path = whole(name);
        const inode = await this.#ask(
          path,
          () => {
            const there = disk.find(path);
            if (there === undefined && content === 'existing') throw systemError('ENOENT', path);
            if (there !== undefined && content === 'replace') there.empty();
            return there ?? disk.name({ kind: 'create', path });
          },
          content === 'existing' ? null : { kind: 'create', path },
        );
        return this.#handle(inode, durable);
      },
      rename: async (from, to) => {
        await this.#name({ kind: 'rename', from: whole(from), to: whole(to) });
      },
      remove: async (name) => {
        await this.#name({ kind: 'remove', path: whole(name) });
      },
      syncDirectory: () => this.#wait(directory, () => disk.syncDirectory(directory)),
    };
  }

  readonly durableFiles: DurableFiles = {
    read: (path) => this.#ask(path, () => this.#readPlain(path)),
    create: async (path) => this.#handle(await this.#name({ kind: 'create', path }), false),
    open: async (path) => {
      const inode = await this.#ask(path, () => {
        const there = this.#disk.find(path);
        if (there === undefined) throw systemError('ENOENT', path);
        return there;
      });
      return this.#handle(inode, true);
    },
    temporaryName: (path) =>
      join(dirname(path), `.${basename(path)}.${this.#disk.nextTemporary()}.tmp`),
    rename: async (from, to) => {
      await this.#name({ kind: 'rename', from, to });
    },
    remove: async (path) => {
      await this.#name({ kind: 'remove', path });
    },
    syncDirectoryOf: (path) => this.#wait(path, () => this.#disk.syncDirectory(dirname(path))),
  };

  #readPlain(path: string): { readonly bytes: Buffer; readonly mode: number } | null {
    try {
      const bytes = this.#disk.read(path);
      if (bytes === null) return null;
      if (bytes.length <= plainFileBytes) return { bytes, mode: 0o600 };
      const found = `a file of ${bytes.length} bytes`;
      throw new SignerError('SIGNER_FILE_KIND', { path, found });
    } catch (cause) {
      if (cause instanceof SignerError) throw cause;
      const facts = { path, doing: 'reading', detail: String(cause) };
      throw new SignerError('SIGNER_FILE_FAILED', facts, { cause });
    }
  }

  #handle(inode: Inode, durable: boolean): LogFile & DurableFile {
    const disk = this.#disk;
    let isOpen = true;
    const whileOpen = <T>(effect: () => T): (() => T) => {
      return () => {
        if (!isOpen) throw systemError('EBADF', inode.path);
        return effect();
      };
    };
    return {
      write: (bytes, position) => {
        const write = writeOf(bytes, position);
        return this.#call(
          {
            path: inode.path,
            waits: durable ? 'disk' : 'cache',
            underWay: isOpen ? { inode, write } : null,
          },
          whileOpen(() => disk.write(inode, write, durable)),
        );
      },
      sync: () =>
        this.#wait(
          inode.path,
          whileOpen(() => disk.sync(inode)),
        ),
      close: () =>
        this.#ask(
          inode.path,
          whileOpen(() => {
            isOpen = false;
          }),
        ),
    };
  }

  #name(call: NameCall): Promise<Inode> {
    const path = call.kind === 'rename' ? call.to : call.path;
    return this.#ask(path, () => this.#disk.name(call), call);
  }

  #ask<T>(path: string, effect: () => T, underWay: NameCall | null = null): Promise<T> {
    return this.#call({ path, waits: 'cache', underWay }, effect);
  }

  #wait<T>(path: string, effect: () => T): Promise<T> {
    return this.#call({ path, waits: 'disk', underWay: null }, effect);
  }

  #call<T>(call: DiskCall, effect: () => T): Promise<T> {
    return this.#disk.call(this.#loop, call, effect);
  }
}
