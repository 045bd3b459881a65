import { expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { DerError } from '../../src/pki/der-element.ts';
import { nameText } from '../../src/pki/names.ts';
import { createParsedCertificates } from '../../src/services/parsed-certificates.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { generateKey } from '../support/issuing.ts';
import { nameOf } from '../support/policy.ts';

const derOf = (name: string) => foreignRoot({ subject: nameOf(`CN=${name}`) }).certificate.der;

test('a certificate is read once, whoever brings it', () => {
  const parsed = createParsedCertificates();
  const der = derOf('A');
  const first = parsed.read(der);
  expect(nameText(first.subject)).toBe('CN=A');
  expect(parsed.read(Uint8Array.from(der))).toBe(first);
});

test('what happens to the bytes afterwards does not change it', () => {
  const parsed = createParsedCertificates();
  const der = derOf('A');
  const kept = Uint8Array.from(der);
  const given = Uint8Array.from(der);
  const first = parsed.read(given);
  given.fill(0);
  expect(first.der).toEqual(kept);
  expect(parsed.read(kept)).toBe(first);
  expect(() => parsed.read(given)).toThrow(DerError);
});

test('is not taken for another one that ends alike', () => {
  const parsed = createParsedCertificates();
  const der = derOf('A');
  const first = parsed.read(der);
  const alike = Uint8Array.from(der);
  // The last octet of the serial number.
  const at = Buffer.from(der).indexOf(first.serialNumber) + first.serialNumber.length - 1;
  alike[at] = (alike[at] ?? 0) ^ 1;
  const second = parsed.read(alike);
  expect(second.der).toEqual(alike);
  expect(second.serialNumber).not.toEqual(first.serialNumber);
  expect(parsed.read(der).der).toEqual(der);
  expect(createParsedCertificates().read(alike).der).toEqual(alike);
});

test('is kept again once another one that ends alike has come before it', () => {
  for (const others of [0, 1, 2, 3, 4, 5]) {
    const parsed = createParsedCertificates(6);
    const der = derOf('A');
    const alike = Uint8Array.from(der);
    const at = Buffer.from(der).indexOf(parsed.read(der).serialNumber);
    alike[at] = (alike[at] ?? 0) ^ 1;
    parsed.read(alike);
    for (let count = 0; count < others; count++) parsed.read(derOf(`other ${count}`));
    const again = parsed.read(der);
    expect(again.der).toEqual(der);
    expect(parsed.read(der)).toBe(again);
    expect(parsed.read(alike).der).toEqual(alike);
  }
});

test('what cannot be read is not kept', () => {
  const parsed = createParsedCertificates(2);
  const der = derOf('A');
  const first = parsed.read(der);
  expect(() => parsed.read(new Uint8Array([0x30, 0x80]))).toThrow(DerError);
  expect(parsed.read(der)).toBe(first);
});

test('W1 as many are kept as may be, those used last', () => {
  const parsed = createParsedCertificates(2);
  const [a, b, c] = [derOf('A'), derOf('B'), derOf('C')];
  const [first, second] = [parsed.read(a), parsed.read(b)];
  expect(parsed.read(a)).toBe(first);
  parsed.read(c);
  expect(parsed.read(a)).toBe(first);
  expect(parsed.read(b)).not.toBe(second);
});

test('who signed a kept certificate is remembered, and nobody else is taken for it', async () => {
  const parsed = createParsedCertificates();
  const root = foreignRoot();
  const stranger = generateKey();
  const read = parsed.read(root.certificate.der);
  expect(await parsed.verify({ child: read, issuerKey: stranger.publicKey })).toBe(false);
  for (let times = 0; times < 2; times++) {
    expect(await parsed.verify({ child: read, issuerKey: root.key.publicKey })).toBe(true);
    expect(await parsed.verify({ child: read, issuerKey: stranger.publicKey })).toBe(false);
  }
  // Bytes that change are no matter of memory: this one was read by somebody else.
  const der = Uint8Array.from(root.certificate.der);
  const other = readCertificate(der);
  expect(await parsed.verify({ child: other, issuerKey: root.key.publicKey })).toBe(true);
  const last = der.length - 1;
  der[last] = (der[last] ?? 0) ^ 1;
  expect(await parsed.verify({ child: other, issuerKey: root.key.publicKey })).toBe(false);
});
