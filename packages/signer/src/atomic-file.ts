/**
 * Replacing a small file so that every moment shows the old one or the new one, whole.
 *
 * Owns    the order: temporary file, sync, rename, sync of the directory. CometBFT (internal/tempfile) leaves out
 *         the last one; without it a power cut may bring the old file back after we reported the new.
 * Never   follows a link at the target: the rename puts a plain file in its place.
 * Proof   test/atomic-file.test.ts
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { detailOf, SignerError } from './errors.js';

/**
 * Replaces `path` with a file of mode 0600 that holds `contents`. Durable when it returns.
 * @throws SignerError SIGNER_FILE_FAILED  the old file stands, except if `doing` is `syncing the directory`: then
 *         the new one stands but may not outlive a power cut
 */
export async function replaceFile(path: string, contents: Uint8Array): Promise<void> {
  const temporary = temporaryName(path);
  let doing = 'creating a temporary file';
  let renamed = false;
  try {
    // O_EXCL: never write into a file, or through a link, that somebody put there.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const handle = await open(temporary, flags, 0o600);
    try {
      doing = 'writing';
      await handle.chmod(0o600);
      await handle.writeFile(contents);
      doing = 'syncing';
      await handle.sync();
    } finally {
      await handle.close();
    }
    doing = 'renaming';
    await rename(temporary, path);
    renamed = true;
    doing = 'syncing the directory';
    await syncDirectory(dirname(path));
  } catch (cause) {
    if (!renamed) await removeQuietly(temporary);
    throw new SignerError(
      'SIGNER_FILE_FAILED',
      { path, doing, detail: detailOf(cause) },
      { cause },
    );
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

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
}

/** What failed before is what the caller must hear; `removeLeftovers` comes back to this one. */
async function removeQuietly(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch {
    return;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle: FileHandle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
