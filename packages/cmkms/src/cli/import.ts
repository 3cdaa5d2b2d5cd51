/**
 * `cmkms import filepv`: the words around import/filepv.ts.
 *
 * Owns    what is said while it goes on, and what is left to do.
 * Never   decides anything.
 */
import { resolveHome } from '../config/layers.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { importFilePv } from '../import/filepv.js';
import { standardLook } from '../import/node-files.js';
import type { Terminal } from './terminal.js';

export interface ImportFlags {
  readonly from: string;
  readonly home: readonly string[];
  readonly chainId: string;
  readonly json?: boolean;
}

/** @throws CmkmsError */
export async function importFilePvCommand(
  flags: ImportFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  const homes = [...new Set(flags.home.map((home) => resolveHome(home, terminal.around)))];
  const words = { state: 'wrote', note: 'wrote', key: 'wrote', setAside: 'set aside' };
  const outcome = await importFilePv({
    from: resolveHome(flags.from, terminal.around),
    homes,
    chainId: flags.chainId,
    look: standardLook,
    onStep: ({ kind, path }) => {
      if (flags.json !== true) terminal.out(`${words[kind]} ${path}\n`);
    },
  });
  if (flags.json === true) {
    const said = {
      chain_id: flags.chainId,
      key_address: outcome.keyAddress,
      state: outcome.position,
      homes: outcome.copies.map((copy) => copy.home),
    };
    terminal.out(`${JSON.stringify(said, null, 2)}\n`);
    return EXIT.OK;
  }
  const state =
    outcome.position === null
      ? `the node's state is at height 0, which counts as nothing: a reset writes the same for a used key.\nIf this key never signed anywhere, start once with --allow-fresh-state ${flags.chainId}.`
      : `the node's state is at ${outcome.position}; nothing at or below it is signed anew.`;
  terminal.out(
    `imported the key ${outcome.keyAddress} for ${flags.chainId} into ${homes.length} home(s)\n${state}\n`,
  );
  terminal.out(
    'the node keeps no copy under its own name; set its priv_validator_laddr, and start it last.\n',
  );
  return EXIT.OK;
}
