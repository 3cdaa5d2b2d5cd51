/**
 * Planted bugs: what production must never do, so that the search can show that it would find it.
 *
 * Owns    the texts of the compiled code that are replaced, and the world in which the bug is looked for.
 * Never   in production: only an opened module is changed (opening-hooks.ts).
 */
export interface PlantedBug {
  readonly name: string;
  /** The rule that it breaks, in words. */
  readonly breaks: string;
  /** In the file whose path ends so, one text stands for another. */
  readonly changes: readonly (readonly [file: string, from: string, to: string])[];
  readonly world: string;
  /**
   * The rule of histories.ts that is to see it, alone. The rules of disks and promises see most bugs long before they
   * come to this; where nobody asks for it, it is whatever is seen first.
   */
  readonly seenAs?: string;
}

const twoReplicas = '2 replicas, 2 terms, 1 crash';
const threeFast = '3 replicas, 2 terms, fast disks';
const core = (file: string): string => `/consensus/dist/src/core/${file}.js`;

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'acknowledged-before-durable',
    breaks: 'an append is acknowledged once its entries are durable (rule 11)',
    changes: [
      [
        core('durability'),
        'index <= this._durableIndex ? this._termReceipt : this._lastReceipt',
        'this._termReceipt',
      ],
    ],
    world: twoReplicas,
  },
  {
    name: 'term-sent-before-durable',
    breaks: 'nothing that carries a term leaves before it is durable (rule 10)',
    changes: [
      [
        core('durability'),
        'get termReceipt() {\n        return this._termReceipt;',
        'get termReceipt() {\n        return 0;',
      ],
    ],
    world: twoReplicas,
  },
  {
    name: 'vote-for-two',
    breaks: 'one vote in a term, for ever (rules 1 and 3)',
    changes: [
      [core('election'), 'votedFor === null || votedFor === from;', 'true;'],
      [core('election'), 'else if (granted && votedFor === null)', 'else if (granted)'],
    ],
    world: threeFast,
  },
  {
    name: 'vote-forgotten-on-loss',
    breaks: 'stepping down within a term keeps the vote (rule 3)',
    changes: [
      [
        core('election'),
        'function returnToFollower(core, reason, out) {\n',
        'function returnToFollower(core, reason, out) {\n    core.hard = { ...core.hard, votedFor: null };\n',
      ],
    ],
    world: threeFast,
  },
  {
    name: 'vote-without-log',
    breaks: 'only a log that covers the own one gets the vote (rule 5)',
    changes: [[core('log'), 'return lastTerm > this.lastTerm;', 'return true;']],
    world: threeFast,
  },
  {
    name: 'leader-counts-itself-early',
    breaks: 'a leader counts its own copy once it is durable (rule 12)',
    changes: [
      [core('replication'), '? core.durability.durableIndex //', '? core.log.lastIndex //'],
    ],
    world: twoReplicas,
  },
  {
    name: 'commit-beyond-what-was-compared',
    breaks:
      'only what was compared commits: at the follower and, for it, at the leader (rules 18, 19)',
    changes: [
      [
        core('follower'),
        'Math.min(append.commit, match)',
        'Math.min(append.commit, core.log.lastIndex)',
      ],
      [
        core('replication'),
        'const commit = Math.min(core.commit, peer.match);',
        'const { commit } = core;',
      ],
    ],
    world: threeFast,
  },
  {
    name: 'truncates-without-conflict',
    breaks: 'a late or repeated append removes nothing (rule 20)',
    changes: [
      [
        core('follower'),
        'const first = core.log.firstMissing(entries);',
        'const first = entries[0]?.index ?? null;',
      ],
    ],
    world: twoReplicas,
  },
  {
    name: 'released-without-commit',
    breaks: 'a signature leaves once its reservation is committed (the road, 4)',
    changes: [
      [
        '/signer/dist/src/gate/step.js',
        'const { commit, markMs, signing, extension, ticket } = turn;',
        `const { markMs, signing, extension, ticket, asked } = turn;
    const proof = { term: 1, index: 1, commitMs: 0 };
    const commit = turn.commit ?? { verdict: 'granted', signBytes: asked.signBytes, proof, ms: 0 };`,
      ],
    ],
    world: '1 gate of 2 replicas, 1 term, A and A later',
  },
  {
    name: 'request-signed-instead-of-verdict',
    breaks: 'what is signed are the bytes of the verdict, never the request’s (the road, 5)',
    changes: [
      [
        '/signer/dist/src/gate/step.js',
        '!equal(signing.bytes, verdict.signBytes)',
        '!equal(signing.bytes, asked.signBytes)',
      ],
      [
        '/signer/dist/src/gate/step.js',
        "begin('verdict', verdict.signBytes, at)",
        "begin('verdict', asked.signBytes, at)",
      ],
      [
        '/signer/dist/src/gate/step.js',
        'signBytes: verdict.signBytes,\n        proof,',
        'signBytes: asked.signBytes,\n        proof,',
      ],
    ],
    world: '1 gate of 2 replicas, 1 term, A and A later',
  },
  {
    name: 'conflict-granted',
    breaks: 'no grant at or below an earlier one',
    changes: [
      [
        '/sign-state/dist/src/decide.js',
        "return { kind: 'conflict', stored };",
        "return { kind: 'granted', signBytes: asked.signBytes, stored: { ...stored, signBytes: asked.signBytes } };",
      ],
    ],
    world: '2 gates of 2 replicas, 2 terms, A and B',
  },
  {
    name: 'own-vote-is-enough',
    breaks: 'a majority elects (rule 6)',
    changes: [[core('quorum'), 'if (granted >= enough)', 'if (granted >= 1)']],
    world: threeFast,
    seenAs: 'two leaders of term',
  },
  {
    name: 'own-disk-is-enough',
    breaks: 'a majority commits (rule 12)',
    changes: [[core('quorum'), 'if (atOrAbove >= enough)', 'if (atOrAbove >= 1)']],
    world: threeFast,
    seenAs: 'two committed logs',
  },
  {
    name: 'another-content-repeated',
    breaks: 'one content for each place, for ever (the promise)',
    changes: [
      [
        '/sign-state/dist/src/decide.js',
        "return { kind: 'conflict', stored };",
        "return { kind: 'repeated', signBytes: asked.signBytes, stored };",
      ],
    ],
    world: '2 gates of 2 replicas, 2 terms, A and B',
    seenAs: 'two contents released at',
  },
  {
    name: 'watermark-not-awaited',
    breaks: 'a signature leaves once its mark is on the disk (the road, 3)',
    changes: [
      ['/signer/dist/src/gate/step.js', 'commit === null || markMs === null', 'commit === null'],
    ],
    world: '1 gate of 2 replicas, 1 term, A and A later',
  },
];

/** @throws Error where the text to be replaced is not there: production has changed, and the bug must follow */
export function plantedIn(name: string, url: string, text: string): string {
  if (name === 'none') return text;
  const bug = plantedBugs.find((each) => each.name === name);
  if (bug === undefined) throw new Error(`there is no planted bug "${name}"`);
  return bug.changes.reduce((changed, [file, from, to]) => {
    if (!new URL(url).pathname.endsWith(file)) return changed;
    if (changed.split(from).length !== 2) throw new Error(`${url}: "${from}" stands not once`);
    return changed.replace(from, () => to);
  }, text);
}
