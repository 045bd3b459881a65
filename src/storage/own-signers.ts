/**
 * Signers that evpki has beside its authorities, in the database: those of OCSP and those of the
 * certificate provisioning service. Each has a key of its own and at most one certificate, for good.
 */

import type { KeyEnvelope } from '../services/authority-records.ts';
import type { WriteTransaction } from './database.ts';
import { StorageError } from './errors.ts';
import type { CertificateRow, KeyRow } from './rows.ts';
import { blob, sha256Hex, timeText } from './values.ts';

/** The columns that both tables have. */
interface SignerRow {
  id: string;
  issuer_id: string;
  key_id: string;
  key_algorithm: string;
  spki: Buffer;
  created_at: string;
  certificate_id: string | null;
}

/**
 * Stores the key of a signer.
 * @returns the signer's own row, for what its table has besides
 */
export async function insertSignerKey(
  { knex }: WriteTransaction,
  signer: {
    readonly id: string;
    readonly issuerId: string;
    readonly keyAlgorithm: string;
    readonly spki: Uint8Array;
    readonly key: KeyEnvelope;
    readonly createdAt: Date;
  },
): Promise<SignerRow> {
  const { key } = signer;
  await knex<KeyRow>('keys').insert({
    key_id: key.keyId,
    authority_id: key.authorityId,
    envelope: blob(key.envelope),
  });
  return {
    id: signer.id,
    issuer_id: signer.issuerId,
    key_id: key.keyId,
    key_algorithm: signer.keyAlgorithm,
    spki: blob(signer.spki),
    created_at: timeText(signer.createdAt),
    certificate_id: null,
  };
}

/**
 * Gives a signer its certificate: one by its issuer, for this very key, as RFC 6960 4.2.2.2 demands
 * of who answers OCSP.
 * @throws StorageError `inconsistent` for any other certificate, and for a signer that has one
 */
export async function activateSigner(
  { knex }: WriteTransaction,
  table: 'ocsp_signers' | 'cps_signers',
  id: string,
  certificateId: string,
): Promise<void> {
  const signer = await knex<SignerRow>(table)
    .where({ id, certificate_id: null })
    .forUpdate()
    .first('issuer_id', 'spki');
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
      `${certificateId} is not a certificate for ${id} of ${table}, or it has one`,
    );
  }
  await knex<SignerRow>(table).where({ id }).update({ certificate_id: certificateId });
}
