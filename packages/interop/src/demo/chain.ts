/**
 * The demo's chain: heights that one validator signs, one after the other.
 *
 * Owns    what one height asks for, and the counts of the summary.
 * Never   touches a replica.
 */
import { blockNamed, type Signed, stepTypes, type Validator } from '../validator/validator.js';

/** A height that has no precommit after this long is missed. */
const MISSED_AFTER_MS = 10_000;

export interface HeightDone {
  readonly height: bigint;
  /** The slowest of its three signatures. */
  readonly slowestMs: number;
}

export class Chain {
  readonly #validator: Validator;
  #height = 0n;
  signed = 0;
  missed = 0;

  constructor(validator: Validator) {
    this.#validator = validator;
  }

  get height(): bigint {
    return this.#height;
  }

  /** The next height, and what it will be about; the caller may ask for parts of it. */
  begin(): bigint {
    this.#height += 1n;
    return this.#height;
  }

  /**
   * Public key, proposal, prevote, precommit, as a node asks for them.
   * @param during runs once the prevote is on its way, so that a fault meets a request in flight
   */
  async sign(height: bigint, round = 0, during?: () => Promise<void>): Promise<HeightDone> {
    const started = performance.now();
    const block = blockNamed(`block ${height}`);
    await this.#validator.publicKey();
    const proposal = await this.#validator.signProposal(height, round, block);
    const prevoting = this.#validator.signVote(stepTypes.prevote, height, round, block);
    const fault = during === undefined ? undefined : inFlight().then(during);
    const prevote = await prevoting;
    await fault;
    const precommit = await this.#validator.signVote(stepTypes.precommit, height, round, block);
    if (performance.now() - started > MISSED_AFTER_MS) this.missed += 1;
    else this.signed += 1;
    return { height, slowestMs: Math.max(...[proposal, prevote, precommit].map(took)) };
  }
}

const took = (signed: Signed): number => signed.tookMs;

/** The request leaves with the next turns of the loop; its answer cannot be here yet. */
const inFlight = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
