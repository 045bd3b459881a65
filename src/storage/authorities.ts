/** Authorities, their issuers and their sealed keys in the database. */

import { folded } from '../pki/names.ts';
import type {
  Authority,
  AuthorityStore,
  ImportedCertificate,
  Issuer,
  KeyEnvelope,
} from '../services/authority-records.ts';
import { insertGrant } from './authority-grants.ts';
import type { Database, WriteTransaction } from './database.ts';
import { activate, lockIssuer } from './issuer-activation.ts';
import {
  type AuthorityRow,
  type CertificateRow,
  type IssuerRow,
  type KeyRow,
  type RootClaimRow,
  statusUnchanged,
} from './rows.ts';
import { sharedRead } from './shared-reads.ts';
import { blob, bytesOf, optional, sha256Hex, timeText } from './values.ts';

export function authorityStore(database: Database): AuthorityStore {
  const { reader } = database;
  // An issuer with what its own certificate tells.
  const issuers = () =>
    reader('issuers')
      .leftJoin('certificates', 'certificates.id', 'issuers.certificate_id')
      .select<IssuerWithCertificate[]>(
        'issuers.*',
        'certificates.der as certificate_der',
        'certificates.issuer_id as signed_by_id',
      );

  const allAuthorities = sharedRead(async () => {
    const rows: AuthorityRow[] = await reader('authorities').orderBy('id');
    return () => rows;
  });
  const issuersOf = sharedRead(async (authorityIds) => {
    const rows = await issuers()
      .whereIn('issuers.authority_id', authorityIds)
      .orderBy('issuers.generation', 'desc');
    return (authorityId) => rows.filter((row) => row.authority_id === authorityId);
  });
  const isAuthorityKey = sharedRead(async (spkis) => {
    const found: string[] = await reader('issuers')
      .whereIn('spki_sha256', spkis)
      .pluck('spki_sha256');
    return (spkiSha256) => found.includes(spkiSha256);
  });

  return {
    createAuthority: ({ authority, issuer, key, audit, grant }) =>
      database.write(async (tx) => {
        const created = await tx
          .knex<AuthorityRow>('authorities')
          .insert(authorityRow(authority))
          .onConflict('id')
          .ignore()
          .returning('id');
        if (created.length === 0) return 'exists';
        await insertIssuer(tx, issuer, key);
        if (grant !== undefined && authority.parentId !== undefined) {
          await insertGrant(tx, authority.parentId, authority.organizationId, grant);
        }
        tx.appendAudit(audit);
        return 'created';
      }),

    addIssuer: ({ issuer, key, audit }) =>
      database.write(async (tx) => {
        // Generations of one authority are added one after the other.
        await tx
          .knex<AuthorityRow>('authorities')
          .where({ id: issuer.authorityId })
          .forUpdate()
          .first('id');
        const taken = await tx
          .knex<IssuerRow>('issuers')
          .where({ authority_id: issuer.authorityId, generation: issuer.generation })
          .first('id');
        if (taken !== undefined) return 'exists';
        await insertIssuer(tx, issuer, key);
        tx.appendAudit(audit);
        return 'added';
      }),

    activateIssuer: ({ issuerId, certificate, chain, root, audit }) =>
      database.write(async (tx) => {
        const issuer = await lockIssuer(tx, issuerId);
        if (issuer?.state !== 'awaiting-certificate') return 'not-awaiting';
        if (!(await claimRoot(tx, root))) return 'root-namesake';
        await tx
          .knex<CertificateRow>('certificates')
          .insert(importedCertificateRow(certificate, audit.at));
        await activate(tx, issuer, certificate.id, audit.at);
        for (const [position, der] of chain.entries()) {
          await tx
            .knex('issuer_chains')
            .insert({ issuer_id: issuerId, position, certificate: blob(der) });
        }
        tx.appendAudit(audit);
        return 'activated';
      }),

    findAuthority: async (id) => {
      const row = await reader<AuthorityRow>('authorities').where({ id }).first();
      return row && authorityOf(row);
    },

    listAuthorities: async (organizationId) => {
      if (organizationId === undefined) return (await allAuthorities('all')).map(authorityOf);
      const rows: AuthorityRow[] = await reader('authorities')
        .where({ organization_id: organizationId })
        .orderBy('id');
      return rows.map(authorityOf);
    },

    findIssuer: async (id) => {
      const [row] = await issuers().where('issuers.id', id);
      return row && issuerOf(row);
    },

    listIssuers: async (authorityId) => {
      return (await issuersOf(authorityId)).map(issuerOf);
    },

    externalChain: async (issuerId) => {
      const rows: { certificate: Buffer }[] = await reader('issuer_chains')
        .where({ issuer_id: issuerId })
        .orderBy('position')
        .select('certificate');
      return rows.map((row) => bytesOf(row.certificate));
    },

    externalChains: async () => {
      const rows: { issuer_id: string; der: Buffer; certificate: Buffer }[] = await reader(
        'issuer_chains',
      )
        .join('issuers', 'issuers.id', 'issuer_chains.issuer_id')
        .join('certificates', 'certificates.id', 'issuers.certificate_id')
        .orderBy(['issuer_chains.issuer_id', 'issuer_chains.position'])
        .select('issuer_chains.issuer_id', 'certificates.der', 'issuer_chains.certificate');
      const chains = new Map<string, Uint8Array[]>();
      for (const { issuer_id, der, certificate } of rows) {
        const chain = chains.get(issuer_id) ?? [bytesOf(der)];
        chains.set(issuer_id, [...chain, bytesOf(certificate)]);
      }
      return [...chains.values()];
    },

    findEnvelope: async (keyId) => {
      const row = await reader<KeyRow>('keys').where({ key_id: keyId }).first();
      return row && envelopeOf(row);
    },

    isAuthorityKey,
  };
}

/** @returns false when another root has this identity; of any number at once one gets it. */
async function claimRoot(tx: WriteTransaction, root: RootClaimRow): Promise<boolean> {
  const claims = () => tx.knex<RootClaimRow>('root_claims');
  await claims().insert(root).onConflict('identity').ignore();
  const claimed = await claims().where({ identity: root.identity }).first('sha256');
  return claimed?.sha256 === root.sha256;
}

type IssuerWithCertificate = IssuerRow & {
  certificate_der: Buffer | null;
  signed_by_id: string | null;
};

export async function insertIssuer(
  tx: WriteTransaction,
  issuer: Issuer,
  key: KeyEnvelope,
): Promise<void> {
  tx.issuerChains.clear();
  await tx.knex<KeyRow>('keys').insert({
    key_id: key.keyId,
    authority_id: key.authorityId,
    envelope: blob(key.envelope),
  });
  await tx.knex<IssuerRow>('issuers').insert(issuerRow(issuer));
}

export const authorityRow = (authority: Authority): AuthorityRow => ({
  id: authority.id,
  title: authority.title,
  organization_id: authority.organizationId,
  profile: authority.profile,
  parent_id: authority.parentId ?? null,
  external: authority.external,
  key_algorithm: authority.keyAlgorithm,
  state: authority.state,
  export_proposal: authority.exportedBy ?? null,
});

export const authorityOf = (row: AuthorityRow): Authority => ({
  id: row.id,
  title: row.title,
  organizationId: row.organization_id,
  profile: row.profile,
  ...optional('parentId', row.parent_id),
  external: Boolean(row.external),
  keyAlgorithm: row.key_algorithm as Authority['keyAlgorithm'],
  state: row.state,
  ...optional('exportedBy', row.export_proposal),
});

const issuerRow = (issuer: Issuer): IssuerRow => ({
  id: issuer.id,
  authority_id: issuer.authorityId,
  generation: issuer.generation,
  state: issuer.state,
  key_id: issuer.keyId,
  key_algorithm: issuer.keyAlgorithm,
  spki: blob(issuer.spki),
  spki_sha256: sha256Hex(issuer.spki),
  subject: blob(issuer.subject),
  public_url: issuer.publicUrl,
  request: issuer.request === undefined ? null : blob(issuer.request),
  certificate_id: issuer.certificateId ?? null,
  status_sequence: 0,
  crl_number: 0,
});

const issuerOf = (row: IssuerWithCertificate): Issuer => ({
  id: row.id,
  authorityId: row.authority_id,
  generation: Number(row.generation),
  state: row.state,
  keyId: row.key_id,
  keyAlgorithm: row.key_algorithm as Issuer['keyAlgorithm'],
  spki: bytesOf(row.spki),
  subject: bytesOf(row.subject),
  publicUrl: row.public_url,
  ...optional('request', row.request && bytesOf(row.request)),
  ...optional('certificateId', row.certificate_id),
  ...optional('certificate', row.certificate_der && bytesOf(row.certificate_der)),
  ...optional('signedById', row.signed_by_id),
});

const envelopeOf = (row: KeyRow): KeyEnvelope => ({
  keyId: row.key_id,
  authorityId: row.authority_id,
  envelope: bytesOf(row.envelope),
});

export const importedCertificateRow = (
  certificate: ImportedCertificate,
  at: Date,
): CertificateRow => ({
  id: certificate.id,
  organization_id: certificate.organizationId,
  issuer_id: null,
  serial: certificate.serial,
  state: 'issued',
  subject: certificate.subject,
  common_name: folded(certificate.commonName ?? ''),
  profile: certificate.profile,
  profile_hash: certificate.profileHash,
  spki_sha256: certificate.spkiSha256,
  tbs_sha256: null,
  not_before: timeText(certificate.notBefore),
  not_after: timeText(certificate.notAfter),
  created_at: timeText(at),
  der: blob(certificate.der),
  station_id: null,
  lease_owner: null,
  lease_until: null,
  ...statusUnchanged,
});
