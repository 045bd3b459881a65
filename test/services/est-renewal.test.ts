/** Re-enrolment by EST: with the current certificate, and by API clients. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameText } from '../../src/pki/names.ts';
import { type EstCaller, estEnrol, estReenrol } from '../../src/services/est.ts';
import { type DeclaredLabel, estAuthentications } from '../../src/services/est-declarations.ts';
import type { IssuedAnswer } from '../../src/services/request-answers.ts';
import { revoke } from '../../src/services/revocation.ts';
import {
  client,
  csrOf,
  type EstHouse,
  machine,
  openEstHouse,
  question,
  refused,
  turnedAway,
} from '../support/est-house.ts';
import { freshKeyPair } from '../support/public-keys.ts';

const DAY = 24 * 3600 * 1000;

const label: Omit<DeclaredLabel, 'name'> = {
  ...{ organizationId: 'demo-cpo', base64: 'wrapped', reenrolment: 'profile-values' },
  ...{ pending: 'refuse', certificates: {}, authentication: estAuthentications },
};

let house: EstHouse;
beforeAll(async () => {
  house = await openEstHouse({
    est: (shipped) => ({
      ...shipped,
      labels: new Map<string, DeclaredLabel>([
        ['literal', { ...label, name: 'literal', role: 'cpo', reenrolment: 'identical-names' }],
        ['tokens', { ...label, name: 'tokens', role: 'cpo', authentication: ['api-client'] }],
        ['others', { ...label, name: 'others', role: 'cpo', organizationId: 'demo-mo' }],
        [
          'depot',
          { ...{ ...label, name: 'depot' }, certificates: { unnamed: { profile: 'secc-depot' } } },
        ],
        [
          'windowed',
          {
            ...{ ...label, name: 'windowed' },
            certificates: { unnamed: { profile: 'ocpp-station-windowed' } },
          },
        ],
      ]),
    }),
    profiles: (shipped) => {
      const station = shipped.get('ocpp-station');
      const secc = shipped.get('iso15118-2-secc');
      if (!station || !secc) throw new Error('a profile is missing');
      const renewal = { window: 30 * DAY, grace: 0 };
      return [
        { ...secc, name: 'secc-depot' },
        {
          ...{ ...station, name: 'ocpp-station-windowed' },
          request: { ...station.request, renewal },
        },
      ];
    },
  });
});
afterAll(() => house?.close());

const reenrol = (caller: EstCaller, csr: Uint8Array, change = {}) =>
  estReenrol(house.services, { ...question(caller, csr), ...change });
const holding = ({ certificate }: Pick<IssuedAnswer, 'certificate'>): EstCaller => ({
  clientCertificate: [certificate.der],
});
/** A first certificate of a new station. */
async function first(id: string, csr = csrOf(`CN=${id}`), change = {}): Promise<IssuedAnswer> {
  await house.station(id);
  return house.enrol({ principal: machine }, csr, change);
}
const end = ({ certificateId }: IssuedAnswer, reason: 'superseded' | 'certificateHold') =>
  revoke(house.services, client(['super'], 'instance'), certificateId, reason);

describe('with the current certificate', () => {
  test('a new key under the same name, linked to what it renews', async () => {
    const before = await first('CS-1');
    const answer = await reenrol(holding(before), csrOf('CN=CS-1'));
    if (answer.outcome !== 'issued') throw new Error(answer.outcome);
    expect(nameText(answer.certificate.subject)).toBe(nameText(before.certificate.subject));
    const { services } = house;
    const after = await services.certificates.findCertificate(answer.certificateId);
    expect(after).toMatchObject({ renews: before.certificateId, stationId: 'CS-1' });
    const old = await services.certificates.findCertificate(before.certificateId);
    expect(old).toMatchObject({ renewedBy: answer.certificateId, state: 'issued' });
    expect((await house.audited('certificate.issued')).at(-1)).toMatchObject({
      actor: `certificate:${before.certificateId}`,
    });
  });

  test('an answer that was lost is given again', async () => {
    const before = await first('CS-LOST');
    const csr = csrOf('CN=CS-LOST');
    const answers = [await reenrol(holding(before), csr), await reenrol(holding(before), csr)];
    expect(answers[1]).toMatchObject({ repeated: true });
    expect(new Set(answers.map(({ requestId }) => requestId)).size).toBe(1);
  });

  test('simpleenroll renews too, and a label need not be named', async () => {
    const before = await first('CS-SIMPLE');
    const asked = { ...question(holding(before), csrOf('CN=CS-SIMPLE')), label: undefined };
    const answer = await estEnrol(house.services, asked);
    if (answer.outcome !== 'issued') throw new Error(answer.outcome);
    const record = await house.services.certificates.findCertificate(answer.certificateId);
    expect(record?.renews).toBe(before.certificateId);
  });

  test('C7 another name, or the same key, is refused', async () => {
    await house.station('CS-VICTIM');
    const pair = freshKeyPair('P-256');
    const before = await first('CS-2', csrOf('CN=CS-2', { pair }));
    const named = await refused(reenrol(holding(before), csrOf('CN=CS-VICTIM')), 'csr-refused');
    expect(named.violations.map(({ code }) => code)).toContain('renewal-mismatch');
    const again = csrOf(['CN=CS-2', 'O=x'], { pair });
    const same = await refused(reenrol(holding(before), again), 'csr-refused');
    expect(same.violations).toMatchObject([{ code: 'renewal-same-key' }]);
    expect((await house.audited('request.refused')).at(-1)).toMatchObject({
      ...{ actor: `certificate:${before.certificateId}`, renews: before.certificateId },
      violations: ['renewal-same-key'],
    });
  });

  test('C7 a label can demand identical names (RFC 7030 4.2.2)', async () => {
    const before = await first('CS-3');
    const literal = { label: 'literal' };
    const bare = csrOf('CN=CS-3');
    const error = await refused(reenrol(holding(before), bare, literal), 'csr-refused');
    expect(error.violations).toMatchObject([{ code: 'renewal-mismatch', field: 'subject' }]);
    const whole = csrOf(['C=DE', 'O=Demo CPO', 'CN=CS-3', 'DC=CPO']);
    expect((await reenrol(holding(before), whole, literal)).outcome).toBe('issued');
  });

  test('W5 revoked or on hold it is nothing, and of others it is not there', async () => {
    const before = await first('CS-4');
    const csr = csrOf('CN=CS-4');
    await refused(reenrol(holding(before), csr, { label: 'others' }), 'est-label-unknown');
    await turnedAway(reenrol(holding(before), csr, { label: 'tokens' }), 'credentials-not-taken');
    await end(before, 'certificateHold');
    await turnedAway(reenrol(holding(before), csr), 'certificate-held');
    await end(before, 'superseded');
    await turnedAway(reenrol(holding(before), csr), 'certificate-revoked');
  });

  test('A3 with a key that another certificate was revoked for it is nothing', async () => {
    const pair = freshKeyPair('P-256');
    const before = await first('CS-TWIN', csrOf('CN=CS-TWIN', { pair }));
    const twin = csrOf(['CN=CS-TWIN', 'OU=x'], { pair });
    const other = await house.enrol({ principal: machine }, twin);
    expect(other.certificateId).not.toBe(before.certificateId);
    const super_ = client(['super'], 'instance');
    await revoke(house.services, super_, before.certificateId, 'keyCompromise');
    await turnedAway(reenrol(holding(other), csrOf('CN=CS-TWIN')), 'certificate-key-blocked');
  });

  test('C7 what stands for a station towards the CSMS does not towards vehicles, nor back', async () => {
    await house.station('CS-8', { serialNumber: 'SN-8', seccId: 'SECC-8' });
    const secc = await house.enrol({ principal: machine }, csrOf('CN=SECC-8'));
    const code = 'certificate-not-renewable';
    await refused(reenrol(holding(secc), csrOf('CN=SN-8'), { label: 'cso' }), code);
    const cso = await house.enrol({ principal: machine }, csrOf('CN=SN-8'), { label: 'cso' });
    await refused(reenrol(holding(cso), csrOf('CN=SECC-8')), code);
  });

  test('a station gets its other certificates with one that it has', async () => {
    await house.station('CS-5', { serialNumber: 'SN-5', seccId: 'SECC-5' });
    const secc = await house.enrol({ principal: machine }, csrOf('CN=SECC-5'));
    const depot = await reenrol(holding(secc), csrOf('CN=SECC-5'), { label: 'depot' });
    if (depot.outcome !== 'issued') throw new Error(depot.outcome);
    const record = await house.services.certificates.findCertificate(depot.certificateId);
    expect(record).toMatchObject({ profile: 'secc-depot', stationId: 'CS-5' });
    expect(record).not.toHaveProperty('renews');
    await house.station('CS-6', { seccId: 'SECC-6' });
    const other = csrOf('CN=SECC-6');
    await refused(reenrol(holding(secc), other, { label: 'depot' }), 'name-not-authenticated');
    await refused(reenrol(holding(secc), other, { label: 'mo' }), 'authority-unknown');
  });

  test('nothing but it, or an API client, renews', async () => {
    const before = await first('CS-7');
    const { caller } = await house.secret('CS-7');
    await turnedAway(reenrol(caller, csrOf('CN=CS-7')), 'credentials-not-taken');
    await turnedAway(reenrol({}, csrOf('CN=CS-7')), 'no-credentials');
    // The same octets but for one: nobody of ours.
    const forged = new Uint8Array(before.certificate.der);
    forged.set([(forged.at(-1) ?? 0) ^ 1], forged.length - 1);
    const asked = reenrol({ clientCertificate: [forged] }, csrOf('CN=CS-7'));
    await turnedAway(asked, 'certificate-unknown');
  });
});

describe('by an API client', () => {
  test('the latest of the name is renewed, or the one that is shown', async () => {
    const before = await first('CS-8');
    const principal = machine;
    const second = await reenrol({ principal }, csrOf('CN=CS-8'));
    const third = await reenrol({ principal, ...holding(before) }, csrOf('CN=CS-8'));
    const renewed = await Promise.all(
      [second, third].map(async (answer) => {
        if (answer.outcome !== 'issued') throw new Error(answer.outcome);
        return (await house.services.certificates.findCertificate(answer.certificateId))?.renews;
      }),
    );
    expect(renewed).toEqual([before.certificateId, before.certificateId]);
  });

  test('C7 without one of the name, a role for it or a request there is nothing', async () => {
    await house.station('CS-9');
    const principal = machine;
    const nothing = reenrol({ principal }, csrOf('CN=CS-9'));
    await refused(nothing, 'certificate-not-renewable');
    const registrar = client(['station-registrar']);
    await refused(reenrol({ principal: registrar }, csrOf('CN=CS-9')), 'not-permitted');
    await refused(reenrol({ principal }, csrOf('CN=CS-9'), { label: 'mo' }), 'not-permitted');
    await refused(reenrol({ principal }, Buffer.from('soup')), 'csr-unreadable');
  });
});

// These let time pass, and so come last.
describe('in time', () => {
  test('not before the window of the profile, nor after its end without grace', async () => {
    const windowed = { label: 'windowed' };
    const before = await first('CS-W', csrOf('CN=CS-W'), windowed);
    const renew = () => reenrol(holding(before), csrOf('CN=CS-W'), windowed);
    const early = await refused(renew(), 'certificate-not-renewable');
    expect(early.message).toMatch(/can be renewed from 20\d\d-/);
    house.pass(336 * DAY);
    expect((await renew()).outcome).toBe('issued');
    house.pass(30 * DAY);
    await turnedAway(renew(), 'certificate-expired');
  });

  test('after its end a certificate vouches for its names for as long as the profile says', async () => {
    const before = await first('CS-G');
    house.pass(100 * DAY);
    const other = reenrol(holding(before), csrOf('CN=CS-G'), { label: 'depot' });
    await refused(other, 'certificate-not-renewable');
    expect((await reenrol(holding(before), csrOf('CN=CS-G'))).outcome).toBe('issued');
    house.pass(25 * DAY);
    await turnedAway(reenrol(holding(before), csrOf('CN=CS-G')), 'certificate-expired');
  });
});
