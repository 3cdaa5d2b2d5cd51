/**
 * One real node, `a`, among members whose every word the test chooses.
 *
 * Owns    the puppets: real links over loopback with hand-made hellos and frames, and what they heard; a
 *         real log whose writes wait where the test wants them to.
 * Never   answers by itself, but where `votes` says so.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type HeardFrame,
  type Hello,
  type LinkFrame,
  LinkTransport,
  type LogBatch,
  type LogStorage,
  type Message,
  openWal,
  RaftNode,
  type RaftNodeOptions,
} from '../src/index.js';
import { Journal, until } from './node-world.js';

export const clusterId = 'c-puppets';
const names = ['a', 'b', 'c'];

/** Writes reach the disk when the gate is open, one by one. */
export class GatedLog implements LogStorage {
  readonly written: LogBatch[] = [];
  #closed = false;
  #waiting: (() => void)[] = [];
  #failure: Error | null = null;

  constructor(readonly log: LogStorage) {}

  /** Writes from here on wait. */
  shut(): void {
    this.#closed = true;
  }
  get isWriting(): boolean {
    return this.#waiting.length > 0;
  }
  /** Lets the write that waits through; the next one waits again. */
  passOne(): void {
    this.#waiting.shift()?.();
  }
  openUp(): void {
    this.#closed = false;
    for (const go of this.#waiting.splice(0)) go();
  }
  failWith(error: Error): void {
    this.#failure = error;
  }

  open() {
    return this.log.open();
  }
  async append(batches: readonly LogBatch[]): Promise<void> {
    if (this.#closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failure !== null) throw this.#failure;
    await this.log.append(batches);
    this.written.push(...batches);
  }
  stats() {
    return this.log.stats();
  }
  close() {
    return this.log.close();
  }
}

export class Puppet {
  readonly heard: HeardFrame[] = [];
  readonly hellos: Hello[] = [];
  /** What it says of itself. */
  hello: Hello;
  /** Grants every vote, and acknowledges every append, up to `limit`. */
  votes = false;
  limit = Number.POSITIVE_INFINITY;
  ups = 0;
  downs = 0;
  #transport: LinkTransport;

  constructor(
    readonly name: string,
    joined: boolean,
  ) {
    this.hello = {
      ...{ clusterId, from: name, name, version: 'puppet', boot: 1, runId: `run-${name}` },
      ...{ term: 0, lastIndex: 0, commitIndex: 0, joined, emptyLog: !joined },
      ...{ membersDigest: names.join(), configDigest: '', rules: { oldest: 1, newest: 1 } },
    };
    this.#transport = this.#made();
  }

  get address(): string {
    return this.#transport.address;
  }

  async listen(): Promise<void> {
    await this.#transport.start(
      {
        onHello: (hello) => {
          this.hellos.push(hello);
          return { accept: true };
        },
        onFrame: (_from, frame) => this.#onFrame(frame),
        onUp: () => {
          this.ups += 1;
        },
        onDown: () => {
          this.downs += 1;
        },
        onDialFailed: () => undefined,
        onInboundFailed: () => undefined,
      },
      () => this.hello,
    );
  }

  /** Another process of the same identity and name; `a` dials the same address. */
  async restart(hello: Partial<Hello>): Promise<void> {
    const { address } = this;
    await this.#transport.stop();
    this.hello = { ...this.hello, ...hello };
    this.#transport = this.#made(address);
    await this.listen();
  }

  get isLinked(): boolean {
    return this.#transport.isUp('a');
  }

  say(message: Message): void {
    this.#send({ kind: 'raft', message, holds: 0 });
  }
  tell(payload: string): void {
    this.#send({ kind: 'application', payload: Buffer.from(payload) });
  }
  sayHello(change: Partial<Hello>): void {
    this.hello = { ...this.hello, ...change };
    this.#send({ kind: 'hello', hello: this.hello });
  }
  stop(): Promise<void> {
    return this.#transport.stop();
  }

  /** Grants, or acknowledges up to `limit`. */
  answer(message: Message): void {
    const { term } = message;
    if (message.kind === 'preVote') this.say({ kind: 'preVoteReply', term, granted: true });
    if (message.kind === 'vote') this.say({ kind: 'voteReply', term, granted: true });
    if (message.kind !== 'append') return;
    const match = Math.min(message.prevIndex + message.entries.length, this.limit);
    const { round } = message;
    const hint = { hintIndex: 0, hintTerm: 0 };
    this.say({ kind: 'appendReply', term, round, match, refused: false, ...hint });
  }

  /** Of the core: what it heard that promises something, or asks. */
  messages(): Message[] {
    return this.heard.flatMap((frame) => (frame.kind === 'raft' ? [frame.message] : []));
  }

  /** A word that is lost would be waited for in vain. */
  #send(frame: LinkFrame): void {
    assert.ok(this.#transport.send('a', frame), `${this.name} is not linked`);
  }

  #made(listen = '127.0.0.1:0'): LinkTransport {
    return new LinkTransport({ self: this.name, listen, security: { kind: 'insecure' } });
  }

  #onFrame(frame: HeardFrame): void {
    this.heard.push(frame);
    if (!this.votes || frame.kind !== 'raft') return;
    // What arrived just before the link ended is answered to nobody.
    if (!this.isLinked) return;
    this.answer(frame.message);
  }
}

/** `a`, `b` and `c`, of which only `a` is real. */
export class Scene {
  readonly b: Puppet;
  readonly c: Puppet;
  readonly directory = mkdtempSync(join(tmpdir(), 'puppets-'));
  log: GatedLog;
  machine = new Journal();
  fatal: Error[] = [];
  onFatal: () => void = () => undefined;
  dropped: string[] = [];
  recorded: { clusterId: string } | null = null;
  readonly #nodes: RaftNode<number>[] = [];

  private constructor(joined: boolean) {
    this.b = new Puppet('b', joined);
    this.c = new Puppet('c', joined);
    this.log = this.#openLog();
  }

  static async set(t: TestContext, { joined = true } = {}): Promise<Scene> {
    const scene = new Scene(joined);
    await scene.b.listen();
    await scene.c.listen();
    t.after(() => scene.#dispose());
    return scene;
  }

  /** A process of `a`, on its disk. Not started. */
  make(how: Partial<RaftNodeOptions<number>> = {}): RaftNode<number> {
    this.machine = new Journal();
    const node = new RaftNode<number>({
      storage: this.log,
      transport: new LinkTransport({
        self: 'a',
        listen: '127.0.0.1:0',
        security: { kind: 'insecure' },
      }),
      self: { id: 'a', name: 'a' },
      version: 'test',
      members: names.map((name) => ({
        id: null,
        name,
        address: this.#address(name),
        witness: false,
      })),
      clusterId,
      joined: this.recorded,
      recordJoined: async (genesis) => {
        this.recorded = { clusterId: genesis.clusterId };
      },
      stateMachine: this.machine,
      timers: { heartbeatIntervalMs: 25, electionTimeoutMs: 300, leaseMs: 200 },
      snapshotEntries: 10_000,
      stateHashEntries: 10_000,
      applyEntries: 64,
      rules: { oldest: 1, newest: 1 },
      configDigest: () => '',
      onFatal: (error) => {
        this.fatal.push(error);
        this.onFatal();
      },
      ...how,
    });
    node.on('messageDropped', (from, kind, why) => this.dropped.push(`${from} ${kind}: ${why}`));
    this.#nodes.push(node);
    return node;
  }

  /** Started, founded, and linked to both. */
  async run(how: Partial<RaftNodeOptions<number>> = {}): Promise<RaftNode<number>> {
    const node = this.make(how);
    await node.start();
    await this.linked(node);
    await until('it has joined', () => node.status() ?? undefined);
    return node;
  }

  async linked(node: RaftNode<number>): Promise<void> {
    const here = () => node.isUp('b') && node.isUp('c');
    // Of one link, one side learns before the other.
    const there = () => this.b.isLinked && this.c.isLinked;
    await until('both are linked', () => (here() && there() ? true : undefined));
  }

  /** Started and made leader by the votes of `voter`. */
  async leading(voter: Puppet, how: Partial<RaftNodeOptions<number>> = {}) {
    voter.votes = true;
    const node = await this.run(how);
    await until('it leads', () => (node.mayServe() ? true : undefined));
    return node;
  }

  /** The next process finds what this one left. */
  async ended(node: RaftNode<number>): Promise<void> {
    await node.stop();
    this.log = this.#openLog();
  }

  /** All that `puppet` said before this was taken in. */
  async takenIn(node: RaftNode<number>, puppet: Puppet): Promise<void> {
    const word = `word ${puppet.heard.length} ${Math.random()}`;
    const arrived = new Promise<void>((resolve) => {
      node.on('application', (_from, payload) => {
        if (Buffer.from(payload).toString() === word) resolve();
      });
    });
    puppet.tell(word);
    await arrived;
  }

  #openLog(): GatedLog {
    return new GatedLog(
      openWal({ directory: join(this.directory, 'wal'), segmentBytes: 256 * 1024 }),
    );
  }

  #address(name: string): string {
    if (name === 'a') return '127.0.0.1:1';
    return name === 'b' ? this.b.address : this.c.address;
  }

  async #dispose(): Promise<void> {
    this.log.openUp();
    for (const node of this.#nodes) await node.stop();
    await this.b.stop();
    await this.c.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
