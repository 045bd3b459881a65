import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CPS_SIGNERS_JOB } from '../../src/services/cps-records.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { cpsSignerStore } from '../../src/storage/cps-signers.ts';
import { jobStore } from '../../src/storage/jobs.ts';
import { sha256Hex } from '../../src/storage/values.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  authorityBelow,
  bytes,
  changeStatus,
  compromised,
  generation,
  issue,
  newId,
  seconds,
  setState,
} from './fixtures.ts';

export const cpsSignersConform = (name: string, open: OpenTestDatabase) =>
  describe(`CPS signers on ${name}`, () => {
    let opened: TestDatabase;
    type Own = Awaited<ReturnType<typeof activeAuthority>>;
    let ca: Own;
    beforeAll(async () => {
      opened = await open();
      ca = await activeAuthority(opened.database);
    });
    afterAll(() => opened.remove());

    const store = () => cpsSignerStore(opened.database);

    const created = async (own: Own = ca) => {
      const id = newId('signer');
      const { issuerId, authorityId } = own;
      const key = { keyId: newId('key'), authorityId, envelope: bytes(`envelope of ${id}`) };
      const spki = bytes(`spki of ${id}`);
      const number = await store().createSigner({
        ...{ id, authorityId, issuerId, keyAlgorithm: 'P-256', spki, key },
        createdAt: testTime,
      });
      return { id, key, spki, number };
    };
    const certified = (
      own: Own,
      spki: Uint8Array,
      notAfter = seconds(3600),
      notBefore = testTime,
    ) =>
      issue(opened.database, own.organizationId, own.issuerId, {
        certificate: { subject: 'CN=CPS', spkiSha256: sha256Hex(spki), notBefore, notAfter },
      });
    /** One at work. */
    const working = async (own: Own, notAfter?: Date, notBefore?: Date) => {
      const { id, spki } = await created(own);
      const certificate = await certified(own, spki, notAfter, notBefore);
      await store().activateSigner(id, certificate.id);
      return { id, certificateId: certificate.id };
    };
    const idsAt = async (own: Own, moment: Date) =>
      (await store().signersAt(moment))
        .filter(({ issuerId }) => issuerId === own.issuerId)
        .map(({ id }) => id);

    test('a signer works from its certificate on', async () => {
      const own = await activeAuthority(opened.database);
      const { id, key, spki } = await created(own);
      expect(await authorityStore(opened.database).findEnvelope(key.keyId)).toEqual(key);
      const certificate = await certified(own, spki);
      expect(await store().newestSigner(own.issuerId)).toBeUndefined();
      expect(await idsAt(own, testTime)).toEqual([]);
      await store().activateSigner(id, certificate.id);
      const signer = {
        id,
        authorityId: own.authorityId,
        organizationId: own.organizationId,
        issuerId: own.issuerId,
        keyId: key.keyId,
        keyAlgorithm: 'P-256',
        spki,
        certificateId: certificate.id,
        certificate: bytes(`der of ${certificate.id}`),
        notBefore: testTime,
        notAfter: seconds(3600),
      };
      expect(await store().newestSigner(own.issuerId)).toEqual(signer);
      expect(await store().signersAt(testTime)).toContainEqual(signer);
      expect(await store().newestSigner('nobody')).toBeUndefined();
    });

    test('those that are valid at a moment, the longest first, unless held or revoked', async () => {
      const own = await activeAuthority(opened.database);
      const short = await working(own, seconds(100));
      const long = await working(own, seconds(300));
      const later = await working(own, seconds(200), seconds(50));
      expect(await idsAt(own, seconds(-1))).toEqual([]);
      expect(await idsAt(own, testTime)).toEqual([long.id, short.id]);
      expect(await idsAt(own, seconds(50))).toEqual([long.id, later.id, short.id]);
      expect(await idsAt(own, seconds(99))).toEqual([long.id, later.id, short.id]);
      expect(await idsAt(own, seconds(100))).toEqual([long.id, later.id]);
      expect(await idsAt(own, seconds(300))).toEqual([]);
      const newest = async () => (await store().newestSigner(own.issuerId))?.id;
      expect(await newest()).toBe(long.id);
      await setState(opened.database, long.certificateId, 'revoked');
      await setState(opened.database, short.certificateId, 'held');
      expect(await idsAt(own, seconds(50))).toEqual([later.id]);
      expect(await newest()).toBe(later.id);
    });

    test('[V2G2-891] none whose authority is revoked, or one above it', async () => {
      const root = await activeAuthority(opened.database);
      const first = await authorityBelow(opened.database, root.issuerId);
      const second = await authorityBelow(opened.database, first.issuerId);
      const own = { ...second, certificateId: second.certificate.id };
      const beside = await authorityBelow(opened.database, root.issuerId);
      const other = { ...beside, certificateId: beside.certificate.id };
      const [signer, another] = [await working(own), await working(other)];
      const end = ({ certificate: { id }, issuerId }: typeof first) =>
        changeStatus(opened.database, id, compromised, { revokesIssuerId: issuerId });
      expect(await idsAt(own, testTime)).toEqual([signer.id]);
      await end(first);
      expect(await idsAt(own, testTime)).toEqual([]);
      expect(await idsAt(other, testTime)).toEqual([another.id]);
      await end(beside);
      expect(await idsAt(other, testTime)).toEqual([]);
    });

    test('signers of an authority are counted, whichever issuer and however many at once', async () => {
      const own = await activeAuthority(opened.database);
      const other = await activeAuthority(opened.database);
      const { issuer, key } = generation(own.authorityId, 2);
      await authorityStore(opened.database).addIssuer({
        ...{ issuer, key },
        audit: { ...audit, subject: own.authorityId, organizationId: own.organizationId },
      });
      const all = await Promise.all([
        created(own),
        created({ ...own, issuerId: issuer.id }),
        created(own),
        created(other),
      ]);
      expect(
        all
          .slice(0, 3)
          .map(({ number }) => number)
          .sort(),
      ).toEqual([1, 2, 3]);
      expect(all[3]?.number).toBe(1);
      expect((await created(own)).number).toBe(4);
    });

    test('only a certificate of its own issuer for its own key puts it to work', async () => {
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

    test('the active issuers of authorities with some profiles', async () => {
      const own = await activeAuthority(opened.database);
      const { issuer, key } = generation(own.authorityId, 2);
      await authorityStore(opened.database).addIssuer({
        ...{ issuer, key },
        audit: { ...audit, subject: own.authorityId, organizationId: own.organizationId },
      });
      const ids = await store().activeIssuers(['none', 'root']);
      expect(ids).toContain(own.issuerId);
      expect(ids).not.toContain(issuer.id);
      expect(ids).toEqual([...ids].sort());
      expect(await store().activeIssuers(['none'])).toEqual([]);
      expect(await store().activeIssuers([])).toEqual([]);
    });

    test('when an issuer begins to work, somebody looks whether it certifies one', async () => {
      const jobs = jobStore(opened.database);
      const lease = { owner: 'somebody', until: seconds(60) };
      await jobs.claim(testTime, lease, 1_000);
      await jobs.release(CPS_SIGNERS_JOB, 'somebody', seconds(86_400));
      const due = async () =>
        (await opened.database.reader('jobs').where({ name: CPS_SIGNERS_JOB }).first('due_at'))
          ?.due_at;
      expect(await due()).toBe(seconds(86_400).toISOString());
      await activeAuthority(opened.database);
      expect(await due()).toBe(testTime.toISOString());
    });
  });

const audit = {
  at: testTime,
  actor: 'client:test',
  action: 'authority.rollover-started',
  details: {},
};
