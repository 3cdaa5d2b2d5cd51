/** Each invariant above consensus, shown the very thing that it is there for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCommand, type Hrs, type RecordId } from '@cometkms/sign-state';
import { askedOf } from '../src/asked-bytes.js';
import { SignatureTable } from '../src/keys.js';
import type { Refusal, Release } from '../src/observations.js';
import { Oracle } from '../src/oracle.js';
import type { Request } from '../src/validator.js';
import { Violation } from '../src/violation.js';

const id: RecordId = { chainId: 'chain', key: { type: 'ed25519', bytes: new Uint8Array(32) } };
const at = { replica: 'a', id: 'a', start: 1 };
const hash = Buffer.alloc(32, 1);
const blockId = { hash, partSetHeader: { total: 1, hash } };

function vote(height: bigint, seconds = 1n): Extract<Request, { kind: 'vote' }> {
  return {
    ...{ kind: 'vote', chainId: 'chain', type: 1, height, round: 0, blockId },
    ...{ timestamp: { seconds, nanos: 0 }, validatorAddress: new Uint8Array(20) },
    ...{ validatorIndex: 0, extension: new Uint8Array(0), extensionWanted: false },
  };
}

class Stage {
  readonly table = new SignatureTable();
  readonly oracle: Oracle;
  #index = 0;

  constructor() {
    this.oracle = new Oracle(
      () => 0,
      (signature) => this.table.signedBy(signature),
    );
    this.commit({
      ...{ kind: 'registerChain', id, start: { kind: 'neverSigned' }, by: 'a', at: 1 },
      limits: { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n },
    });
  }

  /** As one committed entry more. */
  commit(command: Parameters<typeof encodeCommand>[0]): void {
    this.#index += 1;
    const bytes = encodeCommand(command);
    const entry = { kind: 'command', term: 1, index: this.#index, command: bytes } as const;
    this.oracle.truth.committed(this.#index, { term: 1, committedIn: 1, content: '', entry });
  }

  reserve(request: Request, hrs: Hrs): void {
    this.commit({ kind: 'reserve', id, hrs, signBytes: this.#bytes(request), by: 'a', at: 1 });
  }

  release(request: Request, signed: Request): Release {
    const key = Buffer.from(id.key.bytes).toString('hex');
    const signBytes = this.#bytes(signed);
    const signature = this.table.sign(signBytes);
    const { timestamp } = signed;
    const answer = { kind: 'signed', signature, timestamp, extensionSignature: null } as const;
    return { at, validator: 'v', chainId: 'chain', key, request, answer, signBytes };
  }

  refusal(request: Request, code: string, facts: Partial<Refusal> = {}): Refusal {
    const known = { askedAtMs: 0, leaderlessMs: 0, keysFail: false, ...facts };
    return { at, id, request, code, description: code, ...known };
  }

  #bytes(request: Request): Uint8Array {
    return Buffer.from(askedOf(id, request)?.bytes ?? '', 'hex');
  }
}

const prevoteAt = (height: bigint): Hrs => ({ height, round: 0, step: 2 });
const breaks = (what: () => void, words: RegExp): void => {
  assert.throws(what, (error) => error instanceof Violation && words.test(error.saw));
};

test('a release without a grant, over other bytes, or to another request', () => {
  const stage = new Stage();
  const { oracle } = stage;
  const one = vote(5n);
  breaks(() => oracle.released(stage.release(one, one)), /nothing granted/);
  stage.reserve(one, prevoteAt(5n));
  breaks(() => oracle.released(stage.release(vote(5n, 2n), vote(5n, 2n))), /other bytes/);
  breaks(() => oracle.released(stage.release(vote(6n), one)), /asked for 6/);
});

test('a release that no mark covers, and a mark above what could be granted', () => {
  const stage = new Stage();
  const { oracle } = stage;
  const one = vote(5n);
  oracle.asked({ at, id, request: one });
  stage.reserve(one, prevoteAt(5n));
  breaks(() => oracle.released(stage.release(one, one)), /no mark/);
  oracle.marked(at, id, prevoteAt(5n));
  oracle.released(stage.release(one, one));
  oracle.asked({ at, id, request: vote(10n ** 9n + 7n) });
  breaks(() => oracle.marked(at, id, prevoteAt(10n ** 9n + 7n)), /nothing above 5/);
});

test('a refusal that the record does not bear out', () => {
  const stage = new Stage();
  const { oracle } = stage;
  stage.reserve(vote(5n), prevoteAt(5n));
  oracle.refused(stage.refusal(vote(4n), 'REGRESSED'));
  for (const code of [
    'CONFLICT',
    'REGRESSED',
    'HALTED',
    'LEAP',
    'WATERMARK',
    'RETIRED',
    'MALFORMED',
  ])
    breaks(() => oracle.refused(stage.refusal(vote(6n), code)), new RegExp(code));
  breaks(() => oracle.refused(stage.refusal(vote(6n), 'NO_QUORUM')), /NO_QUORUM/);
  oracle.refused(stage.refusal(vote(6n), 'NO_QUORUM', { leaderlessMs: 2100 }));
  breaks(() => oracle.refused(stage.refusal(vote(6n), 'BACKEND')), /BACKEND/);
});

test('what a plain node signed, and the cluster then signs otherwise', () => {
  const stage = new Stage();
  const { oracle } = stage;
  const other = { ...vote(5n), blockId: { ...blockId, hash: Buffer.alloc(32, 2) } };
  oracle.signedElsewhere(id, Buffer.from(askedOf(id, other)?.bytes ?? '', 'hex'));
  stage.reserve(vote(5n), prevoteAt(5n));
  breaks(() => oracle.released(stage.release(vote(5n), vote(5n))), /a plain node released one/);
});

test('a replica whose record is not what the log says', () => {
  const stage = new Stage();
  breaks(() => stage.oracle.stateSeen(at, 1, id, undefined), /registered false/);
});
