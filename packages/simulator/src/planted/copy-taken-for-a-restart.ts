/** docs/architecture.md, founding and identity. */
import type { Plant } from './plant.js';

export const copyTakenForARestart: Plant = {
  name: 'copy-taken-for-a-restart',
  says: 'while a process is linked, a copy that shows no less is taken in its place',
  rule: '8 (architecture)',
  patches: [
    {
      file: 'consensus/dist/src/introductions.js',
      replace: 'if (linked === undefined || linked.runId === runId)',
      by: 'if (true)',
    },
  ],
  budget: 200,
};
