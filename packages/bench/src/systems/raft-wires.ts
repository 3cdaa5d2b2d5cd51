/**
 * Wires between the replicas of a cluster of ours, in user space on loopback.
 *
 * Owns    one wire for each replica and each other that dials it. A link between two replicas is one connection, which
 *         either may have dialled: it passes exactly one wire, and that one delays each way. So `delayMs` is the delay
 *         each way between the two, and a round trip takes twice as much.
 * Never   stands between a replica and a validator, or in front of a replica's HTTP.
 */
import { freePorts, plain, type ReplicaPlace, Wire, type WireOrder } from '@cometkms/interop';

const HOST = '127.0.0.1';

interface LaidWire {
  readonly dials: string;
  readonly dialled: string;
  readonly port: number;
  readonly wire: Wire;
}

export class RaftWires {
  /** For the replicas in the order of their names. Each one dials the others at wires of its own. */
  readonly places: readonly ReplicaPlace[];
  readonly #laid: readonly LaidWire[];

  private constructor(places: readonly ReplicaPlace[], laid: readonly LaidWire[]) {
    this.places = places;
    this.#laid = laid;
  }

  static async lay(names: readonly string[]): Promise<RaftWires> {
    const ports = await freePorts(2 * names.length);
    const laid: LaidWire[] = [];
    for (const [i, dialled] of names.entries()) {
      for (const dials of names.filter((name) => name !== dialled)) {
        const wire = new Wire({ host: HOST, port: ports[i] ?? 0 });
        laid.push({ dials, dialled, wire, port: await wire.listen({ host: HOST, port: 0 }) });
      }
    }
    const places = names.map((name, i) => {
      const own = `${HOST}:${ports[i]}`;
      const others = laid.filter(({ dials }) => dials === name);
      const peers = others.map(({ dialled, port }) => `${dialled}=${HOST}:${port}`);
      return {
        // A replica dials by its own list, whatever stands in the log (consensus/src/known-members.ts).
        args: [`${name}=${own}`, ...peers].flatMap((peer) => ['--peer', peer]),
        ...{ raftAddress: own, httpHost: HOST, httpPort: ports[names.length + i] ?? 0 },
        launcher: [],
      };
    });
    return new RaftWires(places, laid);
  }

  /** For both directions between two replicas, whichever of them dialled. */
  order(one: string, other: string, order: WireOrder): void {
    for (const { wire } of this.#between(one, other)) wire.order = order;
  }

  /** From now on nothing passes between this replica and the others. With `reset` their links break as well. */
  cutOff(name: string, { reset }: { readonly reset: boolean }): void {
    const touched = this.#laid.filter(({ dials, dialled }) => dials === name || dialled === name);
    for (const { wire } of touched) wire.order = { ...plain, silent: true };
    if (reset) for (const { wire } of touched) wire.cut();
  }

  /** What was silent breaks, since bytes are missing; replicas dial anew. */
  heal(): void {
    for (const { wire } of this.#laid) wire.order = plain;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#laid.map(({ wire }) => wire.stop()));
  }

  #between(one: string, other: string): readonly LaidWire[] {
    const both = [one, other];
    return this.#laid.filter(({ dials, dialled }) =>
      [dials, dialled].every((n) => both.includes(n)),
    );
  }
}
