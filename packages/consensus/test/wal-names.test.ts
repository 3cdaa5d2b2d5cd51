/** What lies beside the frames: the names in the directory, and the durable note. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNote, encodeNote } from '../src/wal/durable-note.js';
import { SECTOR_BYTES } from '../src/wal/frame.js';
import { readName } from '../src/wal/segments.js';

test('what the names in the directory mean', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['0000000001.wal', 'segment'],
    ['9999999999.wal', 'segment'],
    ['0000000001.wal.new', 'unfinished'],
    ['durable', 'note'],
    ['0000000000.wal', 'suspect'],
    ['1.wal', 'suspect'],
    ['0000000001.wal.bak', 'suspect'],
    ['0000000001.WAL', 'suspect'],
    ['copy of 0000000001.wal', 'suspect'],
    ['lost+found', 'foreign'],
    ['.DS_Store', 'foreign'],
  ];
  for (const [name, kind] of rows) assert.equal(readName(name).kind, kind, name);
});

test('a note is read back; a missing, cut or damaged one says nothing, and never something else', () => {
  const note = encodeNote(2 ** 40 + 7);
  assert.equal(decodeNote(note), 2 ** 40 + 7);
  assert.equal(decodeNote(null), 0);
  assert.equal(decodeNote(Buffer.alloc(SECTOR_BYTES)), 0);
  for (let length = 0; length < note.length; length += 1) {
    assert.equal(decodeNote(note.subarray(0, length)), 0);
  }
  for (let bit = 0; bit < note.length * 8; bit += 1) {
    const bytes = Buffer.from(note);
    bytes.writeUInt8((bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
    assert.equal(decodeNote(bytes), 0, `bit ${bit}`);
  }
});
