/**
 * The authority of a cluster: it makes the certificates by which replicas know each other.
 *
 * Owns    what stands in them (certificates.ts reads it again), and how long they hold.
 * Never   stores a key: the caller does. And is never loaded by a replica that runs: what reads and writes ASN.1 is
 *         large, and a signer has no use for it.
 * Rule    docs/architecture.md, consensus 8: the member id is the identity; a renewed certificate keeps it.
 * Proof   test/certificates.test.ts, and test/transport-strangers.test.ts against OpenSSL's own verification.
 */
import 'reflect-metadata';
import {
  createPrivateKey,
  createPublicKey,
  randomBytes,
  webcrypto,
  X509Certificate,
} from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { checkName, readReplicaCertificate } from './certificates.js';
import { ConsensusError } from './errors.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;
const validityYears = 20;

export interface KeyedCertificate {
  readonly certificatePem: string;
  /** PKCS #8. Write it with mode 0600; the authority's never belongs on a replica. */
  readonly privateKeyPem: string;
}

export interface IssuedReplicaCertificate extends KeyedCertificate {
  readonly identity: string;
}

/**
 * Makes the authority of one cluster: whoever holds its key can admit replicas.
 * @throws ConsensusError CONSENSUS_NAME_INVALID
 */
export async function createAuthority(clusterId: string): Promise<KeyedCertificate> {
  checkName('cluster id', clusterId);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      ...validity(),
      name: `CN=CometKMS ${clusterId}`,
      keys,
      signingAlgorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    privateKeyPem: await exportPrivateKey(keys.privateKey),
  };
}

/**
 * Issues a replica's certificate, for both directions of a link.
 * @param subject `privateKeyPem`: renews for this key pair, and so keeps the identity; without, a new one
 * @throws ConsensusError CONSENSUS_NAME_INVALID, CONSENSUS_CERTIFICATE_INVALID
 */
export async function issueReplicaCertificate(
  authority: KeyedCertificate,
  subject: {
    readonly clusterId: string;
    readonly replicaName: string;
    readonly privateKeyPem?: string;
  },
): Promise<IssuedReplicaCertificate> {
  const keys = await keyPair(subject.privateKeyPem);
  const certificatePem = await issue(authority, subject, keys.publicKey);
  return {
    certificatePem,
    privateKeyPem: subject.privateKeyPem ?? (await exportPrivateKey(keys.privateKey)),
    identity: readReplicaCertificate(certificatePem).identity,
  };
}

/**
 * Issues a replica's certificate anew, for the public key in the old one: the identity stays, and the replica's
 * private key need not be where the authority is.
 * @returns the new certificate
 * @throws ConsensusError CONSENSUS_CERTIFICATE_INVALID  also where this authority did not issue the old one
 */
export async function renewReplicaCertificate(
  authority: KeyedCertificate,
  certificatePem: string,
): Promise<string> {
  const said = readReplicaCertificate(certificatePem);
  const [old, issuer] = [new X509Certificate(certificatePem), readAuthority(authority)];
  const issuedBy = new X509Certificate(issuer.toString('pem'));
  if (!old.checkIssued(issuedBy) || !old.verify(issuedBy.publicKey)) {
    const detail = 'another authority issued it';
    throw new ConsensusError('CONSENSUS_CERTIFICATE_INVALID', { detail });
  }
  const spki = old.publicKey.export({ type: 'spki', format: 'der' });
  const publicKey = await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']);
  return await issue(authority, said, publicKey);
}

async function issue(
  authority: KeyedCertificate,
  subject: { readonly clusterId: string; readonly replicaName: string },
  publicKey: webcrypto.CryptoKey,
): Promise<string> {
  checkName('cluster id', subject.clusterId);
  checkName('replica name', subject.replicaName);
  const issuer = readAuthority(authority);
  const signingKey = await importPrivateKey(authority.privateKeyPem);
  const uri = `cmkms://${subject.clusterId}/${subject.replicaName}`;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...validity(),
      subject: `CN=${subject.replicaName}`,
      issuer: issuer.subjectName,
      publicKey,
      signingKey,
      signingAlgorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
        await x509.AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return `${certificate.toString('pem')}\n`;
}

/** From 1970, because a fresh machine's clock may be years behind; what must not be late is `notAfter`. */
function validity(): { notBefore: Date; notAfter: Date; serialNumber: string } {
  const notAfter = new Date();
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + validityYears);
  const serial = randomBytes(16);
  // Positive, and its first byte never zero: RFC 5280, 4.1.2.2.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return { notBefore: new Date(0), notAfter, serialNumber: serial.toString('hex') };
}

function readAuthority(authority: KeyedCertificate): x509.X509Certificate {
  try {
    return new x509.X509Certificate(authority.certificatePem);
  } catch (cause) {
    const detail = 'the authority is not a certificate';
    throw new ConsensusError('CONSENSUS_CERTIFICATE_INVALID', { detail }, { cause });
  }
}

async function keyPair(privateKeyPem: string | undefined): Promise<webcrypto.CryptoKeyPair> {
  if (privateKeyPem === undefined) {
    return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  }
  const privateKey = await importPrivateKey(privateKeyPem);
  const spki = createPublicKey(createPrivateKey(privateKeyPem)).export({
    type: 'spki',
    format: 'der',
  });
  const publicKey = await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']);
  return { privateKey, publicKey };
}

async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

async function importPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  try {
    const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
    return await webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']);
  } catch (cause) {
    const detail = 'the private key is not one of ECDSA P-256';
    throw new ConsensusError('CONSENSUS_CERTIFICATE_INVALID', { detail }, { cause });
  }
}
