/**
 * Addresses for replicas under test that nobody else takes.
 *
 * Owns    ports that are known before anybody listens, and are still free after a restart.
 * Rule    A free port of 127.0.0.1 may become the source of any outgoing connection on the machine before
 *         it is listened on. Where all of 127/8 is loopback (Linux), an address of its own cannot.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

let worlds = 0;

/** @returns host:port of each, all on one host of this world alone */
export async function freeAddresses(count: number): Promise<readonly string[]> {
  worlds += 1;
  const { pid, platform } = process;
  const host =
    platform === 'linux'
      ? `127.${1 + (pid % 250)}.${1 + (Math.floor(pid / 250) % 250)}.${1 + (worlds % 250)}`
      : '127.0.0.1';
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, host);
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map(async (server) => {
      server.close();
      await once(server, 'close');
    }),
  );
  return ports.map((port) => `${host}:${port}`);
}
