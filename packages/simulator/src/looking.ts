/**
 * Looking at a world between its events.
 *
 * Owns    which processes ran since the last look, and that what they did is judged before anything else happens.
 * Never   judges: the oracle does.
 */
import type { Member } from './member.js';
import { ProductLooking } from './product-looking.js';
import type { Scene } from './scene.js';

export class Looking {
  /** Of cores, as far as they could be told apart. */
  steps = 0;
  /** Done before any event. */
  before: () => void = () => {};
  readonly #scene: Scene;
  readonly #touched = new Set<Member>();
  readonly product: ProductLooking;
  /** At which applied index the state of each was looked at last. */
  readonly #compared = new Map<Member, number>();

  constructor(scene: Scene) {
    this.#scene = scene;
    this.product = new ProductLooking(scene);
  }

  /** Before a callback of its process. */
  touched(member: Member): void {
    this.#touched.add(member);
  }

  /** Lets the world go on to this moment. */
  async until(ms: number): Promise<void> {
    await this.#scene.timeline.run(() => {
      this.examine();
      return this.#scene.timeline.now >= ms;
    });
  }

  /** Called between any two events: what the last one set going in promises is over. */
  examine(): void {
    this.lookAtCores();
    this.#touched.clear();
    this.#scene.failovers.looked(this.#scene.members, this.#scene.timeline.now);
    if (this.#scene.violation !== null) throw this.#scene.violation;
    this.before();
  }

  lookAtCores(): void {
    for (const member of this.#touched) {
      const core = member.replica.process?.replica?.node.core ?? null;
      if (core === null) continue;
      this.steps += 1;
      this.#scene.oracle.stepped(this.#scene.where(member), core);
      this.#scene.watch.stepped(member, core);
      this.product.look(member, core);
      this.#compareStates(member);
    }
  }

  /** Now and then: a digest of the state takes longer than a step. */
  #compareStates(member: Member): void {
    const running = member.replica.process?.replica;
    const applied = running?.node.core?.applied ?? 0;
    if (!running || applied % 4 !== 0 || this.#compared.get(member) === applied) return;
    this.#compared.set(member, applied);
    this.#scene.oracle.looked(member.replica.name, applied, running.machine.hash());
  }
}
