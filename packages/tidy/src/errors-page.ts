/**
 * docs/errors.md: every code of every room, what it says, what to do, and how the process ends.
 *
 * Owns    the order of the page, and which facts make a row's other sentence.
 * Never   words an error: the tables do.
 */
import { consensusErrors } from '@cometkms/consensus';
import { privvalErrors } from '@cometkms/privval';
import { signStateErrors } from '@cometkms/sign-state';
import { signerErrors } from '@cometkms/signer';
import { cmkmsErrors, exitCodeOfForeign, exitMeanings, remoteErrorCodes } from 'cmkms';
import { code, type Page, page, table } from './markdown.js';
import { placeholders } from './placeholders.js';

/** Facts under which a row says something else. */
const otherSentences: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ADDR_CLASH: { relation: 'covers' },
  PEERS_EMPTY: { listed: 'none' },
  NOT_LEADER: { leader: null },
  CONSENSUS_NOT_LEADER: { leader: null },
};

type Says = (facts: unknown) => string;
interface AnyRow {
  readonly says: (facts: never) => string;
  readonly remedy: string | ((facts: never) => string);
}

function sentences(name: string, row: AnyRow, which: 'says' | 'remedy'): string {
  const speak = row[which];
  if (typeof speak === 'string') return speak;
  const other = otherSentences[name];
  const said = [...(other === undefined ? [] : [other]), {}].map(
    (given) => `${(speak as Says)(placeholders(given))}`,
  );
  return [...new Set(said)].map(inCode).join(' / ');
}

/** Sentences with placeholders are printed as code, so that nothing in them is taken for Markdown. */
function inCode(text: string): string {
  return code(text.replaceAll('`', "'"));
}

function roomTable(errors: Readonly<Record<string, AnyRow>>, exits: boolean): string {
  const rows = Object.entries(errors).map(([name, row]) => [
    code(name),
    ...(exits ? [String(exitCodeOfForeign(name))] : []),
    sentences(name, row, 'says'),
    sentences(name, row, 'remedy'),
  ]);
  return table(['code', ...(exits ? ['exit'] : []), 'says', 'fix'], rows);
}

function ownTables(): readonly string[] {
  return exitMeanings.flatMap(([exit, meaning]) => {
    const errors = Object.entries(cmkmsErrors).filter(([, row]) => row.exitCode === exit);
    if (errors.length === 0) return [];
    return [`### Exit ${exit}: ${meaning}`, roomTable(Object.fromEntries(errors), false)];
  });
}

export function errorsPage(): Page {
  const exits = exitMeanings.map(([exit, meaning]) => [String(exit), meaning]);
  const remote = Object.entries(remoteErrorCodes).map(([name, number]) => [
    String(number),
    code(name),
    remoteMeanings[name as keyof typeof remoteErrorCodes],
  ]);
  return page({
    name: 'errors',
    title: 'Errors',
    from: ['packages/*/src/errors.ts', 'packages/cmkms/src/exit-codes.ts'],
    body: [
      'A command that fails prints two lines: `error CODE: what is wrong` and `fix: what to do`. A ' +
        'code keeps its meaning for ever. Words in `<angle brackets>` are filled in.',
      '## Exit codes',
      table(['exit', 'meaning'], exits),
      'A supervisor must not restart on 2 and 3: ' +
        '[the unit file](../deploy/systemd/cmkms.service) says `RestartPreventExitStatus=2 3`.',
      '## Of the program',
      ...ownTables(),
      "## In the validator's log",
      'A refusal reaches the node as an error with a number, and the node writes it into its own log: ' +
        '`signerEndpoint returned error #2: cmkms kms-a CONFLICT: ...`. The node goes on without this ' +
        'one signature. What must be answered later is not answered at all: the connection is reset, ' +
        'and the node asks again.',
      table(['number', 'name', 'what it means for you'], remote),
      '## Of consensus',
      'These can end the process; the exit code is the one beside them.',
      roomTable(consensusErrors, true),
      '## Of the signer',
      roomTable(signerErrors, true),
      '## Of the sign state',
      roomTable(signStateErrors, true),
      '## Of links to validators',
      'Never fatal: they appear as the reason in `link_down` and `link_still_down` lines, and as `ERROR` in ' +
        '`cmkms status`.',
      roomTable(privvalErrors, false),
    ],
  });
}

const remoteMeanings: Readonly<Record<keyof typeof remoteErrorCodes, string>> = {
  MALFORMED: 'The request was no vote and no proposal. Find out what is connected.',
  CONFLICT:
    'Two nodes asked for different content at one position. The second was refused; nothing was double signed. Find out why two nodes disagree.',
  REGRESSED: 'The node replays, or is behind. Nothing to do.',
  HALTED: 'You set a halt height. `cmkms halt clear` ends it.',
  LEAP: 'The node asks far above what was signed. If that is right: `cmkms floor raise`.',
  CUTOVER:
    'The first request after an import lies far above it: the old signer may have run on. Find it, then `cmkms floor raise`.',
  RETIRED: 'This cluster retired the chain, for ever.',
  UNREGISTERED: 'The chain is not registered yet: `cmkms status` says whom it waits for.',
  PROPOSAL_RETIMED:
    'The node asked for its proposal again with a new time. The round goes on without it. Nothing to do.',
  WATERMARK:
    'The second gate of one replica refused: it had reserved other content there that never committed. One vote at most is lost.',
  BACKEND: 'The key did not sign, or signed wrongly. See the log of the replica that leads.',
  NO_QUORUM: 'No majority of the replicas is in contact. Bring one back.',
};
