/**
 * Followers that a program of the floor starts for itself.
 *
 * Owns    starting one, the connection to it, and its end with that of whoever started it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Certificates, dial } from './wire.js';

const program = fileURLToPath(new URL('./follower-process.js', import.meta.url));

export interface Follower {
  readonly process: ChildProcess;
  readonly socket: Socket;
}

export interface FollowerOptions {
  /** Empty: it writes nothing. */
  readonly file: string;
  readonly certificates: Certificates;
  /** Of whoever dials it. */
  readonly ownCertificates: Certificates;
}

/** @throws where it ended before it listened */
export async function startFollower(options: FollowerOptions): Promise<Follower> {
  const child = fork(program, [options.file, options.certificates]);
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(Number(message)));
    child.once('exit', (code) => reject(new Error(`a follower ended with ${code}`)));
  });
  return { process: child, socket: await dial(options.ownCertificates, port) };
}

export function endFollower({ process: child, socket }: Follower): void {
  socket.destroy();
  child.disconnect();
}
