/**
 * Each rule of the specification, broken once.
 *
 * Owns    the list: a piece of the specification's text, what stands there instead, and the invariant that must see it.
 * Never   leaves a switch in the specification: a reader of signing.qnt sees the machine alone.
 * Proof   `npm run model`: an invariant that holds for its mutant is worth nothing, and fails the run.
 */

export interface Mutant {
  /** What goes wrong, as a sentence. */
  readonly name: string;
  /** Occurs exactly once in signing.qnt. */
  readonly rule: string;
  readonly instead: string;
  readonly breaks: string;
  /** The step of bounded.qnt that it is tried with. */
  readonly step: Step;
}

/** `stepWithoutConsensus`: turns hear verdicts that nobody committed, so only the watermark stands. */
export type Step = 'step' | 'stepWithoutConsensus';

export const mutants: readonly Mutant[] = [
  {
    name: 'another content at the same HRS counts as a retimed one, and is signed as asked',
    rule: 'else if (asked.content == record.last.content) { kind: "retimed", bytes: record.last }',
    instead: 'else if (true) { kind: "retimed", bytes: asked }',
    breaks: 'oneContent',
    step: 'step',
  },
  {
    name: "the request's bytes are signed, not the verdict's",
    rule: 'released.append({ by: r, bytes: turnOf(r).verdict.bytes,',
    instead: 'released.append({ by: r, bytes: turnOf(r).bytes,',
    breaks: 'oneSignature',
    step: 'step',
  },
  {
    name: 'a signature leaves before its reservation is committed',
    rule: '    releasable(turn.verdict),\n    turn.verdict.bytes.hrs == turn.bytes.hrs,\n    turn.verdict.bytes.content == turn.bytes.content',
    instead: '    true',
    breaks: 'releasedIsCommitted',
    step: 'step',
  },
  {
    name: 'a leader judges by its own applied state alone, and permits',
    rule: 'phase: "turn", ticket: tickets + 1, bytes: bytes }',
    instead:
      'phase: "turn", ticket: tickets + 1, bytes: bytes, verdict: decide(recordOf(r), bytes), at: log.length() }',
    breaks: 'oneContent',
    step: 'step',
  },
  {
    name: 'below the last reservation is not refused',
    rule: 'else if (below(asked.hrs, record.last.hrs)) refused("regressed")\n',
    instead: '',
    breaks: 'neverBack',
    step: 'step',
  },
  {
    name: 'the floor itself may be signed',
    rule: 'else if (not(below(record.floor, asked.hrs)))',
    instead: 'else if (below(asked.hrs, record.floor))',
    breaks: 'floorsHold',
    step: 'step',
  },
  {
    name: 'a lower floor lowers it',
    rule: 'if (not(below(record.floor, floor))) record\n',
    instead: 'if (false) record\n',
    breaks: 'floorsHold',
    step: 'step',
  },
  {
    name: 'a retired chain goes on',
    rule: 'else if (record.retired) refused("retired")\n',
    instead: '',
    breaks: 'retiredIsForEver',
    step: 'step',
  },
  {
    name: 'the halt height itself may be signed',
    rule: 'asked.hrs.height >= record.halt',
    instead: 'asked.hrs.height > record.halt',
    breaks: 'haltHolds',
    step: 'step',
  },
  {
    name: 'a second registration begins anew, and forgets',
    rule: '| Register(_) => if (record.registered) REJECTED else DONE',
    instead: '| Register(_) => DONE',
    breaks: 'neverBack',
    step: 'step',
  },
  {
    name: 'a chain that was never registered is signed for',
    rule: 'if (not(record.registered)) refused("unregistered")\n',
    instead: 'if (not(record.registered)) { kind: "granted", bytes: asked }\n',
    breaks: 'unregisteredIsSilent',
    step: 'step',
  },
  {
    name: 'any height may follow',
    rule: 'else if (leaps(record, asked.hrs.height)) refused("leap")\n',
    instead: '',
    breaks: 'noLeap',
    step: 'step',
  },
  {
    name: 'any floor ends the cut-over guard',
    rule: 'record.guarded and not(endsCutover and not(below(floor, highest(record))))',
    instead: 'false',
    breaks: 'cutoverHolds',
    step: 'step',
  },
  {
    name: 'nothing is marked before it leaves',
    rule: '    turn.marked,\n',
    instead: '',
    breaks: 'secondGate',
    step: 'stepWithoutConsensus',
  },
  {
    name: 'the watermark takes another content at its own HRS',
    rule: 'below(mark.hrs, wanted.hrs) or mark == wanted\n',
    instead: 'not(below(wanted.hrs, mark.hrs))\n',
    breaks: 'secondGate',
    step: 'stepWithoutConsensus',
  },
  {
    name: 'the watermark is lost with the process',
    rule: 'up: false, leads: false, turn: IDLE }),',
    instead: 'up: false, leads: false, turn: IDLE, mark: NO_MARK }),',
    breaks: 'secondGate',
    step: 'stepWithoutConsensus',
  },
];

/**
 * @param specification the text of signing.qnt
 * @throws RangeError the rule does not stand there exactly once: the specification went on without its mutant
 */
export function mutate(specification: string, { name, rule, instead }: Mutant): string {
  const parts = specification.split(rule);
  if (parts.length !== 2) {
    throw new RangeError(
      `mutant "${name}": its rule stands ${parts.length - 1} times in signing.qnt`,
    );
  }
  return parts.join(instead);
}
