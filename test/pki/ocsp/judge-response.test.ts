/** Responses of other people's responders, right and wrong in every way that counts. */

import { describe, expect, test } from 'vitest';
import type { Certificate } from '../../../src/pki/certificate.ts';
import { nullValue, sequence } from '../../../src/pki/der-writer.ts';
import { writeName } from '../../../src/pki/names.ts';
import { ocspError } from '../../../src/pki/ocsp/build-response.ts';
import { writeNonce } from '../../../src/pki/ocsp/extensions.ts';
import { judgeOcspResponse, type OcspFlaw } from '../../../src/pki/ocsp/judge-response.ts';
import { MAX_OCSP_RESPONSE_BYTES } from '../../../src/pki/ocsp/read-response.ts';
import { writeRawExtension } from '../../../src/pki/raw-extensions.ts';
import type { CertificateTemplate, ExtensionSet } from '../../../src/pki/template.ts';
import {
  byKey,
  byName,
  certIdBy,
  type ForeignResponse,
  type ForeignSingle,
  foreignResponse,
} from '../../support/foreign-ocsp.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  leafExtensions,
  type TestKey,
  templateFor,
} from '../../support/issuing.ts';
import { mutated, randomNumbers } from '../../support/ocsp.ts';

const now = new Date('2026-11-22T10:00:00Z');
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const at = (milliseconds: number): Date => new Date(now.getTime() + milliseconds);

function authority(key: TestKey, changes: Partial<CertificateTemplate> = {}): Certificate {
  const subject = commonName('Sub');
  const template = {
    subject,
    issuerName: writeName(subject),
    extensions: authorityExtensions(key, key, 0),
  };
  return issue(templateFor(key, key, { ...template, ...changes }), key);
}
const [issuerKey, otherKey, delegateKey] = [generateKey(), generateKey(), generateKey()] as [
  TestKey,
  TestKey,
  TestKey,
];
const issuer = authority(issuerKey);
const leaf = issue(
  templateFor(generateKey(), issuerKey, { issuerName: issuer.subjectDer }),
  issuerKey,
);
const sibling = issue(
  templateFor(generateKey(), issuerKey, { issuerName: issuer.subjectDer }),
  issuerKey,
);
const certId = certIdBy(leaf, issuer);

/** Somebody who may answer for the issuer, unless something of that is changed. */
const delegate = (
  extensions: Partial<ExtensionSet> = {},
  changes: Partial<CertificateTemplate> = {},
  signer = issuerKey,
): Certificate =>
  issue(
    templateFor(delegateKey, signer, {
      issuerName: issuer.subjectDer,
      subject: commonName('OCSP'),
      extensions: {
        ...leafExtensions(delegateKey, signer),
        extendedKeyUsage: { critical: false, purposes: ['OCSPSigning'] },
        ocspNoCheck: { critical: false },
        ...extensions,
      },
      ...changes,
    }),
    signer,
  );

const judge = (der: Uint8Array) => judgeOcspResponse(der, { certId, issuer, now });
const verdict = async (der: Uint8Array) => {
  const judged = await judge(der);
  return judged.ok ? judged.status.kind : judged.flaw;
};
const respond = (
  single: Partial<ForeignSingle> = {},
  response: Partial<ForeignResponse> = {},
): Uint8Array => foreignResponse([{ certId, ...single }], { key: issuerKey, ...response }, now);
const byDelegate = (certificate: Certificate, more: Partial<ForeignResponse> = {}): Uint8Array =>
  respond({}, { key: delegateKey, certificates: [certificate.der], ...more });

describe('a response that holds', () => {
  test('tells status and times', async () => {
    const revoked = { kind: 'revoked', at: at(-DAY), reason: 'keyCompromise' } as const;
    expect(await judge(respond({ status: revoked }))).toEqual({
      ...{ ok: true, status: revoked, thisUpdate: now, nextUpdate: at(DAY) },
    });
    expect(await verdict(respond())).toBe('good');
    expect(await verdict(respond({ status: { kind: 'unknown' } }))).toBe('unknown');
  });

  test.each([
    ['the issuer by key', () => respond()],
    ['the issuer by name', () => respond({}, { id: byName(issuer.subjectDer) })],
    ['a delegate by key', () => byDelegate(delegate())],
    ['a delegate by name', () => byDelegate(delegate(), { id: byName(delegate().subjectDer) })],
    [
      'a delegate among others',
      () => byDelegate(delegate(), { certificates: [issuer.der, leaf.der, delegate().der] }),
    ],
    [
      'a delegate with the name of the issuer',
      () => {
        const named = delegate({}, { subject: commonName('Sub') });
        return byDelegate(named, { id: byName(issuer.subjectDer) });
      },
    ],
    ['a delegate without nocheck or key usage', () => byDelegate(bare())],
  ])('RFC 6960 4.2.2.2: signed by %s', async (_, response) => {
    expect(await verdict(response())).toBe('good');
  });
  const bare = () => {
    const {
      keyUsage: _,
      ocspNoCheck: __,
      ...extensions
    } = {
      ...leafExtensions(delegateKey, issuerKey),
      ocspNoCheck: undefined,
    };
    const extendedKeyUsage = { critical: false, purposes: ['OCSPSigning'] };
    return delegate({}, { extensions: { ...extensions, extendedKeyUsage } });
  };

  test.each([
    ['another certificate beside', () => [{ certId: certIdBy(sibling, issuer) }, { certId }], {}],
    [
      'a nonce that nobody asked for',
      () => [{ certId }],
      { extensions: [writeNonce(Buffer.of(1))] },
    ],
    ['a clock that is four minutes fast', () => [{ certId, thisUpdate: at(4 * MINUTE) }], {}],
    [
      'nextUpdate four minutes ago',
      () => [{ certId, thisUpdate: at(-DAY), nextUpdate: at(-4 * MINUTE) }],
      {},
    ],
    ['no nextUpdate, and new', () => [{ certId, nextUpdate: 'none' as const }], {}],
    ['an age of seven days', () => [{ certId, thisUpdate: at(-7 * DAY) }], {}],
  ])('with %s', async (_, singles, more) => {
    expect(await verdict(foreignResponse(singles(), { key: issuerKey, ...more }, now))).toBe(
      'good',
    );
  });

  test('an issuer that has ended goes on to be answered for', async () => {
    const ended = authority(issuerKey, { notAfter: at(-DAY) });
    for (const response of [respond(), byDelegate(delegate())]) {
      const judged = await judgeOcspResponse(response, { certId, issuer: ended, now });
      expect(judged.ok).toBe(true);
    }
  });
});

describe('a response that does not hold', () => {
  const critical = writeRawExtension('1.2.3', true, nullValue());
  const stranger = { key: otherKey, id: byKey(issuerKey) };
  test.each<[string, OcspFlaw, () => Uint8Array]>([
    ['nothing', 'response-unreadable', () => new Uint8Array()],
    ['HTML', 'response-unreadable', () => Buffer.from('<html>')],
    ['something behind it', 'response-unreadable', () => Buffer.concat([respond(), Buffer.of(0)])],
    ['65 KiB', 'response-unreadable', () => new Uint8Array(MAX_OCSP_RESPONSE_BYTES + 1)],
    ['an error', 'responder-unauthorized', () => ocspError('unauthorized')],
    ['try later', 'responder-tryLater', () => ocspError('tryLater')],
    ['no answer', 'answer-missing', () => foreignResponse([], { key: issuerKey }, now)],
    ['a sibling', 'answer-missing', () => respond({ certId: certIdBy(sibling, issuer) })],
    [
      'the serial number of another issuer',
      'answer-missing',
      () => respond({ certId: certIdBy(leaf, authority(otherKey)) }),
    ],
    [
      'two answers',
      'answer-repeated',
      () =>
        foreignResponse(
          [{ certId }, { certId, status: { kind: 'unknown' } }],
          { key: issuerKey },
          now,
        ),
    ],
    ['a critical extension', 'extension-critical', () => respond({}, { extensions: [critical] })],
    ['one of the answer', 'extension-critical', () => respond({ extensions: [critical] })],
    ['the future', 'times-impossible', () => respond({ thisUpdate: at(6 * MINUTE) })],
    ['a future signing', 'times-impossible', () => respond({}, { producedAt: at(6 * MINUTE) })],
    [
      'nextUpdate before thisUpdate',
      'times-impossible',
      () => respond({ nextUpdate: at(-MINUTE) }),
    ],
    [
      'the past',
      'answer-expired',
      () => respond({ thisUpdate: at(-DAY), nextUpdate: at(-6 * MINUTE) }),
    ],
    [
      'no nextUpdate, and six minutes old',
      'answer-expired',
      () => respond({ thisUpdate: at(-6 * MINUTE), nextUpdate: 'none' }),
    ],
    ['eight days', 'answer-too-old', () => respond({ thisUpdate: at(-8 * DAY) })],
    ['a stranger', 'signer-unknown', () => respond({}, { key: otherKey })],
    ['a stranger as the issuer', 'signature-wrong', () => respond({}, stranger)],
    [
      'a stranger as the delegate',
      'signature-wrong',
      () => byDelegate(delegate(), { key: otherKey, id: byKey(delegateKey) }),
    ],
    [
      'a delegate without its certificate',
      'signer-unknown',
      () => respond({}, { key: delegateKey }),
    ],
    [
      'O3 a delegate without OCSPSigning',
      'signer-not-authorized',
      () =>
        byDelegate(delegate({ extendedKeyUsage: { critical: false, purposes: ['clientAuth'] } })),
    ],
    [
      'O3 a delegate for anything',
      'signer-not-authorized',
      () =>
        byDelegate(delegate({ extendedKeyUsage: { critical: false, purposes: ['2.5.29.37.0'] } })),
    ],
    [
      'a delegate whose key is not for signing',
      'signer-not-authorized',
      () => byDelegate(delegate({ keyUsage: { critical: true, usages: ['keyAgreement'] } })),
    ],
    [
      'O3 a delegate of another key with the issuer’s name',
      'signer-not-authorized',
      () => byDelegate(delegate({}, {}, otherKey)),
    ],
    [
      'a delegate under another name',
      'signer-not-authorized',
      () => byDelegate(delegate({}, { issuerName: writeName(commonName('Other')) })),
    ],
    [
      'a delegate that has ended',
      'signer-not-authorized',
      () => byDelegate(delegate({}, { notAfter: at(-1_000) })),
    ],
    [
      'a delegate that has not begun',
      'signer-not-authorized',
      () => byDelegate(delegate({}, { notBefore: at(DAY) })),
    ],
    [
      'a delegate with a certificate that nobody can read',
      'signer-unknown',
      () => byDelegate(delegate(), { certificates: [sequence()] }),
    ],
    [
      'the certificate itself, which the issuer has signed',
      'signer-unknown',
      () => byDelegate(leaf),
    ],
  ])('%s: %s', async (_, flaw, response) => {
    expect(await verdict(response())).toBe(flaw);
  });

  test('O3 a delegate below an authority that the issuer has signed is not directly under it', async () => {
    const between = issue(
      templateFor(otherKey, issuerKey, {
        ...{ issuerName: issuer.subjectDer, subject: commonName('Between') },
        extensions: authorityExtensions(otherKey, issuerKey),
      }),
      issuerKey,
    );
    const below = delegate({}, { issuerName: between.subjectDer }, otherKey);
    const certificates = [below.der, between.der];
    expect(await verdict(byDelegate(below, { certificates }))).toBe('signer-not-authorized');
  });

  test('any change to what is signed is noticed, and nothing ever throws', async () => {
    const random = randomNumbers(20261122);
    const original = byDelegate(delegate());
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const spoilt = mutated(original, random);
      if (Buffer.from(original).equals(spoilt)) continue;
      const judged = await judge(spoilt);
      if (!judged.ok) refused++;
      // What is left alone is what no signature covers: certificates that nobody needs, none here.
      else expect(judged.status.kind).toBe('good');
    }
    expect(refused).toBeGreaterThan(280);
  });
});
