/** The paths of EST in OPNC, and what is none. */

import { describe, expect, test } from 'vitest';
import { readOpncPath } from '../../../src/http/est/opnc-paths.ts';
import { readEstPath } from '../../../src/http/est/paths.ts';

const BASE = '/opnc/v1/pki/est';

describe('P12 paths of OPNC', () => {
  const domains = {
    cpo: 'cpo',
    emsp: 'mo',
    mo: 'mo',
    oem: 'oem',
    veh: 'veh',
    cps: 'cps',
    cso: 'cso',
  };
  const standards = [
    ['', undefined],
    ['&iso15118Version=ISO15118-2', 'iso15118-2'],
    ['&iso15118Version=ISO15118-20', 'iso15118-20'],
  ] as const;
  const cases = ['cacerts', 'simpleenroll', 'simplereenroll'].flatMap((operation) =>
    Object.entries(domains).flatMap(([domain, label]) =>
      standards.map(([query, standard]) => ({
        target: `${BASE}/${operation}?caDomain=${domain}${query}`,
        address: { operation, label, standard, keyAlgorithm: undefined },
      })),
    ),
  );

  test.each(cases)('$target', ({ target, address }) => {
    expect(readOpncPath(target)).toEqual({ ok: true, address });
    const prefixed = target.replace('caDomain=', 'caDomain=eu1-').replace('?', '/?');
    expect(readOpncPath(prefixed)).toEqual({ ok: true, address });
    expect(readEstPath(target, () => true)).toBeUndefined();
  });

  test('the curve is that of the authorities; of who enrols, the request says it', () => {
    const read = (operation: string, algorithm: string) =>
      readOpncPath(`${BASE}/${operation}?caDomain=cpo&algorithm=${algorithm}`);
    expect(read('cacerts', 'secp521r1')).toMatchObject({ address: { keyAlgorithm: 'P-521' } });
    expect(read('cacerts', 'ed448')).toMatchObject({ address: { keyAlgorithm: 'Ed448' } });
    expect(read('simpleenroll', 'ed448')).toMatchObject({ address: { keyAlgorithm: undefined } });
    for (const operation of ['cacerts', 'simpleenroll']) {
      expect(read(operation, 'rsa')).toMatchObject({ ok: false });
    }
  });

  test.each([
    ['', ['query.caDomain']],
    ['?', ['query.caDomain']],
    ['?caDomain=', ['query.caDomain']],
    ['?cadomain=cpo', ['query.caDomain']],
    ['?caDomain=CPO', ['query.caDomain']],
    ['?caDomain=cpo-', ['query.caDomain']],
    ['?caDomain=root', ['query.caDomain']],
    ['?caDomain=__proto__', ['query.caDomain']],
    ['?caDomain=toString', ['query.caDomain']],
    ['?caDomain=cpo%00', ['query.caDomain']],
    [`?caDomain=${'x'.repeat(33)}-cpo`, ['query.caDomain']],
    ['?caDomain=cpo&caDomain=cpo', ['query.caDomain']],
    ['?caDomain=cpo&iso15118Version=', ['query.iso15118Version']],
    ['?caDomain=cpo&iso15118Version=iso15118-2', ['query.iso15118Version']],
    ['?caDomain=cpo&iso15118Version=constructor', ['query.iso15118Version']],
    [
      '?caDomain=x&iso15118Version=ISO15118-3&algorithm=p256',
      ['query.caDomain', 'query.iso15118Version', 'query.algorithm'],
    ],
  ])('W5 %s is refused, naming everything', (query, fields) => {
    const read = readOpncPath(`${BASE}/cacerts${query}`);
    if (!read || read.ok) throw new Error('taken');
    expect(read.error.code).toBe('request-malformed');
    expect(read.error.violations.map((one) => (one as { field?: string }).field)).toEqual(fields);
  });

  test.each([
    '',
    'csrattrs',
    'serverkeygen',
    'cacerts/ISO15118-2',
    'cpo/cacerts',
    '../cacerts',
    'cacerts//',
    '%63acerts',
  ])('%s is no operation there', (name) => {
    const read = readOpncPath(`${BASE}/${name}?caDomain=cpo`);
    if (!read || read.ok) throw new Error('taken');
    expect(read.error.code).toBe('not-found');
    expect(read.error.message).toContain('there is cacerts, simpleenroll, simplereenroll');
  });

  test.each([
    '/opnc/v1/pki/pki/revokeCertificate',
    '/opnc/v1/pki/est',
    '/opnc/v2/pki/est/cacerts',
    '/OPNC/v1/pki/est/cacerts',
    '//opnc/v1/pki/est/cacerts',
    '/v1/certificates',
    'cacerts',
    '',
  ])('%s is for others', (path) => {
    expect(readOpncPath(`${path}?caDomain=cpo`)).toBeUndefined();
  });
});
