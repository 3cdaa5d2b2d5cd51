/** The watermark on a real disk: what it refuses, what damage it survives, and a process killed while it raises. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync } from 'node:fs';
import { readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { InvariantViolation, onViolation } from '@cometkms/invariant';
import type { Hrs } from '@cometkms/sign-state';
import {
  type DurableFiles,
  openWatermark,
  SignerError,
  systemFiles,
  type WatermarkFile,
} from '../src/index.js';
import { classify, encodeSlot, type Mark, ownerOf } from '../src/watermark.js';
import { inTemporaryDirectory } from './temporary.js';
import { hrs, id } from './worlds.js';

const X = Buffer.from('content X');
const Y = Buffer.from('content Y');
const slotBytes = 4096;

async function fresh(dir: string, from: Hrs | null = null): Promise<WatermarkFile> {
  const opened = await openWatermark(join(dir, 'watermark'), id);
  assert.equal(opened.kind, 'lost');
  assert.equal(opened.reason, 'missing');
  return opened.rebuild(from && { hrs: from, content: X });
}

async function held(dir: string): Promise<{ watermark: WatermarkFile; badSlot: 0 | 1 | null }> {
  const opened = await openWatermark(join(dir, 'watermark'), id);
  assert.equal(opened.kind, 'held');
  return opened;
}

test('it rises, repeats, and refuses below and beside, before and after it is opened again', () =>
  inTemporaryDirectory(async (dir) => {
    let watermark = await fresh(dir);
    assert.equal(watermark.current(), null);
    const rows: readonly (readonly [Hrs, Buffer, string])[] = [
      [hrs(7, 1, 2), X, 'raised'],
      [hrs(7, 1, 2), X, 'raised'],
      [hrs(7, 1, 2), Y, 'otherContent'],
      [hrs(7, 1, 1), X, 'regressed'],
      [hrs(7, 0, 3), X, 'regressed'],
      [hrs(6, 9, 3), X, 'regressed'],
      [hrs(7, 1, 3), Y, 'raised'],
      [hrs(7, 1, 2), X, 'regressed'],
      [hrs(7, 2, 1), X, 'raised'],
      [hrs(8, 0, 1), X, 'raised'],
    ];
    for (const reopen of [false, true]) {
      if (reopen) {
        await watermark.close();
        const again = await held(dir);
        assert.equal(again.badSlot, null);
        watermark = again.watermark;
        assert.deepEqual(watermark.current(), { hrs: hrs(8, 0, 1) });
      }
      for (const [at, content, expected] of rows) {
        const place = reopen ? { ...at, height: at.height + 100n } : at;
        const verdict = await watermark.raise(place, content);
        assert.equal(verdict.kind === 'raised' ? 'raised' : verdict.reason, expected);
        if (verdict.kind === 'refused') assert.deepEqual(watermark.current(), { hrs: verdict.at });
      }
    }
    await watermark.close();
  }));

test('the file keeps its size, is owner-only, and alone in its directory', () =>
  inTemporaryDirectory(async (dir) => {
    const watermark = await fresh(dir, hrs(5));
    for (let height = 6; height < 12; height++) await watermark.raise(hrs(height), X);
    await watermark.close();
    const { size, mode } = await stat(join(dir, 'watermark'));
    assert.deepEqual([size, mode & 0o777], [2 * slotBytes, 0o600]);
    assert.deepEqual(await readdir(dir), ['watermark']);
  }));

test('each write is synced: the descriptor carries O_DSYNC', async (t) => {
  if (!existsSync('/proc/self/fd')) return t.skip('only /proc shows the flags of a descriptor');
  await inTemporaryDirectory(async (dir) => {
    const watermark = await fresh(dir);
    const target = join(dir, 'watermark');
    const flags: number[] = [];
    for (const fd of await readdir('/proc/self/fd')) {
      if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')) !== target) continue;
      const info = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8');
      flags.push(Number.parseInt(/flags:\s*([0-7]+)/.exec(info)?.[1] ?? '0', 8));
    }
    assert.equal(flags.length, 1);
    assert.ok(((flags[0] ?? 0) & constants.O_DSYNC) === constants.O_DSYNC);
    await watermark.close();
  });
});

test('a mark is in the file when raise resolves, and not told before', () =>
  inTemporaryDirectory(async (dir) => {
    const watermark = await fresh(dir);
    const raising = watermark.raise(hrs(7), X);
    assert.equal(watermark.current(), null, 'told before it was written');
    await raising;
    const again = await held(dir);
    assert.deepEqual(again.watermark.current(), { hrs: hrs(7) });
    await again.watermark.close();
    await watermark.close();
  }));

/** The system's files, and what is asked of them; `fails` rejects one kind of call. */
function recorded(calls: string[], fails: string | null): DurableFiles {
  const call = async <T>(kind: string, run: () => Promise<T>): Promise<T> => {
    calls.push(kind);
    if (kind === fails) throw new Error('EIO');
    return run();
  };
  return {
    ...systemFiles,
    open: async (path) => {
      const file = await systemFiles.open(path);
      return {
        write: (bytes, at) => call(`write at ${at}`, () => file.write(bytes, at)),
        sync: () => call('sync', () => file.sync()),
        close: () => file.close(),
      };
    },
    syncDirectoryOf: (path) => call('sync directory', () => systemFiles.syncDirectoryOf(path)),
  };
}

test('what is read is written once more in its place, and synced, before it is held', () =>
  inTemporaryDirectory(async (dir) => {
    const path = join(dir, 'watermark');
    const watermark = await fresh(dir);
    await watermark.raise(hrs(7), X);
    await watermark.close();
    const before = await readFile(path);
    const steps = ['write at 0', 'sync', 'sync directory'];
    const calls: string[] = [];
    const edges = { files: recorded(calls, null), nowMs: () => 0 };
    const opened = await openWatermark(path, id, edges);
    assert.ok(opened.kind === 'held');
    await opened.watermark.close();
    assert.deepEqual(calls, steps);
    assert.deepEqual(await readFile(path), before);
    for (const step of steps) {
      const failing = { files: recorded([], step), nowMs: () => 0 };
      await assert.rejects(openWatermark(path, id, failing), { code: 'SIGNER_WATERMARK_FAILED' });
    }
  }));

test('a failed write rejects, and no later raise is believed', () =>
  inTemporaryDirectory(async (dir) => {
    const watermark = await fresh(dir, hrs(5));
    await watermark.close(); // the descriptor is gone, as after a device error
    for (let i = 0; i < 2; i++) {
      await assert.rejects(watermark.raise(hrs(7 + i), X), { code: 'SIGNER_WATERMARK_FAILED' });
    }
    assert.deepEqual(watermark.current(), { hrs: hrs(5) });
    // Not even what needs no write: the disk's word is worth nothing now.
    await assert.rejects(watermark.raise(hrs(5), X), { code: 'SIGNER_WATERMARK_FAILED' });
  }));

test('two raises at once break an invariant', () =>
  inTemporaryDirectory(async (dir) => {
    const watermark = await fresh(dir);
    const restore = onViolation((violation) => {
      throw violation;
    });
    try {
      const first = watermark.raise(hrs(7), X);
      await assert.rejects(watermark.raise(hrs(8), X), InvariantViolation);
      assert.equal((await first).kind, 'raised');
    } finally {
      restore();
      await watermark.close();
    }
  }));

// ------------------------------------------------------------------------------------ damage

const owner = ownerOf(id);
const expected = { path: 'p', id, owner };
const contentHash = Buffer.alloc(32, 1);
const older: Mark = { sequence: 8n, position: hrs(7), contentHash };
const newer: Mark = { sequence: 9n, position: hrs(8), contentHash };
/** Both ways round: the newest mark may stand in either slot. */
const files = [
  Buffer.concat([encodeSlot(older, owner), encodeSlot(newer, owner)]),
  Buffer.concat([encodeSlot(newer, owner), encodeSlot(older, owner)]),
];

/** A damaged file may be lost, or hold one of the two marks; a lower one only with a bad slot reported. */
function assertNeverSilentlyLower(file: Buffer, why: string): void {
  const found = classify(file, expected);
  if (found === null) return;
  const { height } = found.mark.position;
  assert.ok(height === 7n || height === 8n, `${why}: a mark that was never made: ${height}`);
  if (height === 7n) assert.notEqual(found.badSlot, null, `${why}: lower, and nobody is told`);
}

test('undamaged, the newer slot holds and nothing is reported', () => {
  for (const file of files) {
    const found = classify(file, expected);
    assert.deepEqual([found?.mark.position, found?.badSlot], [newer.position, null]);
  }
});

test('every single flipped bit is seen', () => {
  for (const file of files) {
    for (let bit = 0; bit < file.length * 8; bit++) {
      const byte = bit >> 3;
      file[byte] = (file[byte] ?? 0) ^ (1 << (bit & 7));
      const found = classify(file, expected);
      assert.ok(found !== null && found.badSlot === (byte < slotBytes ? 0 : 1), `bit ${bit}`);
      assertNeverSilentlyLower(file, `bit ${bit}`);
      file[byte] = (file[byte] ?? 0) ^ (1 << (bit & 7));
    }
  }
});

test('every truncation is seen', () => {
  for (const file of files) {
    for (let length = 0; length < file.length; length++) {
      const cut = file.subarray(0, length);
      assertNeverSilentlyLower(cut, `${length} bytes`);
      const found = classify(cut, expected);
      assert.ok(length < slotBytes ? found === null : found?.badSlot === 1, `${length} bytes`);
    }
  }
});

test('a write torn at any byte leaves the mark that was synced before it', () => {
  const next = encodeSlot({ sequence: 10n, position: hrs(9), contentHash }, owner);
  for (const [file, slot] of files.map((file, i) => [file, i] as const)) {
    for (let length = 0; length <= slotBytes; length++) {
      const torn = Buffer.from(file);
      next.copy(torn, slot * slotBytes, 0, length);
      const found = classify(torn, expected);
      const height = found?.mark.position.height ?? 0n;
      assert.ok(height === 8n || (length === slotBytes && height === 9n), `${length} bytes`);
    }
  }
});

test('slots that no run of ours leaves behind are worth nothing', () => {
  const pairs: readonly (readonly [string, Mark, Mark])[] = [
    ['equal sequences', older, { ...newer, sequence: 8n }],
    ['a gap', older, { ...newer, sequence: 11n }],
    ['a mark that sank', { ...older, position: hrs(9) }, newer],
  ];
  for (const [why, a, b] of pairs) {
    const file = Buffer.concat([encodeSlot(a, owner), encodeSlot(b, owner)]);
    assert.equal(classify(file, expected), null, why);
  }
});

test('on the disk: one bad slot holds and is reported, two are lost, and both can go on', () =>
  inTemporaryDirectory(async (dir) => {
    const path = join(dir, 'watermark');
    const watermark = await fresh(dir, hrs(5));
    await watermark.raise(hrs(6), X);
    await watermark.raise(hrs(7), X);
    await watermark.close();
    const whole = await readFile(path);
    for (const bad of [0, 1] as const) {
      const damaged = Buffer.from(whole);
      damaged.fill(0xff, bad * slotBytes + 30, bad * slotBytes + 60);
      await writeFile(path, damaged);
      const opened = await held(dir);
      assert.equal(opened.badSlot, bad);
      await opened.watermark.raise(hrs(20), Y);
      await opened.watermark.close();
      const healed = await held(dir);
      assert.equal(healed.badSlot, null, 'the next raise goes to the bad slot and heals it');
      assert.deepEqual(healed.watermark.current(), { hrs: hrs(20) });
      await healed.watermark.close();
    }
    await writeFile(path, whole.subarray(0, 100));
    const lost = await openWatermark(path, id);
    assert.ok(lost.kind === 'lost' && lost.reason === 'damaged');
    const rebuilt = await lost.rebuild({ hrs: hrs(30), content: X });
    assert.equal((await rebuilt.raise(hrs(30), X)).kind, 'raised');
    assert.equal((await rebuilt.raise(hrs(30), Y)).kind, 'refused');
    assert.equal((await rebuilt.raise(hrs(29), X)).kind, 'refused');
    await rebuilt.close();
  }));

test('a file of another key, chain or version is refused; a link too', () =>
  inTemporaryDirectory(async (dir) => {
    const watermark = await fresh(dir, hrs(5));
    await watermark.close();
    const path = join(dir, 'watermark');
    const foreign = [
      { ...id, chainId: 'test-2' },
      { ...id, key: { type: 'ed25519', bytes: id.key.bytes.map((byte) => byte ^ 1) } },
      // The same letters, parted elsewhere.
      { chainId: id.chainId.slice(1), key: id.key },
    ];
    for (const other of foreign) {
      await assert.rejects(openWatermark(path, other), { code: 'SIGNER_WATERMARK_FOREIGN' });
    }
    await symlink(path, join(dir, 'link'));
    await assert.rejects(openWatermark(join(dir, 'link'), id), { code: 'SIGNER_FILE_KIND' });
    const later = await readFile(path);
    later.writeUInt32LE(2, 8);
    later.writeUInt32LE(crc32(later.subarray(0, slotBytes - 4)), slotBytes - 4);
    await writeFile(path, later);
    await assert.rejects(openWatermark(path, id), (error: unknown) => {
      assert.ok(error instanceof SignerError);
      assert.equal(error.code, 'SIGNER_WATERMARK_VERSION');
      return true;
    });
  }));

test('a process killed while it raises has on its disk whatever it reported', () =>
  inTemporaryDirectory(async (dir) => {
    const path = join(dir, 'watermark');
    await (await fresh(dir)).close();
    const script = `
      import { writeSync } from 'node:fs';
      import { openWatermark } from ${JSON.stringify(new URL('../src/index.js', import.meta.url).href)};
      const key = { type: 'ed25519', bytes: Buffer.from(${JSON.stringify(Buffer.from(id.key.bytes).toString('hex'))}, 'hex') };
      const opened = await openWatermark(${JSON.stringify(path)}, { chainId: ${JSON.stringify(id.chainId)}, key });
      if (opened.kind !== 'held') throw new Error(opened.reason);
      for (let height = (opened.watermark.current()?.hrs.height ?? 0n) + 1n; ; height++) {
        await opened.watermark.raise({ height, round: 0, step: 2 }, Buffer.from('X'));
        writeSync(1, height + '\\n');
      }`;
    let before = 0n;
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let told = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        told += text;
        if (told.length > 40) child.kill('SIGKILL');
      });
      await once(child, 'close');
      // A line cut by the kill was not told.
      const last = told.split('\n').at(-2) ?? '0';
      const opened = await held(dir);
      const height = opened.watermark.current()?.hrs.height ?? 0n;
      assert.ok(BigInt(last) > before, 'the child got on');
      assert.ok(height >= BigInt(last), `told ${last}, found ${height}`);
      assert.ok(height <= BigInt(last) + 1n, 'one raise in flight at most');
      before = height;
      await opened.watermark.close();
    }
  }));
