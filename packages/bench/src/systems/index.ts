/** The systems, in the order of their turns: ours first, then those of others that are there. */
import { NotThere, programOf } from '../peers/build.js';
import type { Peer } from '../peers/peer.js';
import { type CmkmsOptions, cmkmsWith } from './cmkms.js';
import { cosmosKms } from './cosmos-kms.js';
import { goCometkms } from './go-cometkms.js';
import { horcrux } from './horcrux.js';
import type { System } from './system.js';
import { tmkms } from './tmkms.js';

const peers: readonly Peer[] = [tmkms, cosmosKms, goCometkms, horcrux];

export interface Found {
  readonly systems: readonly System[];
  /** Each with what it would have needed. */
  readonly missing: readonly string[];
}

/**
 * @param directory  with programs or sources of the others; null: only ours
 * @param own  for ours
 * @param wanted  names of systems; nothing is built for others. Null: all
 * @param say  takes a line of progress, as building takes minutes
 */
export async function findSystems(
  directory: string | null,
  own: CmkmsOptions,
  wanted: readonly string[] | null,
  say: (line: string) => void,
): Promise<Found> {
  const systems = [cmkmsWith(1, own), cmkmsWith(3, own), cmkmsWith(5, own)];
  const missing: string[] = [];
  for (const peer of peers) {
    if (wanted !== null && !wanted.includes(peer.name)) continue;
    if (directory === null) {
      missing.push(`${peer.name}: needs --peers DIR (docs/performance/peers.md)`);
      continue;
    }
    try {
      systems.push(peer.system(await programOf(peer, directory, say)));
    } catch (error) {
      if (!(error instanceof NotThere)) throw error;
      missing.push(`${peer.name}: ${error.message}`);
    }
  }
  return { systems, missing };
}
