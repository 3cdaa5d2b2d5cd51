/**
 * Mutants that no test can kill, and why. The mutation run fails over one that is not here, and over one
 * that is here and does not survive.
 *
 * Owns    the reasons.
 * Never   excuses a missing test: a mutant stands here because the program does the same with it.
 */
export interface Explained {
  readonly file: string;
  /** The line of the source on which the mutant begins, without its indentation. */
  readonly line: string;
  /** What is replaced, on one line, and by what. */
  readonly from: string;
  readonly to: readonly string[];
  readonly why: string;
}

const quorum = 'packages/consensus/src/core/quorum.ts';
const log = 'packages/consensus/src/core/log.ts';
const recovery = 'packages/consensus/src/wal/recovery.ts';
const decide = 'packages/sign-state/src/decide.ts';
const judge = 'packages/signer/src/gate/judge.ts';
const step = 'packages/signer/src/gate/step.ts';
const driver = 'packages/signer/src/gate/driver.ts';

const oneRow =
  "invariant(rows.length === 1 && row !== undefined, 'every combination meets one row', { facts });";
const cutting = "row.decision === 'cut' && torn?.tail.kind === 'torn'";
const notSigned =
  'if (signing === null || signing.signature === null || signing.verifyMs === null) return waiting;';

export const explained: readonly Explained[] = [
  {
    file: quorum,
    line: 'if (value <= reached) continue;',
    from: 'value <= reached',
    to: ['value < reached'],
    why: 'what is the same is only not counted again: it would change nothing',
  },
  {
    file: log,
    line: '#memberships: PlacedMembership[] = [];',
    from: '[]',
    to: ['["Stryker was here"]'],
    why: 'a text has no index: nothing finds it, and whatever cuts the list drops it',
  },
  {
    file: log,
    line: 'this.#memberships = [];',
    from: '[]',
    to: ['["Stryker was here"]'],
    why: 'as above',
  },
  {
    file: log,
    line: 'if (lastTerm !== this.lastTerm) return lastTerm > this.lastTerm;',
    from: 'lastTerm > this.lastTerm',
    to: ['lastTerm >= this.lastTerm'],
    why: 'they differ here',
  },
  {
    file: recovery,
    line: oneRow,
    from: 'rows.length === 1 && row !== undefined',
    to: ['rows.length === 1 || row !== undefined'],
    why: 'differs for two rows only, and the table has none that overlap: its test walks all of it',
  },
  { file: recovery, line: oneRow, from: 'rows.length === 1', to: ['true'], why: 'as above' },
  {
    file: recovery,
    line: oneRow,
    from: 'row !== undefined',
    to: ['true'],
    why: 'for the compiler: one row is a row',
  },
  {
    file: recovery,
    line: cutting,
    from: cutting,
    to: ["row.decision === 'cut' || torn?.tail.kind === 'torn'"],
    why: 'what is torn and not refused is cut, and nothing else: the table says so, and its test',
  },
  { file: recovery, line: cutting, from: "row.decision === 'cut'", to: ['true'], why: 'as above' },
  {
    file: recovery,
    line: cutting,
    from: "torn?.tail.kind === 'torn'",
    to: ['true'],
    why: 'as above',
  },
  { file: recovery, line: cutting, from: 'torn?.tail', to: ['torn.tail'], why: 'as above' },
  {
    file: recovery,
    line: "invariant(last !== undefined, 'an anchor has a frame', { name: anchor.name });",
    from: 'last !== undefined',
    to: ['true'],
    why: 'it holds: an anchor is a segment that has a frame',
  },
  {
    file: recovery,
    line: `const place = { path: \`\${where}/\${anchor?.name}\`, offset: whole.offset };`,
    from: 'anchor?.name',
    to: ['anchor.name'],
    why: 'without an anchor there is no frame to come here for',
  },
  {
    file: recovery,
    line: 'if (!(error instanceof ConsensusError)) throw error;',
    from: '!(error instanceof ConsensusError)',
    to: ['false'],
    why: 'the codec throws nothing else, whatever the bytes (log-codec.test.ts)',
  },
  {
    file: recovery,
    line: "invariant(false, 'an unknown version was found somewhere');",
    from: 'false',
    to: ['true'],
    why: 'never reached: it is asked only where one was found',
  },
  {
    file: decide,
    line: 'return comparePosition(last, record.floor) < 0 ? record.floor : last;',
    from: 'comparePosition(last, record.floor) < 0',
    to: ['comparePosition(last, record.floor) <= 0'],
    why: 'where they are equal, either is the same position',
  },
  {
    file: judge,
    line: 'for (let i = 0; i < 4; i++) {',
    from: 'i < 4',
    to: ['i <= 4'],
    why: 'differs from 256 MB on; no frame of a link is that long',
  },
  {
    file: judge,
    line: 'return { value, end: start + 4 };',
    from: '{ value, end: start + 4 }',
    to: ['{}'],
    why: 'a length that comes to here is refused, whatever is read behind it: it is not written so again',
  },
  {
    file: judge,
    line: 'return { value, end: start + 4 };',
    from: 'start + 4',
    to: ['start - 4'],
    why: 'as above',
  },
  {
    file: step,
    line: "if (state.phase !== 'turn' || state.ticket !== input.ticket) return { state, outputs: [] };",
    from: "state.phase !== 'turn'",
    to: ['false'],
    why: 'idle and stopped have no ticket that could be equal; draining was answered before, or differs',
  },
  {
    file: step,
    line: notSigned,
    from: 'signing === null',
    to: ['false'],
    why: 'what is committed is being signed: the verdict begins it where nobody did before',
  },
  {
    file: step,
    line: 'if (extension === null || extension.signature === null || extension.verifyMs === null) {',
    from: 'extension === null',
    to: ['false'],
    why: 'as above, for the extension that was asked for',
  },
  {
    file: step,
    line: 'if (equal(signBytes, asked.signBytes)) return null;',
    from: 'equal(signBytes, asked.signBytes)',
    to: ['false'],
    why: 'only spares the reading: the same bytes say the same',
  },
  {
    file: step,
    line: 'return a.length === b.length && Buffer.compare(a, b) === 0;',
    from: 'a.length === b.length',
    to: ['true'],
    why: 'only spares the comparison: bytes of different lengths are never equal',
  },
  {
    file: driver,
    line: 'default:',
    from: 'default: unreachable(output);',
    to: ['default:'],
    why: 'never reached: what step.ts can ask for is a closed list, and each of it has its case',
  },
  {
    file: driver,
    line: '} catch {',
    from: '{ return false; }',
    to: ['{}'],
    why: 'no answer is no agreement either',
  },
  {
    file: driver,
    line: 'readonly #inputs: Input[] = [];',
    from: '[]',
    to: ['["Stryker was here"]'],
    why: 'a text is of no turn: step.ts drops it',
  },
  {
    file: driver,
    line: 'this.#lastTicket += 1;',
    from: 'this.#lastTicket += 1',
    to: ['this.#lastTicket -= 1'],
    why: 'tickets have to differ, and they do',
  },
  {
    file: driver,
    line: "const asked: Reserve = { kind: 'reserve', id, hrs, signBytes, by: replica, at };",
    from: "'reserve'",
    to: ['""'],
    why: 'for the compiler: what is judged and what is reserved is never asked for its kind',
  },
  {
    file: driver,
    line: 'if (this.#stepping) return;',
    from: 'this.#stepping',
    to: ['false'],
    why: 'the one input that arises in a step is a verification, and that step asks for nothing else',
  },
  {
    file: driver,
    line: "invariant(current?.ticket === ticket, 'a deadline is set for the turn that is held', {",
    from: 'current?.ticket === ticket',
    to: ['true'],
    why: 'it holds',
  },
  {
    file: driver,
    line: "invariant(current?.ticket === ticket, 'a deadline is set for the turn that is held', {",
    from: 'current?.ticket',
    to: ['current.ticket'],
    why: 'it holds: there is one',
  },
  {
    file: driver,
    line: "invariant(current?.ticket === ticket, 'an answer goes to the request that has the turn', {",
    from: 'current?.ticket === ticket',
    to: ['true'],
    why: 'it holds',
  },
  {
    file: driver,
    line: "invariant(current?.ticket === ticket, 'an answer goes to the request that has the turn', {",
    from: 'current?.ticket',
    to: ['current.ticket'],
    why: 'it holds: there is one',
  },
  {
    file: driver,
    line: 'if (observer === undefined) return;',
    from: 'observer === undefined',
    to: ['false'],
    why: 'tellSafely takes whatever comes of it',
  },
  {
    file: driver,
    line: 'tellSafely(() => observer.answered?.(waiting.request, outcome, totalMs));',
    from: 'observer.answered?.(waiting.request, outcome, totalMs)',
    to: ['observer.answered(waiting.request, outcome, totalMs)'],
    why: 'as above',
  },
  {
    file: driver,
    line: 'this.#clock.soon(() => tellSafely(() => observer.alarm?.(alarm)));',
    from: 'observer.alarm?.(alarm)',
    to: ['observer.alarm(alarm)'],
    why: 'as above',
  },
];
