import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { readRequest } from '../../src/pki/request.ts';
import { MAX_REQUEST_BODY_BYTES, readRequestBody } from '../../src/pki/request-body.ts';
import { seed } from '../support/chance.ts';
import { keyPair } from '../support/public-keys.ts';
import { buildRequest } from '../support/requests.ts';

const der = buildRequest();
const base64 = Buffer.from(der).toString('base64');
const pem = toPem('CERTIFICATE REQUEST', der);
const lines = (columns: number, end: string): string =>
  base64.replace(new RegExp(`.{${columns}}`, 'g'), `$&${end}`);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

describe('P2: what clients send as a request', () => {
  test.each<[string, Uint8Array]>([
    ['RFC 8951 3: base64 in one line', bytes(base64)],
    ['one line with an end', bytes(`${base64}\n`)],
    ['lines of 64 with LF', bytes(lines(64, '\n'))],
    ['lines of 76 with CRLF', bytes(lines(76, '\r\n'))],
    ['lines of 64 with CR left over, as CitrineOS makes of CRLF', bytes(lines(64, '\r'))],
    ['RFC 8951 3: spaces and tabs', bytes(` \t${lines(10, ' \t')}\r\n\r\n`)],
    ['PEM', bytes(pem)],
    ['PEM with CRLF', bytes(pem.replaceAll('\n', '\r\n'))],
    ['PEM without its last end of line', bytes(pem.trimEnd())],
    ['PEM whose ends of lines curl -d took away', bytes(pem.replaceAll('\n', ''))],
    ['PEM of the older label', bytes(toPem('NEW CERTIFICATE REQUEST', der))],
    ['PEM with white space around it', bytes(`\r\n \t${pem}\n\n`)],
    ['DER', der],
  ])('%s', (_name, body) => {
    const result = readRequestBody(body);
    expect(result).toEqual({ ok: true, value: der });
    if (result.ok) expect(readRequest(result.value).ok).toBe(true);
  });

  test('white space may stand anywhere in base64, and changes nothing', () => {
    const space = fc.array(fc.constantFrom(' ', '\t', '\r', '\n', '\r\n'), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(base64.length), space), { maxLength: 40 }), (places) => {
        const spaced = [...places]
          .sort(([a], [b]) => b - a)
          .reduce((text, [at, gap]) => text.slice(0, at) + gap.join('') + text.slice(at), base64);
        expect(readRequestBody(bytes(spaced))).toEqual({ ok: true, value: der });
      }),
      { seed: Number(seed), numRuns: 300 },
    );
  });

  test('any SEQUENCE in DER comes back the same in each wrapping', () => {
    const content = fc.uint8Array({ maxLength: 120 });
    const wrapping = fc.constantFrom<(der: Uint8Array) => Uint8Array>(
      (raw) => raw,
      (raw) => bytes(Buffer.from(raw).toString('base64')),
      (raw) => bytes(Buffer.from(raw).toString('base64').replace(/.{64}/g, '$&\r\n')),
      (raw) => bytes(toPem('CERTIFICATE REQUEST', raw)),
    );
    fc.assert(
      fc.property(content, wrapping, (inside, wrap) => {
        const element = new Uint8Array([0x30, inside.length, ...inside]);
        expect(readRequestBody(wrap(element))).toEqual({ ok: true, value: element });
      }),
      { seed: Number(seed) },
    );
  });
});

describe('C1: what is no request', () => {
  const certificate = toPem('CERTIFICATE', der);
  test.each<[string, string, RegExp]>([
    ['nothing', '', /is empty/],
    ['white space', ' \r\n\t', /is empty/],
    ['words', 'hello world', /not base64 with padding/],
    ['base64 after PEM', `${pem}${base64}`, /nothing before and after/],
    ['base64 before PEM', `${base64}\n${pem}`, /nothing before and after/],
    ['base64 after PEM, with dashes at its end', `${pem}${base64}-----`, /nothing before and/],
    ['text before PEM, as openssl req -text writes it', `Data:\n${pem}`, /nothing before and/],
    ['two blocks', pem + pem, /nothing before and after/],
    ['a request and a certificate', pem + certificate, /nothing before and after/],
    ['a certificate', certificate, /of type CERTIFICATE, not a CSR/],
    ['PEM without its end', pem.slice(0, -40), /nothing before and after/],
    ['different labels', pem.replace('END ', 'END NEW '), /END line/],
    [
      'PEM of nothing',
      '-----BEGIN CERTIFICATE REQUEST----------END CERTIFICATE REQUEST-----',
      /PEM/,
    ],
    ['dashes', '-----', /nothing before and after/],
    ['base64 without padding', base64.replace(/=+$/, '').slice(0, -1), /not base64 with padding/],
    ['base64url', base64.replace(/^.{8}/, 'MIIB-_AA'), /not base64 with padding/],
    ['base64 of PEM', Buffer.from(pem).toString('base64'), /but not of DER/],
    ['hex', Buffer.from(der).toString('hex'), /not base64|not of DER/],
    ['JSON', JSON.stringify({ csr: base64 }), /not base64 with padding/],
    ['a form', `csr=${encodeURIComponent(base64)}`, /not base64 with padding/],
    ['a byte order mark', `\u00ef\u00bb\u00bf${base64}`, /neither base64 nor PEM nor DER/],
    ['a NUL', `${base64}\0`, /neither base64 nor PEM nor DER/],
    ['a vertical tab', `${base64}\v`, /neither base64 nor PEM nor DER/],
    ['UTF-16', base64.replace(/./g, '$&\0'), /neither base64 nor PEM nor DER/],
  ])('%s is refused', (_name, text, message) => {
    const result = readRequestBody(bytes(text));
    expect(result).toMatchObject({ ok: false, violations: [{ code: 'csr-malformed' }] });
    if (!result.ok) expect(result.violations[0]?.message).toMatch(message);
  });

  test('O1: the limit is exact, and asked before anything is looked at', () => {
    const padded = bytes(base64 + ' '.repeat(MAX_REQUEST_BODY_BYTES - base64.length));
    expect(readRequestBody(padded)).toEqual({ ok: true, value: der });
    for (const first of [0x20, 0x30, 0xff]) {
      const long = new Uint8Array(MAX_REQUEST_BODY_BYTES + 1).fill(first);
      expect(readRequestBody(long)).toMatchObject({
        violations: [{ code: 'csr-too-large', message: /16385 bytes; 16384 are allowed/ }],
      });
    }
  });

  test('no octets make it throw, and what it takes starts as DER does', () => {
    const part = fc.oneof(
      fc.constantFrom(
        pem,
        base64,
        '-----',
        '-----BEGIN ',
        '-----END ',
        'CERTIFICATE REQUEST',
        '\n',
      ),
      fc.string({ unit: 'binary', maxLength: 40 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const result = readRequestBody(bytes(parts.join('')));
        if (result.ok) expect(result.value[0]).toBe(0x30);
        else expect(result.violations).toHaveLength(1);
      }),
      { seed: Number(seed), numRuns: 2000 },
    );
  });

  test('W9: a private key sent by mistake is not repeated', () => {
    const { privateKey } = keyPair('P-256');
    const text = privateKey.export({ format: 'pem', type: 'pkcs8' });
    const inside = text.toString().split('\n')[1] ?? '';
    expect(inside.length).toBeGreaterThan(40);
    for (const body of [text.toString(), `${text}${pem}`, `=${inside}`]) {
      const result = readRequestBody(bytes(body));
      expect(result.ok).toBe(false);
      expect(JSON.stringify(result)).not.toContain(inside.slice(0, 8));
    }
  });
});
