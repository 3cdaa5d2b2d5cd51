/**
 * A network of its own: a namespace for each replica and one for the validators, each on a cable to a hub.
 *
 * Owns    building it, and what can be done to it: drop what comes from somebody, lose some of it, pull a cable.
 * Never   touches the machine's own network, and never cuts the port on which replicas are asked for their status.
 *         Packets are dropped where they arrive: the sender learns nothing, as on a real network.
 */
import { spawn, spawnSync } from 'node:child_process';
import { run } from '../processes.js';

/** Where the suite and its validators live. */
export const VALIDATORS = 'validators';
export const HTTP_PORT = 8080;

const SUBNET = '10.77.0';
const hosts: readonly string[] = [VALIDATORS, 'kms-a', 'kms-b', 'kms-c', 'kms-d', 'kms-e'];

/** Undoes one change; others stay. */
export type Undo = () => Promise<void>;

/** Runs in the network that `launcher` names, and ends with whoever started it. */
export function launcherInto(scope: string, host: string): readonly string[] {
  const inside = ['nsenter', `--net=/run/netns/${scope}-${host}`];
  return [...inside, 'setpriv', '--pdeathsig', 'KILL'];
}

export function addressOf(host: string): string {
  const at = hosts.indexOf(host);
  if (at < 0) throw new Error(`no host ${host}`);
  return `${SUBNET}.${10 + at}`;
}

/** @throws where the kernel refuses a part of it */
export function buildNetwork(scope: string): void {
  const hub = `${scope}-hub`;
  const ip = (...args: readonly string[]): void => {
    const done = spawnSync('ip', [...args], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr}`);
  };
  ip('netns', 'add', hub);
  ip('-n', hub, 'link', 'add', 'hub', 'type', 'bridge');
  ip('-n', hub, 'link', 'set', 'hub', 'up');
  for (const host of hosts) {
    const name = `${scope}-${host}`;
    ip('netns', 'add', name);
    const peer = ['peer', 'name', 'eth0', 'netns', name];
    ip('-n', hub, 'link', 'add', host, 'type', 'veth', ...peer);
    ip('-n', hub, 'link', 'set', host, 'master', 'hub', 'up');
    ip('-n', name, 'addr', 'add', `${addressOf(host)}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up');
  }
}

interface Drop {
  /** Null: from everywhere. */
  readonly from: string | null;
  readonly percent: number;
}

export class Network {
  readonly #drops = new Map<string, Set<Drop>>();

  /** Of one that stands. */
  constructor(readonly scope: string) {}

  /** What `from` sends does not reach `at`; the other way is open. */
  async cut(from: string, at: string): Promise<Undo> {
    return await this.#drop(at, { from, percent: 100 });
  }

  async cutBoth(one: string, other: string): Promise<Undo> {
    const undo = [await this.cut(one, other), await this.cut(other, one)];
    return async () => {
      for (const each of undo) await each();
    };
  }

  /** So much of all that comes to `at` is lost. */
  async lose(at: string, percent: number): Promise<Undo> {
    return await this.#drop(at, { from: null, percent });
  }

  /** The cable between a host and the hub. */
  async unplug(host: string): Promise<Undo> {
    const cable = ['-n', `${this.scope}-hub`, 'link', 'set', host];
    await run('ip', [...cable, 'down']);
    return async () => {
      await run('ip', [...cable, 'up']);
    };
  }

  async #drop(at: string, drop: Drop): Promise<Undo> {
    const drops = this.#drops.get(at) ?? new Set();
    this.#drops.set(at, drops.add(drop));
    await this.#apply(at, drops);
    return async () => {
      drops.delete(drop);
      await this.#apply(at, drops);
    };
  }

  /** One transaction: there is no moment without rules. */
  async #apply(at: string, drops: ReadonlySet<Drop>): Promise<void> {
    const rules = [...drops].map(({ from, percent }) => {
      const source = from === null ? '' : `ip saddr ${addressOf(from)} `;
      return `${source}${percent < 100 ? `numgen random mod 100 < ${percent} ` : ''}drop`;
    });
    const ruleset = [
      'table inet chaos {}',
      'delete table inet chaos',
      'table inet chaos {',
      '  chain arriving {',
      '    type filter hook input priority 0; policy accept;',
      `    tcp sport ${HTTP_PORT} accept`,
      `    tcp dport ${HTTP_PORT} accept`,
      '    iif lo accept',
      ...rules.map((rule) => `    ${rule}`),
      '  }',
      '}',
      '',
    ].join('\n');
    await feed('nsenter', [`--net=/run/netns/${this.scope}-${at}`, 'nft', '-f', '-'], ruleset);
  }
}

function feed(command: string, args: readonly string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: ['pipe', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (text: Buffer) => {
      complaint += text.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')}: ${complaint}\n${input}`));
    });
    child.stdin.end(input);
  });
}
