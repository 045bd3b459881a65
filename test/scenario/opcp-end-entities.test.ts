/**
 * Chargers that are registered by the name in their certificates, as EVerest's client and the THI's
 * do it (facts/clients.md 2.3), and whose EVSE ids an organization may use.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { attributeValue } from '../../src/pki/names.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { newRequest } from '../support/requests.ts';

const PATH = '/v1/vra/cpo/endEntities';

type Caller = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** What EVerest's client sends: the name as EVSE id where it knows none. */
const everest = (commonName: string, more: Readonly<Record<string, unknown>> = {}) => ({
  commonName,
  manufacture: 'Pionix',
  deviceName: 'Charger',
  deviceSWVersion: '1.2',
  evseSerialNumber: 'SN1',
  evseID: [commonName],
  evseISOversion: '15118-20',
  ocppVersion: '2.0.1',
  chargeBoxSerialNumber: '',
  ...more,
});

/** The THI's client: whatever stands under one of these keys, anywhere, is a registered name. */
function asThi({ status, text }: Answer): Set<string> {
  if (status < 200 || status > 299) throw new Error(`HTTP ${status}: ${text}`);
  const names = new Set<string>();
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, one] of Object.entries(value)) {
        const isName = ['commonname', 'id', 'seccid', 'endentityid'].includes(key.toLowerCase());
        if (isName && typeof one === 'string') names.add(normal(one));
        else walk(one);
      }
    }
  };
  walk(text.trim() === '' ? [] : JSON.parse(text));
  return names;
}
const normal = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '');

const messages = ({ json }: Answer): string[] => json.errorMessages;

describe('end entities', () => {
  let evpki: TestApp;
  let operator: Caller;
  let csms: Caller;
  let strict: Caller;
  let stranger: Caller;
  const callerOf = async (organization: string, role: string): Promise<Caller> => {
    const headers = { authorization: `Bearer ${await evpki.tokenOf(organization, [role])}` };
    return (method, path, body) => evpki.call(method, path, body, headers);
  };
  beforeAll(async () => {
    evpki = await startTestApp();
    const made = [
      { id: 'ice', name: 'Ice', roles: ['cpo'], operators: ['DEICE', 'NLICE'] },
      { id: 'other-cpo', name: 'Other CPO', roles: ['cpo'] },
    ];
    for (const body of made) {
      expect((await evpki.call('POST', '/v1/organizations', body)).status).toBe(201);
    }
    operator = await callerOf('demo-cpo', 'cpo-operator');
    csms = await callerOf('demo-cpo', 'csms');
    strict = await callerOf('ice', 'cpo-operator');
    stranger = await callerOf('other-cpo', 'station-registrar');
  });
  afterAll(() => evpki?.close());

  const station = async (id: string, caller = operator) =>
    (await caller('GET', `/v1/stations/${encodeURIComponent(id)}`)).json;
  const changes = async (id: string) => {
    const query = `organization=demo-cpo&subject=${encodeURIComponent(id)}`;
    const log = await evpki.call('GET', `/v1/audit?${query}`);
    return log.json.items.map(({ action }: { action: string }) => action).reverse();
  };

  test('P10 a charger is registered, and repeating that changes nothing', async () => {
    const name = 'DE*PNX*E12345*1';
    const first = await operator('PUT', PATH, everest(name, { chargeBoxSerialNumber: 'CB1' }));
    expect(first.status, first.text).toBe(200);
    expect(first.json).toEqual({
      ...{ endEntityId: name, commonName: name, evseID: [name], chargeBoxSerialNumber: 'CB1' },
    });
    expect(await station(name)).toMatchObject({
      ...{ id: name, seccId: name, evseIds: [name], serialNumber: 'CB1' },
    });
    // In the other spelling, and without what is known already.
    for (const again of [name, 'DEPNXE123451', 'de*pnx*e12345*1']) {
      const answer = await operator('PUT', PATH, everest(again));
      expect([answer.status, answer.json]).toEqual([200, first.json]);
    }
    expect(await changes(name)).toEqual(['station.registered']);
    expect((await operator('GET', PATH)).json).toContainEqual(first.json);
  });

  test('the THI’s client finds by its own spelling what it has registered', async () => {
    const body = { commonName: 'DE*THI*E1234567', evseID: ['DE*THI*E1234567'], ocppVersion: '1.6' };
    expect(asThi(await operator('GET', PATH))).not.toContain('DETHIE1234567');
    expect((await operator('PUT', PATH, body)).status).toBe(200);
    expect(asThi(await operator('GET', PATH))).toContain('DETHIE1234567');
    expect(asThi(await stranger('GET', PATH))).toEqual(new Set());
  });

  test('the registered spelling is certified, whichever one the charger asks for', async () => {
    await operator('PUT', PATH, everest('DE*SPL*E1'));
    const answer = await csms('POST', '/v1/ocpp/sign-certificate', {
      ...{ stationId: 'DE*SPL*E1', csr: newRequest('CN=DESPLE1'), ocppVersion: '2.0.1' },
      certificateType: 'V2GCertificate',
    });
    expect(answer.json.status, answer.text).toBe('issued');
    const [leaf] = readPemBlocks(answer.json.certificateChain);
    const { subject } = readCertificate(leaf?.der ?? new Uint8Array());
    expect(attributeValue(subject, 'CN')).toBe('DE*SPL*E1');
    const other = await csms('POST', '/v1/ocpp/sign-certificate', {
      ...{ stationId: 'DE*SPL*E1', csr: newRequest('CN=DESPLE11'), ocppVersion: '2.0.1' },
      certificateType: 'V2GCertificate',
    });
    expect(other.json.violations.map(({ code }: { code: string }) => code)).toEqual([
      'subject-attribute-mismatch',
    ]);
  });

  test('a station that is registered by its identity is found by its names, and keeps the rest', async () => {
    const details = {
      evseIds: ['DE*OLD*E1', 'DE*OLD*E2'],
      securityProfile: 3,
      serialNumber: 'S-7',
      chain: { includeRoot: true, maximumSize: 4000 },
    };
    await operator('PUT', '/v1/stations/CS-7', details);
    const answer = await operator('PUT', PATH, everest('DEOLDE2', { evseID: ['DE*OLD*E3'] }));
    expect(answer.json.endEntityId, answer.text).toBe('CS-7');
    expect(await station('CS-7')).toMatchObject({
      ...{ seccId: 'DEOLDE2', serialNumber: 'S-7', securityProfile: 3 },
      chain: details.chain,
      evseIds: ['DE*OLD*E1', 'DE*OLD*E2', 'DE*OLD*E3'],
    });
    // Another name of one of its EVSEs is another charger: a station has one SECC id.
    const other = await operator('PUT', PATH, everest('DE*OLD*E1'));
    expect([other.status, other.json.endEntityId]).toEqual([200, 'DE*OLD*E1']);
    expect((await station('CS-7')).seccId).toBe('DEOLDE2');
  });

  test('a SECC id is longer than an identity may be', async () => {
    const name = `DEPNXS${'7'.repeat(58)}`;
    const first = await operator('PUT', PATH, everest(name));
    expect(first.status, first.text).toBe(200);
    expect(first.json).toEqual({
      ...{
        endEntityId: expect.stringMatching(/^secc-[0-9a-f]{32}$/),
        commonName: name,
        evseID: [],
      },
    });
    expect((await operator('PUT', PATH, everest(name))).json).toEqual(first.json);
  });

  test('names of other stations and identities with another name are conflicts', async () => {
    await operator('PUT', '/v1/stations/CS-8', { seccId: 'DE*TKN*E8', serialNumber: 'S-8' });
    const taken = await operator(
      'PUT',
      PATH,
      everest('DE*NEW*E8', { chargeBoxSerialNumber: 'S-8' }),
    );
    expect([taken.status, messages(taken).length]).toEqual([409, 1]);
    const other = await operator('PUT', PATH, everest('CS-8'));
    expect([other.status, messages(other)]).toEqual([
      409,
      ['the station CS-8 has another SECC id'],
    ]);
    expect((await station('CS-8')).seccId).toBe('DE*TKN*E8');
  });

  test('P5 everything that is wrong is said, in the terms of the client', async () => {
    const wrong = everest('10.0.0.1', {
      evseID: ['nonsense', '+49*1'],
      chargeBoxSerialNumber: ' x',
    });
    const answer = await operator('PUT', PATH, wrong);
    expect(answer.status).toBe(400);
    const fields = messages(answer).flatMap((text) =>
      / : /.test(text) ? [text.split(' ')[0]] : [],
    );
    expect(fields.sort()).toEqual([
      ...['chargeBoxSerialNumber', 'commonName', 'evseID.0', 'evseID.1'],
    ]);
    for (const body of [{}, [], { commonName: '' }, { commonName: 7 }, everest('x'.repeat(65))]) {
      expect((await operator('PUT', PATH, body)).status, JSON.stringify(body)).toBe(400);
    }
  });

  test('P5 403 for who may not, and 401 for nobody', async () => {
    expect((await csms('PUT', PATH, everest('DE*PNX*E9'))).status).toBe(403);
    const nobody = await evpki.call('GET', PATH, undefined, { authorization: 'Bearer nobody' });
    expect(nobody.status).toBe(401);
  });

  describe('C7 operators', () => {
    test('an organization registers what is its operators’, in every spelling', async () => {
      for (const name of ['DE*ICE*E1', 'nliceE2', 'DE-ICE-S-1', 'Depot-1']) {
        const answer = await strict('PUT', PATH, everest(name, { evseID: [] }));
        expect(answer.status, answer.text).toBe(200);
      }
    });

    test.each([
      ['its name', everest('DE*ICX*E1', { evseID: ['DE*ICE*E1'] }), /^commonName : .*DEICX/],
      [
        'an EVSE',
        everest('DE*ICE*E5', { evseID: ['DE*ICE*E5', 'DEICXE1'] }),
        /^evseID\.1 : .*DEICX/,
      ],
      ['a SECC id', everest(`DEICXS${'1'.repeat(40)}`), /^commonName : .*DEICX/],
    ])('P5 %s of a foreign operator is 403', async (_what, body, told) => {
      const answer = await strict('PUT', PATH, body);
      expect(answer.status, answer.text).toBe(403);
      expect(messages(answer).slice(1)).toEqual([expect.stringMatching(told)]);
      const among = { ...body, chargeBoxSerialNumber: ' x' };
      expect((await strict('PUT', PATH, among)).status).toBe(403);
    });

    test('what an organization has declared nobody else registers; nobody’s is anybody’s', async () => {
      const foreign = await stranger('PUT', PATH, everest('NL*ICE*E1'));
      expect([foreign.status, messages(foreign)[1]]).toEqual([
        403,
        expect.stringContaining('of the operator NLICE'),
      ]);
      expect((await stranger('PUT', PATH, everest('NL*FRE*E1'))).status).toBe(200);
    });

    test('REST says 422 with every field, also of what is only changed', async () => {
      const put = (body: unknown) => strict('PUT', '/v1/stations/CS-1', body);
      expect((await put({ seccId: 'Depot-2' })).status).toBe(201);
      const { status, json } = await put({
        ...{ seccId: 'DE*ICX*E1', evseIds: ['DE*ICE*E1', 'DE*ICX*E2', 'FR*ICX*E1'] },
      });
      expect([status, json.code]).toEqual([422, 'operator-not-allowed']);
      expect(json.violations).toEqual(
        [
          ['body.seccId', 'DEICX'],
          ['body.evseIds.1', 'DEICX'],
          ['body.evseIds.2', 'FRICX'],
        ].map(([field, name]) => ({
          ...{ code: 'operator-not-allowed', field },
          message: `It is an EVSE or SECC id of the operator ${name}, which is none of the organization's.`,
        })),
      );
    });

    test('a certificate bears no EVSE id of a foreign operator, whichever door it comes through', async () => {
      // The demo's operator has none declared, and takes chargers at first sight.
      const sign = async (commonName: string) => {
        const answer = await csms('POST', '/v1/ocpp/sign-certificate', {
          ...{ stationId: `AT-${commonName}`, csr: newRequest(`CN=${commonName}`) },
          ...{ ocppVersion: '2.0.1', certificateType: 'V2GCertificate' },
        });
        return answer.json;
      };
      expect((await sign('DE*FRE*E1')).status).toBe('issued');
      const refused = await sign('DEICEE1');
      expect([refused.status, refused.answerToStation]).toEqual(['refused', 'Accepted']);
      expect(refused.violations).toEqual([
        expect.objectContaining({ code: 'operator-not-allowed', field: 'subject.CN' }),
      ]);
      const asked = await evpki.call('POST', '/v1/certificates', {
        ...{ profile: 'iso15118-2-secc', csr: newRequest('CN=DE*ICE*E1') },
      });
      expect([asked.status, asked.json.code]).toEqual([422, 'csr-refused']);
      expect(asked.json.violations.map(({ code }: { code: string }) => code)).toEqual([
        'operator-not-allowed',
      ]);
      // What a station shows its CSMS is a serial number, whatever it looks like.
      const serial = await evpki.call('POST', '/v1/certificates', {
        ...{ profile: 'ocpp-station', csr: newRequest('CN=DEICEE1') },
      });
      expect(serial.status, serial.text).toBe(201);
      // And from when it is given away again, it is anybody's.
      await evpki.call('PATCH', '/v1/organizations/ice', { operators: ['NLICE'] });
      expect((await sign('DEICEE2')).status).toBe('issued');
      await evpki.call('PATCH', '/v1/organizations/ice', { operators: ['DEICE', 'NLICE'] });
    });
  });
});
