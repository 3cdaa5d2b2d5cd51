/**
 * What the demo does to the cluster while it signs.
 *
 * Owns    the faults, each with what it shows, and the measured gap.
 * Never   ends a process that the demo did not start.
 */
import type { Fleet } from '../fleet.js';
import { until } from '../processes.js';
import {
  blockNamed,
  nil,
  RemoteSignerError,
  type Signed,
  stepTypes,
  type Validator,
} from '../validator/validator.js';
import type { Chain, HeightDone } from './chain.js';
import { bad, good, milliseconds, note } from './screen.js';

export interface Stage {
  readonly fleet: Fleet;
  readonly chain: Chain;
  /** The validator of the chain, and another one that is set up with the same key. */
  readonly validator: Validator;
  readonly other: Validator;
  readonly validatorAddress: string;
  /** The longest time without a signature, by fault. */
  readonly gaps: Map<string, number>;
}

export interface Fault {
  readonly name: string;
  run(stage: Stage, height: bigint): Promise<HeightDone>;
}

/** Runs `break_` with a prevote in flight; the gap is from then to that prevote's signature. */
async function gapOf(
  stage: Stage,
  height: bigint,
  name: string,
  break_: () => Promise<void>,
): Promise<HeightDone> {
  const done = await stage.chain.sign(height, 0, break_);
  const gap = done.slowestMs;
  stage.gaps.set(name, Math.max(gap, stage.gaps.get(name) ?? 0));
  note(`next signature ${good(milliseconds(gap))} after the fault`);
  return done;
}

const killHolder: Fault = {
  name: 'leader killed, it held the link',
  async run(stage, height) {
    const leader = await stage.fleet.leader();
    const killed = stage.fleet.replica(leader).process;
    note(`── kill -9 ${leader}, the leader, which holds the link; a prevote in flight`);
    const done = await gapOf(stage, height, this.name, async () => killed?.signal('SIGKILL'));
    await killed?.exited;
    stage.fleet.start(leader);
    note(`${leader} starts again`);
    return done;
  },
};

const freezeBriefly: Fault = {
  name: 'leader frozen, woken after the takeover',
  async run(stage, height) {
    const { fleet } = stage;
    const leader = await fleet.leader();
    const frozen = fleet.replica(leader).process;
    note(`── SIGSTOP ${leader}: frozen, not dead, with a prevote in its buffers`);
    return await gapOf(stage, height, this.name, async () => {
      frozen?.signal('SIGSTOP');
      const successor = await fleet.leader(30_000, leader);
      note(`${successor} took over; SIGCONT ${leader}: it wakes and still believes that it leads`);
      frozen?.signal('SIGCONT');
    });
  },
};

const killOther: Fault = {
  name: 'leader killed, another replica held the link',
  async run(stage, height) {
    const { fleet, validatorAddress } = stage;
    const leader = await fleet.leader();
    const holder = await fleet.linkHolder(validatorAddress);
    const killed = fleet.replica(leader).process;
    note(`── kill -9 ${leader}, the leader; ${holder} holds the link and hands requests on`);
    const done = await gapOf(stage, height, this.name, async () => killed?.signal('SIGKILL'));
    await killed?.exited;
    fleet.start(leader);
    note(`${leader} starts again`);
    return done;
  },
};

const disagree: Fault = {
  name: 'two validators disagree',
  async run(stage, height) {
    note('── two validators ask at one height: one for a block, one for nil');
    await stage.other.publicKey();
    const block = blockNamed(`block ${height}`);
    const asked = [
      stage.validator.signVote(stepTypes.precommit, height, 0, block),
      stage.other.signVote(stepTypes.precommit, height, 0, nil),
    ];
    const [forBlock, forNil] = await Promise.all(asked.map(outcomeOf));
    note(`block ${forBlock}; nil ${forNil}`);
    // A height that got no block goes into the next round, as on a real chain.
    return await stage.chain.sign(height, 1);
  },
};

async function outcomeOf(vote: Promise<Signed>): Promise<string> {
  try {
    await vote;
    return good('signed');
  } catch (error) {
    if (!(error instanceof RemoteSignerError)) throw error;
    return `${bad('REFUSED')} (${error.description})`;
  }
}

const freezeHolder: Fault = {
  name: 'holder of the link frozen for good',
  async run(stage, height) {
    const { fleet, validatorAddress } = stage;
    const holder = await fleet.linkHolder(validatorAddress);
    const frozen = fleet.replica(holder).process;
    note(`── SIGSTOP ${holder}, which holds the link, for as long as the node waits`);
    note('a node reads for 5 s before it drops a silent signer; no signer can shorten that');
    const done = await gapOf(stage, height, this.name, async () => frozen?.signal('SIGSTOP'));
    frozen?.signal('SIGCONT');
    note(`SIGCONT ${holder}: its late answer finds a closed connection`);
    await until(
      `${holder} back`,
      async () => ((await fleet.status(holder)) === undefined ? undefined : true),
      30_000,
    );
    return done;
  },
};

const restartAll: Fault = {
  name: 'all replicas restarted',
  async run(stage, height) {
    note('── all three replicas stop and start again');
    await stage.fleet.stopAll();
    stage.fleet.startAll();
    const started = performance.now();
    const done = await stage.chain.sign(height);
    stage.gaps.set(this.name, performance.now() - started);
    return done;
  },
};

/** In this order: the short freeze leaves the link with a follower, which the next one needs. */
export const faults: readonly Fault[] = [
  killHolder,
  freezeBriefly,
  killOther,
  disagree,
  freezeHolder,
  restartAll,
];
