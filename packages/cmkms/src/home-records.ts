/**
 * The small files that tie a home to its cluster: genesis.json or join.json, and priv/replica.json.
 *
 * Owns    their formats, reading them strictly, and writing each exactly once.
 * Never   overwrites one: a second genesis would be a second cluster with the same key.
 * Rule    docs/architecture.md, consensus 8: founded once, an identity used once.
 */

import { readFile } from 'node:fs/promises';
import { type DurableFiles, replaceFile, systemFiles } from '@cometkms/signer';
import { checkReplicaName, parseHostPort } from './config/addresses.js';
import { CmkmsError } from './errors.js';
import { isMissing, writeNewFile } from './home.js';

export interface GenesisMember {
  readonly name: string;
  /** Lower-case hex SHA-256 of the certificate's public key. */
  readonly identity: string;
  /** host:port that the others dial. */
  readonly address: string;
  readonly witness: boolean;
}

/** The same in every home of a cluster. */
export interface GenesisFile {
  readonly clusterId: string;
  /** In order of name. */
  readonly members: readonly GenesisMember[];
}

/** The home of a replica that joins a cluster which exists: in place of genesis.json. */
export interface JoinFile {
  readonly clusterId: string;
  readonly name: string;
  readonly identity: string;
  readonly witness: boolean;
}

/** This home's replica has joined: from now on a missing log is a lost log. */
export interface ReplicaFile {
  readonly clusterId: string;
  readonly identity: string;
  readonly name: string;
  /** UTC, ISO 8601. For messages. */
  readonly joinedAt: string;
}

const VERSION = 1;
const identityPattern = /^[0-9a-f]{32,128}$/;
const clusterPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Null: there is none. @throws CmkmsError RECORD_DAMAGED */
export async function readGenesisFile(path: string): Promise<GenesisFile | null> {
  return readRecord(path, (record) => {
    const members = record['members'];
    if (!Array.isArray(members) || members.length === 0) throw new Error('it lists no members');
    return {
      clusterId: pattern(record, 'clusterId', clusterPattern),
      members: members.map((member: unknown) => readMember(asRecord(member))),
    };
  });
}

function readMember(member: Readonly<Record<string, unknown>>): GenesisMember {
  const [name, address] = [text(member, 'name'), text(member, 'address')];
  checkReplicaName(name);
  parseHostPort(address, 'dial');
  return {
    name,
    identity: pattern(member, 'identity', identityPattern),
    address,
    witness: member['witness'] === true,
  };
}

/** @throws CmkmsError EXISTS */
export async function writeGenesisFile(path: string, genesis: GenesisFile): Promise<void> {
  await writeNewFile(path, format({ ...genesis }));
}

/** Null: there is none. @throws CmkmsError RECORD_DAMAGED */
export async function readJoinFile(path: string): Promise<JoinFile | null> {
  return readRecord(path, (record) => {
    const name = text(record, 'name');
    checkReplicaName(name);
    return {
      clusterId: pattern(record, 'clusterId', clusterPattern),
      name,
      identity: pattern(record, 'identity', identityPattern),
      witness: record['witness'] === true,
    };
  });
}

/** @throws CmkmsError EXISTS */
export async function writeJoinFile(path: string, join: JoinFile): Promise<void> {
  await writeNewFile(path, format({ ...join }));
}

/** Null: this replica never joined a cluster. @throws CmkmsError RECORD_DAMAGED */
export async function readReplicaFile(path: string): Promise<ReplicaFile | null> {
  return readRecord(path, (record) => ({
    clusterId: pattern(record, 'clusterId', clusterPattern),
    identity: pattern(record, 'identity', identityPattern),
    name: text(record, 'name'),
    joinedAt: text(record, 'joinedAt'),
  }));
}

/** Durable when it returns, so that a vote may follow; whole or not at all, whenever the process is killed. */
export async function writeReplicaFile(
  path: string,
  replica: ReplicaFile,
  files: DurableFiles = systemFiles,
): Promise<void> {
  await replaceFile(path, Buffer.from(format({ ...replica })), files);
}

export function format(record: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ version: VERSION, ...record }, null, 2)}\n`;
}

export async function readRecord<T>(
  path: string,
  read: (record: Readonly<Record<string, unknown>>) => T,
): Promise<T | null> {
  let contents: string;
  try {
    contents = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    const record = asRecord(JSON.parse(contents));
    if (record['version'] !== VERSION) throw new Error(`its version is not ${VERSION}`);
    return read(record);
  } catch (error) {
    throw new CmkmsError(
      'RECORD_DAMAGED',
      { path, detail: (error as Error).message },
      { cause: error },
    );
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new Error('it is no JSON object');
}

function text(record: Readonly<Record<string, unknown>>, field: string): string {
  return pattern(record, field, /^[^\p{Cc}]{1,200}$/u);
}

function pattern(record: Readonly<Record<string, unknown>>, field: string, form: RegExp): string {
  const value = record[field];
  if (typeof value === 'string' && form.test(value)) return value;
  throw new Error(`${field} is missing or has another form`);
}
