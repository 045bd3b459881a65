import { describe, expect, test } from 'vitest';
import { channelBindingViolation } from '../../src/pki/channel-binding.ts';
import { tags } from '../../src/pki/der-element.ts';
import {
  element,
  ia5String,
  integer,
  octetString,
  printableString,
  utf8String,
} from '../../src/pki/der-writer.ts';
import { requestAttributes } from '../../src/pki/oids.ts';
import { type CertificationRequest, readRequest } from '../../src/pki/request.ts';
import { workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';
import { hex } from '../support/public-keys.ts';
import { buildRequest, requestAttribute } from '../support/requests.ts';

const tlsUnique = hex('fbf0fe00112233445566778a');
const other = hex('fbf0fe00112233445566778b');
const claimed = Buffer.from(tlsUnique).toString('base64');

function requestWith(...attributes: Uint8Array[]): CertificationRequest {
  const result = readRequest(buildRequest({ attributes }));
  if (!result.ok) throw new Error(JSON.stringify(result.violations));
  return result.value;
}

const challenge = (value: Uint8Array): CertificationRequest =>
  requestWith(requestAttribute(requestAttributes.challengePassword, value));

const codeOf = (request: CertificationRequest, unique: Uint8Array | undefined) =>
  channelBindingViolation(request, unique)?.code;

describe('RFC 7030 3.5: a challengePassword is the tls-unique value of its connection', () => {
  test.each<[string, Uint8Array]>([
    ['PrintableString', printableString(claimed)],
    ['UTF8String', utf8String(claimed)],
    ['IA5String', ia5String(claimed)],
    ['TeletexString', element(tags.teletexString, Buffer.from(claimed))],
    ['BMPString', element(tags.bmpString, Buffer.from(claimed, 'utf16le').swap16())],
  ])('as %s', (_name, value) => {
    expect(channelBindingViolation(challenge(value), tlsUnique)).toBeUndefined();
    expect(codeOf(challenge(value), other)).toBe('channel-binding-mismatch');
  });

  test.each<[string, string]>([
    ['that of another connection', Buffer.from(other).toString('base64')],
    ['a beginning of it', Buffer.from(tlsUnique.subarray(0, 9)).toString('base64')],
    ['more than it', Buffer.from([...tlsUnique, 0, 0, 0]).toString('base64')],
    ['nothing', ''],
    ['a password', 'one-time-secret'],
    ['hex', Buffer.from(tlsUnique).toString('hex')],
    ['base64url', Buffer.from(tlsUnique).toString('base64url')],
  ])('%s is refused, and not repeated', (_name, text) => {
    const found = channelBindingViolation(challenge(utf8String(text)), tlsUnique);
    expect(found).toMatchObject({
      code: 'channel-binding-mismatch',
      field: 'attributes.challengePassword',
    });
    if (text !== '') expect(found?.message).not.toContain(text);
  });

  test.each<[string, Uint8Array | undefined]>([
    ['no value, as in TLS 1.3', undefined],
    ['an empty value', new Uint8Array(0)],
  ])('on a connection with %s it cannot be verified, and is refused', (_name, unique) => {
    const found = channelBindingViolation(challenge(utf8String(claimed)), unique);
    expect(found).toMatchObject({ code: 'channel-binding-unavailable', message: /TLS 1\.2/ });
    expect(codeOf(challenge(utf8String('')), unique)).toBe('channel-binding-unavailable');
  });

  test('without one nothing is bound, and nothing refused', () => {
    const request = requestWith();
    expect(request).not.toHaveProperty('challengePassword');
    for (const unique of [tlsUnique, undefined]) expect(codeOf(request, unique)).toBeUndefined();
  });

  test('an unknown attribute with the same text is none', () => {
    const request = requestWith(requestAttribute('1.2.3', utf8String(claimed)));
    expect(codeOf(request, other)).toBeUndefined();
  });

  test.each<[string, Uint8Array[]]>([
    ['twice', [utf8String(claimed), utf8String('x')]],
    ['no text', [octetString(tlsUnique)]],
    ['a number', [integer(7)]],
  ])('C1 C4: one that is %s never gets here', (_name, values) => {
    const attribute = requestAttribute(requestAttributes.challengePassword, ...values);
    expect(readRequest(buildRequest({ attributes: [attribute] }))).toMatchObject({
      ok: false,
      violations: [{ code: 'csr-attribute', field: 'attributes.challengePassword' }],
    });
  });

  test.skipIf(noOpenssl)('openssl req writes it into the request', () => {
    const bench = workbench();
    try {
      bench.write(
        'config',
        `[req]\ndistinguished_name = dn\nattributes = a\nprompt = no\n[dn]\nCN = SN-1\n[a]\nchallengePassword = ${claimed}\n`,
      );
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
      const files = ['-keyout', 'key.pem', '-outform', 'DER', '-out', 'request.der'];
      bench.openssl('req', '-new', '-config', 'config', ...key, ...files);
      const pem = bench.openssl('req', '-inform', 'DER', '-in', 'request.der');
      const body = pem.replaceAll(/-----[^-]+-----|\s/g, '');
      const result = readRequest(new Uint8Array(Buffer.from(body, 'base64')));
      if (!result.ok) throw new Error(JSON.stringify(result.violations));
      expect(result.value.challengePassword).toBe(claimed);
      expect(codeOf(result.value, tlsUnique)).toBeUndefined();
      expect(codeOf(result.value, other)).toBe('channel-binding-mismatch');
    } finally {
      bench.remove();
    }
  });
});
