/**
 * Who may know whom (docs/architecture.md, the rooms). An import against an arrow is a change of the design,
 * and needs a page in docs/decisions.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offences, trackedFiles } from '../src/tree.js';

const mayImport: Readonly<Record<string, readonly string[]>> = {
  invariant: [],
  'sign-state': ['invariant'],
  consensus: ['invariant'],
  privval: ['invariant'],
  signer: ['invariant', 'sign-state'],
  cmkms: ['invariant', 'sign-state', 'consensus', 'privval', 'signer'],
  interop: ['invariant', 'sign-state', 'consensus', 'privval', 'signer', 'cmkms'],
  bench: ['sign-state', 'privval', 'interop'],
  simulator: ['invariant', 'sign-state', 'consensus', 'privval', 'signer', 'cmkms'],
  tidy: ['invariant', 'sign-state', 'consensus', 'privval', 'signer', 'cmkms', 'interop'],
};

const imported = /(?:from|import)\s*\(?\s*'((?:@cometkms\/[a-z-]+|cmkms)(?:\/[a-z-]+)?|[^']+)'/;
const sources = trackedFiles(/^packages\/[^/]+\/(src|test)\/.*\.ts$/);
const roomOf = (path: string): string => path.split('/')[1] ?? '';

test('every room is known to this test', () => {
  const rooms = new Set(
    trackedFiles(/^packages\/[^/]+\/package\.json$/).map((f) => roomOf(f.path)),
  );
  assert.deepEqual([...rooms].sort(), Object.keys(mayImport).sort());
});

test('rooms import only along the arrows', () => {
  const found = offences(sources, (line, file) => {
    const name = imported.exec(line)?.[1];
    if (name === undefined) return null;
    const target = name.startsWith('@cometkms/')
      ? name.split('/')[1]
      : name === 'cmkms' || name.startsWith('cmkms/')
        ? 'cmkms'
        : undefined;
    const room = roomOf(file.path);
    if (target === undefined || target === room) return null;
    return mayImport[room]?.includes(target)
      ? null
      : `${room} may not import ${target}; see the rooms in docs/architecture.md`;
  });
  assert.deepEqual(found, []);
});

test('rooms are entered by their exports, never by a path into another room', () => {
  const found = offences(sources, (line, file) => {
    const name = imported.exec(line)?.[1];
    if (name === undefined || !name.startsWith('.')) return null;
    const depth = file.path.split('/').length - 3;
    const ups = name.split('/').filter((part) => part === '..').length;
    return ups > depth ? `leaves its room by ${name}; import the package by name` : null;
  });
  assert.deepEqual(found, []);
});

test('each package depends on what it imports of ours, and on nothing more', () => {
  for (const manifest of trackedFiles(/^packages\/[^/]+\/package\.json$/)) {
    const room = roomOf(manifest.path);
    const declared = Object.keys(
      (JSON.parse(manifest.text) as { dependencies?: Record<string, string> }).dependencies ?? {},
    ).filter((name) => name.startsWith('@cometkms/') || name === 'cmkms');
    const used = new Set(
      sources
        .filter((file) => roomOf(file.path) === room)
        .flatMap((file) => [...file.text.matchAll(new RegExp(imported, 'g'))])
        .map((match) => match[1] ?? '')
        .filter((name) => name.startsWith('@cometkms/') || name.startsWith('cmkms'))
        .map((name) => (name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : 'cmkms')),
    );
    assert.deepEqual([...used].sort(), declared.sort(), `${manifest.path}: dependencies of ours`);
  }
});
