/**
 * The validators of a measurement: one listener for each chain, asked in turn or all at once.
 *
 * Owns    the words: what is asked for, and what one answer took.
 * Never   knows which signer answers. Two implement it: ours in TypeScript, and CometBFT's own in Go.
 */

export const steps = ['proposal', 'prevote', 'precommit'] as const;
export type Step = (typeof steps)[number];

/** One request, from the call until its signature was there, with all tries that a node makes meanwhile. */
export interface Taken {
  readonly step: Step;
  readonly tookMs: number;
  /** Null: signed. Else why not; a node asks no further. */
  readonly refused: string | null;
  /** How often the node asked. Not there where the side cannot tell: CometBFT's own client keeps it to itself. */
  readonly tries?: number;
}

export interface ValidatorSide {
  /** In reports. */
  readonly title: string;
  /** Listens for the signer of each chain. @returns the addresses, in their order */
  listen(chainIds: readonly string[]): Promise<readonly string[]>;
  /** Until each chain has given its public key, as a node waits at its start. */
  ready(): Promise<void>;
  /** One signature. @param chain index in the list given to `listen` */
  ask(chain: number, height: bigint, step: Step, extensionBytes?: number): Promise<Taken>;
  /** Proposal, prevote and precommit of each height in turn, each as soon as the one before is there. */
  askInTurn(
    chain: number,
    from: bigint,
    heights: number,
    extensionBytes?: number,
  ): Promise<readonly Taken[]>;
  /**
   * All that was signed since the last call is verified, over the bytes that were asked for.
   * @returns how many @throws at one that is invalid
   */
  verify(): Promise<number>;
  stop(): Promise<void>;
}
