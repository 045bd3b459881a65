/** CharIN's OPNC: what is asked in bad faith, or wrongly, and has no effect. */

import { beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { application } from '../support/est.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { base64, messagesOf, opncParties, QUERY, type Who } from '../support/opnc.ts';
import { freshPcid, leaveFactory, sent } from '../support/vehicles.ts';

describe('P12 OPNC', () => {
  const { evpki, newEmaid, as, call, est, enrolled, statusOf, revoke, generate, ask, auditOf } =
    opncParties();

  describe('what is not asked in good faith', () => {
    let charger: Awaited<ReturnType<typeof enrolled>>;
    beforeAll(async () => {
      charger = await enrolled('cpo', 'cpo', application('CN=DE*DEM*E99'));
    });

    test('W8 nobody revokes what is another organization’s, or learns that it is there', async () => {
      const own = base64(charger.leaf.der);
      const unknown = base64(foreignRoot().certificate.der);
      const heard = [];
      for (const certificate of [own, unknown]) {
        for (const name of ['otherCpo', 'mo', 'v2gOfficer'] as const) {
          const answer = await revoke(name, certificate, 'unspecified');
          heard.push([answer.status, ...messagesOf(answer)]);
        }
      }
      expect(new Set(heard.map((one) => JSON.stringify(one)))).toEqual(
        new Set([JSON.stringify([404, 'this is no certificate that evpki has issued for you'])]),
      );
      expect((await revoke('oem', own, 'unspecified')).status).toBe(404);
      // Neither does a role that is for other kinds, or for none.
      expect((await revoke('officer', own, 'unspecified')).status).toBe(403);
      expect((await revoke('csms', own, 'unspecified')).status).toBe(403);
      expect(await statusOf(charger.pem)).toBe('good');
    });

    test('W6 what is no certificate, or nearly one of ours, revokes nothing', async () => {
      const { der } = charger.leaf;
      const changed = Buffer.from(der);
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      expect((await revoke('cpo', base64(changed), 'unspecified')).status).toBe(404);
      const pem = toPem('CERTIFICATE', der);
      for (const soup of [
        pem + pem,
        pem.replaceAll('\n', '\\n'),
        `${pem}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`,
        base64(Buffer.from(pem + pem)),
        base64(der).slice(0, -3),
        `${base64(der)}#`,
        `data:application/pkix-cert;base64,${base64(der)}`,
        '-----BEGIN CERTIFICATE-----',
      ]) {
        const answer = await revoke('cpo', soup, 'unspecified');
        expect([answer.status, messagesOf(answer)[0]], soup).toEqual([
          400,
          'this is no certificate',
        ]);
      }
      // Reads as DER, and is nothing that we have issued.
      for (const text of ['MAA=', base64(Buffer.concat([der, Buffer.of(0)]))]) {
        expect((await revoke('cpo', text, 'unspecified')).status).toBe(404);
      }
      expect(await statusOf(charger.pem)).toBe('good');
    });

    test.each([
      ['certificateHold', 'must be'],
      ['removeFromCRL', 'must be'],
      ['cACompromise', 'must be'],
      ['KeyCompromise', 'must be'],
      ['', 'must be'],
      ['aACompromise', 'aACompromise is not a reason'],
    ])('%s is no reason: 400', async (reason, why) => {
      const answer = await revoke('cpo', base64(charger.leaf.der), reason);
      expect([answer.status, messagesOf(answer).join()]).toEqual([
        400,
        expect.stringContaining(why),
      ]);
      expect(await statusOf(charger.pem)).toBe('good');
    });

    test('an authority is not revoked by showing its certificate', async () => {
      const [issuing] = charger.above;
      const certificate = base64(issuing?.der ?? new Uint8Array());
      const answer = await revoke('officer', certificate, 'cessationOfOperation');
      expect([answer.status, messagesOf(answer)]).toEqual([
        400,
        ['it is the certificate of an authority'],
      ]);
      expect((await revoke('cpo', certificate, 'cessationOfOperation')).status).toBe(403);
      expect((await revoke('otherCpo', certificate, 'cessationOfOperation')).status).toBe(404);
    });

    test('P5 EST: domains, standards and credentials that are wrong', async () => {
      const { body } = application('CN=DE*DEM*E98');
      const cases: [Who | undefined, string, number][] = [
        ['cpo', 'simpleenroll', 400],
        ['cpo', 'simpleenroll?caDomain=root', 400],
        ['cpo', 'simpleenroll?caDomain=cpo&caDomain=oem', 400],
        ['cpo', 'simpleenroll?caDomain=cpo&iso15118Version=ISO15118-3', 400],
        ['cpo', `serverkeygen?${QUERY}cpo`, 404],
        [undefined, `simpleenroll?${QUERY}cpo`, 401],
        // Its role is for chargers.
        ['cpo', `simpleenroll?${QUERY}oem`, 403],
        ['officer', `simpleenroll?${QUERY}cpo`, 403],
      ];
      for (const [name, target, status] of cases) {
        const answer = await est(name, target, body);
        expect(answer.status, `${target}: ${answer.body}`).toBe(status);
        const { errorMessages, traceId } = JSON.parse(answer.body);
        expect(errorMessages[0], target).toMatch(/\w \w/);
        expect(traceId).toMatch(/^[0-9a-f-]{36}$/);
      }
      const soup = await est('cpo', `simpleenroll?${QUERY}cpo`, '-----BEGIN CERTIFICATE REQUEST');
      expect([soup.status, soup.body.startsWith('{"errorMessages":')]).toEqual([400, true]);
      const big = await est('cpo', `simpleenroll?${QUERY}cpo`, 'A'.repeat(1_000_000));
      expect(big.status).toBe(413);
      // Another operator's charger.
      const foreign = application('CN=DE*OTH*E1');
      const refused = await est('cpo', `simpleenroll?${QUERY}cpo`, foreign.body);
      expect([refused.status, refused.body]).toEqual([403, expect.stringContaining('DEOTH')]);
    });

    test('W8 headers say in whose name, and give nothing', async () => {
      const list = (name: Who, headers: Record<string, string>) =>
        call(name, 'GET', 'rcp/rootcertificates', undefined, headers);
      const from = (type: string, id?: string) => ({
        'OPNC-from-party-type': type,
        ...(id === undefined ? {} : { 'OPNC-from-party-id': id }),
      });
      const fitting: [Who, Record<string, string>][] = [
        ['cpo', { ...from('cpo', 'DEDEM'), 'OPNC-to-party-type': 'pki' }],
        ['mo', from('emsp', 'DE*8EV')],
        ['oem', from('oem', 'dem')],
        ['otherCpo', from('cpo', 'OTH')],
        ['cpo', { 'OPNC-to-party-type': 'emsp', 'OPNC-to-party-id': 'DE9XY' }],
      ];
      for (const [name, headers] of fitting) sent(await list(name, headers), 200);
      const foreign: [Who, Record<string, string>][] = [
        ['cpo', from('cpo', 'DEOTH')],
        ['otherCpo', from('cpo', 'DEDEM')],
        ['cpo', from('emsp')],
        ['mo', from('emsp', 'DE9XY')],
        ['oem', from('oem', 'WVW')],
      ];
      for (const [name, headers] of foreign) {
        const answer = await list(name, headers);
        expect([answer.status, messagesOf(answer)[0]], JSON.stringify(headers)).toEqual([
          403,
          'the party that you say to call for is not your organization',
        ]);
      }
      for (const headers of [
        from('root'),
        from('cpo', 'DE*OTH*E1'),
        from('pki', 'abc'),
        { 'OPNC-from-party-id': 'DEDEM' },
        { 'OPNC-to-party-type': 'x' },
      ]) {
        const answer = await list('cpo', headers);
        expect([answer.status, messagesOf(answer).join()]).toEqual([
          400,
          expect.stringMatching(/opnc-(from|to)-party-(type|id)/i),
        ]);
      }
      // Nobody becomes a party by saying so, here or in EST.
      const own = base64(charger.leaf.der);
      const body = { certificate: own, revocationReason: 'unspecified' };
      const claim = from('cpo', 'DEDEM');
      const path = 'pki/pki/revokeCertificate';
      expect((await call('mo', 'POST', path, body, claim)).status).toBe(403);
      expect((await call('otherCpo', 'POST', path, body, from('cpo'))).status).toBe(404);
      const { body: csr } = application('CN=DE*DEM*E97');
      const headers = Object.entries(from('cpo', 'DEOTH'));
      const enrolment = await est('cpo', `simpleenroll?${QUERY}cpo`, csr, headers);
      expect([enrolment.status, enrolment.body]).toEqual([
        403,
        expect.stringContaining('OPNC-from-party-id'),
      ]);
      const repeated = await est('cpo', `cacerts?${QUERY}cpo`, undefined, [
        ['OPNC-from-party-type', 'cpo'],
        ['OPNC-from-party-type', 'cpo'],
      ]);
      expect(repeated.status).toBe(400);
      // They are written beside the answer.
      const refusals = async () =>
        (await auditOf('demo-cpo')).filter(({ action }) => action === 'access.refused');
      await expect
        .poll(async () => JSON.stringify(await refusals()))
        .toContain('/opnc/v1/rcp/rootcertificates');
    });

    test('P5 identifiers of others, roots that nobody chooses, and paths that there are not', async () => {
      const vehicle = await leaveFactory(evpki(), as('oem'), 'iso15118-2');
      const emaid = newEmaid();
      const wish = { moRootCertificateFingerprint: '0'.repeat(64) };
      const chosen = await generate(vehicle.pcid, emaid, 'mo', wish);
      expect([chosen.status, messagesOf(chosen)[1]]).toEqual([
        400,
        expect.stringMatching(/^moRootCertificateFingerprint : /),
      ]);
      expect((await generate(vehicle.pcid, emaid, 'otherMo')).status).toBe(403);
      expect((await generate(vehicle.pcid, emaid, 'oem')).status).toBe(403);
      expect((await generate(freshPcid(), emaid)).status).toBe(404);
      sent(await generate(vehicle.pcid, emaid), 201);
      const unseen = await call('otherMo', 'GET', `ccp/contractData/emaid/${emaid}`);
      expect([unseen.status, messagesOf(unseen).length]).toEqual([404, 1]);
      const garbage = await ask(Buffer.from('hello'));
      expect([garbage.status, messagesOf(garbage)[0]]).toEqual([400, 'EXI format is invalid!']);
      expect((await call('mo', 'GET', 'ccp/nothing')).status).toBe(404);
      expect((await call('mo', 'PATCH', 'rcp/rootcertificates')).status).toBe(405);
    });
  });
});
