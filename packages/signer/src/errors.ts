/**
 * Every error of this room that the world or an operator can cause.
 *
 * Owns    the codes, what each says, and its remedy. A code keeps its meaning for ever.
 * Never   carries key material: a damaged key file is named by path and field, never quoted.
 */

interface Row {
  readonly says: (facts: never) => string;
  readonly remedy: string;
}

export const signerErrors = {
  SIGNER_FILE_FAILED: {
    says: (f: { path: string; doing: string; detail: string }) =>
      `${f.path}: ${f.doing} failed: ${f.detail}`,
    remedy: 'Check the disk (space, errors) and the permissions of the directory.',
  },
  SIGNER_FILE_KIND: {
    says: (f: { path: string; found: string }) => `${f.path} is ${f.found}, not a plain file`,
    remedy: 'Put the file itself there: its mode and its directory then say who can read it.',
  },
  SIGNER_KEY_MISSING: {
    says: (f: { path: string }) => `there is no key file at ${f.path}`,
    remedy: 'Import the key of the node: cmkms import filepv.',
  },
  SIGNER_KEY_MODE: {
    says: (f: { path: string; mode: string; readableBy: string }) =>
      `the key file ${f.path} has mode ${f.mode}: ${f.readableBy} may use it`,
    remedy: 'Let its owner alone use it: chmod 600.',
  },
  SIGNER_KEY_DAMAGED: {
    says: (f: { path: string; detail: string }) =>
      `the key file ${f.path} is not in the format of priv_validator_key.json: ${f.detail}`,
    remedy: 'Restore it from your backup. Do not edit it.',
  },
  SIGNER_KEY_TYPE: {
    says: (f: { path: string; type: string }) =>
      `the key file ${f.path} holds a key of type ${f.type}; ed25519 is the type that is signed with`,
    remedy: 'Use a validator with an ed25519 consensus key.',
  },
  SIGNER_KEY_MISMATCH: {
    says: (f: { path: string; field: string; derived: string }) =>
      `the key file ${f.path} contradicts itself in ${f.field}: its private key belongs to ${f.derived}`,
    remedy: 'The file was edited or mixed from two keys. Restore it from your backup.',
  },
  SIGNER_STATE_MISSING: {
    says: (f: { path: string }) => `there is no signing state at ${f.path}`,
    remedy:
      'Copy priv_validator_state.json from the signer that ran last, after that signer was stopped.',
  },
  SIGNER_STATE_DAMAGED: {
    says: (f: { path: string; detail: string }) =>
      `the signing state ${f.path} is not in the format of priv_validator_state.json: ${f.detail}`,
    remedy:
      'Never guess a height. Take the state from the signer that ran last, or from the cluster if the chain is registered there.',
  },
  SIGNER_WATERMARK_FOREIGN: {
    says: (f: { path: string; chainId: string }) =>
      `the watermark ${f.path} belongs to another key or another chain than ${f.chainId}`,
    remedy: 'A directory of another home or chain was copied here. Put the right one back.',
  },
  SIGNER_WATERMARK_VERSION: {
    says: (f: { path: string; found: number; known: number }) =>
      `the watermark ${f.path} is of version ${f.found}, this program knows version ${f.known}`,
    remedy: 'Run the version that wrote it, or a later one.',
  },
  SIGNER_WATERMARK_FAILED: {
    says: (f: { path: string; detail: string }) =>
      `writing the watermark ${f.path} failed: ${f.detail}`,
    remedy: 'The replica stopped, as it must. Check the disk (space, errors), then start it again.',
  },
  SIGNER_SIGNATURE_WRONG: {
    says: (f: { chainId: string; position: string; detail: string }) =>
      `chain ${f.chainId} at ${f.position}: ${f.detail}; nothing was released`,
    remedy:
      'The replica stopped: memory, processor or key backend computed wrongly. Test the machine before it signs again.',
  },
  SIGNER_VERDICT_FOREIGN: {
    says: (f: { chainId: string; position: string; detail: string }) =>
      `chain ${f.chainId} at ${f.position}: the log allowed something else than was asked: ${f.detail}`,
    remedy:
      'The replica stopped and released nothing. This is a defect of the program: keep its data directory for a post-mortem.',
  },
} as const satisfies Record<string, Row>;

export type SignerCode = keyof typeof signerErrors;
export type SignerFacts<C extends SignerCode> = Parameters<(typeof signerErrors)[C]['says']>[0];

export class SignerError<C extends SignerCode = SignerCode> extends Error {
  override readonly name = 'SignerError';
  readonly remedy: string;
  constructor(
    readonly code: C,
    readonly facts: SignerFacts<C>,
    options?: ErrorOptions,
  ) {
    const row: Row = signerErrors[code];
    // The table pairs each code with its facts; an index by a type parameter loses the pairing.
    super((row.says as (facts: SignerFacts<C>) => string)(facts), options);
    this.remedy = row.remedy;
  }
}

/** The words of an error of the system, for the facts of ours. */
export function detailOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of a failed call (`ENOENT`), if it has one. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null;
}
