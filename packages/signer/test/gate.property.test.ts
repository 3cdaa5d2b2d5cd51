/**
 * Two gates on one log, both sure that they lead, each with its own watermark on a real disk: whatever is asked of
 * them in whatever order, and whatever is lost, late, unknown or killed, there is one signature per place, for ever.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Hrs, readSignBytes } from '@cometkms/sign-state';
import { verify as verifyWithNoble } from '@noble/ed25519';
import fc from 'fast-check';
import {
  Gate,
  MemoryCluster,
  openWatermark,
  type ReservationStore,
  type SignOutcome,
  type SignRequest,
  type Watermark,
  type WatermarkFile,
} from '../src/index.js';
import { type Fault, FaultyReplica } from './faulty-replica.js';
import { ManualClock } from './manual-clock.js';
import { inTemporaryDirectory } from './temporary.js';
import { bytesOf, hrs, id, key, limits, request } from './worlds.js';

type Name = 'a' | 'b';
interface Asking {
  /** Places above the last one in the log: most requests must collide, and the log must move on. */
  readonly ahead: number;
  readonly block: string | null;
  readonly seconds: number;
  readonly extended: boolean;
  /** Whether the world waits for what can go on before the next action. */
  readonly patient: boolean;
}
type Action =
  | { readonly do: 'ask'; readonly of: Name; readonly asking: Asking }
  | { readonly do: 'fault'; readonly of: Name; readonly fault: Fault }
  | { readonly do: 'lag' | 'catchUp' | 'deliver' | 'restart'; readonly of: Name }
  | { readonly do: 'wait'; readonly ms: number };

const name = fc.constantFrom<Name>('a', 'b');
const asking: fc.Arbitrary<Asking> = fc.record({
  ahead: fc.constantFrom(-1, 0, 0, 0, 1, 1, 2),
  block: fc.constantFrom('X', 'X', 'X', 'Y', null),
  seconds: fc.integer({ min: 0, max: 1 }),
  extended: fc.boolean(),
  patient: fc.constantFrom(true, true, true, false),
});
const fault = fc.constantFrom<Fault>('blind', 'lost', 'stuck', 'late', 'zombie', 'refused');
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(name, asking).map(([of, asking]) => ({ do: 'ask' as const, of, asking })),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(name, fault).map(([of, fault]) => ({ do: 'fault' as const, of, fault })),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom('lag' as const, 'catchUp' as const, 'deliver' as const), name)
      .map(([what, of]) => ({ do: what, of })),
  },
  { weight: 1, arbitrary: name.map((of) => ({ do: 'restart' as const, of })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(0, 500, 1000).map((ms) => ({ do: 'wait' as const, ms })),
  },
);

/** One process: its gate, its disk, its view of the log. */
class Replica {
  readonly view: FaultyReplica;
  gate: Gate;

  private constructor(
    readonly world: World,
    readonly name: Name,
    private watermark: WatermarkFile,
  ) {
    this.view = new FaultyReplica(world.cluster, name);
    this.gate = this.#gate();
  }

  static async start(world: World, name: Name): Promise<Replica> {
    const opened = await openWatermark(join(world.dir, name), id);
    assert.ok(opened.kind === 'lost');
    return new Replica(world, name, await opened.rebuild(null));
  }

  /** A kill at a moment when the disk is quiet, and a new process on the same disk. */
  async restart(): Promise<void> {
    await this.close();
    const opened = await openWatermark(join(this.world.dir, this.name), id);
    assert.ok(opened.kind === 'held' && opened.badSlot === null);
    this.watermark = opened.watermark;
    this.gate = this.#gate();
  }

  async close(): Promise<void> {
    // The turn ends by its deadlines; then no write is under way.
    while (this.gate.busy) {
      this.world.clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.world.settled();
    await this.watermark.close();
  }

  #gate(): Gate {
    const { cluster, clock, fail } = this.world;
    const other = cluster.replica(this.name);
    const store: ReservationStore = {
      reserve: (request) => this.view.reserve(request),
      read: (of) => this.view.read(of),
      registerChain: (...args) => other.registerChain(...args),
      raiseFloor: (...args) => other.raiseFloor(...args),
      setLimits: (...args) => other.setLimits(...args),
      setHaltHeight: (...args) => other.setHaltHeight(...args),
      retire: (...args) => other.retire(...args),
    };
    const watermark = this.world.watched(this.watermark);
    const options = { store, leadership: this.view, key, watermark, clock, fatal: fail };
    return new Gate({ id, replica: this.name, ...options });
  }
}

class World {
  readonly cluster = new MemoryCluster();
  readonly clock = new ManualClock();
  marksInFlight = 0;
  readonly answers: Promise<readonly [SignRequest, SignOutcome]>[] = [];
  readonly fail = (error: Error): void => assert.fail(error);

  constructor(readonly dir: string) {}

  ask(replica: Replica, { ahead, block, seconds, extended }: Asking): void {
    const last = this.cluster.read(id)?.last?.hrs ?? hrs(1, 0, 1);
    const place = Math.max(3, Number(last.height) * 3 + last.step - 1 + ahead);
    const step = ([1, 2, 3] as const)[place % 3] ?? 1;
    const at = hrs(Math.floor(place / 3), 0, step);
    const withExtension = extended && step === 3 && block !== null;
    this.send(replica, request(at, block, seconds, withExtension));
  }

  send(replica: Replica, request: SignRequest): void {
    const answer = replica.gate.sign(request, this.clock.nowMs() + 3000);
    this.answers.push(answer.then((outcome) => [request, outcome] as const));
  }

  /** Until no mark is being written and all that can go on has gone on. Real writes take real time. */
  async settled(): Promise<void> {
    for (let quiet = 0; quiet < 5; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.marksInFlight > 0) quiet = 0;
    }
  }

  watched(watermark: WatermarkFile): Watermark {
    return {
      raise: async (hrs, content) => {
        this.marksInFlight += 1;
        try {
          return await watermark.raise(hrs, content);
        } finally {
          this.marksInFlight -= 1;
        }
      },
      current: () => watermark.current(),
    };
  }
}

async function act(
  world: World,
  replicas: Readonly<Record<Name, Replica>>,
  action: Action,
): Promise<void> {
  switch (action.do) {
    case 'ask':
      world.ask(replicas[action.of], action.asking);
      return action.asking.patient ? world.settled() : undefined;
    case 'fault':
      return replicas[action.of].view.draw(action.fault);
    case 'lag':
      return replicas[action.of].view.lag(id);
    case 'catchUp':
      return replicas[action.of].view.catchUp();
    case 'deliver':
      return replicas[action.of].view.deliver();
    case 'restart':
      return replicas[action.of].restart();
    case 'wait':
      world.clock.advance(action.ms);
      return world.settled();
  }
}

const textOf = ({ height, round, step }: Hrs): string => `${height}/${round}/${step}`;
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The product's promise, told by what came out alone. @returns how many of each outcome there were */
function judge(answers: readonly (readonly [SignRequest, SignOutcome])[]): string[] {
  const released = new Map<string, string>();
  return answers.map(([request, outcome]) => {
    if (outcome.kind !== 'released')
      return outcome.kind === 'refused' ? outcome.code : outcome.reason;
    const { signBytes, signature, extensionSignature } = outcome;
    const said = readSignBytes(signBytes);
    const wanted = readSignBytes(request.signBytes);
    assert.equal(textOf(said.hrs), textOf(request.hrs), 'a signature for another place');
    assert.equal(hexOf(said.content), hexOf(wanted.content), 'a signature for another content');
    // A proposal's node keeps its own timestamp: only its own bytes may come back.
    if (request.hrs.step === 1) assert.equal(hexOf(signBytes), hexOf(request.signBytes));
    assert.ok(verifyWithNoble(signature, signBytes, key.publicKey.bytes), 'a wrong signature');
    const at = textOf(request.hrs);
    assert.equal(released.get(at) ?? hexOf(signBytes), hexOf(signBytes), `two signatures at ${at}`);
    released.set(at, hexOf(signBytes));
    const { extensionSignBytes: extension } = request;
    assert.equal(extensionSignature === null, extension === null);
    if (extension !== null && extensionSignature !== null) {
      assert.ok(verifyWithNoble(extensionSignature, extension, key.publicKey.bytes));
    }
    return outcome.verdict;
  });
}

test('one signature per place, whatever is asked of two replicas and whatever fails', async (t) => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 40 }), async (actions) => {
      await inTemporaryDirectory(async (dir) => {
        const world = new World(dir);
        world.cluster.elect('a');
        const admin = world.cluster.replica('a');
        await admin.registerChain(id, { kind: 'neverSigned' }, limits);
        const replicas = { a: await Replica.start(world, 'a'), b: await Replica.start(world, 'b') };
        for (const each of actions) await act(world, replicas, each);
        // Then the world is healed. A signer that is wedged, or never signs, fails here.
        for (const replica of [replicas.a, replicas.b]) {
          replica.view.heal();
          await replica.restart();
        }
        for (const of of ['a', 'b'] as const) {
          // Above every mark that a lost proposal left behind.
          const above = Number(world.cluster.read(id)?.last?.hrs.height ?? 0n) + 3;
          const fresh = request(hrs(above), 'X');
          const outcome = await replicas[of].gate.sign(fresh, world.clock.nowMs() + 3000);
          assert.ok(outcome.kind === 'released' && outcome.verdict === 'granted', outcome.kind);
          assert.deepEqual(outcome.signBytes, bytesOf(hrs(above), 'X'));
          await replicas[of].close();
        }
        for (const outcome of judge(await Promise.all(world.answers))) {
          seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        }
      });
    }),
    { numRuns: 60 },
  );
  t.diagnostic([...seen].map(([outcome, count]) => `${outcome} ${count}`).join(', '));
  // A world in which nothing collides proves nothing.
  for (const outcome of [
    'granted',
    'repeated',
    'retimed',
    'CONFLICT',
    'REGRESSED',
    'unknown',
    'timeout',
  ]) {
    assert.ok((seen.get(outcome) ?? 0) > 0, `${outcome} never came about`);
  }
});
