/** P1: every path that clients write, and what is none. */

import { describe, expect, test } from 'vitest';
import { readEstPath } from '../../../src/http/est/paths.ts';

const DECLARED = ['depot-7', 'acme-cpo', 'north'];
const isLabel = (name: string) => DECLARED.includes(name);
const read = (target: string) => readEstPath(target, isLabel);

/** How a path begins, and the label that this means. */
const beginnings: readonly (readonly [beginning: string, label: string | undefined])[] = [
  ['/.well-known/est', undefined],
  ...['cpo', 'mo', 'oem', 'veh', 'cps', 'cso'].flatMap((role) =>
    [
      `/${role}`,
      `/.well-known/${role}`,
      `/.well-known/est/${role}`,
      `/${role}/.well-known/est`,
    ].map((beginning) => [beginning, role] as const),
  ),
  // OPCP has a prefix; a label that is declared with one keeps it.
  ...[
    '/eu1-cpo',
    '/.well-known/eu1-cpo',
    '/.well-known/est/eu1-cpo',
    '/eu1-cpo/.well-known/est',
  ].map((beginning) => [beginning, 'cpo'] as const),
  ...['/acme-cpo', '/.well-known/acme-cpo', '/.well-known/est/acme-cpo'].map(
    (beginning) => [beginning, 'acme-cpo'] as const,
  ),
  ['/.well-known/est/depot-7', 'depot-7'],
  ['/depot-7/.well-known/est', 'depot-7'],
  // Which no one has declared: that it is unknown, the service says.
  ['/.well-known/est/nobody', 'nobody'],
  ['/nobody/.well-known/est', 'nobody'],
];
const operations = ['cacerts', 'simpleenroll', 'simplereenroll', 'csrattrs', 'serverkeygen'];
const standards = [
  ['', undefined],
  ['/ISO15118-2', 'iso15118-2'],
  ['/ISO15118-20', 'iso15118-20'],
] as const;
const algorithms = [
  ['', undefined],
  ['/secp256r1', 'P-256'],
  ['/secp521r1', 'P-521'],
  ['/ed448', 'Ed448'],
] as const;

describe('P1 paths', () => {
  const cases = beginnings.flatMap(([beginning, label]) =>
    operations.flatMap((operation) =>
      standards.flatMap(([standardSegment, standard]) =>
        (operation === 'cacerts' ? algorithms : algorithms.slice(0, 1)).flatMap(
          ([algorithmSegment, keyAlgorithm]) =>
            ['', '/'].map((end) => ({
              path: `${beginning}/${operation}${standardSegment}${algorithmSegment}${end}`,
              address: { operation, label, standard, keyAlgorithm },
            })),
        ),
      ),
    ),
  );

  test(`${cases.length} of them say what is asked`, () => {
    expect(cases.length).toBe(beginnings.length * (4 * 3 * 2 + 3 * 4 * 2));
    expect(new Set(cases.map(({ path }) => path)).size).toBe(cases.length);
    for (const { path, address } of cases) {
      expect(read(path), path).toEqual({ ok: true, address });
      expect(read(`${path}?x=1`), path).toEqual({ ok: true, address });
    }
  });

  test.each([
    ['CitrineOS', '/.well-known/cpo/simpleenroll', 'simpleenroll', 'cpo'],
    ['CitrineOS', '/.well-known/cpo/cacerts', 'cacerts', 'cpo'],
    ['MaEVe', '/cpo/simpleenroll/ISO15118-2', 'simpleenroll', 'cpo'],
    ['EVerest', '/cpo/cacerts/ISO15118-20/secp521r1/', 'cacerts', 'cpo'],
    ['OPCP', '/.well-known/est/oem/simpleenroll/ISO15118-2', 'simpleenroll', 'oem'],
    ['EVtivity', '/.well-known/est/cacerts', 'cacerts', undefined],
    ['strongSwan', '/north/.well-known/est/csrattrs', 'csrattrs', 'north'],
  ])('of %s: %s', (_client, path, operation, label) => {
    expect(read(path)).toMatchObject({ ok: true, address: { operation, label } });
  });
});

describe('P1 the query of OPCP names the standard', () => {
  const query = (namespace: string) => `xsdMsgDefNamespace=${encodeURIComponent(namespace)}`;
  const ISO2 = query('urn:iso:15118:2:2013:MsgDef');
  test.each([
    [ISO2, 'iso15118-2'],
    [query('urn:iso:15118:20:2022:MsgDef'), 'iso15118-20'],
    [query('urn:iso:15118:20:2020:MsgDef'), 'iso15118-20'],
    [query('urn:iso:std:iso:15118:-20:CommonMessages'), 'iso15118-20'],
    [`${ISO2}&${ISO2}`, 'iso15118-2'],
    ['a=b', undefined],
    ['', undefined],
  ])('%s', (text, standard) => {
    expect(read(`/cpo/simpleenroll?${text}`)).toMatchObject({ ok: true, address: { standard } });
  });

  test('and may repeat what the path says, but nothing else', () => {
    expect(read(`/cpo/cacerts/ISO15118-2?${ISO2}`)).toMatchObject({ ok: true });
    expect(read(`/cpo/cacerts/ISO15118-20?${ISO2}`)).toMatchObject({
      error: { code: 'request-malformed', violations: [{ code: 'schema-version-unknown' }] },
    });
  });

  test.each([query('urn:iso:15118:3'), 'xsdMsgDefNamespace=', `${ISO2}&${query('urn:x')}`])(
    '%s names none',
    (text) => {
      expect(read(`/cpo/cacerts?${text}`)).toMatchObject({
        error: {
          code: 'request-malformed',
          violations: [{ code: 'schema-version-unknown', field: 'query.xsdMsgDefNamespace' }],
        },
      });
    },
  );
});

describe('what nothing goes by is said in the form of EST', () => {
  test.each([
    ['/cpo/cacerts/ISO15118-2/secp384r1', '"secp384r1" is no key algorithm of EST'],
    ['/cpo/cacerts/ISO15118-3', '"ISO15118-3" is no key algorithm of EST: there is ISO15118-2'],
    ['/cpo/cacerts/secp256r1/ISO15118-2', '"ISO15118-2" is no key algorithm of EST: nothing'],
    ['/cpo/cacerts/SECP256R1', 'there is ISO15118-2, ISO15118-20, secp256r1, secp521r1, ed448'],
    ['/cpo/simpleenroll/ISO15118-3', '"ISO15118-3" is no standard of EST'],
    ['/cpo/simpleenroll/iso15118-2', 'there is ISO15118-2, ISO15118-20'],
    ['/cpo/simpleenroll/secp256r1', '"secp256r1" is no standard of EST'],
    ['/cpo/simpleenroll/ISO15118-2/ISO15118-20', 'nothing follows here'],
    ['/cpo/simpleenroll//', '"" is no standard of EST'],
    ['/cpo/fullcmc', '"fullcmc" is no operation of EST'],
    ['/cpo', '"" is no operation of EST'],
    ['/cpo/', '"" is no operation of EST'],
    ['/cpo/SimpleEnroll', '"SimpleEnroll" is no operation of EST'],
    ['/.well-known/est', '"" is no operation of EST'],
    ['/.well-known/est/cacerts/cacerts', '"cacerts" is no key algorithm of EST'],
    ['/.well-known/est/cpo', '"" is no operation of EST'],
    ['/.well-known/est/c%70o/cacerts', '"c%70o" is no operation of EST'],
    [`/.well-known/est/${'a'.repeat(65)}/cacerts`, `"${'a'.repeat(40)}…" is no operation of EST`],
    ['/depot-7/.well-known/est/fullcmc', '"fullcmc" is no operation of EST'],
  ])('%s', (path, message) => {
    const found = read(path);
    expect(found).toMatchObject({ ok: false, error: { code: 'not-found' } });
    expect(found?.ok === false && found.error.message).toContain(message);
  });
});

test.each([
  '/',
  '',
  '*',
  '/v1/certificates',
  '/v1/cacerts',
  '/docs',
  '/oauth/token',
  '/.well-known/jwks.json',
  '/.well-known/openid-configuration',
  '/.well-known/depot-7/cacerts',
  '/depot-7/simpleenroll',
  '/a-b-cpo/simpleenroll',
  '/CPO/simpleenroll',
  '//cpo/simpleenroll',
  '/%2ewell-known/est/cacerts',
  '/x/y/.well-known/est/cacerts',
  'https://host/cpo/simpleenroll',
  'cpo/simpleenroll',
])('%s is none of EST', (target) => {
  expect(read(target)).toBeUndefined();
});
