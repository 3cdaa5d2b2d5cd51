/**
 * The small worlds: each row is a bound, and all that can happen within it is searched.
 *
 * Owns    what each world has and how much of it may happen.
 */
import { type Content, registeredRecord } from './contents.js';
import type { Rooms } from './opening.js';
import { founded, genesisOf, namesOf, type Replica } from './replica.js';

export interface World {
  readonly name: string;
  readonly replicas: number;
  /** Nobody campaigns for a later one. */
  readonly terms: number;
  readonly crashes: number;
  /** How often a replica may campaign, all of them together: which ones, when, in which terms is searched. */
  readonly campaigns: number;
  /** False: whoever asks ahead is granted it by all, in the same move. */
  readonly preVotes: boolean;
  /** Each leader may be given these, each once. */
  readonly proposals: readonly string[];
  /** So many replicas have a gate, the first ones; each may be asked for each of `asks` once. */
  readonly gates: number;
  readonly asks: readonly Content[];
  /** How many proposals and requests there are in all: at whom, for what, when is searched. */
  readonly requests: number;
  readonly signsEarly: boolean;
  /** False: mark and signature are there before anything else comes to that replica, and no turn's time runs out. */
  readonly slowGates: boolean;
  /** False: what is handed out is durable before anything else comes to that replica. */
  readonly slowDisks: boolean;
  /**
   * Leaders beat at any time. Else they beat where a commit is news to a peer, and only that news counts: where nothing
   * is ever lost for good, nothing else of a beat is needed.
   */
  readonly heartbeats: boolean;
  /** A leader may think that its quorum is silent, and step down within its term. */
  readonly quorumLost: boolean;
  /** A leader may lose a link and get it back. */
  readonly links: boolean;
  readonly transfers: boolean;
  readonly compaction: boolean;
}

const plain = {
  terms: 2,
  crashes: 0,
  campaigns: Number.POSITIVE_INFINITY,
  preVotes: false,
  proposals: [],
  gates: 0,
  asks: [],
  requests: Number.POSITIVE_INFINITY,
  signsEarly: false,
  slowGates: true,
  slowDisks: true,
  heartbeats: true,
  quorumLost: false,
  links: false,
  transfers: false,
  compaction: false,
} satisfies Partial<World>;

/** The first ones are small enough for every test run; planted bugs are looked for in them. */
export const worlds: readonly World[] = [
  { ...plain, name: '2 replicas, 2 terms, 1 crash', replicas: 2, crashes: 1 },
  { ...plain, name: '2 replicas, 2 terms, pre-votes', replicas: 2, preVotes: true },
  {
    ...plain,
    name: '3 replicas, 2 terms, fast disks',
    replicas: 3,
    heartbeats: false,
    slowDisks: false,
  },
  {
    ...plain,
    name: '1 gate of 2 replicas, 1 term, A and A later',
    replicas: 2,
    terms: 1,
    heartbeats: false,
    slowDisks: false,
    gates: 1,
    asks: ['A', 'A later'],
    signsEarly: true,
  },
  {
    ...plain,
    name: '2 gates of 2 replicas, 2 terms, A and B',
    replicas: 2,
    heartbeats: false,
    slowDisks: false,
    gates: 2,
    asks: ['A', 'B'],
  },
  { ...plain, name: '3 replicas, 2 terms', replicas: 3, heartbeats: false },
  {
    ...plain,
    name: '2 replicas, 2 terms, 2 crashes, 1 proposal each, lost quorums',
    replicas: 2,
    crashes: 2,
    heartbeats: false,
    quorumLost: true,
    proposals: ['A'],
  },
  {
    ...plain,
    name: '2 gates of 2 replicas, 2 terms, A and B, 1 crash, fast disks',
    replicas: 2,
    heartbeats: false,
    slowDisks: false,
    crashes: 1,
    gates: 2,
    asks: ['A', 'B'],
    signsEarly: true,
  },
  {
    ...plain,
    name: '2 gates of 2 replicas, 2 terms, A and B, 1 crash, swift gates',
    replicas: 2,
    heartbeats: false,
    crashes: 1,
    gates: 2,
    asks: ['A', 'B'],
    signsEarly: true,
    slowGates: false,
  },
  { ...plain, name: '3 replicas, 2 terms, 1 crash', replicas: 3, heartbeats: false, crashes: 1 },
  {
    ...plain,
    name: '2 replicas, 2 terms, 1 proposal each, snapshots, 1 crash',
    replicas: 2,
    heartbeats: false,
    proposals: ['A'],
    compaction: true,
    crashes: 1,
  },
  {
    ...plain,
    name: '2 replicas, 2 terms, 1 proposal each, links, transfers',
    replicas: 2,
    heartbeats: false,
    proposals: ['A'],
    links: true,
    transfers: true,
  },
  {
    ...plain,
    name: '2 replicas, 2 terms, A and B, 2 proposals in all, 1 crash',
    replicas: 2,
    heartbeats: false,
    proposals: ['A', 'B'],
    requests: 2,
    crashes: 1,
  },
  {
    ...plain,
    name: '2 gates of 3 replicas, 2 terms, A and B, 2 requests, 2 campaigns, fast disks, swift gates',
    replicas: 3,
    campaigns: 2,
    requests: 2,
    heartbeats: false,
    slowDisks: false,
    slowGates: false,
    gates: 2,
    asks: ['A', 'B'],
  },
  {
    ...plain,
    name: '3 replicas, 2 terms, 1 proposal in all, 2 campaigns',
    replicas: 3,
    campaigns: 2,
    heartbeats: false,
    proposals: ['A'],
    requests: 1,
  },
  {
    ...plain,
    name: '3 replicas, 2 terms, 1 proposal each, 1 crash, fast disks',
    replicas: 3,
    heartbeats: false,
    slowDisks: false,
    crashes: 1,
    proposals: ['A'],
  },
];

/** How many of the worlds every test run searches. */
export const quickWorlds = 5;

/** All that bounds a world, beside its name. What is not said here is not bounded. */
export function boundsOf(world: World): string {
  const { replicas, terms, crashes, campaigns, requests, proposals, gates, asks } = world;
  const most = (bound: number, of: string): string[] =>
    Number.isFinite(bound) ? [`${bound} ${of} in all`] : [];
  const never = (allowed: boolean, of: string): string[] => (allowed ? [] : [of]);
  const who = gates === 0 ? proposals.map((of) => `${of} at each leader`) : [];
  const asked = gates === 0 ? [] : [`${asks.join(', ')} at each of ${gates} gates`];
  return [
    `${replicas} replicas, ${terms} terms, ${crashes} crashes`,
    ...most(campaigns, 'campaigns'),
    ...who,
    ...asked,
    ...most(requests, 'requests'),
    ...never(world.slowDisks, 'fast disks'),
    ...never(gates === 0 || world.slowGates, 'swift gates'),
    ...never(world.preVotes, 'pre-votes granted'),
    ...never(world.heartbeats, 'no heartbeats but with news of a commit'),
    ...never(world.quorumLost, 'no silent quorum'),
    ...never(world.links, 'no lost link'),
    ...never(world.transfers, 'no transfer'),
    ...never(world.compaction, 'no snapshot'),
  ].join('; ');
}

export function worldNamed(name: string): World {
  const world = worlds.find((each) => each.name === name);
  if (world === undefined) throw new Error(`there is no small world "${name}"`);
  return world;
}

export function beginningOf(world: World, rooms: Rooms): readonly Replica[] {
  const names = namesOf(world.replicas);
  const genesis = genesisOf(names);
  const firstRecord = world.gates > 0 ? registeredRecord() : undefined;
  const gate = {
    state: rooms.gate.idle,
    rules: { commitTimeoutMs: 1000, signsEarly: world.signsEarly },
    lastTicket: 0,
    marked: null,
    writing: null,
    signing: [],
    reserving: null,
    asks: world.asks,
  } as const;
  return names.map((self, place) =>
    founded(rooms, self, genesis, {
      firstRecord,
      gate: place < world.gates ? gate : null,
      proposals: world.proposals,
    }),
  );
}
