/**
 * Replacing a small file so that every moment shows the old one or the new one, whole.
 *
 * Owns    the order: temporary file, sync, rename, sync of the directory. CometBFT (internal/tempfile) leaves out
 *         the last one; without it a power cut may bring the old file back after we reported the new.
 * Never   follows a link at the target: the rename puts a plain file in its place.
 * Proof   test/atomic-file.test.ts, conformance/durable-files.ts
 */
import { readdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type DurableFile, type DurableFiles, systemFiles } from './durable-files.js';
import { detailOf, SignerError } from './errors.js';

/**
 * Replaces `path` with a file of mode 0600 that holds `contents`. Durable when it returns.
 * @throws SignerError SIGNER_FILE_FAILED  the old file stands, except if `doing` is `syncing the directory`: then
 *         the new one stands but may not outlive a power cut
 */
export async function replaceFile(
  path: string,
  contents: Uint8Array,
  files: DurableFiles = systemFiles,
): Promise<void> {
  const temporary = files.temporaryName(path);
  let doing = 'creating a temporary file';
  let renamed = false;
  try {
    const file = await files.create(temporary);
    try {
      doing = 'writing';
      await writeWhole(file, contents);
      doing = 'syncing';
      await file.sync();
    } finally {
      await file.close();
    }
    doing = 'renaming';
    await files.rename(temporary, path);
    renamed = true;
    doing = 'syncing the directory';
    await files.syncDirectoryOf(path);
  } catch (cause) {
    if (!renamed) await removeQuietly(temporary, files);
    throw new SignerError(
      'SIGNER_FILE_FAILED',
      { path, doing, detail: detailOf(cause) },
      { cause },
    );
  }
}

async function writeWhole(file: DurableFile, contents: Uint8Array): Promise<void> {
  for (let done = 0; done < contents.length; ) {
    const taken = await file.write(contents.subarray(done), done);
    if (taken <= 0) throw new Error(`the disk took ${done} of ${contents.length} bytes`);
    done += taken;
  }
}

/**
 * Removes what a kill in the middle of `replaceFile(path)` left behind. Only for the owner of the directory's
 * lock, before it writes: a temporary file in use would be removed too.
 */
export async function removeLeftovers(path: string): Promise<void> {
  const [start, end] = [`.${basename(path)}.`, '.tmp'];
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(start) && name.endsWith(end)) await unlink(join(dirname(path), name));
  }
}

/** What failed before is what the caller must hear; `removeLeftovers` comes back to this one. */
async function removeQuietly(path: string, files: DurableFiles): Promise<void> {
  try {
    await files.remove(path);
  } catch {
    return;
  }
}
