/**
 * What happens on the links between replicas, as log lines.
 *
 * Owns    the words, and how often a member that cannot be reached says so.
 * Never   touches a link.
 */
import { membersOf, type RaftNode } from '@cometkms/consensus';
import type { Answer } from '@cometkms/sign-state';
import { atMost, type Log } from '../log/index.js';
import type { ReplicaClock } from './edges.js';
import { driftOf, type NodeMaterial } from './node.js';

const ONCE_A_MINUTE = 60_000;

export function reportPeers(
  node: RaftNode<Answer>,
  material: NodeMaterial,
  log: Log,
  clock: ReplicaClock,
): void {
  const { members } = material.checked;
  const unreachable = new Map<string, (nowMs: number) => number | null>();
  const refusals = atMost(ONCE_A_MINUTE);
  const strange = atMost(ONCE_A_MINUTE);
  node.on('linkUp', (_peer, hello) => {
    // As configured: before the founding there is no membership to ask.
    const address = members.find((member) => member.name === hello.name)?.address ?? '';
    unreachable.delete(hello.name);
    log('peer_up', { peer: hello.name, address, version: hello.version });
    const items = driftOf(material, hello.configDigest);
    if (items.length > 0) log('config_drift', { peer: hello.name, items });
  });
  node.on('linkDown', (peer, cause, detail) => {
    const { membership } = node;
    const logged =
      membership === null ? [] : [...membersOf(membership), ...(membership.departed ?? [])];
    const name = logged.find((member) => member.id === peer)?.name ?? peer;
    log('peer_down', { peer: name, cause, detail });
  });
  node.on('dialFailed', (peer, fault) => {
    if (fault.refusal !== undefined) {
      if (refusals(clock.nowMs()) === null) return;
      log('peer_refused', { peer: peer.name, reason: `${fault.kind}: ${fault.refusal.detail}` });
      return;
    }
    const allows = unreachable.get(peer.name) ?? atMost(ONCE_A_MINUTE);
    unreachable.set(peer.name, allows);
    const more = allows(clock.nowMs());
    if (more === null) return;
    const { name, address } = peer;
    log('peer_unreachable', { peer: name, address, detail: fault.detail, more });
  });
  node.on('inboundFailed', (fault) => {
    if (refusals(clock.nowMs()) === null) return;
    log('peer_refused', { peer: fault.remoteAddress, reason: `${fault.kind}: ${fault.detail}` });
  });
  node.on('messageDropped', (from, kind, why) => {
    if (strange(clock.nowMs()) === null) return;
    log('trace', { what: `${kind} of ${from.slice(0, 16)} dropped`, detail: why });
  });
}
