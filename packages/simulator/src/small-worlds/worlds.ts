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
  readonly signsEarly: boolean;
  /** False: what is handed out is durable before anything else comes to that replica. */
  readonly slowDisks: boolean;
  /** Leaders beat. Where nothing is ever lost for good, that brings nothing that is needed. */
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
  signsEarly: false,
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
  { ...plain, name: '3 replicas, 2 terms, 1 crash', replicas: 3, heartbeats: false, crashes: 1 },
  {
    ...plain,
    name: '3 replicas, 2 terms, 1 proposal each',
    replicas: 3,
    heartbeats: false,
    proposals: ['A'],
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
    name: '2 replicas, 2 terms, 1 proposal each, links, transfers',
    replicas: 2,
    heartbeats: false,
    proposals: ['A'],
    links: true,
    transfers: true,
  },
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
    name: '2 gates of 3 replicas, 2 terms, A and B, fast disks',
    replicas: 3,
    heartbeats: false,
    slowDisks: false,
    gates: 2,
    asks: ['A', 'B'],
  },
  {
    ...plain,
    name: '2 gates of 2 replicas, 2 terms, A and B, 1 crash',
    replicas: 2,
    heartbeats: false,
    crashes: 1,
    gates: 2,
    asks: ['A', 'B'],
    signsEarly: true,
  },
];

/** How many of the worlds every test run searches. */
export const quickWorlds = 5;

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
