/** Members on loopback, each behind a proxy that can fall silent, for the transport's suite and tests. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import {
  createAuthority,
  type IssuedReplicaCertificate,
  issueReplicaCertificate,
  type KeyedCertificate,
} from '../src/authority.js';
import type { TransportFactory, TransportPlace } from '../src/conformance/transport.js';
import type { LinkLimits } from '../src/transport/link-transport.js';
import { LinkTransport } from '../src/transport/link-transport.js';
import type { LinkSecurity } from '../src/transport/security.js';
import type { PeerEndpoint } from '../src/transport.js';

export const clusterId = 'conformance';

/** Silence is noticed within a second; loopback needs no more patience. */
export const quickLimits: Partial<LinkLimits> = { tickIntervalMs: 100, maxSilentTicks: 5 };

export interface Certified {
  readonly authority: KeyedCertificate;
  readonly issued: ReadonlyMap<string, IssuedReplicaCertificate>;
}

export async function certify(names: readonly string[], cluster = clusterId): Promise<Certified> {
  const authority = await createAuthority(cluster);
  const issued = await Promise.all(
    names.map(async (replicaName) => {
      const subject = { clusterId: cluster, replicaName };
      return [replicaName, await issueReplicaCertificate(authority, subject)] as const;
    }),
  );
  return { authority, issued: new Map(issued) };
}

export function tlsOf({ authority, issued }: Certified, name: string, cluster = clusterId) {
  const certificate = issued.get(name);
  if (certificate === undefined) throw new Error(`no certificate for ${name}`);
  return {
    kind: 'tls',
    clusterId: cluster,
    authorityPem: authority.certificatePem,
    certificatePem: certificate.certificatePem,
    privateKeyPem: certificate.privateKeyPem,
  } as const satisfies LinkSecurity;
}

/** Passes bytes on until it is told to be silent: then it keeps both ends open and passes nothing. */
class SilenceableProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #silent = false;
  target = 0;

  constructor() {
    this.#server = createServer((inbound) => {
      const outbound = connect({ host: '127.0.0.1', port: this.target });
      for (const [from, to] of [[inbound, outbound] as const, [outbound, inbound] as const]) {
        this.#sockets.add(from);
        from.on('data', (chunk) => {
          if (this.#silent) from.pause();
          else to.write(chunk);
        });
        // A reset on one side is a reset on the other: that is what a real network shows.
        from.on('error', () => to.destroy());
        from.on('end', () => to.end());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  silence(): void {
    this.#silent = true;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}

export class LinkPlace implements TransportPlace {
  readonly #proxies = new Map<
    string,
    { readonly proxy: SilenceableProxy; readonly port: number }
  >();
  readonly #ports = new Map<string, number>();
  readonly #transports = new Map<string, LinkTransport>();

  private constructor(
    readonly security: (name: string) => LinkSecurity,
    readonly idOf: (name: string) => string,
  ) {}

  static async create(
    names: readonly string[],
    security: (name: string) => LinkSecurity,
    idOf: (name: string) => string,
  ): Promise<LinkPlace> {
    const place = new LinkPlace(security, idOf);
    for (const name of names) {
      const proxy = new SilenceableProxy();
      place.#proxies.set(name, { proxy, port: await proxy.listen() });
    }
    return place;
  }

  transport(name: string): LinkTransport {
    const transport = new LinkTransport({
      self: this.idOf(name),
      listen: `127.0.0.1:${this.#ports.get(name) ?? 0}`,
      security: this.security(name),
      limits: quickLimits,
    });
    this.#transports.set(name, transport);
    return transport;
  }

  endpoint(name: string): PeerEndpoint {
    const transport = this.#transports.get(name);
    const entrance = this.#proxies.get(name);
    if (transport === undefined || entrance === undefined) throw new Error(`no ${name} yet`);
    const port = Number(transport.address.split(':').at(-1));
    this.#ports.set(name, port);
    entrance.proxy.target = port;
    return { id: this.idOf(name), name, address: `127.0.0.1:${entrance.port}` };
  }

  silence(): void {
    for (const { proxy } of this.#proxies.values()) proxy.silence();
  }

  async dispose(): Promise<void> {
    for (const transport of this.#transports.values()) await transport.stop();
    for (const { proxy } of this.#proxies.values()) await proxy.close();
  }
}

export const tlsPlaces: TransportFactory = {
  supports: { silence: true },
  place: async (names) => {
    const certified = await certify(names);
    const idOf = (name: string) => certified.issued.get(name)?.identity ?? name;
    return LinkPlace.create(names, (name) => tlsOf(certified, name), idOf);
  },
};

export const insecurePlaces: TransportFactory = {
  supports: { silence: true },
  place: (names) =>
    LinkPlace.create(
      names,
      () => ({ kind: 'insecure' }),
      (name) => `id-of-${name}`,
    ),
};
