/**
 * What a chain says of itself, asked over a node's RPC and not believed: every signature is verified here.
 *
 * Owns    reading heights and commits, and checking each signature against the genesis.
 * Never   asks the signer, or reads a node's data.
 * Rule    CometBFT types/block.go, `Commit`; types/canonical.go for what a vote's signature covers.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Timestamp, voteSignBytes } from '@cometkms/sign-state';

interface CommitAnswer {
  readonly canonical: boolean;
  readonly signed_header: {
    readonly header: { readonly chain_id: string; readonly time: string };
    readonly commit: {
      readonly height: string;
      readonly round: number;
      readonly block_id: { readonly hash: string; readonly parts: { total: number; hash: string } };
      readonly signatures: readonly {
        readonly block_id_flag: number;
        readonly validator_address: string;
        readonly timestamp: string;
        readonly signature: string | null;
      }[];
    };
  };
}

export interface Genesis {
  readonly chain_id: string;
  readonly validators: {
    readonly address: string;
    readonly pub_key: { readonly type: string; readonly value: string };
    readonly power: string;
    readonly name: string;
  }[];
}

/** A signature in a commit, verified. */
export interface CommitSignature {
  readonly height: bigint;
  /** Of the validator: 40 hex digits, upper case. */
  readonly address: string;
  /** Base64. */
  readonly signature: string;
  /** Else for nil. */
  readonly forBlock: boolean;
}

/** How one height was decided. */
export interface Commit {
  readonly height: bigint;
  /** 0 where the first proposal was taken. */
  readonly round: number;
  /** Of the block's header, in milliseconds since 1970. */
  readonly timeMs: number;
  /** As the next block holds it; before that, each node tells of the votes that it saw itself. */
  readonly canonical: boolean;
  /** Of those that voted; whoever is absent has none. */
  readonly signatures: readonly CommitSignature[];
}

/** CometBFT's BlockIDFlag: a vote for the block, and one for nil. A vote that is absent has no signature. */
const [FOR_BLOCK, FOR_NIL] = [2, 3];
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export class ChainRpc {
  readonly #port: number;
  readonly #genesisPath: string;

  constructor(port: number, genesisPath: string) {
    this.#port = port;
    this.#genesisPath = genesisPath;
  }

  /** Undefined while the node is starting, or gone. */
  async height(): Promise<bigint | undefined> {
    const status = await this.#ask<{ sync_info: { latest_block_height: string } }>('status');
    return status === undefined ? undefined : BigInt(status.sync_info.latest_block_height);
  }

  /**
   * The commit of one height.
   * @returns undefined where it cannot be read yet
   * @throws where it carries a signature that does not verify, or of nobody in the genesis
   */
  async commit(height: bigint): Promise<Commit | undefined> {
    const answer = await this.#ask<CommitAnswer>(`commit?height=${height}`);
    return answer === undefined ? undefined : verified(answer, this.#validatorKeys());
  }

  /** Hands a transaction to this node alone; false where it did not take it. */
  async submit(transaction: string): Promise<boolean> {
    return (await this.#ask(`broadcast_tx_async?tx="${transaction}"`)) !== undefined;
  }

  genesis(): Genesis {
    return JSON.parse(readFileSync(this.#genesisPath, 'utf8')) as Genesis;
  }

  async #ask<T>(path: string): Promise<T | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#port}/${path}`, {
        signal: AbortSignal.timeout(5000),
      });
      const { result } = (await answer.json()) as { result?: T };
      return result;
    } catch {
      // Starting, or gone for a moment: the caller asks again.
      return undefined;
    }
  }

  #validatorKeys(): ReadonlyMap<string, KeyObject> {
    return new Map(
      this.genesis().validators.map(({ address, pub_key }) => {
        const der = Buffer.concat([ED25519_SPKI, Buffer.from(pub_key.value, 'base64')]);
        return [address, createPublicKey({ key: der, format: 'der', type: 'spki' })];
      }),
    );
  }
}

const nil = { hash: new Uint8Array(0), partSetHeader: { total: 0, hash: new Uint8Array(0) } };

function verified(answer: CommitAnswer, keys: ReadonlyMap<string, KeyObject>): Commit {
  const { header, commit } = answer.signed_header;
  const blockId = {
    hash: Buffer.from(commit.block_id.hash, 'hex'),
    partSetHeader: {
      total: commit.block_id.parts.total,
      hash: Buffer.from(commit.block_id.parts.hash, 'hex'),
    },
  };
  const found: CommitSignature[] = [];
  for (const { block_id_flag, validator_address, timestamp, signature } of commit.signatures) {
    const forBlock = block_id_flag === FOR_BLOCK;
    if ((!forBlock && block_id_flag !== FOR_NIL) || signature === null) continue;
    const key = keys.get(validator_address);
    const signBytes = voteSignBytes(header.chain_id, {
      type: 2,
      height: BigInt(commit.height),
      round: commit.round,
      blockId: forBlock ? blockId : nil,
      timestamp: timestampOf(timestamp),
    });
    if (key === undefined || !verify(null, signBytes, key, Buffer.from(signature, 'base64'))) {
      throw new Error(
        `the commit of height ${commit.height} carries an invalid signature of ${validator_address}`,
      );
    }
    found.push({ height: BigInt(commit.height), address: validator_address, signature, forBlock });
  }
  return {
    height: BigInt(commit.height),
    round: commit.round,
    timeMs: Date.parse(header.time),
    canonical: answer.canonical,
    signatures: found,
  };
}

/** RFC 3339 with nanoseconds, which Date would cut. */
function timestampOf(text: string): Timestamp {
  const fraction = /\.(\d+)Z$/.exec(text)?.[1] ?? '';
  const seconds = BigInt(Math.floor(Date.parse(text.replace(/\.\d+Z$/, 'Z')) / 1000));
  return { seconds, nanos: Number(fraction.padEnd(9, '0')) };
}
