/**
 * Every error of this program that the world or an operator can cause.
 *
 * Owns    the codes, what each says, its remedy and its exit code. A code keeps its meaning for ever.
 * Never   names a command that does not exist (test/cli-errors.test.ts), prints key material, or is
 *         used for our own broken rules: those are `invariant`.
 */
import { EXIT, type ExitCode } from './exit-codes.js';

interface Row<F> {
  readonly exitCode: ExitCode;
  readonly says: (facts: F) => string;
  readonly remedy: (facts: F) => string;
}

function row<F>(
  exitCode: ExitCode,
  says: (facts: F) => string,
  remedy: (facts: F) => string,
): Row<F> {
  return { exitCode, says, remedy };
}

export const cmkmsErrors = {
  // ------------------------------------------------------------------------- configuration, usage
  USAGE: row(
    EXIT.CONFIGURATION,
    (f: { problem: string; command: string }) => f.problem,
    (f) => `${f.command} --help`,
  ),
  CONFIG: row(
    EXIT.CONFIGURATION,
    (f: { where: string; problem: string; remedy: string }) => `${f.where}: ${f.problem}`,
    (f) => f.remedy,
  ),
  ADDR_CLASH: row(
    EXIT.CONFIGURATION,
    (f: { first: string; second: string; relation: 'covers' | 'equals'; remedy: string }) =>
      f.relation === 'covers'
        ? `${f.first} covers ${f.second}; one of the two cannot be bound and cmkms would talk to itself.`
        : `${f.first} is also ${f.second}.`,
    (f) => f.remedy,
  ),
  CHAIN_MISSING: row(
    EXIT.CONFIGURATION,
    (f: { where: string }) => `${f.where}: no chain is configured, so there is nothing to sign.`,
    () => 'give chain_id and validator_addr (--chain-id, --validator-addr), or a [[chain]] table.',
  ),
  CHAIN_UNKNOWN: row(
    EXIT.CONFIGURATION,
    (f: { chainId: string; where: string; known: readonly string[] }) =>
      `${f.where}: chain ${f.chainId} is not configured (${f.known.join(', ') || 'none is'}).`,
    (f) => `check the spelling, or add the chain ${f.chainId} to that file first.`,
  ),
  ID_NOT_IN_PEERS: row(
    EXIT.CONFIGURATION,
    (f: { id: string; from: string; peers: readonly string[] }) =>
      `id "${f.id}" (from ${f.from}) is not in peer (${f.peers.join(', ')}).`,
    (f) => `--id ${f.peers[0] ?? 'NAME'}, or remove id so that tls/replica.crt names it.`,
  ),
  INSECURE_RAFT: row(
    EXIT.CONFIGURATION,
    (f: { address: string }) => `--insecure-raft is for loopback; ${f.address} is not`,
    () => 'leave the flag out and use the homes (certificates) that cmkms cluster init writes.',
  ),
  CERT_ID: row(
    EXIT.CONFIGURATION,
    (f: { path: string; is: string; wanted: string }) =>
      `${f.path} is for ${f.is}, this replica is ${f.wanted}.`,
    () =>
      "this is another replica's home, or a part of one: copy the home that cmkms cluster init wrote for this replica, whole.",
  ),
  TLS_MISSING: row(
    EXIT.CONFIGURATION,
    (f: { path: string }) => `${f.path} is missing; replicas link over mutual TLS only.`,
    () =>
      'copy the home that cmkms cluster init wrote for this replica, or, on loopback only, --insecure-raft.',
  ),
  TLS_DAMAGED: row(
    EXIT.CONFIGURATION,
    (f: { path: string; detail: string }) => `${f.path} cannot be used: ${f.detail}.`,
    () => 'copy the tls directory that cmkms cluster init wrote for this replica again.',
  ),
  KEY_MISSING: row(
    EXIT.CONFIGURATION,
    (f: { chainId: string; path: string; home: string }) =>
      `chain ${f.chainId}: no consensus key at ${f.path}.`,
    (f) =>
      `cmkms import filepv --from <node home> --home ${f.home} --chain-id ${f.chainId} (cmkms never makes a key).`,
  ),
  KEY_MODE: row(
    EXIT.CONFIGURATION,
    (f: { path: string; problem: string }) => `${f.path} ${f.problem}.`,
    (f) => `chmod 600 ${f.path}, owned by the user that runs cmkms.`,
  ),
  KEY_DAMAGED: row(
    EXIT.CONFIGURATION,
    (f: { path: string; detail: string }) => `${f.path} is no usable consensus key: ${f.detail}.`,
    () => 'copy the priv_validator_key.json of the node again.',
  ),
  HOME_MISSING: row(
    EXIT.CONFIGURATION,
    (f: { home: string }) => `there is no home at ${f.home}.`,
    (f) => `cmkms init --home ${f.home}, or --home <the home that cmkms cluster init wrote>.`,
  ),
  SOCKET_PATH: row(
    EXIT.CONFIGURATION,
    (f: { path: string; bytes: number; what: string }) =>
      `${f.what} ${f.path} is ${f.bytes} bytes long; the path of a unix socket has at most 107.`,
    () => 'use a shorter path.',
  ),
  EXISTS: row(
    EXIT.CONFIGURATION,
    (f: { path: string }) => `${f.path} exists already, and nothing is ever overwritten.`,
    () => 'choose another place, or move it away.',
  ),
  WITNESS_CHAIN: row(
    EXIT.CONFIGURATION,
    (f: { chainId: string; where: string }) =>
      `${f.where}: chain ${f.chainId} is configured, and this is the home of a witness: it signs for nobody.`,
    () => 'remove the chain (chain_id and validator_addr, or the [[chain]] table) from this home.',
  ),
  WITNESS_HOME: row(
    EXIT.CONFIGURATION,
    (f: { home: string }) => `${f.home} is the home of a witness, and a witness holds no key.`,
    () => 'leave this home out; only the replicas that sign take the key.',
  ),
  AUTHORITY: row(
    EXIT.CONFIGURATION,
    (f: { path: string; detail: string }) => `${f.path} cannot issue certificates: ${f.detail}.`,
    () => 'give --ca the directory ca that cmkms cluster init wrote, with ca.crt and ca.key.',
  ),
  MEMBER_UNKNOWN: row(
    EXIT.CONFIGURATION,
    (f: { id: string; members: readonly string[] }) =>
      `${f.id} is no member; the members are ${f.members.join(', ')}.`,
    () => 'cmkms cluster status lists them.',
  ),

  // -------------------------------------------------------------------------- refused for safety
  PEERS_EMPTY: row(
    EXIT.UNSAFE,
    (f: { listed: 'none' | 'only itself' }) =>
      `${f.listed === 'none' ? 'no peers are configured' : 'peer lists only this replica'}, so this replica would sign alone. Another home with the same key would sign too.`,
    () => 'list every replica in peer = [...], or state it: solo = true.',
  ),
  MEMBERS_DIFFER: row(
    EXIT.UNSAFE,
    (f: { config: readonly string[]; members: readonly string[]; source: string }) =>
      `config lists ${f.config.join(', ') || 'no peer'}; the cluster's members (${f.source}) are ${f.members.join(', ')}.`,
    () =>
      'restore the list. Addresses may change by editing; members change by cmkms cluster add, cmkms cluster remove and cmkms cluster replace, on the leader.',
  ),
  DATA_MISSING: row(
    EXIT.UNSAFE,
    (f: { data: string; clusterId: string; joinedAt: string; id: string }) =>
      `${f.data} holds no log, but this replica belongs to cluster ${f.clusterId} (priv/replica.json, since ${f.joinedAt}). Its log is gone or the volume is not mounted.`,
    (f) =>
      `mount it. If it is lost for good, leave this home stopped: without its log it could vote twice. Make a new one with cmkms cluster home, and on the leader admit it in the place of this one: cmkms cluster replace ${f.id}.`,
  ),
  WITNESS_KEY: row(
    EXIT.UNSAFE,
    (f: { path: string }) =>
      `${f.path} is a consensus key, and this is the home of a witness: it holds none.`,
    (f) => `if it is a copy, destroy ${f.path}; the replicas that sign have their own.`,
  ),
  ROLE_DIFFERS: row(
    EXIT.UNSAFE,
    (f: { id: string; home: string; cluster: string }) =>
      `the home of ${f.id} is made for ${f.home}, the cluster admitted it as ${f.cluster}.`,
    (f) =>
      `on the leader: cmkms cluster remove ${f.id}; then a new home (cmkms cluster home), and the same of --witness there and when it is added.`,
  ),
  REMOVED: row(
    EXIT.UNSAFE,
    (f: { peer: string; detail: string }) => `${f.peer} refuses this replica: ${f.detail}.`,
    () =>
      'it is out for good: its identity is never taken again. Destroy its key if it is not needed here; for another replica: cmkms cluster home, then cmkms cluster add on the leader.',
  ),
  CHANGE_REFUSED: row(
    EXIT.UNSAFE,
    (f: { change: string; reason: string; remedy: string }) =>
      `${f.change} is refused: ${f.reason}. Nothing was changed.`,
    (f) => f.remedy,
  ),
  RECORD_DAMAGED: row(
    EXIT.UNSAFE,
    (f: { path: string; detail: string }) => `${f.path} is damaged: ${f.detail}.`,
    () => 'restore this file from the backup of this very home, never from another replica.',
  ),
  CLUSTER_DIFFERS: row(
    EXIT.UNSAFE,
    (f: { path: string; found: string; wanted: string; source: string }) =>
      `${f.path} is of ${f.found}, ${f.source} of ${f.wanted}.`,
    () => 'parts of two homes were mixed: put back the whole home of one replica.',
  ),
  KEY_DIFFERS: row(
    EXIT.UNSAFE,
    (f: { chainId: string; here: string; wanted: string; source: string }) =>
      `chain ${f.chainId}: this replica has ${f.here}, ${f.source} has ${f.wanted}.`,
    () => 'copy the right key; for a second key on the chain add a second [[chain]].',
  ),
  STATE_MISSING: row(
    EXIT.UNSAFE,
    (f: { chainId: string; path: string }) =>
      `no sign state for chain ${f.chainId} on any replica (looked for ${f.path}).`,
    (f) =>
      `a key that has signed before: cmkms import filepv --from <node home>. A key that has never signed anywhere: start once with --allow-fresh-state ${f.chainId} (wrong use ends in a slashed, banned key).`,
  ),
  STATE_CONTRADICTS: row(
    EXIT.UNSAFE,
    (f: { chainId: string; given: string; file: string; position: string }) =>
      `--allow-fresh-state ${f.chainId}, given ${f.given}, says that the key never signed, but ${f.file} is at ${f.position}.`,
    () =>
      'leave the flag out, on every replica: the key has signed, and the cluster takes its state from there.',
  ),
  STATE_AHEAD: row(
    EXIT.UNSAFE,
    (f: { chainId: string; path: string; file: string; log: string; heights: string }) =>
      `${f.path} is at ${f.file}, the cluster's log at ${f.log}, ${f.heights} heights behind: something else signed with this key after the cluster did.`,
    (f) =>
      `find and stop it, then cmkms floor raise --chain-id ${f.chainId} --height ${f.file.split('/')[0]}.`,
  ),
  STATE_DAMAGED: row(
    EXIT.UNSAFE,
    (f: { path: string; detail: string }) => `${f.path} cannot be read: ${f.detail}.`,
    () =>
      'move it away if this cluster has signed with the key before: a replica writes it again from the log. Otherwise import it again from the node.',
  ),
  STATE_FOREIGN: row(
    EXIT.UNSAFE,
    (f: { path: string; detail: string }) => `${f.path} is of another signer: ${f.detail}.`,
    () =>
      'key and state must come from the same node home, and from this chain: import both again.',
  ),
  GO_DATA: row(
    EXIT.UNSAFE,
    (f: { path: string }) =>
      `${f.path} is from the Go CometKMS. It and this program must never hold one key at a time.`,
    () =>
      'stop the Go program on every machine for good, then begin with new homes (cmkms cluster init) and the highest of its state files.',
  ),
  NODE_RUNS: row(
    EXIT.UNSAFE,
    (f: { path: string; evidence: string }) =>
      `the node still runs, or ran until just now: ${f.path} ${f.evidence}.`,
    () => 'stop the node, wait a minute, and import again.',
  ),
  NODE_KEY_REMAINS: row(
    EXIT.UNSAFE,
    (f: { problem: string; step: string }) => f.problem,
    (f) => f.step,
  ),
  IMPORT_KEY: row(
    EXIT.UNSAFE,
    (f: { path: string; here: string; imported: string }) =>
      `${f.path} holds another key already (${f.here}; imported: ${f.imported}).`,
    () =>
      'for a second key on the chain add a second [[chain]] with its address; no key is replaced.',
  ),
  IMPORT_BEHIND: row(
    EXIT.UNSAFE,
    (f: { path: string; here: string; imported: string }) =>
      `${f.path} is at ${f.here}, above the node's state at ${f.imported}: this home signed after that node did.`,
    () => 'nothing is to be imported from an older copy; find out which of the two is the signer.',
  ),
  IMPORT_CONFLICT: row(
    EXIT.UNSAFE,
    (f: { path: string; position: string }) =>
      `${f.path} and the node's state are both at ${f.position}, with different sign bytes.`,
    () =>
      'two signers were active with one key. Stop both, and find out before anything is started.',
  ),

  // --------------------------------------------------------------------------------- environment
  NODE_FILES: row(
    EXIT.ENVIRONMENT,
    (f: { path: string; detail: string }) => `${f.path}: ${f.detail}.`,
    () => 'give --from the home of the node: the directory with config/ and data/.',
  ),
  HOME_LOCKED: row(
    EXIT.ENVIRONMENT,
    (f: { home: string; holder: string }) => `${f.home} is in use by ${f.holder}.`,
    () => 'stop it, or use another --home and another key.',
  ),
  LOCK_DAMAGED: row(
    EXIT.ENVIRONMENT,
    (f: { path: string; detail: string }) =>
      `the lock of this home, ${f.path}, is damaged: ${f.detail}.`,
    (f) =>
      `stop what still uses this home, then move ${f.path} away: nothing but the lock is in it. Look at the disk, too (dmesg).`,
  ),
  NOT_WRITABLE: row(
    EXIT.ENVIRONMENT,
    (f: { path: string; detail: string }) => `${f.path} cannot be written: ${f.detail}.`,
    (f) => `let the user that runs cmkms own ${f.path}, and mount it for writing.`,
  ),
  DISK_FULL: row(
    EXIT.ENVIRONMENT,
    (f: { detail: string }) => `the disk is full: ${f.detail}.`,
    () => 'free some space, then do the same again; what was promised before is kept.',
  ),
  DISK_FAILED: row(
    EXIT.ENVIRONMENT,
    (f: { detail: string }) => `the disk fails: ${f.detail}.`,
    () =>
      'look at the disk and the mount (dmesg). If it is broken, leave this home stopped until the disk is mended, and never put an older copy in its place: docs/runbooks/corrupt-disk.md.',
  ),
  PERMISSION: row(
    EXIT.ENVIRONMENT,
    (f: { detail: string }) => `permission denied: ${f.detail}.`,
    () => 'run it as the user that owns the home.',
  ),
  RAFT_BIND: row(
    EXIT.ENVIRONMENT,
    (f: { address: string; detail: string; advice: string }) =>
      `cannot listen on ${f.address} for the other replicas: ${f.detail}.`,
    (f) => f.advice,
  ),
  HTTP_BIND: row(
    EXIT.ENVIRONMENT,
    (f: { address: string; detail: string; advice: string }) =>
      `cannot listen on ${f.address} for HTTP: ${f.detail}.`,
    (f) => f.advice,
  ),
  NOT_LEADER: row(
    EXIT.ENVIRONMENT,
    (f: { leader: string | null }) =>
      f.leader === null
        ? 'no replica leads now, so nothing was changed.'
        : `${f.leader} leads; only the leader changes the cluster, and nothing was changed.`,
    (f) =>
      f.leader === null
        ? 'wait until a majority of the replicas is up (cmkms status), then ask again.'
        : `run the same command with the home of ${f.leader}, on its machine.`,
  ),
  NOT_CAUGHT_UP: row(
    EXIT.ENVIRONMENT,
    (f: { id: string; within: string; detail: string }) =>
      `${f.id} is a learner, and did not become a voter within ${f.within}: ${f.detail}.`,
    (f) =>
      `start ${f.id} where it does not run, then give the same command again: it goes on from here.`,
  ),
  NOBODY_TOOK_OVER: row(
    EXIT.ENVIRONMENT,
    (f: { leader: string }) => `nobody took leadership over in time; ${f.leader} leads on.`,
    () => 'look who is reachable and without lag (cmkms cluster status), then ask again.',
  ),
  OUTCOME_UNKNOWN: row(
    EXIT.ENVIRONMENT,
    (f: { detail: string }) => `it is not known whether the change took place: ${f.detail}.`,
    () => 'look (cmkms status), then ask again: a change that is there already changes nothing.',
  ),
  CHANGE_REJECTED: row(
    EXIT.UNSAFE,
    (f: { chainId: string; reason: string; detail: string }) =>
      `the cluster refused the change to chain ${f.chainId} (${f.reason}): ${f.detail}.`,
    () => 'cmkms status shows what the cluster knows of the chain.',
  ),
  KEY_AMBIGUOUS: row(
    EXIT.CONFIGURATION,
    (f: { chainId: string; keys: readonly string[] }) =>
      `chain ${f.chainId} has several keys here: ${f.keys.join(', ')}.`,
    (f) => `--key ${f.keys[0] ?? 'ADDRESS'}, or the other one.`,
  ),
  DISK_DOUBTED: row(
    EXIT.UNSAFE,
    (f: { peer: string; detail: string }) => `${f.peer} refuses this replica: ${f.detail}.`,
    () =>
      'its disk is older than what it has promised, or a copy. Put back the newest disk. If it is lost for good, leave this home stopped: it could vote twice. Make a new one with cmkms cluster home, and on the leader admit it in the place of this one: cmkms cluster replace.',
  ),
  NOT_RUNNING: row(
    EXIT.ENVIRONMENT,
    (f: { home: string; detail: string }) => `no replica answers for ${f.home}: ${f.detail}.`,
    (f) => `cmkms start --home ${f.home}, or --home <the home of a running replica>.`,
  ),
} as const;

export type CmkmsCode = keyof typeof cmkmsErrors;
export type FactsOf<C extends CmkmsCode> = Parameters<(typeof cmkmsErrors)[C]['says']>[0];

/** Message, remedy and exit code come from the table; wrong facts do not compile. */
export class CmkmsError<C extends CmkmsCode = CmkmsCode> extends Error {
  override readonly name = 'CmkmsError';
  readonly remedy: string;
  readonly exitCode: ExitCode;
  constructor(
    readonly code: C,
    readonly facts: FactsOf<C>,
    options?: ErrorOptions,
  ) {
    const entry = cmkmsErrors[code] as unknown as Row<FactsOf<C>>;
    super(entry.says(facts), options);
    this.remedy = entry.remedy(facts);
    this.exitCode = entry.exitCode;
  }
}
