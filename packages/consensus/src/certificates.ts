/**
 * The certificates by which replicas know each other, as a replica reads them.
 *
 * Owns    what a replica's certificate says (cluster, name), and the identity that is its public key.
 * Never   binds an address: hosts move, the identity does not. Never makes one: authority.ts does.
 * Rule    docs/architecture.md, consensus 8: the member id is the identity; a renewed certificate keeps it.
 * Proof   test/certificates.test.ts, and test/transport-strangers.test.ts against OpenSSL's own verification.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { ConsensusError } from './errors.js';

/** What may stand in a cluster id or a replica's name: no escapes in a URI, a file name or a log line. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const sanPattern =
  /^URI:cmkms:\/\/([A-Za-z0-9][A-Za-z0-9._-]{0,62})\/([A-Za-z0-9][A-Za-z0-9._-]{0,62})$/;

export interface ReplicaCertificate {
  readonly clusterId: string;
  readonly replicaName: string;
  /** Lower-case hex SHA-256 of the certificate's SubjectPublicKeyInfo. */
  readonly identity: string;
  readonly notAfter: Date;
}

/**
 * Says whose certificate this is. Proves nothing: whether the cluster's authority signed it is TLS's to check.
 * @param certificate PEM or DER
 * @throws ConsensusError CONSENSUS_CERTIFICATE_INVALID  not a certificate, or not one of a replica
 */
export function readReplicaCertificate(certificate: string | Uint8Array): ReplicaCertificate {
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch (cause) {
    throw new ConsensusError(
      'CONSENSUS_CERTIFICATE_INVALID',
      { detail: cause instanceof Error ? cause.message : String(cause) },
      { cause },
    );
  }
  return describeReplicaCertificate(parsed);
}

/** As `readReplicaCertificate`, for a certificate that TLS has verified. */
export function describeReplicaCertificate(certificate: X509Certificate): ReplicaCertificate {
  // One name and nothing beside it: a second one would leave open whom it speaks for.
  const [, clusterId, replicaName] = sanPattern.exec(certificate.subjectAltName ?? '') ?? [];
  if (clusterId === undefined || replicaName === undefined) {
    throw new ConsensusError('CONSENSUS_CERTIFICATE_INVALID', {
      detail: `its name is ${certificate.subjectAltName ?? 'absent'}, not one cmkms://cluster/replica`,
    });
  }
  const publicKey = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return {
    clusterId,
    replicaName,
    identity: createHash('sha256').update(publicKey).digest('hex'),
    notAfter: new Date(certificate.validTo),
  };
}

/** @throws ConsensusError CONSENSUS_NAME_INVALID */
export function checkName(what: string, name: string): void {
  if (!namePattern.test(name)) throw new ConsensusError('CONSENSUS_NAME_INVALID', { what, name });
}
