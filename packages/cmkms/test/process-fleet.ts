/**
 * The homes of `cluster init` and `cluster home`, with a key in those that hold one, and their replicas as processes.
 *
 * Owns    ports, homes, and asking the real command line as an operator would.
 * Never   writes what a command of the program should write.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { writeKeyFile } from '@cometkms/signer';
import { freePorts, until } from './cluster.js';
import { type Process, Scene } from './processes.js';
import { CHAIN, cmkms, type Ended, keyOf } from './scratch-homes.js';
import type { Validator } from './validator.js';

export interface ShownMember {
  readonly id: string;
  readonly role: string;
  readonly voter: boolean;
  readonly witness: boolean;
  readonly reachable: boolean;
  readonly lag: string;
}

export class Fleet {
  readonly scene: Scene;
  readonly validator: Validator;
  readonly running = new Map<string, Process>();
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(scene: Scene, validator: Validator, ports: ReadonlyMap<string, number>) {
    this.scene = scene;
    this.validator = validator;
    this.#ports = ports;
  }

  /** @param later  names of replicas that are to join: only their addresses are set aside */
  static async make(
    t: TestContext,
    seats: {
      readonly holders: readonly string[];
      readonly witnesses?: readonly string[];
      readonly later?: readonly string[];
    },
  ): Promise<Fleet> {
    const { holders, witnesses = [], later = [] } = seats;
    const scene = await Scene.open(t);
    const names = [...holders, ...witnesses, ...later];
    const ports = await freePorts(names.length);
    const byName = new Map(names.map((name, i) => [name, ports[i] ?? 0]));
    const fleet = new Fleet(scene, await scene.validator(CHAIN), byName);
    const made = await fleet.type(
      ...['cluster', 'init', '--out', scene.directory.concat('/fleet'), '--chain-id', CHAIN],
      ...['--validator-addr', fleet.validator.address, '--http-addr', ''],
      ...holders.flatMap((name) => ['--peer', fleet.peer(name)]),
      ...witnesses.flatMap((name) => ['--witness', fleet.peer(name)]),
    );
    assert.equal(made.code, 0, made.err);
    for (const name of holders) await fleet.giveKey(name);
    for (const name of [...holders, ...witnesses]) await fleet.#calm(name);
    return fleet;
  }

  home(name: string): string {
    return join(this.scene.directory, 'fleet', name);
  }

  /** `id=host:port`. */
  peer(name: string): string {
    return `${name}=127.0.0.1:${this.#ports.get(name)}`;
  }

  async giveKey(name: string): Promise<void> {
    await writeKeyFile(join(this.home(name), 'priv', 'priv_validator_key.json'), keyOf(1));
  }

  /** `cluster home`; for one that holds a key, with it. @returns the identity that was printed */
  async newHome(name: string, peers: readonly string[], witness = false): Promise<string> {
    const chain = ['--chain-id', CHAIN, '--validator-addr', this.validator.address];
    const { code, out, err } = await this.type(
      ...['cluster', 'home', '--ca', this.home('ca'), '--id', name, '--out', this.home(name)],
      ...['--http-addr', '', ...(witness ? ['--witness'] : chain)],
      ...[...peers, name].flatMap((each) => ['--peer', this.peer(each)]),
    );
    assert.equal(code, 0, err);
    if (!witness) await this.giveKey(name);
    await this.#calm(name);
    return /^identity {2}([0-9a-f]{64})$/m.exec(out)?.[1] ?? '';
  }

  /** Slower timers, so that a machine under load does not elect leaders all day. */
  async #calm(name: string): Promise<void> {
    const path = join(this.home(name), 'config.toml');
    const toml = await readFile(path, 'utf8');
    assert.match(toml, /^# profile = "lan"$/m);
    await writeFile(path, toml.replace(/^# profile = "lan"$/m, 'profile = "wan"'));
  }

  start(name: string, ...flags: readonly string[]): Process {
    const args = ['start', '--home', this.home(name), '--log-format', 'json', ...flags];
    const process_ = this.scene.start(args);
    this.running.set(name, process_);
    return process_;
  }

  /** All of a new cluster; the first states that the key never signed. */
  startAll(names: readonly string[]): void {
    names.forEach((name, i) => {
      this.start(name, ...(i === 0 ? ['--allow-fresh-state', CHAIN] : []));
    });
  }

  async kill(name: string): Promise<void> {
    await this.running.get(name)?.kill();
    this.running.delete(name);
  }

  /** On the leader's home, also where another one leads meanwhile. */
  async onLeader(...args: readonly string[]): Promise<Ended> {
    for (;;) {
      const ended = await this.type(...args, '--home', this.home(await this.leader()));
      if (!ended.err.startsWith('error NOT_LEADER')) return ended;
    }
  }

  type(...args: readonly string[]): Promise<Ended> {
    return cmkms(args);
  }

  sign(height: number): Promise<unknown> {
    return this.validator.sign(keyOf(1).publicKey, { height });
  }

  /** Null: it does not answer. */
  async members(at: string): Promise<{
    readonly leader_id: string;
    readonly members: readonly ShownMember[];
  } | null> {
    const { code, out } = await this.type('cluster', 'status', '--home', this.home(at), '--json');
    return code === 0 ? JSON.parse(out) : null;
  }

  /** Who leads, as itself says. */
  async leader(): Promise<string> {
    return await until('a leader', async () => {
      for (const name of this.running.keys()) {
        if ((await this.members(name))?.leader_id === name) return name;
      }
      return undefined;
    });
  }
}
