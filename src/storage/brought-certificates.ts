/**
 * Certificates of bundles that were brought, but certified here: an operator that makes its keys
 * itself may have them certified by an authority of this evpki. They are the contract's all the same.
 */

import { readableCertificate } from '../pki/certificate.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import type { CertificateState } from '../services/certificate-records.ts';
import { belowRevoked } from './below-revoked.ts';
import type { Database, WriteTransaction } from './database.ts';
import { rawRows } from './raw-rows.ts';
import type { ContractBundleRow, ContractRow } from './rows/plug-and-charge.ts';
import type { CertificateRow } from './rows.ts';
import { blob, bytesOf, sha256Hex, timeText } from './values.ts';

/** A certificate of a contract that evpki has issued. */
export interface BundleCertificate {
  readonly id: string;
  readonly organizationId: string;
  readonly issuerId: string;
  readonly serial: string;
}

/**
 * The certificates of the contract's own organization that stand in bundles which were brought for
 * it; but for those that another contract that goes on depends on.
 */
export async function broughtCertificatesOf(
  tx: WriteTransaction,
  contractId: string,
): Promise<BundleCertificate[]> {
  return (await issuedHere(tx, contractId, await broughtOf(tx, contractId))).map(
    ({ der: _, ...certificate }) => certificate,
  );
}

/**
 * The certificates of bundles that were brought before, in the order in which their issuers are to be
 * locked; and the SHA-256, lower-case hex, of those that have not ended and are not ours to revoke.
 * @param now DER of the one that is brought now
 */
export async function formerBrought(
  tx: WriteTransaction,
  contractId: string,
  now: Uint8Array,
  at: Date,
): Promise<{ readonly here: readonly BundleCertificate[]; readonly elsewhere: readonly string[] }> {
  const former = (await broughtOf(tx, contractId)).filter(
    ({ certificate }) => certificate !== null && broughtKey(certificate) !== broughtKey(now),
  );
  const here = await issuedHere(tx, contractId, former);
  const known = new Set(here.map(({ der }) => broughtKey(der)));
  const elsewhere = former.flatMap(({ certificate, not_after }) =>
    certificate === null || known.has(broughtKey(certificate)) || not_after <= timeText(at)
      ? []
      : [sha256Hex(bytesOf(certificate))],
  );
  return {
    here: here
      .map(({ der: _, ...certificate }) => certificate)
      .sort((a, b) => (a.issuerId < b.issuerId ? -1 : Number(a.issuerId > b.issuerId))),
    elsewhere: [...new Set(elsewhere)],
  };
}

type Brought = Pick<ContractBundleRow, 'certificate' | 'not_after'>;

const broughtOf = async (tx: WriteTransaction, contractId: string): Promise<Brought[]> =>
  tx
    .knex<ContractBundleRow>('contract_bundles')
    .where({ contract_id: contractId })
    .whereNotNull('certificate')
    .select('certificate', 'not_after');

async function issuedHere(
  tx: WriteTransaction,
  contractId: string,
  brought: readonly Brought[],
): Promise<(BundleCertificate & { readonly der: Uint8Array })[]> {
  const found = new Map<string, BundleCertificate & { readonly der: Uint8Array }>();
  for (const { certificate: der } of brought) {
    const certificate = der === null ? undefined : readableCertificate(bytesOf(der));
    if (!certificate) continue;
    const rows = await tx
      .knex<CertificateRow>('certificates')
      .where({ spki_sha256: spkiFingerprint(certificate.spki), der })
      .whereNotNull('issuer_id')
      .whereIn(
        'organization_id',
        tx.knex<ContractRow>('contracts').where({ id: contractId }).select('organization_id'),
      )
      .select('id', 'organization_id', 'issuer_id', 'serial');
    for (const { id, organization_id, issuer_id: issuerId, serial } of rows) {
      if (issuerId === null) continue;
      if (await isNeeded(tx, contractId, { id, organization_id, der })) continue;
      const organizationId = organization_id;
      found.set(id, { id, organizationId, issuerId, serial, der: certificate.der });
    }
  }
  return [...found.values()];
}

/** By octets as text: see {@link statesOfBrought}. */
export const broughtKey = (der: Uint8Array): string => blob(der).toString('base64');

/** What is known of a certificate that was brought and issued here. */
export interface BroughtStatus {
  readonly state: CertificateState;
  /** Whether an authority above it is revoked. */
  readonly authorityRevoked: boolean;
}

/**
 * What has become of those certificates of brought bundles that were issued here, by
 * {@link broughtKey}; of others nothing is known.
 */
export async function statesOfBrought(
  { reader, dialect }: Pick<Database, 'reader' | 'dialect'>,
  ders: readonly Uint8Array[],
): Promise<ReadonlyMap<string, BroughtStatus>> {
  const keys = ders
    .flatMap((der) => readableCertificate(bytesOf(blob(der))) ?? [])
    .map(({ spki }) => spki);
  if (keys.length === 0) return new Map();
  const rows: Pick<CertificateRow, 'der' | 'state' | 'issuer_id'>[] = await reader<CertificateRow>(
    'certificates',
  )
    .whereIn('spki_sha256', keys.map(spkiFingerprint))
    .whereNotNull('der')
    .select('der', 'state', 'issuer_id');
  const revoked = new Set<string>();
  for (const issuerId of new Set(rows.flatMap(({ issuer_id }) => issuer_id ?? []))) {
    const found = await rawRows({ knex: reader, dialect }, ISSUER_REVOKED, [issuerId]);
    if (found.length > 0) revoked.add(issuerId);
  }
  return new Map(
    rows.flatMap(({ der, state, issuer_id }) => {
      const authorityRevoked = issuer_id !== null && revoked.has(issuer_id);
      return der ? [[broughtKey(der), { state, authorityRevoked }]] : [];
    }),
  );
}

const ISSUER_REVOKED = `${belowRevoked('SELECT id, id AS issuer_id FROM issuers WHERE id = ?')}
  SELECT id FROM below_revoked`;

/**
 * Whether another contract of its organization has it that goes on: of the same EMAID, which is in
 * the certificate. What others bring ties nobody.
 */
async function isNeeded(
  tx: WriteTransaction,
  contractId: string,
  { id, organization_id, der }: Pick<CertificateRow, 'id' | 'organization_id' | 'der'>,
): Promise<boolean> {
  const other = await tx
    .knex('contract_bundles as b')
    .join('contracts as k', 'k.id', 'b.contract_id')
    .where((same) => same.where('b.certificate_id', id).orWhere('b.certificate', der))
    .whereIn(
      'k.account',
      tx.knex<ContractRow>('contracts').where({ id: contractId }).select('account'),
    )
    .where({ 'k.organization_id': organization_id })
    .whereNot('k.id', contractId)
    .whereNot('k.state', 'ended')
    .first('b.id');
  return other !== undefined;
}
