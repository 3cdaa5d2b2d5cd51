/** What a reader is sent to exists: links between pages, headings, alerts' metrics, commands, codes. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { consensusErrors } from '@cometkms/consensus';
import { privvalErrors } from '@cometkms/privval';
import { signStateErrors } from '@cometkms/sign-state';
import { signerErrors } from '@cometkms/signer';
import {
  cmkmsErrors,
  labelsOf,
  type MetricName,
  metricNames,
  metricRow,
  noteCodes,
  reasonCodes,
  remoteErrorCodes,
} from 'cmkms';
import { programNowhere } from '../src/program-nowhere.js';
import { offences, root, trackedFiles } from '../src/tree.js';

const pages = trackedFiles(/^(README|docs\/.*|packages\/[^/]+\/README)\.md$/);
const rules = trackedFiles(/^deploy\/prometheus\/.*\.yml$/);
const byHand = pages.filter((page) => !page.text.startsWith('<!-- Printed from'));

/** As GitHub makes it from a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

const anchors = new Map(
  pages.map(({ path, text }) => {
    const prose = text.replace(/^```[\s\S]*?^```$/gm, '');
    const headings = [...prose.matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] ?? ''));
    return [path, new Set(headings)];
  }),
);

/** Null where it leads somewhere. */
function dead(target: string, from: string): string | null {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : normalize(join(dirname(from), file));
  if (!existsSync(join(root, path))) return `${target}: there is no ${path}`;
  if (anchor === undefined || anchors.get(path)?.has(anchor)) return null;
  return `${target}: ${path} has no heading #${anchor}`;
}

test('every link between pages leads to a file, and to a heading of it', () => {
  const found = offences(pages, (line, { path }) => {
    const targets = [...line.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
    const broken = targets.flatMap((target) =>
      /^[a-z]+:/.test(target) ? [] : (dead(target, path) ?? []),
    );
    return broken.length === 0 ? null : broken.join('; ');
  });
  assert.deepEqual(found, []);
});

test('every page is reached from another', () => {
  const linked = new Set(
    pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)\s#]+)/g)]
        .map((match) => normalize(join(dirname(path), match[1] ?? '')))
        .filter((target) => target !== path),
    ),
  );
  const alone = pages.filter(({ path }) => path.startsWith('docs/') && !linked.has(path));
  assert.deepEqual(
    alone.map(({ path }) => path),
    [],
  );
});

test('every alert has a runbook, and every section of the page an alert', () => {
  const runbooks = rules.flatMap(({ text }) =>
    [...text.matchAll(/runbook_url: (\S+)/g)].map((match) => match[1] ?? ''),
  );
  const alerts = rules.flatMap(({ text }) => text.match(/- alert: /g) ?? []);
  assert.ok(alerts.length > 0, 'no alert was found');
  assert.equal(runbooks.length, alerts.length, 'each alert needs a runbook_url');
  const broken = runbooks.flatMap((target) => dead(target, 'README.md') ?? []);
  assert.deepEqual(broken, []);
  const used = new Set(runbooks.map((target) => target.split('#')[1]));
  const unused = [...(anchors.get('docs/alerts.md') ?? [])].filter(
    (anchor) => anchor !== 'alerts' && !used.has(anchor),
  );
  assert.deepEqual(unused, [], 'sections of docs/alerts.md that no alert names');
});

test('a runbook that an alert names exists, and the page of alerts leads to every runbook', () => {
  const named = rules.flatMap(({ text }) =>
    [...text.matchAll(/ runbook: (\S+)/g)].map((match) => match[1] ?? ''),
  );
  assert.ok(named.length > 0, 'no alert names a runbook');
  assert.deepEqual(
    named.flatMap((target) => dead(target, 'README.md') ?? []),
    [],
  );
  const alerts = pages.find(({ path }) => path === 'docs/alerts.md')?.text ?? '';
  const unread = pages.filter(
    ({ path }) =>
      path.startsWith('docs/runbooks/') && !alerts.includes(`(${path.slice('docs/'.length)}`),
  );
  assert.deepEqual(
    unread.map(({ path }) => path),
    [],
  );
});

const series = new Set(
  metricNames().flatMap((name) =>
    metricRow(name).kind === 'histogram'
      ? [`${name}_bucket`, `${name}_sum`, `${name}_count`]
      : [name],
  ),
);

test('alerts use series that exist', () => {
  const found = offences(rules, (line) => {
    const names = line.replace(/#.*/, '').match(/\bcmkms_[a-z0-9_]+/g) ?? [];
    const unknown = names.filter((name) => !series.has(name));
    return unknown.length === 0 ? null : `${unknown.join(', ')}: not in the catalogue of metrics`;
  });
  assert.deepEqual(found, []);
});

/** The labels of a series, each with the values that it takes; null: any. */
function labels(name: string): ReadonlyMap<string, readonly string[] | null> {
  const metric = name.replace(/_(bucket|sum|count)$/, '');
  const row = metricRow((metricNames().find((each) => each === name) ?? metric) as MetricName);
  const axes = new Map<string, readonly string[] | null>(labelsOf(row).map((each) => [each, null]));
  for (const axis of row.axes) if (typeof axis === 'object') axes.set(axis.label, axis.values);
  return axes;
}

test('alerts select by labels and values that the series have', () => {
  const found = offences(rules, (line) => {
    const selected = line.replace(/#.*/, '').matchAll(/\b(cmkms_[a-z0-9_]+)\{([^}]*)\}/g);
    const wrong = [...selected].flatMap(([, name = '', inside = '']) =>
      [...inside.matchAll(/([a-z_]+)=~?"([^"]*)"/g)].filter(([, label = '', values = '']) => {
        const known = labels(name).get(label);
        return (
          known === undefined || values.split('|').some((value) => known?.includes(value) === false)
        );
      }),
    );
    return wrong.length === 0 ? null : `${wrong.map(([what]) => what).join(', ')}: no such series`;
  });
  assert.deepEqual(found, []);
});

test('alerts keep only labels that the series on their line have', () => {
  const found = offences(rules, (line) => {
    const code = line.replace(/#.*/, '');
    const [name] = code.match(/\bcmkms_[a-z0-9_]+/) ?? [];
    if (name === undefined) return null;
    const kept = [...code.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, all = '']) =>
      all.split(/, */),
    );
    const known = new Set(['job', 'instance', 'le', ...labels(name).keys()]);
    const unknown = kept.filter((label) => !known.has(label));
    return unknown.length === 0 ? null : `${name} has no ${unknown.join(', ')}`;
  });
  assert.deepEqual(found, []);
});

test('pages name metrics that exist', () => {
  const found = offences(byHand, (line) => {
    const names = [...line.matchAll(/`(cmkms_[a-z0-9_]+)`/g)].map((match) => match[1] ?? '');
    const known = new Set<string>([...metricNames(), ...series]);
    const unknown = names.filter((name) => !known.has(name));
    return unknown.length === 0 ? null : `${unknown.join(', ')}: not in the catalogue of metrics`;
  });
  assert.deepEqual(found, []);
});

const program = programNowhere();

/** Null where these words are a command with such flags. */
function unknownCommand(words: readonly string[]): string | null {
  let command = program;
  const flags = new Set(['--help', '--home']);
  for (const word of words) {
    const next = command.commands.find((child) => child.name() === word);
    if (next !== undefined) {
      command = next;
      for (const option of command.options) flags.add(option.long ?? '');
    } else if (/^--[a-z]/.test(word)) {
      if (!flags.has(word)) return `${command.name()} has no flag ${word}`;
    } else if (command.commands.length > 0) {
      return `${command.name()} has no command ${word}`;
    }
  }
  return null;
}

/** A command line: after a prompt or at the begin of a line, or alone in code. */
const typed = /(?:^(?:[a-z-]*\$ )?|`)\s*(?:sudo -u cmkms )?cmkms ([a-z][^`|&;#]*)/;
/** What a node prints of us begins like a command: `cmkms kms-a CONFLICT: ...`. */
const printed = /\bcmkms kms-[a-e] [A-Z]/;

test('pages name commands and flags that exist', () => {
  const found = offences(byHand, (line) => {
    const words = typed
      .exec(line)?.[1]
      ?.split(/\s+/)
      .filter((word) => /^(--)?[a-z]/.test(word));
    return words === undefined || printed.test(line) ? null : unknownCommand(words);
  });
  assert.deepEqual(found, []);
});

const codes = new Set([
  ...[cmkmsErrors, consensusErrors, privvalErrors, signerErrors, signStateErrors].flatMap((t) =>
    Object.keys(t),
  ),
  ...[...reasonCodes, ...noteCodes, ...Object.keys(remoteErrorCodes)],
]);

test('pages name codes that exist', () => {
  const found = offences(byHand, (line) => {
    const named = [...line.matchAll(/`([A-Z]{2,}(?:_[A-Z]+)+)`|\berror ([A-Z_]+):/g)];
    const unknown = named.map((m) => m[1] ?? m[2] ?? '').filter((code) => !codes.has(code));
    return unknown.length === 0 ? null : `${unknown.join(', ')}: in no table of errors`;
  });
  assert.deepEqual(found, []);
});
