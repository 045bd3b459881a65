import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { decodeRequestText, MAX_REQUEST_CHARACTERS } from '../../src/pki/request-text.ts';

const der = new Uint8Array([0x30, 0x82, 0x00, 0x9c, ...new Uint8Array(156).keys()]);
const base64 = Buffer.from(der).toString('base64');
const hex = Buffer.from(der).toString('hex');
const pem = toPem('CERTIFICATE REQUEST', der);
const newPem = toPem('NEW CERTIFICATE REQUEST', der);

describe('forms of a request', () => {
  test.each<[string, string]>([
    ['PEM', pem],
    ['PEM with CRLF', pem.replaceAll('\n', '\r\n')],
    ['PEM with CR', pem.replaceAll('\n', '\r')],
    ['PEM without final newline', pem.trimEnd()],
    ['PEM with escaped newlines', pem.replaceAll('\n', '\\n')],
    ['PEM with escaped CRLF', pem.replaceAll('\n', '\\r\\n')],
    ['PEM with escaped and real newlines', pem.replaceAll('\n', '\\n\n')],
    ['PEM in one line', pem.replaceAll('\n', '')],
    ['PEM with spaces for newlines', pem.replaceAll('\n', ' ')],
    ['PEM of the older label', newPem],
    ['PEM after text', `Certificate Request:\n    Data:\n${pem}`],
    ['PEM after a byte order mark', `\ufeff${pem}`],
    ['bare base64', base64],
    ['bare base64 in lines', base64.replace(/.{64}/g, '$&\r\n')],
    ['hex', hex],
    ['hex in upper case', hex.toUpperCase()],
    ['hex with white space', ` ${hex.replace(/.{32}/g, '$&\n')}\n`],
  ])('%s', (_name, text) => {
    expect(decodeRequestText(text)).toEqual({ ok: true, value: der });
  });
});

describe('C1: what is not a request', () => {
  test.each<[string, string, string, RegExp]>([
    ['nothing', '', 'csr-malformed', /neither PEM nor/],
    ['words', 'hello', 'csr-malformed', /neither PEM nor/],
    ['two blocks', pem + pem, 'csr-malformed', /more than one/],
    ['a request and a certificate', pem + toPem('CERTIFICATE', der), 'csr-malformed', /more than/],
    ['a certificate', toPem('CERTIFICATE', der), 'csr-malformed', /CERTIFICATE, not a CSR/],
    ['a private key', toPem('PRIVATE KEY', der), 'csr-malformed', /PRIVATE KEY, not a CSR/],
    ['different labels', pem.replace('END ', 'END NEW '), 'csr-malformed', /END line/],
    ['dashes only', '-----', 'csr-malformed', /no PEM block/],
    ['PEM cut off', pem.slice(0, 100), 'csr-malformed', /END line/],
    ['odd hex', hex.slice(0, -1), 'csr-malformed', /not hex throughout/],
    ['hex with a letter too many', `${hex.slice(0, -1)}g`, 'csr-malformed', /not hex throughout/],
    ['base64 without padding', base64.replace(/=+$/, '').slice(0, -1), 'csr-malformed', /neither/],
    ['base64url', `${base64.slice(0, 8)}-_${base64.slice(10)}`, 'csr-malformed', /neither/],
    ['base64 of no SEQUENCE', 'AAAA', 'csr-malformed', /neither/],
    ['NUL characters', `${hex}\0`, 'csr-malformed', /not hex/],
    ['too much text', 'M'.repeat(MAX_REQUEST_CHARACTERS + 1), 'csr-too-large', /16385 characters/],
  ])('%s is refused', (_name, text, code, message) => {
    const result = decodeRequestText(text);
    expect(result).toMatchObject({ ok: false, violations: [{ code }] });
    if (!result.ok) expect(result.violations[0]?.message).toMatch(message);
  });

  test('the cap is exact', () => {
    const padded = pem + ' '.repeat(MAX_REQUEST_CHARACTERS - pem.length);
    expect(decodeRequestText(padded).ok).toBe(true);
    expect(decodeRequestText(`${padded} `).ok).toBe(false);
  });

  test('no text makes it throw, and no message repeats a private key', () => {
    const pieces = ['-----BEGIN ', '-----END ', '-----', 'CERTIFICATE REQUEST', '\\n', '30', 'M'];
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...pieces, base64), fc.string({ unit: 'binary' }))),
        (parts) => {
          expect(typeof decodeRequestText(parts.join('')).ok).toBe('boolean');
        },
      ),
      { numRuns: 1000 },
    );
    const secret = 'c2VjcmV0LXNlY3JldA==';
    const key = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`;
    expect(JSON.stringify(decodeRequestText(key))).not.toContain('c2Vj');
  });
});
