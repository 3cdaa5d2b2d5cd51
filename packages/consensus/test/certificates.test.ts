/** What a replica's certificate says, and that OpenSSL agrees with what made it. */
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority, issueReplicaCertificate } from '../src/authority.js';
import { readReplicaCertificate } from '../src/certificates.js';
import { ConsensusError } from '../src/errors.js';

const subject = { clusterId: 'c-1', replicaName: 'kms-a' };

test('a certificate names cluster and replica, and its identity is the hash of its public key', async () => {
  const authority = await createAuthority('c-1');
  const issued = await issueReplicaCertificate(authority, subject);
  const read = readReplicaCertificate(issued.certificatePem);
  assert.equal(read.clusterId, 'c-1');
  assert.equal(read.replicaName, 'kms-a');
  assert.equal(read.identity, issued.identity);
  const spki = createPublicKey(createPrivateKey(issued.privateKeyPem)).export({
    type: 'spki',
    format: 'der',
  });
  assert.equal(read.identity, createHash('sha256').update(spki).digest('hex'));
});

test('the authority signed it, for both directions of a link, from 1970 on and for 20 years', async () => {
  const authority = await createAuthority('c-1');
  const issued = await issueReplicaCertificate(authority, subject);
  const [ca, leaf] = [
    new X509Certificate(authority.certificatePem),
    new X509Certificate(issued.certificatePem),
  ];
  assert.ok(leaf.checkIssued(ca));
  assert.ok(leaf.verify(ca.publicKey));
  assert.ok(ca.ca);
  assert.equal(leaf.ca, false);
  assert.equal(leaf.subjectAltName, 'URI:cmkms://c-1/kms-a');
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.equal(new Date(leaf.validFrom).getTime(), 0);
  const years = new Date(leaf.validTo).getUTCFullYear() - new Date().getUTCFullYear();
  assert.ok(years >= 19 && years <= 20);
});

test('a renewed certificate keeps the identity, a new key pair does not', async () => {
  const authority = await createAuthority('c-1');
  const first = await issueReplicaCertificate(authority, subject);
  const { privateKeyPem } = first;
  const renewed = await issueReplicaCertificate(authority, { ...subject, privateKeyPem });
  assert.notEqual(renewed.certificatePem, first.certificatePem);
  assert.equal(renewed.identity, first.identity);
  assert.equal(renewed.privateKeyPem, privateKeyPem);
  const other = await issueReplicaCertificate(authority, subject);
  assert.notEqual(other.identity, first.identity);
});

test('names that would need an escape somewhere are refused', async () => {
  const authority = await createAuthority('c-1');
  for (const replicaName of ['', 'a/b', 'a b', '../a', 'ä', 'a'.repeat(64), '-a', 'a,URI:x']) {
    await assert.rejects(issueReplicaCertificate(authority, { clusterId: 'c-1', replicaName }), {
      code: 'CONSENSUS_NAME_INVALID',
    });
  }
  await assert.rejects(createAuthority('c 1'), { code: 'CONSENSUS_NAME_INVALID' });
});

test('what is no replica’s certificate is refused with a reason', async () => {
  const authority = await createAuthority('c-1');
  for (const pem of ['', 'garbage', authority.certificatePem]) {
    assert.throws(
      () => readReplicaCertificate(pem),
      (error) => error instanceof ConsensusError && error.code === 'CONSENSUS_CERTIFICATE_INVALID',
    );
  }
  await assert.rejects(
    issueReplicaCertificate(authority, { ...subject, privateKeyPem: 'no key' }),
    { code: 'CONSENSUS_CERTIFICATE_INVALID' },
  );
});
