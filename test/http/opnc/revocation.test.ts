import { describe, expect, test } from 'vitest';
import { oneCertificate } from '../../../src/http/opnc/revocation.ts';
import { toPem } from '../../../src/pki/pem.ts';
import { ServiceError } from '../../../src/services/errors.ts';
import { foreignRoot } from '../../support/foreign-roots.ts';

const { pem, certificate } = foreignRoot();
const { der } = certificate;
const base64 = Buffer.from(der).toString('base64');
const again = (text: string) => Buffer.from(text).toString('base64');

describe('the certificate that is to be revoked', () => {
  test.each([
    ['DER in base64', base64],
    ['DER in base64, in lines', base64.replace(/.{64}/g, '$&\r\n')],
    ['PEM', pem],
    ['PEM in base64', again(pem)],
  ])('may be %s', (_form, text) => {
    expect(Buffer.from(oneCertificate(text))).toEqual(Buffer.from(der));
  });

  const key = toPem('PRIVATE KEY', Buffer.from('secret key'));
  test.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['a text', 'no certificate'],
    ['base64 of a text', again('no certificate')],
    ['two certificates', pem + pem],
    ['two certificates in base64', again(pem + pem)],
    ['a private key', key],
    ['a private key behind a certificate', pem + key],
    ['a private key in base64', again(key)],
    ['PEM without an end', pem.slice(0, 300)],
    ['PEM in base64 twice', again(again(pem))],
    ['PEM with another end', pem.replace('END CERTIFICATE', 'END CRL')],
    ['a BEGIN line alone', '-----BEGIN CERTIFICATE-----'],
  ])('W6 is not %s, and nothing of that is repeated', (_what, text) => {
    const read = () => oneCertificate(text);
    expect(read).toThrow(ServiceError);
    try {
      read();
    } catch (error) {
      const { code, message, violations } = error as ServiceError;
      expect(code).toBe('request-malformed');
      expect(violations).toMatchObject([{ field: 'body.certificate' }]);
      const said = JSON.stringify([message, violations]);
      expect(said).not.toContain(Buffer.from('secret key').toString('base64'));
      expect(said.length).toBeLessThan(300);
    }
  });
});
