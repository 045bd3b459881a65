import { describe, expect, test } from 'vitest';
import { audienceFor, isApi, isIssuer } from '../../src/services/token-audience.ts';

const api = 'https://pki.example:8543/below';
const local = 'https://localhost:8543';

describe('the audience of a token', () => {
  test.each<[string, string]>([
    [api, api],
    [api, `${api}/`],
    [api, 'HTTPS://PKI.example:8543/below'],
    [api, local],
    [api, 'https://127.0.0.1:1'],
    [api, 'https://[::1]:8543/'],
    ['https://pki.example', 'https://pki.example:443/'],
    [local, 'https://localhost:9999'],
  ])('of %s may be %s, in this spelling', (url, wanted) => {
    expect(isApi(url, wanted)).toBe(true);
    expect(audienceFor(url, wanted)).toBe(wanted);
  });

  test.each([
    'https://evpki:8543',
    'https://pki.example:8543',
    'https://pki.example:8543/below/more',
    'http://pki.example:8543/below',
    'https://pki.example:8543/below?',
    'https://pki.example:8543/below#',
    'https://pki.example:8543@evil.example/below',
    'https://user@localhost:8543',
    'http://localhost:8543',
    'https://localhost:8543/elsewhere',
    'https://localhost.evil.example',
    'https://eu.plugncharge-qa.hubject.com',
    'urn:evpki',
    'below',
    '',
    ' ',
  ])('is this API where %j is asked for', (wanted) => {
    expect(isApi(api, wanted)).toBe(false);
    expect(audienceFor(api, wanted)).toBe(api);
  });

  test('is this API where nothing is asked for', () => {
    expect(audienceFor(api, undefined)).toBe(api);
  });
});

describe('the issuer of a token', () => {
  test.each<[string, string, boolean]>([
    [api, api, true],
    [api, `${api}/`, false],
    [api, local, false],
    [local, local, true],
    [local, 'https://localhost:1234', true],
    [local, api, false],
    [local, 'https://localhost.evil.example', false],
    [local, '', false],
  ])('of %s may be %s: %s', (url, issuer, expected) => {
    expect(isIssuer(url, issuer)).toBe(expected);
  });
});
