import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorityStore } from '../../src/storage/authorities.ts';
import { ocspSignerStore } from '../../src/storage/ocsp-signers.ts';
import { sha256Hex } from '../../src/storage/values.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { activeAuthority, bytes, issue, newId, seconds, setState } from './fixtures.ts';

export const ocspSignersConform = (name: string, open: OpenTestDatabase) =>
  describe(`OCSP signers on ${name}`, () => {
    let opened: TestDatabase;
    let ca: Awaited<ReturnType<typeof activeAuthority>>;
    beforeAll(async () => {
      opened = await open();
      ca = await activeAuthority(opened.database);
    });
    afterAll(() => opened.remove());

    const store = () => ocspSignerStore(opened.database);

    const created = async (own = ca) => {
      const id = newId('signer');
      const key = {
        keyId: newId('key'),
        authorityId: own.authorityId,
        envelope: bytes(`envelope of ${id}`),
      };
      const { issuerId } = own;
      const spki = bytes(`spki of ${id}`);
      await store().createSigner({
        id,
        issuerId,
        keyAlgorithm: 'P-256',
        spki,
        key,
        createdAt: testTime,
      });
      return { id, issuerId, key, spki };
    };
    const certified = (own: typeof ca, spki: Uint8Array, notAfter = seconds(3600)) =>
      issue(opened.database, own.organizationId, own.issuerId, {
        certificate: { subject: 'CN=responder', spkiSha256: sha256Hex(spki), notAfter },
      });

    test('a signer answers from its certificate on', async () => {
      const own = await activeAuthority(opened.database);
      const { id, key, spki } = await created(own);
      expect(await authorityStore(opened.database).findEnvelope(key.keyId)).toEqual(key);
      expect(await store().newestSigner(own.issuerId)).toBeUndefined();
      const certificate = await certified(own, spki);
      expect(await store().newestSigner(own.issuerId)).toBeUndefined();
      await store().activateSigner(id, certificate.id);
      expect(await store().newestSigner(own.issuerId)).toEqual({
        id,
        issuerId: own.issuerId,
        keyId: key.keyId,
        keyAlgorithm: 'P-256',
        spki,
        certificate: bytes(`der of ${certificate.id}`),
        notBefore: testTime,
        notAfter: seconds(3600),
      });
      expect(await store().newestSigner('nobody')).toBeUndefined();
    });

    test('O3: the one whose certificate ends last is used, unless that is held or revoked', async () => {
      const own = await activeAuthority(opened.database);
      const ids: string[] = [];
      const certificates: string[] = [];
      for (const end of [200, 300, 100]) {
        const { id, spki } = await created(own);
        const certificate = await certified(own, spki, seconds(end));
        await store().activateSigner(id, certificate.id);
        ids.push(id);
        certificates.push(certificate.id);
      }
      const newest = async () => (await store().newestSigner(own.issuerId))?.id;
      expect(await newest()).toBe(ids[1]);
      await setState(opened.database, certificates[1] ?? '', 'revoked');
      expect(await newest()).toBe(ids[0]);
      await setState(opened.database, certificates[0] ?? '', 'held');
      expect(await newest()).toBe(ids[2]);
    });

    test('O3, RFC 6960 4.2.2.2: only a certificate of its own issuer for its own key puts it to work', async () => {
      const { id, spki } = await created();
      const other = await activeAuthority(opened.database);
      const elsewhere = await certified(other, spki);
      const otherKey = await certified(ca, bytes('another key'));
      for (const certificateId of [elsewhere.id, otherKey.id, 'nobody']) {
        await expect(store().activateSigner(id, certificateId)).rejects.toMatchObject({
          code: 'inconsistent',
        });
      }
      const certificate = await certified(ca, spki);
      await expect(store().activateSigner('nobody', certificate.id)).rejects.toThrow();
      await store().activateSigner(id, certificate.id);
      const second = await certified(ca, spki);
      await expect(store().activateSigner(id, second.id)).rejects.toMatchObject({
        code: 'inconsistent',
      });
    });
  });
