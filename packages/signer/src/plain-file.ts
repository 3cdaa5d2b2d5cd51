/**
 * Reading a small file that must be a plain one.
 *
 * Owns    the refusal of symbolic links, pipes and directories, and the bound on size.
 * Never   interprets what it reads. Everything it says of the file comes from the one that it opened, so no
 *         exchange between check and read can deceive it.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { detailOf, SignerError, systemCode } from './errors.js';

/** Far above any file that we read (the largest key of CometBFT, ML-DSA, takes some 8 KiB). */
const maxBytes = 64 * 1024;

export interface PlainFile {
  readonly bytes: Buffer;
  /** Permission bits alone. */
  readonly mode: number;
}

/**
 * @returns null if there is no such file
 * @throws SignerError SIGNER_FILE_KIND  it is a link, a pipe, a directory, or larger than 64 KiB
 * @throws SignerError SIGNER_FILE_FAILED  it cannot be opened or read
 */
export async function readPlainFile(path: string): Promise<PlainFile | null> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK, opening a pipe would wait for a writer for ever.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return null;
    // ELOOP may also come from the directories above: only the last part decides what we say.
    const isLink = code === 'ELOOP' && (await lstat(path)).isSymbolicLink();
    if (isLink) throw new SignerError('SIGNER_FILE_KIND', { path, found: 'a symbolic link' });
    throw failed(path, 'opening', error);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) {
      const found = stat.isDirectory() ? 'a directory' : 'a special file';
      throw new SignerError('SIGNER_FILE_KIND', { path, found });
    }
    if (stat.size > maxBytes) {
      throw new SignerError('SIGNER_FILE_KIND', { path, found: `a file of ${stat.size} bytes` });
    }
    return { bytes: await handle.readFile(), mode: stat.mode & 0o7777 };
  } catch (error) {
    throw error instanceof SignerError ? error : failed(path, 'reading', error);
  } finally {
    await handle.close();
  }
}

function failed(path: string, doing: string, cause: unknown): SignerError {
  return new SignerError('SIGNER_FILE_FAILED', { path, doing, detail: detailOf(cause) }, { cause });
}
