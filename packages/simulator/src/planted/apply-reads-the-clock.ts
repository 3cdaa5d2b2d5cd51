/** Rule 54. */
import type { Plant } from './plant.js';

export const applyReadsTheClock: Plant = {
  name: 'apply-reads-the-clock',
  says: 'the time of a grant is the applying replica’s own',
  rule: '54',
  patches: [
    {
      file: 'cmkms/dist/src/replica/replica.js',
      replace: 'new SigningStateMachine()',
      by: 'Object.assign(new SigningStateMachine(), { wallMs: () => this.options.edges.clock.wallMs() })',
    },
    {
      file: 'cmkms/dist/src/replica/state-machine.js',
      replace: 'const answer = this.#state.apply(decoded);',
      by: "const answer = this.#state.apply(decoded.kind === 'reserve' ? { ...decoded, at: this.wallMs() } : decoded);",
    },
  ],
  budget: 200,
};
