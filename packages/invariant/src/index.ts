/**
 * Assertions that stay on in production.
 *
 * Owns    what happens when we broke our own rule: the process ends, before it can act on what it no longer knows.
 * Never   used for what the world or an operator did wrong: those are typed errors.
 */
import { writeSync } from 'node:fs';

export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
  constructor(
    readonly reason: string,
    readonly facts: Readonly<Record<string, unknown>>,
  ) {
    super(`invariant violated: ${reason} ${describe(facts)}`);
  }
}

function describe(facts: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(facts, (_key, value) =>
    typeof value === 'bigint'
      ? value.toString()
      : value instanceof Uint8Array
        ? Buffer.from(value).toString('hex')
        : value,
  );
}

/** A throw alone could be swallowed by some `catch`; a signer that broke a rule must not run on. */
function endProcess(violation: InvariantViolation): never {
  try {
    writeSync(2, `${violation.stack ?? violation.message}\n`);
  } finally {
    // Nobody may be reading stderr any more; that must not keep a broken process alive.
    process.exit(1);
  }
}

let end: (violation: InvariantViolation) => never = endProcess;

/** Only for tests and the simulator, which must see a violation and live. Returns what undoes it. */
export function onViolation(handler: (violation: InvariantViolation) => never): () => void {
  end = handler;
  return () => {
    end = endProcess;
  };
}

/**
 * @param reason the rule, as a sentence that is true when all is well
 * @param facts  what a reader needs to see what broke; never key material
 */
export function invariant(
  holds: unknown,
  reason: string,
  facts: Readonly<Record<string, unknown>> = {},
): asserts holds {
  if (!holds) end(new InvariantViolation(reason, facts));
}

/** For the `default` of a switch over a closed union: a new member does not compile until it is handled. */
export function unreachable(value: never): never {
  return end(new InvariantViolation('a closed union has no other member', { value }));
}
