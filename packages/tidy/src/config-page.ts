/**
 * docs/config.md: every key that config.toml may hold.
 *
 * Owns    the layout of the page.
 * Never   describes a key: the schema does.
 */
import { chainKeys, type KeySpec, raftProfiles, tables, topLevelKeys } from 'cmkms';
import { code, type Page, page, table } from './markdown.js';

const kinds: Readonly<Record<KeySpec['kind'], string>> = {
  text: 'string',
  truth: 'true or false',
  duration: 'duration',
  size: 'size',
  count: 'whole number',
  texts: 'list of strings',
  textOrTexts: 'string, or list',
};

function keysTable(keys: Readonly<Record<string, KeySpec>>): string {
  const rows = Object.entries(keys).map(([name, spec]) => [
    code(name),
    kinds[spec.kind],
    spec.default === undefined ? '' : code(spec.default),
    [spec.flag, spec.env]
      .filter((n) => n !== undefined)
      .map(code)
      .join(' '),
    [spec.doc.join(' '), bounds(spec)].filter((part) => part !== '').join(' '),
  ]);
  return table(['key', 'kind', 'default', 'flag, variable', 'what it is'], rows);
}

function bounds({ atLeast, atMost }: KeySpec): string {
  if (atLeast !== undefined && atMost !== undefined) return `From ${atLeast} to ${atMost}.`;
  return atLeast === undefined ? '' : `At least ${atLeast}.`;
}

export function configPage(): Page {
  const profiles = Object.entries(raftProfiles).map(([name, timers]) => [
    code(name),
    timers.heartbeat_interval,
    timers.election_timeout,
    timers.lease,
  ]);
  return page({
    name: 'config',
    title: 'Configuration',
    from: ['packages/cmkms/src/config/schema.ts'],
    body: [
      'A replica reads `config.toml` in its home. A flag wins over a variable, a variable over the ' +
        'file, the file over the default. Unknown keys are refused. To check: `cmkms check --home <home>`.',
      'Durations and sizes are strings with a unit: `"25ms"`, `"1s"`, `"2m"`, `"256MiB"`. A bare ' +
        'number is refused. Lists in variables are separated by commas. Paths are relative to the home.',
      'What lowers safety cannot be said by a variable: `solo`, `--insecure-raft`, ' +
        '`--allow-fresh-state`. The last two cannot be said in the file either.',
      '## Top level',
      'These stand above the first `[table]`: TOML gives everything below to that table.',
      keysTable(topLevelKeys),
      ...Object.entries(tables).flatMap(([name, { title, keys }]) => [
        `## [${name}]`,
        `${title.charAt(0).toUpperCase()}${title.slice(1)}.`,
        keysTable(keys),
        ...(name === 'raft'
          ? [table(['profile', 'heartbeat_interval', 'election_timeout', 'lease'], profiles)]
          : []),
      ]),
      '## [[chain]]: several chains, or several keys',
      'One table per chain id and key, instead of `chain_id` and `validator_addr`. Two keys on one ' +
        'chain are two tables with the same `id`. Taking a table out stops signing for it here; it ' +
        'never forgets what was signed.',
      keysTable(chainKeys),
    ],
  });
}
