/**
 * Every error of this room that a validator, the network or an operator can cause.
 *
 * Owns    the codes, what each says, and its remedy. A code keeps its meaning for ever.
 * Never   used for our own broken rules: those are `invariant`.
 */

interface Row {
  readonly says: (facts: never) => string;
  readonly remedy: string;
}

export const privvalErrors = {
  // ------------------------------------------------------------------ addresses and dialling
  PRIVVAL_ADDRESS: {
    says: (f: { address: string; detail: string }) =>
      `validator address ${JSON.stringify(f.address)}: ${f.detail}`,
    remedy: 'Write tcp://host:port or unix:///absolute/path, as in priv_validator_laddr.',
  },
  PRIVVAL_REFUSED: {
    says: (f: { detail: string }) =>
      `connection refused: node down or priv_validator_laddr unset (${f.detail})`,
    remedy: 'Start the node with priv_validator_laddr set to this address; dialling goes on.',
  },
  PRIVVAL_SOCKET_MISSING: {
    says: (f: { detail: string }) =>
      `no such unix socket: node down, or priv_validator_laddr names another path (${f.detail})`,
    remedy: 'Start the node, or correct the path; dialling goes on.',
  },
  PRIVVAL_SOCKET_DENIED: {
    says: (f: { detail: string }) => `permission denied on the unix socket (${f.detail})`,
    remedy: 'Run as a user of the group that owns the socket and may enter its directory.',
  },
  PRIVVAL_UNREACHABLE: {
    says: (f: { detail: string }) => `no route to the validator (${f.detail})`,
    remedy: 'Check the address, the network between the machines and their firewalls.',
  },
  PRIVVAL_UNKNOWN_HOST: {
    says: (f: { detail: string }) => `the host name does not resolve (${f.detail})`,
    remedy: 'Correct the name, or use the IP address: signing should not depend on DNS.',
  },
  PRIVVAL_DIAL_TIMEOUT: {
    says: (f: { timeoutMs: number }) =>
      `connecting got no answer for ${f.timeoutMs} ms: machine off, or a firewall drops it`,
    remedy: 'Check that the machine is up and that the port is open for this replica.',
  },
  PRIVVAL_DIAL_FAILED: {
    says: (f: { detail: string }) => `connecting failed: ${f.detail}`,
    remedy: 'The cause is the system error named above.',
  },

  // ------------------------------------------------------------------------ SecretConnection
  PRIVVAL_NOT_PRIVVAL: {
    says: (f: { saw: string }) => `not a priv_validator_laddr: it ${f.saw}`,
    remedy: 'Use the port of priv_validator_laddr (26659 is usual).',
  },
  PRIVVAL_PARKED: {
    says: (f: { waitedMs: number }) =>
      `tcp open, but nothing for ${f.waitedMs} ms: another signer holds this node's connection`,
    remedy: 'Look for an old signer that still runs (tmkms, horcrux, another cluster) and stop it.',
  },
  PRIVVAL_HANDSHAKE_TIMEOUT: {
    says: (f: { waitedMs: number; receivedBytes: number }) =>
      `the handshake stopped after ${f.receivedBytes} bytes and did not end in ${f.waitedMs} ms`,
    remedy: 'The node or the network is stuck; dialling goes on.',
  },
  PRIVVAL_HANDSHAKE_CLOSED: {
    says: (f: { receivedBytes: number; detail: string }) =>
      `closed during the handshake after ${f.receivedBytes} bytes (${f.detail})`,
    remedy:
      'A node that stops does this; so do the ABCI port (26658) and a noise:// listener: check it.',
  },
  PRIVVAL_HANDSHAKE_LOW_ORDER: {
    says: (_: Record<string, never>) => 'the ephemeral key of the other side is of low order',
    remedy: 'No honest node sends this: someone on the path tampers with the connection.',
  },
  PRIVVAL_HANDSHAKE_IDENTITY: {
    says: (f: { detail: string }) => `the other side did not prove its identity: ${f.detail}`,
    remedy: 'No honest node sends this: someone on the path tampers with the connection.',
  },
  PRIVVAL_DECRYPT: {
    says: (f: { frame: bigint }) => `sealed frame ${f.frame} failed to decrypt`,
    remedy: 'Bytes were changed or lost on the path; the link is closed and dialled again.',
  },
  PRIVVAL_CHUNK_LENGTH: {
    says: (f: { length: number; limit: number }) =>
      `a sealed frame says that it carries ${f.length} bytes, ${f.limit} fit`,
    remedy: 'The peer does not speak SecretConnection as CometBFT does.',
  },

  // -------------------------------------------------------------------- frames and messages
  PRIVVAL_OVERSIZE: {
    says: (f: { length: number; limit: number }) =>
      `a message of ${f.length} bytes is announced, the limit is ${f.limit}`,
    remedy: 'No CometBFT node sends more than 1.1 MB; raise max_message_size if yours does.',
  },
  PRIVVAL_VARINT: {
    says: (f: { limit: number }) => `a length prefix goes on after ${f.limit} bytes`,
    remedy: 'The peer does not speak privval; check the address.',
  },
  PRIVVAL_TRUNCATED: {
    says: (f: { bufferedBytes: number }) =>
      `closed in the middle of a message, ${f.bufferedBytes} bytes of it had come`,
    remedy: 'A node that stops may do this; dialling goes on.',
  },
  PRIVVAL_UNDECODABLE: {
    says: (f: { detail: string }) => `a message cannot be decoded: ${f.detail}`,
    remedy: 'Check that the address is priv_validator_laddr, and not the P2P port (26656).',
  },
  PRIVVAL_EMPTY_MESSAGE: {
    says: (f: { bytes: number }) =>
      `a message of ${f.bytes} bytes holds no kind that is known here`,
    remedy: 'Check that the address is priv_validator_laddr, and the version of the node.',
  },
  PRIVVAL_UNEXPECTED_MESSAGE: {
    says: (f: { kind: string }) => `a ${f.kind} is not a validator's to send`,
    remedy: 'Check that the address is priv_validator_laddr, and not the P2P port (26656).',
  },
  PRIVVAL_PIPELINED: {
    says: (f: { bufferedBytes: number; limit: number }) =>
      `${f.bufferedBytes} bytes came while an answer was pending, ${f.limit} are kept`,
    remedy: 'No CometBFT node asks again before the answer; check what listens there.',
  },
  PRIVVAL_NOT_READING: {
    says: (f: { unsentBytes: number; limit: number }) =>
      `the peer asks but does not read: ${f.unsentBytes} bytes wait, ${f.limit} are kept`,
    remedy: 'No CometBFT node does this; check what listens there.',
  },

  // -------------------------------------------------------------------- the end of a session
  PRIVVAL_CLOSED: {
    says: (f: { by: 'validator' | 'signer' }) => `closed by the ${f.by}`,
    remedy: 'Normal when a node stops or takes another signer.',
  },
  PRIVVAL_LOST: {
    says: (f: { detail: string }) => `connection lost: ${f.detail}`,
    remedy: 'The link is dialled again; if it repeats, look at the network and at the node.',
  },
  PRIVVAL_IDLE: {
    says: (f: { silentMs: number }) =>
      `silent for ${f.silentMs} ms, though a node pings every 3.3 s`,
    remedy: 'The connection is dead or the node hangs; the link is dialled again.',
  },
  PRIVVAL_ANSWER_DEADLINE: {
    says: (f: { deadlineMs: number }) =>
      `no answer within ${f.deadlineMs} ms; the connection is dropped so that the node asks again`,
    remedy: 'Signing is too slow here: see the stages of the sign duration.',
  },
  PRIVVAL_DROPPED: {
    says: (f: { reason: string }) =>
      `not answered (${f.reason}); the connection is dropped so that the node asks again`,
    remedy: 'The reason says what the signer was waiting for.',
  },
  PRIVVAL_ANSWER_UNFIT: {
    says: (f: { detail: string }) =>
      `the signer's answer would stop the node's consensus and was held back: ${f.detail}`,
    remedy: 'A fault in this program: keep the log and report it.',
  },

  // --------------------------------- requests that get a typed error, while the link stays up
  PRIVVAL_WRONG_CHAIN: {
    says: (f: { asked: string; configured: string }) =>
      `the validator is on chain ${quoted(f.asked)}, configured is ${quoted(f.configured)}`,
    remedy: 'Move the address to the right chain; a node that starts exits on this error.',
  },
  PRIVVAL_BAD_REQUEST: {
    says: (f: { detail: string }) => `not a request that can be signed: ${f.detail}`,
    remedy: 'No CometBFT node asks this; check what is connected.',
  },
  PRIVVAL_UNEXPECTED_EXTENSION: {
    says: (f: { detail: string }) =>
      `unexpected vote extension on ${f.detail}: only precommits for a block carry one`,
    remedy: 'No CometBFT node asks this; check what is connected.',
  },
  PRIVVAL_SIGN_BYTES: {
    says: (_: Record<string, never>) =>
      'arbitrary bytes are never signed: they could be a vote, past all double-sign protection',
    remedy: 'No CometBFT node needs this; what asks for it must use another key.',
  },
} as const satisfies Record<string, Row>;

/** What a peer sent may be long, and hold anything that a terminal obeys; it lands in logs. */
function quoted(text: string): string {
  const limit = 64;
  const shown = text.length > limit ? `${text.slice(0, limit)}...` : text;
  return JSON.stringify(shown).replace(/[^\x20-\x7e]/g, '?');
}

export type PrivvalCode = keyof typeof privvalErrors;
type Facts<C extends PrivvalCode> = Parameters<(typeof privvalErrors)[C]['says']>[0];

export class PrivvalError<C extends PrivvalCode = PrivvalCode> extends Error {
  override readonly name = 'PrivvalError';
  readonly remedy: string;
  constructor(
    readonly code: C,
    readonly facts: Facts<C>,
    options?: ErrorOptions,
  ) {
    const row: Row = privvalErrors[code];
    // The table pairs each code with its facts; an index by a type parameter loses the pairing.
    super((row.says as (facts: Facts<C>) => string)(facts), options);
    this.remedy = row.remedy;
  }
}

/** For a `catch`: what is not of this room was our own fault, and goes on. */
export function asPrivvalError(error: unknown): PrivvalError {
  if (error instanceof PrivvalError) return error;
  throw error;
}
