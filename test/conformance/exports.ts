import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Status } from '../../src/pki/lifecycle.ts';
import { type Proposal, proposalHash } from '../../src/services/proposal-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { crlStore } from '../../src/storage/crls.ts';
import { exportStore } from '../../src/storage/exports.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { proposalStore } from '../../src/storage/proposals.ts';
import { statusStore } from '../../src/storage/statuses.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  authorityRecords,
  bytes,
  compromised,
  issue,
  newId,
  pending,
  revoked,
  seconds,
} from './fixtures.ts';

type Active = Awaited<ReturnType<typeof activeAuthority>>;

export const exportsConform = (name: string, open: OpenTestDatabase) =>
  describe(`exports on ${name}`, () => {
    let opened: TestDatabase;
    let root: Active;
    beforeAll(async () => {
      opened = await open();
      root = await activeAuthority(opened.database);
    });
    afterAll(() => opened.remove());

    const store = () => exportStore(opened.database);
    const certificates = () => certificateStore(opened.database);
    const proposed = async (): Promise<Proposal> => {
      const wanted = {
        ...{ id: newId('prp'), organizationId: root.organizationId, subject: root.authorityId },
        ...{ action: 'authorities:export' as const, command: { id: 'ca' }, proposer: newId('a') },
        ...{ createdAt: testTime, expiresAt: seconds(3600) },
      };
      const proposal = { ...wanted, state: 'waiting' as const, sha256: proposalHash(wanted) };
      const noted = audit(root.organizationId, 'proposal.made', proposal.id);
      await proposalStore(opened.database).recordProposal({ proposal, audit: noted });
      return proposal;
    };
    const approve = ({ id, sha256 }: Proposal) =>
      store().approveExport({
        ...{ proposalId: id, sha256, by: 'client:b', at: seconds(60) },
        audit: audit(root.organizationId, 'proposal.approved', id),
      });
    const approved = async () => {
      const proposal = await proposed();
      expect(await approve(proposal)).toBe('approved');
      return proposal.id;
    };
    const recordsOf = (exportedBy: string) => {
      const records = authorityRecords(root.organizationId);
      const { organizationId } = root;
      return {
        ...records,
        authority: { ...records.authority, parentId: root.authorityId, exportedBy },
        audit: audit(organizationId, 'issuer.exported', records.authority.id),
      };
    };
    const exported = async () => {
      const records = recordsOf(await approved());
      expect(await store().createExported(records)).toBe('created');
      const { id } = records.issuer;
      await issue(opened.database, root.organizationId, root.issuerId, { subjectIssuerId: id });
      return { ...records, issuerId: id };
    };
    const audited = async (subject: string) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter((entry) => entry.subject === subject).map(({ action }) => action);
    };

    describe('approving and collecting', () => {
      test('an approval makes nothing, and lets one authority be made', async () => {
        const proposal = await proposed();
        const records = recordsOf(proposal.id);
        expect(await store().createExported(records)).toBe('collected');
        expect(await approve(proposal)).toBe('approved');
        expect(await approve(proposal)).toBe('not-waiting');
        expect(await audited(proposal.id)).toEqual(['proposal.made', 'proposal.approved']);
        expect(await store().findExported(proposal.id)).toBeUndefined();

        expect(await store().createExported(records)).toBe('created');
        expect(await store().findExported(proposal.id)).toEqual(records.authority);
        const { id } = records.authority;
        expect(await authorityStore(opened.database).findAuthority(id)).toEqual(records.authority);
        expect(await audited(id)).toEqual(['issuer.exported']);
        expect(await store().createExported(recordsOf(proposal.id))).toBe('collected');
      });

      test('of 20 collections at once one takes place', async () => {
        const proposal = await approved();
        const tried = Array.from({ length: 20 }, () => recordsOf(proposal));
        const outcomes = await Promise.all(tried.map((one) => store().createExported(one)));
        expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === 'collected')).toHaveLength(19);
        const ids = tried.map(({ authority }) => authority.id);
        const stored = await Promise.all(
          ids.map((id) => authorityStore(opened.database).findAuthority(id)),
        );
        expect(stored.filter((one) => one !== undefined)).toHaveLength(1);
      });

      test('an id that is taken leaves the proposal to be collected under none', async () => {
        const proposal = await approved();
        const records = recordsOf(proposal);
        const authority = { ...records.authority, id: root.authorityId };
        expect(await store().createExported({ ...records, authority })).toBe('exists');
        expect(await store().findExported(proposal)).toBeUndefined();
      });
    });

    test('an exported issuer signs its OCSP responder here, and nothing else', async () => {
      const { issuerId } = await exported();
      const issuance = issuanceStore(opened.database);
      const leaf = pending(root.organizationId, issuerId);
      expect(await issuance.recordPending({ certificate: leaf })).toEqual({
        outcome: 'issuer-not-active',
      });
      expect(await certificates().findCertificate(leaf.id)).toBeUndefined();
      const responder = { certificate: pending(root.organizationId, issuerId), statusSigner: true };
      expect(await issuance.recordPending(responder as never)).toEqual({ outcome: 'recorded' });
      // One that was not: as before.
      const other = { certificate: pending(root.organizationId, root.issuerId) };
      expect(await issuance.recordPending(other)).toEqual({ outcome: 'recorded' });
    });

    describe('certificates that are brought', () => {
      let issuerId: string;
      beforeAll(async () => {
        ({ issuerId } = await exported());
      });
      const brought = (serial = newId('serial'), der = `der of ${serial}`) => ({
        ...{ id: newId('cert'), organizationId: root.organizationId, der: bytes(der), serial },
        ...{ subject: `CN=${serial}`, commonName: serial, profile: 'leaf', profileHash: 'hash' },
        ...{ spkiSha256: '', notBefore: testTime, notAfter: seconds(3600) },
      });
      const bring = (certificate: ReturnType<typeof brought>, to = issuerId) =>
        store().importCertificate({
          ...{ issuerId: to, certificate: { ...certificate, stationId: 'CS-1' } },
          audit: audit(root.organizationId, 'certificate.imported', certificate.id),
        });
      const revoke = (serial: string, to: Status = revoked, id = newId('cert')) =>
        store().revokeUnseen({
          ...{ issuerId, to, crlDue: seconds(5) },
          record: {
            ...{ id, organizationId: root.organizationId, serial, profile: 'leaf' },
            ...{ profileHash: 'hash', notBefore: testTime, notAfter: seconds(7200) },
          },
          audit: audit(root.organizationId, 'certificate.revoked', id),
        });
      const status = async (serial: string) =>
        (await statusStore(opened.database).readStatus(issuerId, serial))?.status;

      test('are issued, and known the second time', async () => {
        const certificate = brought();
        const { id, serial, der } = certificate;
        expect(await status(serial)).toBeUndefined();
        expect(await bring(certificate)).toEqual({ outcome: 'imported', id });
        expect(await status(serial)).toEqual({ state: 'issued' });
        expect(await certificates().findBySerial(issuerId, serial)).toMatchObject({
          ...{ id, state: 'issued', der, issuerId, stationId: 'CS-1', subject: `CN=${serial}` },
        });
        expect(await bring({ ...certificate, id: newId('cert') })).toEqual({
          ...{ outcome: 'known', id },
        });
        expect(await audited(id)).toEqual(['certificate.imported']);
      });

      test('take nobody else’s serial number', async () => {
        const { serial, ...certificate } = brought();
        await bring({ ...certificate, serial });
        const other = { ...brought(serial, 'another der') };
        expect(await bring(other)).toEqual({ outcome: 'serial-taken' });
        expect(await certificates().findCertificate(other.id)).toBeUndefined();
      });

      test('are brought to no issuer whose key is here', async () => {
        await expect(bring(brought(), root.issuerId)).rejects.toThrow('was not exported');
      });

      test('of 20 at once with one serial number one is imported', async () => {
        const serial = newId('serial');
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, index) => bring(brought(serial, `der ${index}`))),
        );
        expect(outcomes.filter(({ outcome }) => outcome === 'imported')).toHaveLength(1);
        expect(outcomes.filter(({ outcome }) => outcome === 'serial-taken')).toHaveLength(19);
      });

      test('RFC 5280 5.3: what was never seen is revoked by its number, and listed', async () => {
        const serial = '00000000000000000000000000004711';
        const before = (await statusStore(opened.database).readStatus(issuerId, serial))?.sequence;
        const id = newId('cert');
        const sequence = (before ?? 0) + 1;
        expect(await revoke(serial, revoked, id)).toEqual({ outcome: 'revoked', sequence });
        expect(await status(serial)).toEqual(revoked);
        const found = await certificates().findCertificate(id);
        expect(found).toMatchObject({ state: 'revoked', subject: '', spkiSha256: '', serial });
        expect(found?.der).toBeUndefined();
        const crls = crlStore(opened.database);
        const [segment = ''] = await crls.changedSegments(issuerId, sequence - 1);
        const lines = Buffer.from(await crls.revokedIn(issuerId, segment, seconds(3700)));
        expect(lines.toString()).toContain('4711');
        expect(await revoke(serial)).toEqual({ outcome: 'seen' });
        expect(await audited(id)).toEqual(['certificate.revoked']);
      });

      test('stay revoked when they are brought later', async () => {
        const certificate = brought();
        const { serial, der } = certificate;
        const id = newId('cert');
        await revoke(serial, compromised, id);
        expect(await certificates().isBlockedKey('')).toBe(false);
        expect(await bring(certificate)).toEqual({ outcome: 'imported', id });
        expect(await certificates().findCertificate(id)).toMatchObject({
          ...{ state: 'revoked', revocationReason: 'keyCompromise', der },
          ...{ subject: `CN=${serial}`, notAfter: seconds(3600), stationId: 'CS-1' },
        });
        expect(await certificates().isBlockedKey('')).toBe(false);
        expect(await audited(id)).toEqual(['certificate.revoked', 'certificate.imported']);
        expect(await bring({ ...certificate, id: newId('cert') })).toEqual({
          ...{ outcome: 'known', id },
        });
      });

      test('what is seen is not revoked as unseen', async () => {
        const certificate = brought();
        await bring(certificate);
        expect(await revoke(certificate.serial)).toEqual({ outcome: 'seen' });
        expect(await status(certificate.serial)).toEqual({ state: 'issued' });
      });
    });
  });
