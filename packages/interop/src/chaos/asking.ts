/**
 * The validators of a run: they ask all the time, on several chains, and some of them against each other.
 *
 * Owns    who asks for what; counts of signatures, refusals and given-up requests; the gaps between signatures.
 * Never   judges a signature (check-released.mjs does) or touches a replica.
 * Rule    A validator that nobody shares its key with never asks for two contents at one position, so all that it may
 *         be refused for is the want of a quorum.
 */
import type { BlockId } from '@cometkms/sign-state';
import { until } from '../processes.js';
import {
  blockNamed,
  NoAnswerError,
  nil,
  RemoteSignerError,
  stepTypes,
  type Validator,
} from '../validator/validator.js';
import type { Chance } from './chance.js';

/** Between two heights: what is tested is the signer, and the machine is small. */
const HEIGHT_PAUSE_MS = 40;
const ROUND_PAUSE_MS = 100;
/** Without a signature for so long, somebody else may be about to lead. */
const OUTAGE_MS = 250;
const REBEL_PAUSE_MS = [150, 900] as const;

/** By name, as in docs/errors.md. Others mean that something is wrong. */
const refusalsOfOneAlone: readonly string[] = ['NO_QUORUM'];
const refusalsOfTwo: readonly string[] = [
  ...refusalsOfOneAlone,
  ...['CONFLICT', 'REGRESSED', 'PROPOSAL_RETIMED', 'WATERMARK'],
];

export interface Signer {
  /** For reports: chain and key. */
  readonly name: string;
  readonly validator: Validator;
  /** Set up with the same key: asks for other content at the same positions. */
  readonly rebel: Validator | null;
}

interface Position {
  readonly height: bigint;
  readonly round: number;
  readonly step: Step;
}

type Step = 'proposal' | 'prevote' | 'precommit';

interface Progress {
  height: bigint;
  round: number;
  /** When the request that was answered last was made, and when it was answered. */
  askedAtMs: number;
  answeredAtMs: number;
  /** What was signed last: that a later leader might not know of. */
  signed: Position | null;
}

const steps = ['proposal', 'prevote', 'precommit'] as const;

function sign(validator: Validator, at: Position, block: BlockId): Promise<unknown> {
  const { height, round, step } = at;
  return step === 'proposal'
    ? validator.signProposal(height, round, block)
    : validator.signVote(stepTypes[step], height, round, block);
}

export class Asking {
  readonly refusals = new Map<string, number>();
  readonly violations: string[] = [];
  signatures = 0;
  givenUp = 0;
  /** Of rebels: what was asked for at a position of the other. */
  disagreements = 0;
  readonly #signers: readonly (Signer & { readonly progress: Progress })[];
  readonly #chance: Chance;
  #longestGapMs = new Map<string, number>();
  #lastReleaseMs = 0;
  #stopped = false;
  #loops: Promise<void>[] = [];

  constructor(signers: readonly Signer[], chance: Chance) {
    this.#chance = chance;
    const nowMs = performance.now();
    this.#signers = signers.map((signer) => ({
      ...signer,
      progress: { height: 1n, round: 0, askedAtMs: 0, answeredAtMs: nowMs, signed: null },
    }));
  }

  start(): void {
    this.#loops = this.#signers.flatMap((signer) => {
      const rebels = signer.rebel === null ? [] : [this.#rebel(signer, signer.rebel)];
      return [this.#validate(signer), ...rebels];
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const validators = this.#signers.flatMap(({ validator, rebel }) => [validator, rebel]);
    await Promise.all(validators.map((validator) => validator?.stop()));
    await Promise.all(this.#loops);
  }

  /** Resolves once each validator was given a signature that it asked for from now on. */
  async allSign(withinMs: number): Promise<void> {
    const fromMs = performance.now();
    const late = (): readonly string[] =>
      this.#signers.filter((s) => s.progress.askedAtMs < fromMs).map(({ name }) => name);
    await until('', () => (late().length === 0 ? true : undefined), withinMs).catch(() => {
      throw new Error(`no signature within ${withinMs} ms for ${late().join(', ')}`);
    });
  }

  /** On the monotonic clock, of any validator. */
  get lastReleaseMs(): number {
    return this.#lastReleaseMs;
  }

  /** The longest time without a signature, by signer, of those that ended since this was asked last. */
  takeGaps(): ReadonlyMap<string, number> {
    const taken = this.#longestGapMs;
    this.#longestGapMs = new Map();
    return taken;
  }

  /** Once nothing else asks: other content where something was signed. It must be refused by whoever leads now. */
  async askAgain(): Promise<void> {
    for (const { name, validator, progress } of this.#signers) {
      if (progress.signed === null) continue;
      const { height, round, step } = progress.signed;
      try {
        await sign(validator, progress.signed, blockNamed('of another mind'));
        this.violations.push(`${name} was given a second content at ${height}/${round}/${step}`);
      } catch (error) {
        if (!(error instanceof RemoteSignerError)) throw error;
        const code = this.#count(error);
        if (!['CONFLICT', 'REGRESSED', 'PROPOSAL_RETIMED'].includes(code)) {
          this.violations.push(`${name}: ${error.message}`);
        }
      }
    }
  }

  /** Stops the loops and keeps the links. */
  async pause(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    this.#loops = [];
  }

  // ------------------------------------------------------------------------------------- loops

  async #validate(signer: Signer & { readonly progress: Progress }): Promise<void> {
    const { validator, progress, rebel } = signer;
    const allowed = rebel === null ? refusalsOfOneAlone : refusalsOfTwo;
    while (!this.#stopped) {
      const { height, round } = progress;
      const block = blockNamed(`${signer.name} ${height}`);
      const signed = await this.#attempt(signer.name, allowed, async () => {
        await validator.publicKey();
        for (const step of steps) {
          await this.#timed(signer, () => sign(validator, { height, round, step }, block));
          progress.signed = { height, round, step };
        }
      });
      if (this.#stopped) return;
      if (signed) Object.assign(progress, { height: height + 1n, round: 0 });
      else progress.round += 1;
      await pause(signed ? HEIGHT_PAUSE_MS : ROUND_PAUSE_MS);
    }
  }

  async #rebel(signer: Signer & { readonly progress: Progress }, rebel: Validator): Promise<void> {
    const { progress } = signer;
    const chance = this.#chance.fork();
    while (!this.#stopped) {
      const { height, round, signed } = progress;
      // The most dangerous question is what was answered last, of a leader that did not answer it.
      const outage = performance.now() - progress.answeredAtMs > OUTAGE_MS;
      const anywhere = { height, round, step: chance.pick(steps) };
      const at = outage || chance.happens(0.3) ? (signed ?? anywhere) : anywhere;
      // The same block with a timestamp of its own is no disagreement: it is answered with the first one's.
      const same = blockNamed(`${signer.name} ${at.height}`);
      const other = blockNamed(`other than ${at.height}`);
      const others = at.step === 'proposal' ? [other] : [nil, other];
      const block = chance.pick(outage ? others : [...others, same]);
      this.disagreements += 1;
      await this.#attempt(`the other validator of ${signer.name}`, refusalsOfTwo, async () => {
        await rebel.publicKey();
        await sign(rebel, at, block);
        this.signatures += 1;
      });
      await pause(chance.between(...REBEL_PAUSE_MS));
    }
  }

  /** @returns whether it went to its end */
  async #attempt(
    who: string,
    allowed: readonly string[],
    work: () => Promise<void>,
  ): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (this.#stopped && !(error instanceof RemoteSignerError)) return false;
      if (error instanceof RemoteSignerError) {
        const code = this.#count(error);
        if (!allowed.includes(code))
          this.violations.push(`${who} was refused: ${error.description}`);
      } else if (error instanceof NoAnswerError) {
        // A node would go on without this one as well.
        this.givenUp += 1;
      } else {
        this.violations.push(`${who}: ${(error as Error).message}`);
      }
      return false;
    }
  }

  async #timed(
    { name, progress }: Signer & { readonly progress: Progress },
    ask: () => Promise<unknown>,
  ): Promise<void> {
    const askedAtMs = performance.now();
    await ask();
    const nowMs = performance.now();
    const gapMs = nowMs - progress.answeredAtMs;
    Object.assign(progress, { askedAtMs, answeredAtMs: nowMs });
    this.#lastReleaseMs = nowMs;
    this.signatures += 1;
    this.#longestGapMs.set(name, Math.max(gapMs, this.#longestGapMs.get(name) ?? 0));
  }

  /** @returns the code, as the replica's sentence begins: `cmkms kms-a CONFLICT: ...` */
  #count(error: RemoteSignerError): string {
    const code = /^cmkms \S+ ([A-Z_]+):/.exec(error.description)?.[1] ?? `number ${error.code}`;
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    return code;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
