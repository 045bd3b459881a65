/** The short way through lint must not let anything through that the long way would not. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildOcspResponseData, type OcspAnswers } from '../../../src/pki/ocsp/build-response.ts';
import { writeCertId } from '../../../src/pki/ocsp/cert-id.ts';
import type { CertificateStatus } from '../../../src/pki/ocsp/certificate-status.ts';
import { everyFinding } from '../../../src/pki/ocsp/lint.ts';
import type { OcspLintContext } from '../../../src/pki/ocsp/lint-context.ts';
import { isPlainAnswer } from '../../../src/pki/ocsp/plain-answer.ts';

const now = new Date('2026-11-22T10:00:00.500Z');
const floor = new Date('2026-11-22T10:00:00Z');
const responderKeyHash = new Uint8Array(20).fill(5);

const certIdOf = (serialNumber: Uint8Array, octets = 20) =>
  writeCertId({
    hashAlgorithm: octets === 20 ? 'sha1' : 'sha512',
    issuerNameHash: new Uint8Array(octets).fill(1),
    issuerKeyHash: new Uint8Array(octets).fill(2),
    serialNumber,
  });

function made(changes: { status?: CertificateStatus; certId?: Uint8Array; nonce?: Uint8Array }) {
  const { status = { kind: 'good' }, certId = certIdOf(Buffer.from('11aa', 'hex')) } = changes;
  const nonce = changes.nonce ? { nonce: changes.nonce } : {};
  const nextUpdate = new Date('2026-11-23T10:00:00Z');
  const answers: OcspAnswers = {
    responderKeyHash,
    producedAt: floor,
    responses: [{ certIdDer: certId, status, thisUpdate: floor, nextUpdate }],
    ...nonce,
  };
  const context: OcspLintContext = { now, certIds: [certId], responderKeyHash, ...nonce };
  return { tbs: buildOcspResponseData(answers), context };
}

describe('a plain answer', () => {
  test('is every one about one certificate, good or unknown', () => {
    const inputs = fc.record({
      status: fc.constantFrom<CertificateStatus>({ kind: 'good' }, { kind: 'unknown' }),
      serial: fc.uint8Array({ minLength: 1, maxLength: 19 }),
      octets: fc.constantFrom(20, 64),
      nonce: fc.option(fc.uint8Array({ minLength: 1, maxLength: 123 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(inputs, ({ status, serial, octets, nonce }) => {
        const certId = certIdOf(Uint8Array.of(1, ...serial), octets);
        const { tbs, context } = made({ status, certId, ...(nonce ? { nonce } : {}) });
        expect(isPlainAnswer(tbs, context)).toBe(true);
        expect(everyFinding(tbs, context)).toEqual([]);
      }),
    );
  });

  test('is not one with revoked, with two certificates, or with a nonce that is too long', () => {
    const revoked = made({ status: { kind: 'revoked', at: floor } });
    expect(isPlainAnswer(revoked.tbs, revoked.context)).toBe(false);
    const long = made({ nonce: new Uint8Array(128) });
    expect(isPlainAnswer(long.tbs, long.context)).toBe(false);
    const { tbs, context } = made({});
    const [certId = new Uint8Array()] = context.certIds;
    expect(isPlainAnswer(tbs, { ...context, certIds: [certId, certId] })).toBe(false);
    expect(isPlainAnswer(tbs, { ...context, certIds: [] })).toBe(false);
  });
});

describe.each([
  ['without a nonce', {}],
  ['with a nonce', { nonce: new Uint8Array(16).fill(7) }],
])('an answer %s that is wrong is never plain', (_, changes) => {
  const { tbs, context } = made(changes);

  test('with any octet changed to any other', () => {
    for (let index = 0; index < tbs.length; index++) {
      for (let octet = 0; octet < 256; octet++) {
        const changed = Uint8Array.from(tbs);
        changed[index] = octet;
        if (!isPlainAnswer(changed, context)) continue;
        // Another status, or another time that holds too.
        expect(everyFinding(changed, context), `octet ${index} is ${octet}`).toEqual([]);
      }
    }
  });

  test('cut short anywhere, or with something behind it', () => {
    for (let length = 0; length < tbs.length; length++) {
      expect(isPlainAnswer(tbs.subarray(0, length), context)).toBe(false);
    }
    expect(isPlainAnswer(Uint8Array.of(...tbs, 0), context)).toBe(false);
  });

  test.each<[string, Partial<OcspLintContext>]>([
    ['another key', { responderKeyHash: new Uint8Array(20).fill(6) }],
    ['another certificate', { certIds: [certIdOf(Buffer.from('11ab', 'hex'))] }],
    ['another nonce', { nonce: new Uint8Array(16).fill(8) }],
    ['before it was produced', { now: new Date('2026-11-22T09:59:59.999Z') }],
    ['when it has ended', { now: new Date('2026-11-23T10:00:00Z') }],
  ])('for %s', (_name, other) => {
    expect(isPlainAnswer(tbs, { ...context, ...other })).toBe(false);
    expect(everyFinding(tbs, { ...context, ...other })).not.toEqual([]);
  });
});
