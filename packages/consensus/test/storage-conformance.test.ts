/** The log's contract, on real files and on a disk that forgets what was not synced. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storageSuite } from '../src/conformance/index.js';
import { openWal, WriteAheadLog } from '../src/wal/index.js';
import { allKept, allLost, drawn, PowerLossDisk } from './power-loss-disk.js';

for (const segmentBytes of [12 * 1024, 1024 * 1024]) {
  storageSuite(`files of ${segmentBytes / 1024} KiB`, {
    supports: { powerLoss: false },
    async place() {
      const base = await mkdtemp(join(tmpdir(), 'cometkms-wal-'));
      return {
        storage: () => openWal({ directory: join(base, 'data', 'log'), segmentBytes }),
        dispose: () => rm(base, { recursive: true, force: true }),
      };
    },
  });
}

for (const [name, luck] of [
  ['all lost', allLost],
  ['all kept', allKept],
  ['some lost', drawn(7)],
] as const) {
  storageSuite(`power loss, ${name}`, {
    supports: { powerLoss: true },
    async place() {
      let disk = new PowerLossDisk();
      return {
        storage: () => new WriteAheadLog(disk.files, { segmentBytes: 12 * 1024 }),
        losePower: () => {
          disk = disk.afterPowerLoss(luck);
        },
        dispose: async () => {},
      };
    },
  });
}
