/**
 * What the process says with its exit code, to a supervisor above all.
 *
 * Owns    the six codes, their meaning in words, and which code an error of another room ends in.
 * Never   exits: main.ts sets the code.
 * Rule    3 means that a restart cannot help: a unit file must not restart on 2 or 3
 *         (`RestartPreventExitStatus=2 3`).
 */

export const EXIT = {
  OK: 0,
  UNEXPECTED: 1,
  CONFIGURATION: 2,
  UNSAFE: 3,
  ENVIRONMENT: 4,
  LOG_LOST: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const exitMeanings: readonly (readonly [ExitCode, string])[] = [
  [EXIT.OK, 'ok'],
  [EXIT.UNEXPECTED, 'unexpected; for status: not ready'],
  [EXIT.CONFIGURATION, 'configuration or usage: edit, then start again'],
  [EXIT.UNSAFE, 'refused for safety: restarting cannot help'],
  [EXIT.ENVIRONMENT, 'environment: port, disk, permission, another process'],
  [EXIT.LOG_LOST, 'the log could not be written while running'],
];

/**
 * Codes of other rooms that can end this process. A code that is not here ends in 1.
 * The longest matching prefix wins, so a room may have one rule and a code its own.
 */
const foreignExits: readonly (readonly [prefix: string, ExitCode])[] = [
  ['CONSENSUS_LOG_DAMAGED', EXIT.UNSAFE],
  ['CONSENSUS_LOG_VERSION', EXIT.UNSAFE],
  ['CONSENSUS_LOG_FOREIGN', EXIT.UNSAFE],
  ['CONSENSUS_LOG_MISSING', EXIT.UNSAFE],
  ['CONSENSUS_CLUSTER_DIFFERS', EXIT.UNSAFE],
  ['CONSENSUS_DISK_DOUBTED', EXIT.UNSAFE],
  ['CONSENSUS_REMOVED', EXIT.UNSAFE],
  ['CONSENSUS_FOUNDED_WITHOUT', EXIT.UNSAFE],
  ['CONSENSUS_RECORD', EXIT.UNSAFE],
  ['CONSENSUS_RULES', EXIT.UNSAFE],
  ['CONSENSUS_STATE_DIFFERS', EXIT.UNSAFE],
  ['CONSENSUS_LOG_UNREADABLE', EXIT.ENVIRONMENT],
  ['CONSENSUS_LOG_FAILED', EXIT.LOG_LOST],
  ['CONSENSUS_CERTIFICATE', EXIT.CONFIGURATION],
  ['CONSENSUS_INSECURE_ADDRESS', EXIT.CONFIGURATION],
  ['CONSENSUS_LISTEN', EXIT.ENVIRONMENT],
  ['SIGN_STATE_VERSION', EXIT.UNSAFE],
  ['SIGN_STATE_DAMAGED', EXIT.UNSAFE],
  ['SIGNER_KEY', EXIT.CONFIGURATION],
  ['SIGNER_STATE', EXIT.UNSAFE],
  ['SIGNER_WATERMARK', EXIT.UNSAFE],
  ['SIGNER_WATERMARK_FAILED', EXIT.LOG_LOST],
  ['SIGNER_FILE', EXIT.ENVIRONMENT],
];

export function exitCodeOfForeign(code: string): ExitCode {
  let best: readonly [string, ExitCode] | null = null;
  for (const row of foreignExits) {
    if (code.startsWith(row[0]) && row[0].length > (best?.[0].length ?? -1)) best = row;
  }
  return best === null ? EXIT.UNEXPECTED : best[1];
}
