/**
 * The events that a replica reports: names, levels and typed facts, as data.
 *
 * Owns    the closed list of event names and of what each may say.
 * Never   carries key bytes, a signature, or an extension's content: no fact here has such a type.
 * Proof   test/log-format.test.ts (each event in both formats).
 */
import type { SignType } from '../status.js';

export const levels = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof levels)[number];

/** A fact is plain: bytes have no way into a line. Null facts are left out. */
export type Fact = string | number | bigint | boolean | null | readonly string[];

/** Which request, in the words that errors, metrics and journal use as well. */
interface Asked {
  readonly chain: string;
  /** Address of the key. */
  readonly key: string;
  readonly type: SignType;
  readonly h: bigint;
  readonly r: number;
  /** First 8 hex digits of the block id's hash, or `nil`. */
  readonly block: string;
  readonly validator: string;
}

interface Link {
  readonly chain: string;
  readonly validator: string;
}

export interface EventFacts {
  readonly start: {
    readonly version: string;
    readonly home: string;
    readonly id: string;
    readonly cluster: string | null;
    readonly members: readonly string[];
    readonly pid: number;
  };
  readonly chain: {
    readonly chain: string;
    readonly key: string;
    readonly key_type: string;
    readonly floor: string | null;
    /** Where the floor came from: `log`, `state file`, `never signed`, `not registered`. */
    readonly floor_from: string;
    readonly validators: readonly string[];
  };
  readonly config_note: { readonly note: string };
  readonly founding_wait: {
    readonly answered: number;
    readonly members: number;
    readonly missing: readonly string[];
  };
  readonly founded: {
    readonly cluster: string;
    readonly members: readonly string[];
    readonly coordinator: string;
  };
  readonly joining_wait: { readonly waits: string };
  readonly joined: { readonly cluster: string; readonly members: readonly string[] };
  readonly membership: {
    readonly index: number;
    readonly voters: readonly string[];
    readonly witnesses: readonly string[];
    readonly learners: readonly string[];
  };
  readonly registration_wait: {
    readonly chain: string;
    readonly key: string;
    readonly waiting_for: string;
    readonly fix: string;
  };
  readonly registered: {
    readonly chain: string;
    readonly key: string;
    readonly start: string;
    readonly by: string;
  };
  readonly signed: Asked & {
    readonly verdict: 'granted';
    readonly total_ms: number;
    readonly commit_ms: number;
    readonly watermark_ms: number;
    readonly sign_ms: number;
    readonly term: number;
    readonly index: number;
    /** The replica that asked, where the request was forwarded. */
    readonly via: string | null;
  };
  readonly replayed: Asked & {
    readonly verdict: 'repeated' | 'retimed';
    /** When the reservation that stands was made, and by whom. */
    readonly first: string;
    readonly by: string;
    readonly total_ms: number;
    readonly term: number;
    readonly index: number;
    readonly via: string | null;
  };
  readonly refused: Asked & {
    readonly verdict: RefusedVerdict;
    readonly detail: string;
    readonly via: string | null;
  };
  /** Not now: the link is closed, and the node asks again. */
  readonly dropped: {
    readonly chain: string;
    readonly validator: string;
    readonly reason: 'not_leader' | 'no_quorum' | 'timeout';
    readonly leader: string | null;
    /** How many more since the last such line. */
    readonly more: number;
  };
  readonly link_up: Link & {
    readonly state: string;
    readonly after_ms: number;
    readonly tries: number;
  };
  readonly link_active: Link;
  readonly link_down: Link & { readonly reason: string };
  readonly link_still_down: Link & {
    readonly reason: string;
    readonly for_ms: number;
    readonly tries: number;
  };
  readonly link_parked: Link & { readonly for_ms: number };
  readonly link_closed: Link & { readonly reason: string };
  readonly chain_id_differs: Link & { readonly asked_for: string };
  readonly not_privval: Link & { readonly answered: string };
  readonly peer_up: { readonly peer: string; readonly address: string; readonly version: string };
  readonly peer_down: { readonly peer: string; readonly cause: string; readonly detail: string };
  readonly peer_unreachable: {
    readonly peer: string;
    readonly address: string;
    readonly detail: string;
    readonly more: number;
  };
  readonly peer_refused: { readonly peer: string; readonly reason: string };
  readonly config_drift: { readonly peer: string; readonly items: readonly string[] };
  readonly leader: {
    readonly leader: string;
    readonly term: number;
    readonly previous: string | null;
    readonly reason: string;
    readonly took_ms: number | null;
  };
  readonly leadership_lost: {
    readonly term: number;
    readonly reason: string;
    readonly unreachable: readonly string[];
  };
  readonly serving: {
    readonly term: number;
    readonly barrier: number;
    readonly chains: number;
    readonly validators: number;
  };
  readonly handed_over: {
    readonly to: string | null;
    readonly reason: string;
    readonly took_ms: number;
  };
  readonly rules_raised: { readonly version: number; readonly index: number };
  readonly state_differs: {
    /** The entry after which the states were hashed. */
    readonly index: number;
    readonly own: string;
    readonly leaders: string;
  };
  readonly no_quorum: {
    readonly reachable: number;
    readonly voters: number;
    readonly missing: readonly string[];
  };
  readonly quorum_back: { readonly for_ms: number };
  readonly stalled: { readonly for_ms: number; readonly election_timeout_ms: number };
  readonly slow_sync: { readonly took_ms: number; readonly limit_ms: number };
  readonly disk_low: {
    readonly path: string;
    readonly free_bytes: number;
    readonly minimum_bytes: number;
  };
  readonly latency: {
    readonly chain: string;
    readonly median_ms: number;
    readonly budget_ms: number;
  };
  readonly floor_raised: {
    readonly chain: string;
    readonly key: string;
    readonly floor: string;
    readonly reason: string;
  };
  readonly halt_height: {
    readonly chain: string;
    readonly key: string;
    readonly height: bigint | null;
  };
  readonly retired: { readonly chain: string; readonly key: string; readonly state_file: string };
  readonly watermark_rebuilt: {
    readonly chain: string;
    readonly key: string;
    readonly to: string;
    readonly reason: string;
  };
  readonly state_file_failed: { readonly path: string; readonly detail: string };
  readonly self_verify_failed: {
    readonly chain: string;
    readonly key: string;
    /** Height, round and step. */
    readonly at: string;
  };
  readonly unfit: { readonly reason: string };
  readonly fit_again: { readonly for_ms: number };
  readonly certificate_expires: { readonly certificate: string; readonly days: number };
  readonly ready: { readonly notes: readonly string[] };
  readonly not_ready: { readonly code: string; readonly detail: string };
  readonly http_listening: { readonly address: string };
  readonly http_failed: { readonly path: string; readonly detail: string };
  readonly admin: {
    readonly request: string;
    readonly outcome: string;
    readonly detail: string | null;
  };
  readonly journal_moved_aside: { readonly to: string; readonly detail: string };
  readonly journal_failed: { readonly detail: string };
  readonly journal_back: { readonly lost: number };
  readonly log_dropped: { readonly lines: number };
  readonly log_suppressed: { readonly of: string; readonly lines: number };
  readonly stopping: { readonly reason: string };
  readonly stopped: { readonly links_closed: number; readonly took_ms: number };
  readonly fatal: { readonly detail: string };
  /** Not for operators: whatever helps while looking for a fault. */
  readonly trace: { readonly what: string; readonly detail: string };
}

export type EventName = keyof EventFacts;

export type RefusedVerdict =
  | 'conflict'
  | 'regressed'
  | 'halted'
  | 'leap'
  | 'cutover'
  | 'retired'
  | 'unregistered'
  | 'retimed'
  | 'watermark'
  | 'invalid'
  | 'wrong_chain'
  | 'no_quorum'
  | 'backend_error';

export interface EventRow<E extends EventName> {
  readonly level: Level | ((facts: EventFacts[E]) => Level);
  /** For docs: when this line appears. */
  readonly when: string;
  /** Put at the end of the line: what it means for the reader, where that is not plain. */
  readonly note?: string | ((facts: EventFacts[E]) => string | null);
}

/** A node that replays or lags is refused all the time and nothing is wrong; two contents for one HRS never are. */
const refusalLevels: Readonly<Record<RefusedVerdict, Level>> = {
  conflict: 'error',
  regressed: 'info',
  halted: 'info',
  leap: 'warn',
  cutover: 'warn',
  retired: 'warn',
  unregistered: 'warn',
  retimed: 'info',
  watermark: 'warn',
  invalid: 'warn',
  wrong_chain: 'error',
  no_quorum: 'warn',
  backend_error: 'error',
};

const refusalNotes: Partial<Readonly<Record<RefusedVerdict, string>>> = {
  conflict: 'two validators disagree; this one was refused, nothing was double signed',
  regressed: 'node replaying or behind; nothing to do',
  retimed: 'a proposal asked for again with another time; the node would not take the stored one',
  watermark:
    'this replica reserved other content there that never committed; one vote at most is lost',
};

export const events: { readonly [E in EventName]: EventRow<E> } = {
  start: { level: 'info', when: 'The process starts.' },
  chain: { level: 'info', when: 'At start, once per configured chain and key.' },
  config_note: { level: 'warn', when: 'A setting works and should be looked at.' },
  founding_wait: {
    level: 'info',
    when: 'Not all members answered yet; repeated every 30 s.',
    note: 'a cluster is founded once, when every member answers',
  },
  founded: { level: 'info', when: 'The cluster was founded, once for all time.' },
  joining_wait: {
    level: 'info',
    when: 'This home joins a cluster and is not admitted yet; repeated every 30 s.',
  },
  joined: {
    level: 'info',
    when: 'This replica was admitted to a cluster that exists, as a learner.',
  },
  membership: { level: 'info', when: 'The members changed, for good; on every replica.' },
  registration_wait: {
    level: 'info',
    when: 'A chain cannot be registered yet: each member that holds keys, a learner too, first says what its state file says. Repeated every minute.',
  },
  registered: { level: 'info', when: 'A chain was registered in the log.' },
  signed: { level: 'info', when: 'A signature for a new position left this replica.' },
  replayed: { level: 'info', when: 'A position was asked for again and answered again.' },
  refused: {
    level: (f) => refusalLevels[f.verdict],
    when: 'A sign request was refused for good; the validator got a typed error.',
    note: (f) => refusalNotes[f.verdict] ?? null,
  },
  dropped: {
    level: 'warn',
    when: 'A sign request found no leader or no commit in time; at most one line a second per link.',
    note: 'the node asks again on its next connection',
  },
  link_up: { level: 'info', when: 'A validator link is established.' },
  link_active: { level: 'info', when: 'The first sign request on a link.' },
  link_down: { level: 'warn', when: 'A validator link broke or could not be made.' },
  link_still_down: { level: 'warn', when: 'Once a minute while a link stays down.' },
  link_parked: {
    level: 'warn',
    when: 'A validator took the connection and says nothing.',
    note: "another signer holds this node's connection (an old signer still running?)",
  },
  link_closed: { level: 'info', when: 'This replica closed a link on purpose.' },
  chain_id_differs: {
    level: 'error',
    when: 'A validator asks for another chain than it is configured under.',
    note: 'move the address to the right [[chain]]',
  },
  not_privval: {
    level: 'error',
    when: 'Something else than a privval listener answered.',
    note: 'use the port of priv_validator_laddr (26659 is usual)',
  },
  peer_up: { level: 'info', when: 'A link to another replica is up.' },
  peer_down: { level: 'warn', when: 'A link to another replica ended.' },
  peer_unreachable: {
    level: 'warn',
    when: 'Another replica cannot be reached; first failure, then once a minute.',
  },
  peer_refused: { level: 'error', when: 'Another replica was refused at the handshake.' },
  config_drift: { level: 'warn', when: 'Another replica runs with other settings than this one.' },
  leader: { level: 'info', when: 'A leader is known, on every replica.' },
  leadership_lost: { level: 'warn', when: 'This replica led and does so no longer.' },
  serving: { level: 'info', when: 'This replica leads and may sign.' },
  handed_over: { level: 'info', when: 'This replica gave leadership away on purpose.' },
  rules_raised: {
    level: 'info',
    when: 'Every member knows a later version of the rules, and from here on it is in force.',
    note: 'from now on no program that does not know this version can be put back',
  },
  state_differs: {
    level: 'error',
    when: 'This replica made another state of the log than the leader did; the process ends.',
    note: 'leave this replica stopped, and see docs/runbooks/states-differ.md',
  },
  no_quorum: {
    level: 'warn',
    when: 'Fewer than a quorum are in contact; once, then each minute.',
    note: 'not signing',
  },
  quorum_back: { level: 'info', when: 'A quorum is in contact again.' },
  stalled: { level: 'warn', when: 'The process stood still for longer than a heartbeat allows.' },
  slow_sync: { level: 'warn', when: 'A log sync took longer than the election timeout.' },
  disk_low: { level: 'warn', when: 'A disk has less free space than the minimum; each minute.' },
  latency: {
    level: 'warn',
    when: 'The median of the last hundred signatures is above the budget.',
  },
  floor_raised: { level: 'info', when: 'A floor was raised.' },
  halt_height: { level: 'info', when: 'A halt height was set or cleared.' },
  retired: {
    level: 'warn',
    when: 'A chain was retired for good.',
    note: 'no replica will sign for it again',
  },
  watermark_rebuilt: {
    level: 'error',
    when: 'A watermark was missing or damaged and was rebuilt from the log.',
  },
  state_file_failed: { level: 'warn', when: 'A derived state file could not be written.' },
  self_verify_failed: {
    level: 'error',
    when: 'A signature did not verify; it was not released and the process stops.',
  },
  unfit: {
    level: 'warn',
    when: 'A disk has less than half of the minimum free, or a key could not sign.',
    note: 'while it leads, this replica hands leadership over where another can take it',
  },
  fit_again: {
    level: 'info',
    when: 'A disk has the minimum free again; a key signed again, or did not fail for a minute.',
  },
  certificate_expires: { level: 'warn', when: 'A certificate ends within 60 days; once a day.' },
  ready: { level: 'info', when: 'Every reason for not being ready is gone.' },
  not_ready: { level: 'warn', when: 'A reason for not being ready appeared.' },
  http_listening: { level: 'info', when: 'The HTTP server listens.' },
  http_failed: { level: 'error', when: 'An HTTP request failed inside this program.' },
  admin: { level: 'info', when: 'A request came over the admin socket.' },
  journal_moved_aside: {
    level: 'warn',
    when: 'The journal could not be read and a new one was begun.',
    note: 'only history is affected, not the signing state',
  },
  journal_failed: {
    level: 'warn',
    when: 'The journal cannot be written; said once until it works again.',
    note: 'only history is affected, not the signing state',
  },
  journal_back: { level: 'info', when: 'The journal can be written again.' },
  log_dropped: {
    level: 'warn',
    when: 'Lines were dropped because standard output did not take them.',
  },
  log_suppressed: {
    level: 'warn',
    when: 'One event came more often than is written; the rest of that second was left out.',
  },
  stopping: { level: 'info', when: 'The process was asked to stop.' },
  stopped: { level: 'info', when: 'The last line of an orderly stop.' },
  fatal: { level: 'error', when: 'The process ends because going on would not be safe.' },
  trace: { level: 'debug', when: 'Details for finding a fault.' },
};
