/**
 * The tracked files of this repository, as text.
 *
 * Owns    which files the rules look at: what git tracks or would track, never what a build made.
 * Never   judges.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the checkout, seen from dist/src. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url));

export interface SourceFile {
  /** Relative to the top, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export function trackedFiles(matching: RegExp): readonly SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return listed
    .split('\0')
    .filter((path) => path !== '' && matching.test(path) && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/**
 * `file:line: what` for each line that `offends` answers a sentence for.
 * @param offends  `above` are the two lines before the line
 */
export function offences(
  files: readonly SourceFile[],
  offends: (line: string, file: SourceFile, above: readonly string[]) => string | null,
): readonly string[] {
  return files.flatMap((file) =>
    file.text.split('\n').flatMap((line, at, lines) => {
      const what = offends(line, file, lines.slice(Math.max(0, at - 2), at));
      return what === null ? [] : [`${file.path}:${at + 1}: ${what}`];
    }),
  );
}
