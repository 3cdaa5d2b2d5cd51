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
