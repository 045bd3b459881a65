/** The keys that answer OCSP in the database. */

import type { OcspSigner, OcspSignerStore } from '../services/revocation-records.ts';
import type { Database } from './database.ts';
import { StorageError } from './errors.ts';
import type { CertificateRow, KeyRow, OcspSignerRow } from './rows.ts';
import { blob, bytesOf, sha256Hex, timeOf, timeText } from './values.ts';

export function ocspSignerStore(database: Database): OcspSignerStore {
  return {
    newestSigner: async (issuerId) => {
      // A signer whose own certificate is held or revoked speaks for nobody.
      const [row] = await database
        .reader('ocsp_signers as s')
        .join('certificates as c', 'c.id', 's.certificate_id')
        .where({ 's.issuer_id': issuerId, 'c.state': 'issued' })
        .orderBy('c.not_after', 'desc')
        .orderBy('s.created_at', 'desc')
        .orderBy('s.id', 'desc')
        .limit(1)
        .select<SignerWithCertificate[]>('s.*', 'c.der', 'c.not_before', 'c.not_after');
      return row && signerOf(row);
    },

    createSigner: ({ id, issuerId, keyAlgorithm, spki, key, createdAt }) =>
      database.write(async ({ knex }) => {
        await knex<KeyRow>('keys').insert({
          key_id: key.keyId,
          authority_id: key.authorityId,
          envelope: blob(key.envelope),
        });
        await knex<OcspSignerRow>('ocsp_signers').insert({
          id,
          issuer_id: issuerId,
          key_id: key.keyId,
          key_algorithm: keyAlgorithm,
          spki: blob(spki),
          created_at: timeText(createdAt),
          certificate_id: null,
        });
      }),

    activateSigner: (id, certificateId) =>
      database.write(async ({ knex }) => {
        const signer = await knex<OcspSignerRow>('ocsp_signers')
          .where({ id, certificate_id: null })
          .forUpdate()
          .first('issuer_id', 'spki');
        // RFC 6960 4.2.2.2: certified by the issuer that it answers for, and for this very key.
        const certificate =
          signer &&
          (await knex<CertificateRow>('certificates')
            .where({
              id: certificateId,
              issuer_id: signer.issuer_id,
              spki_sha256: sha256Hex(signer.spki),
              state: 'issued',
            })
            .first('id'));
        if (certificate === undefined) {
          throw new StorageError(
            'inconsistent',
            `${certificateId} is not a certificate for OCSP signer ${id}, or it has one`,
          );
        }
        await knex<OcspSignerRow>('ocsp_signers')
          .where({ id })
          .update({ certificate_id: certificateId });
      }),
  };
}

type SignerWithCertificate = OcspSignerRow &
  Pick<CertificateRow, 'not_before' | 'not_after'> & {
    der: Buffer;
  };

const signerOf = (row: SignerWithCertificate): OcspSigner => ({
  id: row.id,
  issuerId: row.issuer_id,
  keyId: row.key_id,
  keyAlgorithm: row.key_algorithm as OcspSigner['keyAlgorithm'],
  spki: bytesOf(row.spki),
  certificate: bytesOf(row.der),
  notBefore: timeOf(row.not_before),
  notAfter: timeOf(row.not_after),
});
