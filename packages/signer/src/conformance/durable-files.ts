/**
 * What every `DurableFiles` must do, on a real disk or a simulated one, and what stands on it: the watermark and the
 * replaced file.
 *
 * Owns    the examination of durable-files.ts.
 * Never   knows how a disk stores.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { replaceFile } from '../atomic-file.js';
import type { DurableFiles } from '../durable-files.js';
import { SignerError } from '../errors.js';
import { openWatermark, type WatermarkFile } from '../watermark.js';
import { freshId, position } from './requests.js';

/** One directory, over any number of starts. */
export interface FilesPlace {
  /** The files as a process that starts now has them. The one before has ended, or lost its power. */
  files(): DurableFiles;
  /** Whole, in the one directory. */
  path(name: string): string;
  /** The machine loses all that was not synced; only where that can be had. */
  losePower?(): void;
  dispose(): Promise<void>;
}

type Examine = (says: string, body: (place: FilesPlace) => Promise<void>) => void;

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** @param factory a place where nothing was ever written */
export function durableFilesSuite(name: string, factory: () => Promise<FilesPlace>): void {
  describe(`durable files: ${name}`, () => {
    const examine: Examine = (says, body) => {
      test(says, async () => {
        const place = await factory();
        try {
          await body(place);
        } finally {
          await place.dispose();
        }
      });
    };
    singleCalls(examine);
    replacing(examine);
    marking(examine);
  });
}

function singleCalls(examine: Examine): void {
  examine('what is not there is null, and cannot be opened, renamed or removed', async (place) => {
    const [files, path] = [place.files(), place.path('none')];
    assert.equal(await files.read(path), null);
    await assert.rejects(files.open(path), { code: 'ENOENT' });
    await assert.rejects(files.rename(path, place.path('other')), { code: 'ENOENT' });
    await assert.rejects(files.remove(path), { code: 'ENOENT' });
  });

  examine(
    'a new file is empty and its owner’s alone; a second of its name is refused',
    async (p) => {
      const [files, path] = [p.files(), p.path('new')];
      await (await files.create(path)).close();
      assert.deepEqual(await files.read(path), { bytes: Buffer.alloc(0), mode: 0o600 });
      await assert.rejects(files.create(path), { code: 'EEXIST' });
    },
  );

  examine('writes at a place leave all others as they were', async (place) => {
    const [files, path] = [place.files(), place.path('file')];
    await replaceFile(path, new Uint8Array(9000).fill(1), files);
    const file = await files.open(path);
    const expected = Buffer.alloc(9010, 1);
    for (const [at, length] of [
      [0, 1],
      [511, 2],
      [700, 3000],
      [8990, 20],
    ] as const) {
      const bytes = new Uint8Array(length).fill(at % 251);
      for (let done = 0; done < length; ) {
        const taken = await file.write(bytes.subarray(done), at + done);
        assert.ok(taken > 0 && taken <= length - done);
        done += taken;
      }
      expected.set(bytes, at);
    }
    await file.close();
    await assert.rejects(file.write(text('x'), 0), { code: 'EBADF' });
    assert.deepEqual((await files.read(path))?.bytes, expected);
  });

  examine('a file of more than 64 KiB is not read', async (place) => {
    const [files, path] = [place.files(), place.path('large')];
    await replaceFile(path, new Uint8Array(64 * 1024), files);
    assert.equal((await files.read(path))?.bytes.length, 64 * 1024);
    await replaceFile(path, new Uint8Array(64 * 1024 + 1), files);
    await assert.rejects(files.read(path), { code: 'SIGNER_FILE_KIND' });
  });

  examine(
    'a renamed file takes the place of another; passing names are all different',
    async (p) => {
      const [files, from, to] = [p.files(), p.path('from'), p.path('to')];
      await replaceFile(from, text('new'), files);
      await replaceFile(to, text('old'), files);
      await files.rename(from, to);
      assert.equal(await files.read(from), null);
      assert.equal((await files.read(to))?.bytes.toString(), 'new');
      const names = Array.from({ length: 50 }, () => files.temporaryName(to));
      assert.equal(new Set(names).size, 50);
    },
  );
}

function replacing(examine: Examine): void {
  examine('a file that was replaced is the new one at each start, whole', async (place) => {
    for (let round = 0; round < 12; round += 1) {
      await replaceFile(place.path('state'), new Uint8Array(3000).fill(round), place.files());
      place.losePower?.();
      const read = await place.files().read(place.path('state'));
      assert.deepEqual(read, { bytes: Buffer.alloc(3000, round), mode: 0o600 });
    }
  });

  examine('a name that is taken away stays away', async (place) => {
    const files = place.files();
    await replaceFile(place.path('state'), text('x'), files);
    await files.remove(place.path('state'));
    await files.syncDirectoryOf(place.path('state'));
    place.losePower?.();
    assert.equal(await place.files().read(place.path('state')), null);
  });

  examine('what could not be replaced is named by its step', async (place) => {
    await assert.rejects(
      replaceFile(place.path('state'), text('x'), {
        ...place.files(),
        syncDirectoryOf: () => Promise.reject(new Error('EIO')),
      }),
      (error: unknown) =>
        error instanceof SignerError && error.message.includes('syncing the directory'),
    );
  });
}

function marking(examine: Examine): void {
  const id = freshId();
  const open = async (place: FilesPlace): Promise<WatermarkFile> => {
    const edges = { files: place.files(), nowMs: () => 0 };
    const opened = await openWatermark(place.path('watermark'), id, edges);
    if (opened.kind === 'lost') return opened.rebuild(null);
    assert.equal(opened.badSlot, null);
    return opened.watermark;
  };

  examine('a mark that was raised is there at each start, and refuses', async (place) => {
    let watermark = await open(place);
    for (let height = 1; height <= 20; height += 1) {
      assert.equal((await watermark.raise(position(height), text('X'))).kind, 'raised');
      if (place.losePower === undefined) await watermark.close();
      else place.losePower();
      watermark = await open(place);
      assert.deepEqual(watermark.current(), { hrs: position(height) });
      assert.equal((await watermark.raise(position(height), text('Y'))).kind, 'refused');
    }
    await watermark.close();
  });
}
