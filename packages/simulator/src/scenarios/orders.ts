/**
 * The orders of a story, one to a line.
 *
 * Owns    the language: which orders there are, and what each does on the stage.
 * Never   checks what came of an order: the trace under it does.
 */
import type { MembershipChange } from '@cometkms/consensus/core';
import type { Command, StartingPoint } from '@cometkms/sign-state';
import { hrsPattern, inWords, readHrs, record, requestFor, writeHrs } from './signing.js';
import { memberNamed, type Route, Stage, StoryError } from './stage.js';

export interface Telling {
  /** Null before the first `world`. */
  stage: Stage | null;
}

type Words = Readonly<Record<string, string | undefined>>;

interface Order {
  readonly form: string;
  readonly pattern: RegExp;
  readonly run: (telling: Telling, words: Words) => void;
}

/** In patterns: ID is a replica, HRS a position, ROUTE as in `a -> b append`. */
function order(form: string, pattern: string, run: Order['run']): Order {
  const source = pattern
    .replace(/ID/g, '[a-z]')
    .replace(/HRS/g, hrsPattern)
    .replace('ROUTE', '(?<from>[a-z*]) -> (?<to>[a-z*])(?: (?<kind>[a-zA-Z]+))?');
  return { form, pattern: new RegExp(`^${source}$`), run };
}

const onStage =
  (run: (stage: Stage, words: Words) => void): Order['run'] =>
  ({ stage }, words) => {
    if (stage === null) throw new StoryError('a story begins with `world`');
    run(stage, words);
    stage.settle();
  };

const idOf = ({ id }: Words): string => id ?? '';

const opening: readonly Order[] = [
  order(
    'world replicas=a,b,c [witnesses=c] [chain=unregistered|imported:50/0/precommit[:X]] [one-entry-appends]',
    'world replicas=(?<replicas>[a-z,]+)(?: witnesses=(?<witnesses>[a-z,]+))?(?: chain=(?<chain>\\S+))?(?<small> one-entry-appends)?',
    (telling, { replicas = '', witnesses = '', chain, small }) => {
      telling.stage = new Stage({
        replicas: replicas.split(','),
        witnesses: witnesses.split(','),
        chain: startOf(chain),
        maxAppendBytes: small === undefined ? 10_000 : 1,
      });
      telling.stage.settle();
    },
  ),
];

const timing: readonly Order[] = [
  order(
    'elect a',
    'elect (?<id>ID)',
    onStage((stage, words) => stage.elect(idOf(words))),
  ),
  order(
    'expire a',
    'expire (?<id>ID)',
    onStage((stage, words) => stage.expire(idOf(words))),
  ),
  order(
    'beat a',
    'beat (?<id>ID)',
    onStage((stage, words) => stage.beat(idOf(words))),
  ),
  order(
    'wait 20 ms',
    'wait (?<ms>\\d+) ms',
    onStage((stage, { ms }) => stage.advanceTo(stage.now + Number(ms))),
  ),
];

const requests: readonly Order[] = [
  order(
    'ask a 7/0/prevote block=X [second=2]',
    'ask (?<id>ID) (?<hrs>HRS) block=(?<block>\\w+)(?: second=(?<second>\\d+))?',
    onStage((stage, { id = '', hrs = '', block = '', second = '1' }) => {
      const replica = stage.replica(id);
      if (!replica.isRunning) throw new StoryError(`${id} is off: nobody can ask it`);
      replica.take(() => replica.ask(requestFor(readHrs(hrs), block, Number(second))));
    }),
  ),
  order(
    'register a never-signed | register a imported:50/0/precommit[:X]',
    'register (?<id>ID) (?<start>\\S+)',
    onStage((stage, { id = '', start }) => {
      const from = startOf(start);
      if (from === null) throw new StoryError('registered from what?');
      const limits = { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n };
      tell(stage, id, { kind: 'registerChain', id: record, start: from, limits, by: id, at: 0 });
    }),
  ),
  order(
    'floor a 7/1/precommit [old signer stopped]',
    'floor (?<id>ID) (?<hrs>HRS)(?<stopped> old signer stopped)?',
    onStage((stage, { id = '', hrs = '', stopped }) => {
      const floor = readHrs(hrs);
      tell(stage, id, {
        kind: 'raiseFloor',
        id: record,
        floor,
        endsCutover: stopped !== undefined,
      });
    }),
  ),
  order(
    'halt a 100 | halt a never',
    'halt (?<id>ID) (?<height>\\d+|never)',
    onStage((stage, { id = '', height = '' }) => {
      const at = height === 'never' ? null : BigInt(height);
      tell(stage, id, { kind: 'setHaltHeight', id: record, height: at });
    }),
  ),
  order(
    'retire a',
    'retire (?<id>ID)',
    onStage((stage, words) => tell(stage, idOf(words), { kind: 'retire', id: record })),
  ),
];

const lives: readonly Order[] = [
  order(
    'kill a',
    'kill (?<id>ID)',
    onStage((stage, words) => stage.end(idOf(words), false)),
  ),
  order(
    'power off a',
    'power off (?<id>ID)',
    onStage((stage, words) => stage.end(idOf(words), true)),
  ),
  order(
    'start a',
    'start (?<id>ID)',
    onStage((stage, words) => stage.start(idOf(words))),
  ),
  order(
    'join d (a new process with a founded log)',
    'join (?<id>ID)',
    onStage((stage, words) => stage.add(idOf(words))),
  ),
  order(
    'pause a | suspend a (its clock too)',
    '(?<how>pause|suspend) (?<id>ID)',
    onStage((stage, words) => stage.replica(idOf(words)).pause(words['how'] === 'suspend')),
  ),
  order(
    'resume a',
    'resume (?<id>ID)',
    onStage((stage, words) => stage.replica(idOf(words)).resume()),
  ),
  order(
    'show a b c',
    'show (?<ids>[a-z ]+)',
    onStage((stage, { ids = '' }) => {
      for (const id of ids.split(' ')) stage.trace.remark(`${id}: ${stage.replica(id).describe()}`);
    }),
  ),
];

const wire: readonly Order[] = [
  order(
    'cut a b | c d',
    'cut (?<sides>[a-z |]+)',
    onStage((stage, { sides = '' }) => {
      stage.cut(sides.split(' | ').map((side) => side.split(' ')));
    }),
  ),
  order(
    'heal',
    'heal',
    onStage((stage) => stage.heal()),
  ),
  order(
    'close link of c to a | open link of c to a',
    '(?<how>close|open) link of (?<id>ID) to (?<to>ID)',
    onStage((stage, { how, id = '', to = '' }) => {
      stage.tellLink(id, to, how === 'close' ? 'closed' : 'up');
    }),
  ),
  order(
    'hold a -> b [append]',
    'hold ROUTE',
    onStage((stage, words) => stage.hold(routeOf(words))),
  ),
  order(
    'deliver [a copy of] [first] a -> b [append]',
    'deliver (?<copy>a copy of )?(?<first>first )?ROUTE',
    onStage((stage, words) => {
      const [copy, first] = [words['copy'] !== undefined, words['first'] !== undefined];
      stage.deliver(routeOf(words), { copy, first });
    }),
  ),
  order(
    'lose [first] a -> b [append]',
    'lose (?<first>first )?ROUTE',
    onStage((stage, words) => stage.lose(routeOf(words), words['first'] !== undefined)),
  ),
  order(
    'release a -> b [append]',
    'release ROUTE',
    onStage((stage, words) => stage.release(routeOf(words))),
  ),
];

const devices: readonly Order[] = [
  order(
    'hold disk of a',
    'hold disk of (?<id>ID)',
    onStage((stage, words) => {
      stage.replica(idOf(words)).disk.held = true;
    }),
  ),
  order(
    'finish one write of a',
    'finish one write of (?<id>ID)',
    onStage((stage, words) => {
      const replica = stage.replica(idOf(words));
      replica.take(() => replica.finishWrites(false));
    }),
  ),
  order(
    'release disk of a',
    'release disk of (?<id>ID)',
    onStage((stage, words) => {
      const replica = stage.replica(idOf(words));
      replica.take(() => replica.finishWrites(true));
      replica.disk.held = false;
      // What was said for the last write may have begun another one.
      replica.take(() => replica.finishWrites(true));
    }),
  ),
  order(
    'hold key of a',
    'hold key of (?<id>ID)',
    onStage((stage, words) => stage.replica(idOf(words)).holdKey()),
  ),
  order(
    'release key of a',
    'release key of (?<id>ID)',
    onStage((stage, words) => {
      const replica = stage.replica(idOf(words));
      replica.take(() => replica.releaseKey());
    }),
  ),
];

const members: readonly Order[] = [
  order(
    'transfer a [to c]',
    'transfer (?<id>ID)(?: to (?<to>ID))?',
    onStage((stage, { id = '', to }) => {
      const replica = stage.replica(id);
      replica.take(() => replica.feed({ kind: 'transfer', to: to ?? null }));
    }),
  ),
  order(
    'change a: add d | promote d | remove c | replace c by d',
    'change (?<id>ID): (?<what>add|promote|remove|replace) (?<who>ID)(?: by (?<by>ID))?',
    onStage((stage, { id = '', what, who = '', by = '' }) => {
      const replica = stage.replica(id);
      const change: MembershipChange =
        what === 'add'
          ? { kind: 'addLearner', member: memberNamed(who, false) }
          : what === 'replace'
            ? { kind: 'replace', id: who, member: memberNamed(by, false) }
            : { kind: what === 'promote' ? 'promote' : 'remove', id: who };
      const words = `${what} ${who}${by === '' ? '' : ` by ${by}`}`;
      replica.take(() => replica.change(change, (result) => replica.say(answerTo(words, result))));
    }),
  ),
  order(
    'compact a',
    'compact (?<id>ID)',
    onStage((stage, words) => {
      const replica = stage.replica(idOf(words));
      replica.take(() => replica.compact());
    }),
  ),
];

const orders = [...opening, ...timing, ...requests, ...lives, ...wire, ...devices, ...members];

/** How each order is written. */
export const forms: readonly string[] = orders.map(({ form }) => form);

/** @throws StoryError  there is no such order, or it makes no sense now */
export function carryOut(telling: Telling, line: string): void {
  for (const { pattern, run } of orders) {
    const match = pattern.exec(line);
    if (match === null) continue;
    run(telling, match.groups ?? {});
    return;
  }
  throw new StoryError(`no such order; there are:\n  ${forms.join('\n  ')}`);
}

function routeOf({ from = '*', to = '*', kind }: Words): Route {
  return { from, to, kind: kind ?? null };
}

/** @param text  `imported:50/0/precommit:X`; absent: never signed */
function startOf(text: string | undefined): StartingPoint | null {
  if (text === undefined || text === 'never-signed') return { kind: 'neverSigned' };
  if (text === 'unregistered') return null;
  const [kind, at, block] = text.split(':');
  if (kind !== 'imported' || at === undefined) throw new StoryError(`no starting point: ${text}`);
  const position = readHrs(at);
  const signBytes = block === undefined ? null : requestFor(position, block, 1).signBytes;
  return { kind: 'imported', position, signBytes };
}

function tell(stage: Stage, id: string, command: Exclude<Command, { kind: 'reserve' }>): void {
  const replica = stage.replica(id);
  const words = wordsOf(command);
  replica.take(() => replica.propose(command, (result) => replica.say(answerTo(words, result))));
}

function wordsOf(command: Exclude<Command, { kind: 'reserve' }>): string {
  switch (command.kind) {
    case 'raiseFloor':
      return `floor ${writeHrs(command.floor)}`;
    case 'setHaltHeight':
      return `halt ${command.height ?? 'never'}`;
    case 'registerChain':
      return 'registration';
    default:
      return command.kind;
  }
}

type Answered = Parameters<Parameters<ReturnType<Stage['replica']>['change']>[1]>[0];

function answerTo(what: string, result: Answered): string {
  switch (result.kind) {
    case 'refused': {
      const { kind, ...facts } = result.refusal;
      const evidence = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
      return `refuses to ${what}: ${[kind, ...evidence].join(', ')}`;
    }
    case 'notLeader':
      return `answers ${what}: not the leader`;
    case 'unknown':
      return `answers ${what}: outcome unknown`;
    case 'committed': {
      const { value } = result;
      if (value.kind === 'rejected') return `answers ${what}: rejected, ${inWords(value.detail)}`;
      return `answers ${what}: ${value.kind === 'done' && !value.changed ? 'as it was' : 'done'}`;
    }
  }
}
