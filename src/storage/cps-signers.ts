/** The signers of the certificate provisioning service in the database. */

import type { CpsSigner, CpsSignerStore } from '../services/cps-records.ts';
import { belowRevoked } from './below-revoked.ts';
import type { Database } from './database.ts';
import { activateSigner, insertSignerKey } from './own-signers.ts';
import { rawRows } from './raw-rows.ts';
import type { CpsSignerRow } from './rows/plug-and-charge.ts';
import type { AuthorityRow, CertificateRow } from './rows.ts';
import { bytesOf, timeOf, timeText } from './values.ts';

export function cpsSignerStore(database: Database): CpsSignerStore {
  const { reader } = database;
  // The certificate has the organization of the authority.
  const signers = () =>
    reader('cps_signers as s')
      .join('certificates as c', 'c.id', 's.certificate_id')
      .where('c.state', 'issued')
      .orderBy('c.not_after', 'desc')
      .orderBy('s.created_at', 'desc')
      .orderBy('s.id', 'desc')
      .select<SignerWithCertificate[]>(
        's.*',
        'c.organization_id',
        'c.der',
        'c.not_before',
        'c.not_after',
      );

  return {
    signersAt: async (moment) => {
      const at = { knex: reader, dialect: database.dialect };
      const now = timeText(moment);
      return (await rawRows<SignerWithCertificate>(at, SIGNERS_AT, [now, now])).map(signerOf);
    },

    newestSigner: async (issuerId) => {
      const [row] = await signers().where('s.issuer_id', issuerId).limit(1);
      return row && signerOf(row);
    },

    activeIssuers: async (profiles) =>
      reader('issuers')
        .join('authorities', 'authorities.id', 'issuers.authority_id')
        .whereIn('authorities.profile', profiles)
        .where('issuers.state', 'active')
        .orderBy('issuers.id')
        .pluck('issuers.id'),

    createSigner: (signer) =>
      database.write(async (tx) => {
        const { knex } = tx;
        const { authorityId } = signer;
        // Signers of one authority are numbered one after the other.
        await knex<AuthorityRow>('authorities').where({ id: authorityId }).forUpdate().first('id');
        const last = await knex<CpsSignerRow>('cps_signers')
          .where({ authority_id: authorityId })
          .max({ number: 'number' })
          .first();
        const number = Number(last?.number ?? 0) + 1;
        const row = await insertSignerKey(tx, signer);
        await knex<CpsSignerRow>('cps_signers').insert({
          ...row,
          authority_id: authorityId,
          number,
        });
        return number;
      }),

    activateSigner: (id, certificateId) =>
      database.write((tx) => activateSigner(tx, 'cps_signers', id, certificateId)),
  };
}

const SIGNERS_AT = `${belowRevoked('SELECT id, issuer_id FROM cps_signers')}
  SELECT s.*, c.organization_id, c.der, c.not_before, c.not_after
  FROM cps_signers s
  JOIN certificates c ON c.id = s.certificate_id
  WHERE c.state = 'issued' AND c.not_before <= ? AND c.not_after > ?
    AND s.id NOT IN (SELECT id FROM below_revoked)
  ORDER BY c.not_after DESC, s.created_at DESC, s.id DESC`;

type SignerWithCertificate = CpsSignerRow &
  Pick<CertificateRow, 'organization_id' | 'not_before' | 'not_after'> & {
    certificate_id: string;
    der: Buffer;
  };

const signerOf = (row: SignerWithCertificate): CpsSigner => ({
  id: row.id,
  authorityId: row.authority_id,
  organizationId: row.organization_id,
  issuerId: row.issuer_id,
  keyId: row.key_id,
  keyAlgorithm: row.key_algorithm as CpsSigner['keyAlgorithm'],
  spki: bytesOf(row.spki),
  certificateId: row.certificate_id,
  certificate: bytesOf(row.der),
  notBefore: timeOf(row.not_before),
  notAfter: timeOf(row.not_after),
});
