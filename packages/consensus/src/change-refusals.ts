/**
 * Why a change of the membership is not made, in the words of an operator.
 *
 * Owns    one sentence for each refusal; identities are shortened.
 * Never   decides: core/change.ts does.
 */
import type { ChangeRefusal } from './core/types.js';

const short = (id: string): string => id.slice(0, 16);

export function refusalInWords(refusal: ChangeRefusal): string {
  switch (refusal.kind) {
    case 'underWay':
      return `another one is under way, at entry ${refusal.index}`;
    case 'termNotOpened':
      return 'the leader is new and has not committed anything yet';
    case 'unknownMember':
      return `${short(refusal.id)} is no member`;
    case 'notLearner':
      return `${short(refusal.id)} is a voter already`;
    case 'idInUse':
      return `${short(refusal.id)} is a member already`;
    case 'nameInUse':
      return `a member is called ${refusal.name} already`;
    case 'idUsedBefore':
      return `${short(refusal.id)} was a member before, and an identity is used once`;
    case 'behind':
      return `${short(refusal.id)} holds entries up to ${refusal.match}, ${refusal.commit} are committed`;
    case 'silent':
      return `${short(refusal.id)} does not answer`;
    case 'lastVoter':
      return `${short(refusal.id)} is the last voter`;
    case 'lastKeyHolder':
      return `${short(refusal.id)} is the last voter that holds a key`;
    case 'noQuorum':
      return `of the voters then, ${refusal.live} answer and ${refusal.needed} are needed`;
    case 'noKeyHolder':
      return `besides ${short(refusal.id)} no voter that holds a key answers`;
  }
}
