import { describe, expect, test } from 'vitest';
import { certificatesInText } from '../../src/pki/certificate-text.ts';
import { toPem } from '../../src/pki/pem.ts';

const first = new Uint8Array([0x30, 0x03, 0x02, 0x01, 0x01]);
const second = new Uint8Array([0x30, 0x03, 0x02, 0x01, 0x02]);
const pem = toPem('CERTIFICATE', first) + toPem('CERTIFICATE', second);

describe('certificatesInText', () => {
  test.each([
    ['PEM', pem],
    ['PEM with CRLF and text around it', `subject=x\r\n${pem.replaceAll('\n', '\r\n')}\r\nend`],
  ])('reads %s', (_name, text) => {
    expect(certificatesInText(text)).toEqual({ ok: true, value: [first, second] });
  });

  test.each([
    ['one line', 'MAMCAQE='],
    ['wrapped', 'MAMC\n AQE=\n'],
  ])('reads base64 on %s', (_name, text) => {
    expect(certificatesInText(text)).toEqual({ ok: true, value: [first] });
  });

  test.each([
    ['nothing', '', 'it is neither PEM nor DER in base64'],
    ['prose', 'a certificate', 'it is neither PEM nor DER in base64'],
    ['base64 of something else', 'AgEB', 'it is neither PEM nor DER in base64'],
    ['base64url', 'MAMCAQ--', 'it is neither PEM nor DER in base64'],
    ['dashes', '-----', 'it has no PEM block'],
    ['half a block', pem.slice(0, 40), /^it is not PEM: a CERTIFICATE block/],
    ['a key', toPem('PRIVATE KEY', first), 'a PEM block of type PRIVATE KEY is no certificate'],
    ['a key beside it', pem + toPem('EC PRIVATE KEY', first), /EC PRIVATE KEY is no certificate/],
  ])('refuses %s', (_name, text, reason) => {
    expect(certificatesInText(text)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });
});
