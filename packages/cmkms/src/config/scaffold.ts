/**
 * The config.toml that `init` and `cluster init` write.
 *
 * Owns    its text, printed from the schema: every key with its description, set or commented out.
 * Never   sets what was not said: a commented line shows the default, or an example where there is none.
 * Proof   test/config-scaffold.test.ts: what is written here, the parser takes, also with every line uncommented.
 */
import { chainKeys, type KeySpec, tables, topLevelKeys } from './schema.js';

type ScaffoldKey = Exclude<keyof typeof topLevelKeys, 'allow_unsafe'>;
export type ScaffoldValues = {
  readonly [K in ScaffoldKey]?: string | boolean | readonly string[];
};

const head = [
  '# CometKMS configuration. Precedence: flag > COMETKMS_* variable > this file > default.',
  '# Unknown keys are refused; commented lines show the default, or an example. To check:',
  '#     cmkms check --home <this directory>',
  '# Top-level keys must stay above the first [table]: TOML gives all below to that table.',
];

export function scaffold(values: ScaffoldValues): string {
  const lines = [...head];
  for (const [key, spec] of Object.entries<KeySpec>(topLevelKeys)) {
    if (key === 'allow_unsafe') continue;
    const value = values[key as ScaffoldKey];
    lines.push('', ...described(spec), ...setting(key, spec, value));
  }
  for (const [name, { title, keys }] of Object.entries(tables)) {
    lines.push('', `# --- ${title}`, `[${name}]`);
    for (const [key, spec] of Object.entries<KeySpec>(keys)) {
      lines.push(...described(spec), ...setting(key, spec, undefined));
    }
  }
  lines.push(
    '',
    '# --- several chains, or several keys: one table per (chain id, key), instead of chain_id',
    '# and validator_addr above',
    '# [[chain]]',
  );
  for (const [key, spec] of Object.entries<KeySpec>(chainKeys)) {
    lines.push(...described(spec), ...setting(key, spec, undefined));
  }
  return `${lines.join('\n')}\n`;
}

/** Two hashes: with the first one of each setting removed, the file is still TOML. */
function described(spec: KeySpec): readonly string[] {
  const names = [spec.flag, spec.env].filter((name) => name !== undefined);
  const from = names.length === 0 ? [] : [`## (${names.join(', ')})`];
  return [...spec.doc.map((line) => `## ${line}`), ...from];
}

function setting(
  key: string,
  spec: KeySpec,
  value: string | boolean | readonly string[] | undefined,
): readonly string[] {
  if (value === undefined) return [`# ${key} = ${spec.default ?? spec.example ?? '""'}`];
  if (typeof value === 'object') {
    return [`${key} = [`, ...value.map((item) => `  ${JSON.stringify(item)},`), ']'];
  }
  return [`${key} = ${JSON.stringify(value)}`];
}
