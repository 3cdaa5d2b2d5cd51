/**
 * The verdict at the end of a run, from outside.
 *
 * Owns    what must be true once everything is healed: no second content at any position, replicas that agree.
 * Never   believes a replica about what was signed: validators wrote that down, and a program re-reads it that
 *         imports nothing of ours.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cmkms, type Fleet } from '../fleet.js';

const checker = fileURLToPath(new URL('../../../check-released.mjs', import.meta.url));
const AGREE_WITHIN_MS = 20_000;

export interface Verdict {
  /** The checker's counts. */
  readonly says: string;
  /** What it found, each with the fault at that time. */
  readonly faults: readonly string[];
}

/** From when on something was played, on the clock of this machine. */
export interface Scene {
  readonly from: Date;
  readonly name: string;
}

export function judgeReleased(file: string, scenes: readonly Scene[]): Verdict {
  const { status, stdout, stderr } = spawnSync(process.execPath, [checker, file], {
    encoding: 'utf8',
  });
  const lines = stderr.split('\n').filter((line) => line !== '');
  const faults = lines.map((line) => `${line}\n    during: ${sceneOf(line, file, scenes)}`);
  if (status !== 0 && faults.length === 0) faults.push(`the checker ended with ${status}`);
  return { says: stdout.trim(), faults };
}

/** By the line of the file that the checker names. */
function sceneOf(complaint: string, file: string, scenes: readonly Scene[]): string {
  const number = /:(\d+): /.exec(complaint)?.[1];
  if (number === undefined) return 'the whole run';
  const line = readFileSync(file, 'utf8').split('\n')[Number(number) - 1] ?? '{}';
  const { at } = JSON.parse(line) as { readonly at: string };
  return scenes.findLast(({ from }) => from.getTime() <= Date.parse(at))?.name ?? 'the beginning';
}

/** The part of `cmkms status --json` that has to be the same on all replicas once nobody asks any more. */
interface Agreed {
  readonly leader_id: string;
  readonly term: number;
  readonly commit_index: string;
  readonly applied_index: string;
  readonly chains: readonly {
    readonly chain_id: string;
    readonly key_address: string;
    readonly last_sign_state: unknown;
    readonly floor: unknown;
    readonly halt_height: unknown;
  }[];
}

/** @throws where they do not agree, with what each of them says */
export async function allAgree(fleet: Fleet): Promise<void> {
  const deadlineMs = performance.now() + AGREE_WITHIN_MS;
  for (;;) {
    const said = await Promise.all(
      fleet.replicas.map(async ({ home, place }) => {
        const where = ['--home', home, '--http-addr', `${place.httpHost}:${place.httpPort}`];
        return agreedPart(JSON.parse(await cmkms('status', '--json', ...where)) as Agreed);
      }),
    );
    if (new Set(said).size === 1) return;
    if (performance.now() > deadlineMs) throw new Error(`replicas differ:\n${said.join('\n')}`);
  }
}

function agreedPart(status: Agreed): string {
  return JSON.stringify({
    leader: status.leader_id,
    term: status.term,
    commit: status.commit_index,
    applied: status.applied_index,
    chains: status.chains.map((chain) => [
      ...[chain.chain_id, chain.key_address, chain.last_sign_state, chain.floor],
      chain.halt_height,
    ]),
  });
}
