/**
 * The demo's chain: heights that one validator signs, one after the other.
 *
 * Owns    what one height asks for, and the counts of the summary.
 * Never   touches a replica.
 */
import {
  blockNamed,
  RemoteSignerError,
  type Signed,
  stepTypes,
  type Validator,
} from '../validator/validator.js';

/** A node waits this long for the votes of a round, and longer in later ones. */
const ROUND_TIMEOUT_MS = 300;
/** A height that has no precommit after this long is missed. */
const MISSED_AFTER_MS = 10_000;

export interface HeightDone {
  readonly height: bigint;
  /** The slowest of its three signatures. */
  readonly slowestMs: number;
  readonly rounds: number;
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
   * Public key, proposal, prevote, precommit, as a node asks for them. A vote that is refused for good is lost, and
   * the height goes into its next round.
   * @param during runs once the prevote is on its way, so that a fault meets a request in flight
   */
  async sign(height: bigint, firstRound = 0, during?: () => Promise<void>): Promise<HeightDone> {
    const started = performance.now();
    let fault = during;
    for (let round = firstRound; ; round += 1) {
      try {
        const slowestMs = await this.#round(height, round, fault);
        if (performance.now() - started > MISSED_AFTER_MS) this.missed += 1;
        else this.signed += 1;
        return { height, slowestMs, rounds: round - firstRound + 1 };
      } catch (error) {
        if (!(error instanceof RemoteSignerError)) throw error;
        fault = undefined;
        await pause(ROUND_TIMEOUT_MS);
      }
    }
  }

  async #round(height: bigint, round: number, during?: () => Promise<void>): Promise<number> {
    const block = blockNamed(`block ${height}`);
    await this.#validator.publicKey();
    const proposal = await this.#validator.signProposal(height, round, block);
    const prevoting = this.#validator.signVote(stepTypes.prevote, height, round, block);
    const fault = during === undefined ? undefined : inFlight().then(during);
    const prevote = await prevoting;
    await fault;
    const precommit = await this.#validator.signVote(stepTypes.precommit, height, round, block);
    return Math.max(...[proposal, prevote, precommit].map(took));
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const took = (signed: Signed): number => signed.tookMs;

/** The request leaves with the next turns of the loop; its answer cannot be here yet. */
const inFlight = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
