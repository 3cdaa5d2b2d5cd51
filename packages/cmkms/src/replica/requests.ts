/**
 * A request to sign, from a validator of this replica or from another member, to its answer.
 *
 * Owns    the second that each is given, what goes back to who asked, and that each is reported once it is decided.
 * Never   decides: the router takes it to whoever leads, and the gate there judges.
 * Proof   test/replica-cluster.test.ts.
 */
import type { ProposalRequest, SignAnswer, VoteRequest } from '@cometkms/privval';
import type { RecordId } from '@cometkms/sign-state';
import { answerOf } from './answers.js';
import type { HeldChain } from './chains.js';
import type { ReplicaClock } from './edges.js';
import type { Members } from './members.js';
import type { SignAsk, SignAnswer as WireAnswer } from './message.js';
import type { Reports } from './reports.js';
import type { Router } from './router.js';
import { signRequestOf } from './sign-requests.js';
import type { LinkedChain } from './validator-links.js';

export interface RequestsWorld {
  readonly clock: ReplicaClock;
  readonly router: Pick<Router, 'sign' | 'serve'>;
  readonly members: Pick<Members, 'holdsKey' | 'nameOf'>;
  readonly reports: Pick<Reports, 'later'>;
  chain(id: RecordId): HeldChain | undefined;
  answer(to: string, answer: WireAnswer): void;
}

export class Requests {
  readonly #replica: string;
  readonly #deadlineMs: number;
  readonly #world: RequestsWorld;

  /** @param replica the name that a node's log will show */
  constructor(replica: string, deadlineMs: number, world: RequestsWorld) {
    this.#replica = replica;
    this.#deadlineMs = deadlineMs;
    this.#world = world;
  }

  async ofValidator(
    chain: LinkedChain,
    validator: string,
    asked: VoteRequest | ProposalRequest,
    receivedMs: number,
  ): Promise<SignAnswer> {
    const { clock, reports, router } = this.#world;
    const request = signRequestOf(chain.id, asked);
    const startedMs = clock.nowMs();
    const deadlineMs = startedMs + this.#deadlineMs;
    const { outcome, answeredBy } = await router.sign(request, validator, deadlineMs);
    reports.later({
      ...{ chain, request, outcome, validator, decidedAt: clock.nowMs(), via: null },
      decodeMs: startedMs - receivedMs,
      answeredElsewhere: answeredBy !== null,
    });
    return answerOf(this.#replica, outcome);
  }

  /** From a member that holds the key; from anybody else it is dropped, and its asker's second runs out. */
  async ofMember(from: string, { number, request, validator, budgetMs }: SignAsk): Promise<void> {
    const { clock, members, reports, router } = this.#world;
    const chain = this.#world.chain(request.id);
    if (chain === undefined || !members.holdsKey(from, request.id)) return;
    const deadlineMs = clock.nowMs() + Math.min(budgetMs, this.#deadlineMs);
    const outcome = await router.serve(request, deadlineMs);
    const decidedAt = clock.nowMs();
    this.#world.answer(from, { kind: 'answer', number, outcome });
    const via = members.nameOf(from);
    reports.later({
      ...{ decidedAt, chain, request, outcome, validator, via },
      ...{ decodeMs: null, answeredElsewhere: false },
    });
  }
}
