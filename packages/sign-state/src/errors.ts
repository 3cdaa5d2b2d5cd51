/**
 * Every error of this room that the world or an operator can cause.
 *
 * Owns    the codes, what each says, and its remedy. A code keeps its meaning for ever.
 * Never   used for our own broken rules (those are `invariant`), nor for refusals to sign: those are verdicts.
 */

interface Row {
  readonly says: (facts: never) => string;
  readonly remedy: string;
}

export const signStateErrors = {
  SIGN_STATE_NOT_CANONICAL: {
    says: (f: { detail: string }) => `not canonical sign bytes: ${f.detail}`,
    remedy: 'Nothing was recorded. Look at what asked: a CometBFT node never sends such bytes.',
  },
  SIGN_STATE_OUT_OF_RANGE: {
    says: (f: { field: string; value: string }) => `${f.field} cannot be ${f.value}`,
    remedy: 'Nothing was recorded. Give a value that the field can hold.',
  },
  SIGN_STATE_VERSION: {
    says: (f: { subject: 'command' | 'snapshot'; known: number; detail: string }) =>
      `a ${f.subject} says what version ${f.known} does not know: ${f.detail}`,
    remedy:
      'This replica must stop: skipping it would leave another state than its peers have. ' +
      'Run the version that wrote it, or a later one.',
  },
  SIGN_STATE_DAMAGED: {
    says: (f: { subject: 'command' | 'snapshot'; detail: string }) =>
      `a ${f.subject} is not what any version writes: ${f.detail}`,
    remedy:
      'This replica must stop. Keep its directory for a post-mortem, and leave this home stopped: ' +
      'the others go on while they are a majority.',
  },
} as const satisfies Record<string, Row>;

export type SignStateCode = keyof typeof signStateErrors;
type Facts<C extends SignStateCode> = Parameters<(typeof signStateErrors)[C]['says']>[0];

export class SignStateError<C extends SignStateCode = SignStateCode> extends Error {
  override readonly name = 'SignStateError';
  readonly remedy: string;
  constructor(
    readonly code: C,
    readonly facts: Facts<C>,
    options?: ErrorOptions,
  ) {
    const row: Row = signStateErrors[code];
    // The table pairs each code with its facts; an index by a type parameter loses the pairing.
    super((row.says as (facts: Facts<C>) => string)(facts), options);
    this.remedy = row.remedy;
  }
}
