/** The keys that answer OCSP in the database. */

import type { OcspSigner, OcspSignerStore } from '../services/revocation-records.ts';
import type { Database } from './database.ts';
import { activateSigner, insertSignerKey } from './own-signers.ts';
import type { CertificateRow, OcspSignerRow } from './rows.ts';
import { bytesOf, timeOf } from './values.ts';

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

    createSigner: (signer) =>
      database.write(async (tx) => {
        const row = await insertSignerKey(tx, signer);
        await tx.knex<OcspSignerRow>('ocsp_signers').insert(row);
      }),

    activateSigner: (id, certificateId) =>
      database.write((tx) => activateSigner(tx, 'ocsp_signers', id, certificateId)),
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
