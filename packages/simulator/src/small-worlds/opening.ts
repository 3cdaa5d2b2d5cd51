/**
 * The production code under search, opened: the core, the verdicts, the gate's step machine.
 *
 * Owns    where each room's module comes from, and one instance of them per planted bug.
 * Never   holds a copy of a rule: what is loaded is the compiled production code (opening-hooks.ts says what differs).
 * Proof   test/small-worlds.test.ts walks the opened core and the closed one side by side.
 */
import { register } from 'node:module';
import type * as consensusCore from '@cometkms/consensus/core';
import type * as signState from '@cometkms/sign-state';
import type * as signer from '@cometkms/signer';

export interface Rooms {
  readonly core: Pick<typeof consensusCore, 'createCore' | 'step' | 'checkCoreConfig'>;
  readonly gate: Pick<typeof signer, 'step' | 'idle'>;
  readonly applyCommand: typeof signState.applyCommand;
}

let registered = false;

/** @param planted  the name of a planted bug; `none` for production as it is */
export async function openRooms(planted: string): Promise<Rooms> {
  if (!registered) register('./opening-hooks.js', import.meta.url);
  registered = true;
  const at = (room: string, path: string): string => {
    const url = new URL(path, import.meta.resolve(room));
    url.searchParams.set('opened', planted);
    return url.href;
  };
  const core = (await import(at('@cometkms/consensus/core', './index.js'))) as Rooms['core'];
  const gate = (await import(at('@cometkms/signer', './gate/step.js'))) as Rooms['gate'];
  const { applyCommand } = (await import(
    at('@cometkms/sign-state', './apply.js')
  )) as typeof signState;
  return { core, gate, applyCommand };
}
