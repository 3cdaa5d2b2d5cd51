/** What the benchmark runs with: replicas as an operator runs them, a node's side of the protocol, wires, processes. */

export type { Commit } from './chain-rpc.js';
export { compileDiskFaults, FaultyDisk } from './chaos/disk.js';
export { FarWire } from './chaos/far-wire.js';
export { plain, Wire, type WireOrder } from './chaos/wire.js';
export { CometNode } from './comet-node.js';
export {
  type ChainTable,
  cmkms,
  Fleet,
  type FleetReplica,
  type FleetStatus,
  fleetNames,
  type ReplicaPlace,
} from './fleet.js';
export { cometBftVersion, type GoProgram, goProgram, goVersion } from './go-module.js';
export { lengthenLogs } from './long-log/long-log.js';
export { makeNodeHome } from './node-home.js';
export { freePorts, ManagedProcess, type ProcessOptions, run, until } from './processes.js';
export {
  type ListenPlace,
  NoAnswerError,
  nodeConstants,
  RemoteSignerError,
  SignerEndpoint,
} from './validator/signer-endpoint.js';
export { blockNamed } from './validator/validator.js';
