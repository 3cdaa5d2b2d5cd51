/**
 * One attempt to connect to a validator.
 *
 * Owns    the socket's options, the dial timeout, and system error codes in words.
 * Never   retries (validator-link.ts), or leaves a socket open after it failed.
 * Proof   test/dialer.test.ts.
 */
import { connect, type Socket } from 'node:net';
import type { ValidatorAddress } from './address.js';
import { PlainConnection } from './connection.js';
import { PrivvalError } from './errors.js';

export const defaultDialTimeoutMs = 3000;

/** A half-open link is silent; keep-alive notices one that may rightly be silent (parked). */
const keepAliveInitialDelayMs = 10_000;

/**
 * @param signal ends the attempt; it then rejects with PRIVVAL_CLOSED by the signer
 * @throws PRIVVAL_REFUSED, PRIVVAL_SOCKET_MISSING, PRIVVAL_SOCKET_DENIED, PRIVVAL_UNREACHABLE,
 *         PRIVVAL_UNKNOWN_HOST, PRIVVAL_DIAL_TIMEOUT, PRIVVAL_DIAL_FAILED
 */
export function dial(
  address: ValidatorAddress,
  timeoutMs: number = defaultDialTimeoutMs,
  signal?: AbortSignal,
): Promise<PlainConnection> {
  return new Promise((resolve, reject) => {
    const socket = open(address);
    const timer = setTimeout(
      () => fail(new PrivvalError('PRIVVAL_DIAL_TIMEOUT', { timeoutMs })),
      timeoutMs,
    );
    const onAbort = () => fail(new PrivvalError('PRIVVAL_CLOSED', { by: 'signer' }));
    const onError = (error: Error) => fail(dialError(error, address));
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: PrivvalError) => {
      settle();
      socket.destroy();
      reject(error);
    };
    // Stays after a failure: an attempt that was given up may still report its own end.
    socket.on('error', onError);
    signal?.addEventListener('abort', onAbort);
    socket.once('connect', () => {
      settle();
      socket.off('error', onError);
      resolve(new PlainConnection(socket, address.kind));
    });
    if (signal?.aborted) onAbort();
  });
}

function open(address: ValidatorAddress): Socket {
  if (address.kind === 'unix') return connect({ path: address.path });
  return connect({
    host: address.host,
    port: address.port,
    // One small frame per answer: waiting for more to send with it would only add latency.
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveInitialDelayMs,
  });
}

/** A system error in the words of this room. */
export function dialError(error: NodeJS.ErrnoException, address: ValidatorAddress): PrivvalError {
  const detail = error.message || (error.code ?? 'no detail');
  const options = { cause: error };
  switch (error.code) {
    case 'ECONNREFUSED':
      return new PrivvalError('PRIVVAL_REFUSED', { detail }, options);
    case 'ENOENT':
      return new PrivvalError('PRIVVAL_SOCKET_MISSING', { detail }, options);
    case 'EACCES':
    case 'EPERM':
      // On tcp it is a firewall that says this.
      return new PrivvalError(
        address.kind === 'unix' ? 'PRIVVAL_SOCKET_DENIED' : 'PRIVVAL_UNREACHABLE',
        { detail },
        options,
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return new PrivvalError('PRIVVAL_UNREACHABLE', { detail }, options);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new PrivvalError('PRIVVAL_UNKNOWN_HOST', { detail }, options);
    default:
      return new PrivvalError('PRIVVAL_DIAL_FAILED', { detail }, options);
  }
}
