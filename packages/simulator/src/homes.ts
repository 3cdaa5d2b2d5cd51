/**
 * What lies in the homes beside the log, and the hands that put it there.
 *
 * Owns    the state files that the homes begin with; a plain node that signs while the cluster is down, and whose file
 *         comes back; and what an operator corrects after a replica said why it must stop.
 * Never   lets a plain node sign below what the cluster may have released: that is a key at two places, which no signer
 *         can mend. It signs at the place of a request that nobody was answered, or above, with all replicas down, and
 *         its file is in every home before one starts.
 */
import { type Position, type RecordId, type Step, voteSignBytes } from '@cometkms/sign-state';
import { SignerError, type StateFile, writeStateFile } from '@cometkms/signer';
import { EventLoop } from './event-loop.js';
import { lateFounderIn } from './faults.js';
import type { SignatureTable } from './keys.js';
import type { Lives } from './lives.js';
import type { Member } from './member.js';
import type { HomeKnowledge } from './observations.js';
import type { Random } from './random.js';
import { isAbove, topOf } from './reference-verdicts.js';
import { statePathOf } from './replica.js';
import type { Scene } from './scene.js';
import type { Beginning } from './swarm.js';
import type { Chain } from './workload.js';

export class Homes {
  readonly #scene: Scene;
  readonly #lives: Lives;

  constructor(scene: Scene, lives: Lives) {
    this.#scene = scene;
    this.#lives = lives;
    lives.explains = (code, chainId) => this.#correct(code, chainId);
  }

  // -------------------------------------------------------------------------- the beginning

  /** Before the first start. */
  async install(): Promise<void> {
    const random = this.#scene.seed.fork('install');
    for (const [n, chain] of this.#scene.chains.entries()) {
      const beginning = this.#scene.swarm.chains[n]?.beginning ?? 'neverSigned';
      const late = random.chance(0.5) ? lateFounderIn(this.#scene.plan) : null;
      const holders = this.#scene.holders();
      const one = late === null ? null : this.#scene.struck(late);
      const chosen = (one === null || one.witness ? random.pick(holders) : one).number;
      for (const member of holders) {
        const state = this.#firstState(beginning, chain, member, chosen, random);
        if (state === null) {
          this.#say(
            member,
            chain.id,
            this.#saysNever(member, chain.id) ? 'neverSigned' : 'nothing',
          );
          continue;
        }
        const signBytes = state.signed?.signBytes ?? null;
        this.#say(member, chain.id, { kind: 'position', position: state.position, signBytes });
        chain.lines.push(state.position);
        let isDone = false;
        void this.#write(member, chain.id, state).then(() => {
          isDone = true;
        });
        await this.#scene.timeline.run(() => isDone);
      }
      // The old signer ran on after its file was copied, further than the guard lets pass.
      if (chain.height > 1n && random.chance(0.1)) chain.height += 20_000n;
    }
  }

  /** Null: no file. */
  #firstState(
    beginning: Beginning,
    { id, height }: Chain,
    { number }: Member,
    chosen: number,
    random: Random,
  ): StateFile | null {
    const { table } = this.#scene;
    const at = (below: bigint): Position => {
      const last = height - 1n - below;
      return { height: last < 1n ? 1n : last, round: 0, step: 3 };
    };
    switch (beginning) {
      case 'neverSigned':
      case 'nothing':
        return null;
      case 'oneFile':
      case 'contradiction':
        return number === chosen ? stateAt(id, at(0n), 7, table) : null;
      case 'sameFile':
        return stateAt(id, at(0n), 7, table);
      case 'sameFileOtherBytes':
        return stateAt(id, at(0n), number === chosen ? 8 : 7, table);
      case 'bareFile':
        return { position: at(0n), signed: null };
      case 'differentFiles':
        return stateAt(id, at(number === chosen ? 0n : BigInt(random.between(0, 3))), 7, table);
    }
  }

  #saysNever(member: Member, id: RecordId): boolean {
    return member.replica.site.chains.some((one) => one.id === id && one.neverSigned);
  }

  #say(member: Member, id: RecordId, known: HomeKnowledge | 'nothing' | 'neverSigned'): void {
    const said = typeof known === 'string' ? { kind: known } : known;
    this.#scene.oracle.homeKnows(member.id, id, said);
  }

  async #write({ replica }: Member, id: RecordId, state: StateFile): Promise<void> {
    const loop = new EventLoop(this.#scene.timeline, 0);
    try {
      await writeStateFile(statePathOf(id), state, replica.disk.mount(loop).durableFiles);
    } finally {
      loop.die();
    }
  }

  // -------------------------------------------------------------------------- the plain node

  /**
   * The validators sign by themselves for a moment, and their files come back: into one home, from which nothing
   * follows but that they are looked at; or into all, and then the cluster must go on above them.
   */
  signElsewhere(on: Member, everywhere: boolean, downMs: number): void {
    const holders = this.#scene.holders();
    const homes = everywhere ? holders : holders.filter((member) => member === on);
    for (const member of homes) {
      member.cancelStart();
      this.#lives.kill(member);
    }
    void this.#signAll(homes, everywhere);
    for (const member of homes) this.#lives.startIn(member, downMs + 200);
  }

  /** One after the other: a disk has one process, an operator's hands too. */
  async #signAll(homes: readonly Member[], everywhere: boolean): Promise<void> {
    for (const chain of this.#scene.chains) await this.#signOne(chain, homes, everywhere);
  }

  async #signOne(chain: Chain, homes: readonly Member[], everywhere: boolean): Promise<void> {
    const record = this.#scene.oracle.truth.reference(chain.id);
    const top = record === undefined || record.retired ? null : topOf(record);
    const place = top === null ? null : this.#freePlace(chain.id, top);
    if (place === null) return;
    const { position, wasAskedFor } = place;
    const state = stateAt(chain.id, position, 9, this.#scene.table);
    const starts = homes.map(({ replica }) => replica.starts);
    // A home that was started in the meantime has its disk for itself.
    if (homes.some(({ replica }) => replica.disk.isInUse)) return;
    await Promise.all(homes.map((member) => this.#write(member, chain.id, state))).then(
      () => {
        const isQuiet = homes.every(
          ({ replica }, at) => replica.process === null && replica.starts === starts[at],
        );
        if (!everywhere || !isQuiet || state.signed === null) return;
        const { signBytes } = state.signed;
        if (wasAskedFor) this.#scene.marks.mark('a plain node signs where a request was left');
        this.#scene.trace.add(`a plain node signed ${chain.id.chainId} ${position.height}`);
        this.#scene.guard(() => this.#scene.oracle.signedElsewhere(chain.id, signBytes));
        chain.lines.push(position);
        // The same node, come back, may ask for it again.
        chain.replays = 6;
      },
      // A file that did not come through: then the operator leaves it.
      (error) => {
        if (!(error instanceof SignerError)) this.#scene.violation ??= error;
      },
    );
  }

  /**
   * At most one height above what is committed, and where nothing was released, nor above it; null: there is no such
   * place. What the cluster was asked for last may stand in its logs, committed or not: the plain node knows nothing
   * of it, and signs other bytes in its place.
   */
  #freePlace(
    id: RecordId,
    top: Position,
  ): { readonly position: Position; readonly wasAskedFor: boolean } | null {
    const { oracle } = this.#scene;
    const reach = oracle.reachOf(id) ?? top;
    const last = isAbove(reach, top) ? reach : top;
    const isFree =
      last.step > 1 && !oracle.isReleasedAt(id, last) && last.height <= top.height + 1n;
    if (isFree) return { position: last, wasAskedFor: true };
    const position = above(top, reach);
    return position === null ? null : { position, wasAskedFor: false };
  }

  // ---------------------------------------------------------------------------- corrections

  /** What an operator does about it; false: nothing that the world did explains it. */
  #correct(code: string, chainId: string): boolean {
    const at = this.#scene.chains.findIndex(({ id }) => id.chainId === chainId);
    const chain = this.#scene.chains[at];
    const beginning = this.#scene.swarm.chains[at]?.beginning;
    if (chain === undefined) return false;
    if (code === 'STATE_CONTRADICTS' && beginning === 'contradiction') {
      this.#stateNever(chain, false);
      return true;
    }
    if (code === 'STATE_MISSING' && beginning === 'nothing') {
      this.#stateNever(chain, true);
      return true;
    }
    return false;
  }

  #stateNever(chain: Chain, neverSigned: boolean): void {
    for (const member of this.#scene.holders()) {
      const { site } = member.replica;
      if (this.#saysNever(member, chain.id) === neverSigned) continue;
      const chains = site.chains.map((one) =>
        one.id === chain.id ? { ...one, neverSigned } : one,
      );
      member.replica.site = { ...site, chains };
      const hasFile = this.#scene.oracle.homeHasFile(member.id, chain.id);
      if (!hasFile) this.#say(member, chain.id, neverSigned ? 'neverSigned' : 'nothing');
    }
  }
}

function above(top: Position, reach: Position): Position | null {
  const { height, round } = top;
  const places: Position[] = [
    { height, round, step: 3 },
    { height, round: round + 1, step: 2 },
    { height: height + 1n, round: 0, step: 3 },
    { height: height + 1n, round: 5, step: 2 },
  ];
  return places.find((one) => isAbove(one, top) && isAbove(one, reach)) ?? null;
}

/** Signed by whoever has the key beside the cluster. */
function stateAt(id: RecordId, position: Position, mark: number, table: SignatureTable): StateFile {
  const { height, round, step } = position;
  const hash = Buffer.alloc(32, mark);
  const blockId = { hash, partSetHeader: { total: 1, hash } };
  const timestamp = { seconds: 1_700_000_000n, nanos: 0 };
  const type = (step as Step) === 2 ? 1 : 2;
  const signBytes = voteSignBytes(id.chainId, { type, height, round, blockId, timestamp });
  return { position, signed: { signBytes, signature: table.sign(signBytes) } };
}
