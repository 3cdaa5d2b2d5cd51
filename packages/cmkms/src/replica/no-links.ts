/**
 * The links of a replica that is alone: none.
 *
 * Owns    being a transport that reaches nobody and listens nowhere.
 * Never   used where a member list names anybody else.
 */
import type { Transport } from '@cometkms/consensus';

export const noLinks: Transport = {
  start: async () => {},
  send: () => false,
  setPeers: () => {},
  isUp: () => false,
  stop: async () => {},
};
