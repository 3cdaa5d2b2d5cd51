/**
 * What may be asked of a running replica over its admin socket, and how it is written.
 *
 * Owns    the closed list of requests and answers; one JSON object per line, each with a version.
 * Never   carries key material in either direction.
 * Proof   test/admin-protocol.test.ts.
 */
import { checkReplicaName, parseHostPort } from '../config/addresses.js';
import { BadValue } from '../config/values.js';
import type { PositionJson, StatusJson } from '../http/status-json.js';

/** Both ends are the same program; another version is told so instead of being guessed at. */
export const ADMIN_VERSION = 1;
/** A request has some hundred bytes, a status some kilobytes for each chain. */
export const MAX_REQUEST_BYTES = 16 * 1024;
export const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** `keyAddress` may be null where the chain has one key. */
export interface ChainChoice {
  readonly chainId: string;
  readonly keyAddress: string | null;
}

/** A replica that is to be a member. */
export interface Newcomer {
  readonly name: string;
  /** host:port that the others dial. */
  readonly address: string;
  /** Lower-case hex SHA-256 of its certificate's public key. */
  readonly identity: string;
  readonly witness: boolean;
  /** Of its certificate; null where only the identity is known. */
  readonly clusterId: string | null;
}

export type AdminRequest =
  | { readonly kind: 'status' }
  | ({
      readonly kind: 'floorRaise';
      readonly height: bigint;
      readonly round: number;
      readonly step: 1 | 2 | 3;
    } & ChainChoice)
  | ({ readonly kind: 'haltSet'; readonly height: bigint } & ChainChoice)
  | ({ readonly kind: 'haltClear' } & ChainChoice)
  | { readonly kind: 'haltShow' }
  | ({ readonly kind: 'chainRetire' } & ChainChoice)
  | ({ readonly kind: 'memberAdd' } & Newcomer)
  /** In one step: `old` leaves, and the newcomer comes in as a learner. */
  | ({ readonly kind: 'memberReplace'; readonly old: string } & Newcomer)
  | { readonly kind: 'memberPromote'; readonly identity: string }
  | { readonly kind: 'memberRemove'; readonly name: string }
  /** `to` null: whoever is ahead. */
  | { readonly kind: 'leaderTransfer'; readonly to: string | null };

export type AdminKind = AdminRequest['kind'];
export type RequestOf<K extends AdminKind> = Extract<AdminRequest, { kind: K }>;

/** As they travel: heights are decimal digits. */
export interface AdminResults {
  readonly status: StatusJson;
  readonly floorRaise: {
    /** False: the floor was at or above it already. */
    readonly changed: boolean;
    readonly floor: PositionJson | null;
  };
  readonly haltSet: { readonly changed: boolean; readonly haltHeight: string | null };
  readonly haltClear: { readonly changed: boolean; readonly haltHeight: string | null };
  readonly haltShow: {
    readonly chains: readonly {
      readonly chainId: string;
      readonly keyAddress: string;
      readonly haltHeight: string | null;
    }[];
  };
  readonly chainRetire: {
    readonly changed: boolean;
    /** What a plain validator must start from, and the file that says so. */
    readonly position: PositionJson | null;
    readonly stateFile: string;
  };
  readonly memberAdd: MembershipResult;
  readonly memberReplace: MembershipResult;
  /** `behind`: why it is no voter yet; null: it is one. */
  readonly memberPromote: MembershipResult & { readonly behind: string | null };
  readonly memberRemove: MembershipResult;
  readonly leaderTransfer: { readonly leader: string };
}

export interface MembershipResult {
  /** False: it was so already. */
  readonly changed: boolean;
  readonly voters: readonly MembershipEntry[];
  readonly learners: readonly MembershipEntry[];
}

export interface MembershipEntry {
  readonly name: string;
  readonly address: string;
  readonly identity: string;
  readonly witness: boolean;
}

export interface AdminErrorJson {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly exitCode: number;
}

export type AdminResponse =
  | { readonly v: number; readonly ok: true; readonly result: unknown }
  | { readonly v: number; readonly ok: false; readonly error: AdminErrorJson };

export function encodeRequest(request: AdminRequest): string {
  const plain = JSON.stringify({ v: ADMIN_VERSION, ...request }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return `${plain}\n`;
}

/** Why a line is no request. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

type Fields = Readonly<Record<string, unknown>>;

const chainFields = ['chainId', 'keyAddress'] as const;
const newcomerFields = ['name', 'address', 'identity', 'witness', 'clusterId'] as const;
const fieldsOf: Readonly<Record<AdminKind, readonly string[]>> = {
  status: [],
  floorRaise: [...chainFields, 'height', 'round', 'step'],
  haltSet: [...chainFields, 'height'],
  haltClear: chainFields,
  haltShow: [],
  chainRetire: chainFields,
  memberAdd: newcomerFields,
  memberReplace: [...newcomerFields, 'old'],
  memberPromote: ['identity'],
  memberRemove: ['name'],
  leaderTransfer: ['to'],
};

/** @throws BadRequest */
export function decodeRequest(line: string): AdminRequest {
  const fields = parseObject(line);
  const { v, kind } = fields;
  if (v !== ADMIN_VERSION) {
    throw new BadRequest(`version ${String(v)}, this replica speaks ${ADMIN_VERSION}`);
  }
  if (!isKind(kind)) throw new BadRequest('unknown kind of request');
  // A field that we do not know could be a condition that the sender relies on.
  for (const name of Object.keys(fields)) {
    if (name === 'v' || name === 'kind' || fieldsOf[kind].includes(name)) continue;
    throw new BadRequest(`${kind} has no field ${JSON.stringify(name.slice(0, 40))}`);
  }
  switch (kind) {
    case 'status':
    case 'haltShow':
      return { kind };
    case 'floorRaise':
      return {
        kind,
        ...chainChoice(fields),
        height: height(fields),
        round: integer(fields, 'round', 0, 2 ** 31 - 1),
        step: step(fields),
      };
    case 'haltSet':
      return { kind, ...chainChoice(fields), height: height(fields) };
    case 'haltClear':
    case 'chainRetire':
      return { kind, ...chainChoice(fields) };
    case 'memberAdd':
      return { kind, ...newcomer(fields) };
    case 'memberReplace':
      return { kind, ...newcomer(fields), old: replicaName(fields, 'old') };
    case 'memberPromote':
      return { kind, identity: identity(fields) };
    case 'memberRemove':
      return { kind, name: replicaName(fields, 'name') };
    case 'leaderTransfer':
      return { kind, to: fields['to'] === null ? null : replicaName(fields, 'to') };
  }
}

function parseObject(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new BadRequest('not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadRequest('not a JSON object');
  }
  return value as Fields;
}

function isKind(kind: unknown): kind is AdminKind {
  return typeof kind === 'string' && Object.hasOwn(fieldsOf, kind);
}

function chainChoice(fields: Fields): ChainChoice {
  const { chainId, keyAddress } = fields;
  if (typeof chainId !== 'string' || chainId === '' || chainId.length > 256) {
    throw new BadRequest('chainId is no chain id');
  }
  if (keyAddress === null || keyAddress === undefined) return { chainId, keyAddress: null };
  if (typeof keyAddress !== 'string' || !/^[0-9A-F]{40}$/.test(keyAddress)) {
    throw new BadRequest('keyAddress is not 40 upper-case hex digits');
  }
  return { chainId, keyAddress };
}

function newcomer(fields: Fields): Newcomer {
  const { address, witness, clusterId } = fields;
  if (typeof address !== 'string') throw new BadRequest('address is no text');
  understood(() => parseHostPort(address, 'dial'));
  if (typeof witness !== 'boolean') throw new BadRequest('witness is not true or false');
  if (clusterId !== null && typeof clusterId !== 'string') {
    throw new BadRequest('clusterId is no text');
  }
  const name = replicaName(fields, 'name');
  return { name, address, identity: identity(fields), witness, clusterId };
}

function replicaName(fields: Fields, field: string): string {
  const value = fields[field];
  if (typeof value !== 'string') throw new BadRequest(`${field} is no text`);
  understood(() => checkReplicaName(value));
  return value;
}

function identity(fields: Fields): string {
  const { identity: value } = fields;
  if (typeof value === 'string' && identityPattern.test(value)) return value;
  throw new BadRequest('identity is not 64 lower-case hex digits');
}

/** Those of the Go program's way, without certificates, have the same form. */
export const identityPattern = /^[0-9a-f]{64}$/;

function understood(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (error instanceof BadValue) throw new BadRequest(error.message);
    throw error;
  }
}

const maxHeight = 2n ** 63n - 1n;

function height(fields: Fields): bigint {
  const { height: text } = fields;
  if (typeof text !== 'string' || !/^[1-9][0-9]{0,18}$/.test(text) || BigInt(text) > maxHeight) {
    throw new BadRequest('height is not a height in decimal digits, as a string');
  }
  return BigInt(text);
}

function step(fields: Fields): 1 | 2 | 3 {
  const { step: value } = fields;
  if (value === 1 || value === 2 || value === 3) return value;
  throw new BadRequest('step is not 1, 2 or 3');
}

function integer(fields: Fields, name: string, least: number, most: number): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new BadRequest(`${name} is not an integer from ${least} to ${most}`);
  }
  return value;
}
