import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emaidCheckDigit } from '../../../src/identifiers/emaid.ts';
import { decodeIso2, encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import type { Iso2InstallationRequest } from '../../../src/iso15118/exi/iso2-messages.ts';
import {
  isIso2Update,
  readIso2Installation,
  readIso2Update,
} from '../../../src/iso15118/installation/iso2-request.ts';
import { buildIso2Failure } from '../../../src/iso15118/installation/iso2-response.ts';
import {
  type LenientReading,
  lenientReadings,
} from '../../../src/iso15118/signature/lenient-readings.ts';
import type { KeyAlgorithm } from '../../../src/pki/public-key.ts';
import { type Iso2Request, iso2RequestOf, signedIso2Request } from '../../support/car-requests.ts';
import { commonName, issue, templateFor, withForeignKey } from '../../support/issuing.ts';
import { mutations } from '../../support/mutations.ts';
import { freshKey, type SigningKey } from '../../support/signed-messages.ts';
import { certificateOf, isUpdate, keyOf } from '../../support/vector-messages.ts';
import { fromHex, readVector, toHex } from '../../support/vectors.ts';

const install = readVector('iso2-install-2subs');
const installExi = fromHex(install.request.exiHex);
const update = readVector('iso2-update');
const everything = new Set(Object.keys(lenientReadings) as LenientReading[]);

/** The request of the vector with something changed in its body, signed anew or not. */
const changed = (change: Partial<Iso2InstallationRequest>): Iso2Request => {
  const { header, body } = iso2RequestOf(install);
  return { header, body: { ...body, ...change } as Iso2InstallationRequest };
};

const issuer = freshKey('P-256');
const provisioned = (cn: string, key: SigningKey): Uint8Array =>
  issue(templateFor(key, issuer, { subject: commonName(cn) }), issuer).der;

const refusalOf = (exi: Uint8Array) => {
  const read = readIso2Installation(exi, everything);
  return read.ok ? undefined : read.failure;
};

describe('a CertificateInstallationReq', () => {
  test('is read with all that the service asks about', () => {
    const read = readIso2Installation(installExi);
    expect(read).toEqual({
      ok: true,
      request: {
        sessionId: fromHex(install.request.sessionIdHex),
        certificate: certificateOf(install, 'oemProv'),
        pcid: expect.objectContaining({
          normal: /CN=(\w+)/.exec(install.pki.oemProv.subject)?.[1],
        }),
        key: keyOf(install, 'oemProv').publicKey,
        rootCertificateIds: install.request.rootCertificateIds.map(
          ({ issuerName, serialDec }: { issuerName: string; serialDec: string }) => ({
            issuerName,
            serialNumber: BigInt(serialDec),
          }),
        ),
        readings: [],
        decoding: { stringTableHits: 0, trailingZeros: 0, reencodes: 'identically' },
      },
    });
  });

  test('is answered in its session, also when it is refused', () => {
    const { header, body } = iso2RequestOf(install);
    const { signature: _, ...bare } = header;
    expect(refusalOf(encodeIso2({ header: bare, body }))).toMatchObject({
      sessionId: fromHex(install.request.sessionIdHex),
      responseCode: 'FAILED_SignatureError',
      reason: 'signature-missing',
      signatureFault: 'signature-missing',
    });
  });

  test('with another certificate than the one whose key signed it is refused', () => {
    for (const other of ['iso2-install-1sub', 'iso2-install-hyphenated-cn']) {
      const { der } = certificateOf(readVector(other), 'oemProv');
      const failure = refusalOf(encodeIso2(changed({ oemProvisioningCertificate: der })));
      expect(failure).toMatchObject({
        reason: 'signature-invalid',
        signatureFault: 'digest-mismatch',
      });
    }
  });

  test('signed by somebody who has the certificate but not its key is refused', async () => {
    const exi = await signedIso2Request(changed({}), freshKey('P-256'));
    expect(refusalOf(exi)).toMatchObject({
      reason: 'signature-invalid',
      signatureFault: 'value-invalid',
    });
  });

  test('with the signature of another request of the same car is refused', async () => {
    const key = keyOf(install, 'oemProv');
    const rootCertificateIds = [{ issuerName: 'CN=Another', serialNumber: 1n }];
    const exi = await signedIso2Request(changed({ rootCertificateIds }), key);
    const { header } = decodeIso2(exi).message;
    expect(readIso2Installation(exi).ok).toBe(true);
    expect(refusalOf(encodeIso2({ ...changed({}), header }))).toMatchObject({
      signatureFault: 'digest-mismatch',
    });
  });

  test('with an Id that its reference does not have is refused', () => {
    expect(refusalOf(encodeIso2(changed({ id: 'ID2' })))).toMatchObject({
      signatureFault: 'reference-unknown',
    });
  });

  test('of a car with a certificate of its own is read once it is signed', async () => {
    const key = freshKey('P-256');
    const oemProvisioningCertificate = provisioned('wp0zzzzzzts000001', key);
    const exi = await signedIso2Request(changed({ oemProvisioningCertificate }), key);
    expect(readIso2Installation(exi)).toMatchObject({
      ok: true,
      request: { pcid: { wmi: 'WP0', normal: 'WP0ZZZZZZTS000001' } },
    });
  });

  test.each([
    ['no PCID', 'Somebody'],
    ['one with a hyphen', 'WP0-ZZZZZZTS000001'],
  ])('whose certificate has %s in its common name is refused', async (_what, cn) => {
    const key = freshKey('P-256');
    const oemProvisioningCertificate = provisioned(cn, key);
    const exi = await signedIso2Request(changed({ oemProvisioningCertificate }), key);
    expect(refusalOf(exi)).toMatchObject({
      reason: 'pcid-unreadable',
      responseCode: 'FAILED_CertChainError',
    });
  });

  test('whose certificate has no common name is refused', async () => {
    const key = freshKey('P-256');
    const subject = { attributes: [{ type: 'O', value: 'WP0ZZZZZZTS000001' }] };
    const { der } = issue(templateFor(key, issuer, { subject }), issuer);
    const exi = await signedIso2Request(changed({ oemProvisioningCertificate: der }), key);
    expect(refusalOf(exi)).toMatchObject({
      reason: 'pcid-unreadable',
      responseCode: 'FAILED_CertChainError',
    });
  });

  test.each(['P-384', 'P-521', 'Ed25519', 'Ed448'] satisfies KeyAlgorithm[])(
    'V2G2-007: whose certificate has a key of %s is refused before its signature is looked at',
    (algorithm) => {
      const key = freshKey(algorithm);
      const oemProvisioningCertificate = provisioned('WP0ZZZZZZTS000001', key);
      expect(refusalOf(encodeIso2(changed({ oemProvisioningCertificate })))).toMatchObject({
        reason: 'key-transport-impossible',
        responseCode: 'FAILED_NoCertificateAvailable',
      });
    },
  );

  test('V2G2-007: whose certificate has a key of a curve that evpki does not know is refused', () => {
    const { der } = certificateOf(install, 'oemProv');
    const exi = encodeIso2(changed({ oemProvisioningCertificate: withForeignKey(der) }));
    expect(refusalOf(exi)).toMatchObject({
      reason: 'key-transport-impossible',
      responseCode: 'FAILED_NoCertificateAvailable',
      message: expect.stringContaining('secp192r1'),
    });
  });

  test('with a Notification is read all the same: it is not what is signed', () => {
    const { header, body } = iso2RequestOf(install);
    const notification = { faultCode: 'UnknownError', faultMessage: 'Übung' } as const;
    const exi = encodeIso2({ header: { ...header, notification }, body });
    expect(readIso2Installation(exi)).toMatchObject({ ok: true, request: { readings: [] } });
  });

  test.each([
    ['one zero octet', new Uint8Array(1)],
    ['a certificate without its last octet', certificateOf(install, 'oemProv').der.slice(0, -1)],
    ['two certificates', new Uint8Array(0)],
  ])('with %s for a certificate is refused', (what, der) => {
    const { der: whole } = certificateOf(install, 'oemProv');
    const twice = new Uint8Array(Buffer.concat([whole, Buffer.of(0x30, 0x00)]));
    const oemProvisioningCertificate = what === 'two certificates' ? twice : der;
    expect(refusalOf(encodeIso2(changed({ oemProvisioningCertificate })))).toMatchObject({
      reason: 'certificate-unreadable',
      responseCode: 'FAILED_CertChainError',
    });
  });

  test('is not what an update is, nor an answer', () => {
    const failure = buildIso2Failure('CertificateInstallationRes', new Uint8Array(8), 'FAILED');
    for (const exi of [fromHex(update.request.exiHex), failure]) {
      expect(refusalOf(exi)).toMatchObject({
        reason: 'request-unexpected',
        responseCode: 'FAILED',
      });
    }
  });

  test('nothing at all is refused in no session', () => {
    expect(refusalOf(new Uint8Array(0))).toMatchObject({
      reason: 'request-unreadable',
      responseCode: 'FAILED',
      sessionId: new Uint8Array(8),
    });
  });

  test('truncated anywhere behind its session id is refused in its session', () => {
    for (let length = 12; length < installExi.length; length += 13) {
      expect(refusalOf(installExi.subarray(0, length))).toMatchObject({
        reason: 'request-unreadable',
        sessionId: fromHex(install.request.sessionIdHex),
      });
    }
  });
});

describe('a CertificateUpdateReq', () => {
  const updateWith = async (
    change: Partial<Extract<Iso2Request['body'], { name: 'CertificateUpdateReq' }>>,
    key = keyOf(update, 'oldContract'),
  ) => {
    const { header, body } = iso2RequestOf(update);
    const exi = await signedIso2Request(
      { header, body: { ...body, ...change } as typeof body },
      key,
    );
    return readIso2Update(exi);
  };

  test('is read with the old contract', () => {
    const read = readIso2Update(fromHex(update.request.exiHex));
    expect(read).toMatchObject({
      ok: true,
      request: {
        emaid: { normal: 'DE8AAC11112222' },
        sessionId: fromHex(update.request.sessionIdHex),
        rootCertificateIds: [{ issuerName: 'DC=V2G,CN=V2GRootCA,O=Test Org,C=DE' }],
      },
    });
    if (!read.ok) return;
    expect(toHex(read.request.certificate.der)).toBe(update.pki.oldContract.certDerHex);
    expect(read.request.key).toEqual(keyOf(update, 'oldContract').publicKey);
    expect(read.request.subCertificates.map(({ der }) => toHex(der))).toEqual(
      update.pki.moSubCAsTopDown
        .map(({ certDerHex }: { certDerHex: string }) => certDerHex)
        .reverse(),
    );
  });

  test('is not signed by the provisioning key', async () => {
    const read = await updateWith({}, keyOf(update, 'oemProv'));
    expect(read).toMatchObject({ ok: false, failure: { signatureFault: 'value-invalid' } });
  });

  test('for the contract of somebody else is refused', async () => {
    expect(await updateWith({ emaid: 'DE8AAC11112223' })).toMatchObject({
      ok: false,
      failure: { reason: 'emaid-mismatch', responseCode: 'FAILED_NoCertificateAvailable' },
    });
  });

  test('may write its EMAID in small letters', async () => {
    expect(await updateWith({ emaid: 'de8aac11112222' })).toMatchObject({ ok: true });
  });

  test('is of the EMAID that is certified, whether its check digit is written or not', async () => {
    const key = freshKey('P-256');
    const bare = 'DE8AAC11112222';
    const checked = `${bare}${emaidCheckDigit(bare)}`;
    for (const [certified, asked] of [
      [bare, checked],
      [checked, bare],
      ['DE-8AA-C11112222', bare],
    ] as const) {
      const subject = commonName(certified);
      const { der } = issue(templateFor(key, issuer, { subject }), issuer);
      const contractCertificateChain = { certificate: der };
      const read = await updateWith({ contractCertificateChain, emaid: asked }, key);
      const normal = certified.replaceAll('-', '');
      expect(read).toMatchObject({ ok: true, request: { emaid: { normal } } });
    }
  });

  test('with an EMAID that is none is refused', async () => {
    expect(await updateWith({ emaid: '00000000000000' })).toMatchObject({
      ok: false,
      failure: { reason: 'emaid-unreadable' },
    });
  });

  test('with something else above its certificate is refused', async () => {
    const { certDerHex } = update.pki.oldContract;
    const contractCertificateChain = {
      certificate: fromHex(certDerHex),
      subCertificates: [Uint8Array.of(0x30)],
    };
    expect(await updateWith({ contractCertificateChain })).toMatchObject({
      ok: false,
      failure: { reason: 'certificate-unreadable' },
    });
  });

  test('is not what an installation is', () => {
    expect(readIso2Update(installExi)).toMatchObject({
      ok: false,
      failure: { reason: 'request-unexpected' },
    });
  });
});

describe('a request with a bit flipped', () => {
  const original = decodeIso2(installExi).message.body;

  test('in any place is refused, unless nothing of what is signed has changed', () => {
    for (let bit = 0; bit < 8 * installExi.length; bit += 7) {
      const exi = Uint8Array.from(installExi);
      exi[bit >> 3] = (exi[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
      const read = readIso2Installation(exi, everything);
      if (read.ok) expect(decodeIso2(exi).message.body).toEqual(original);
    }
  });
});

test('a message says itself whether it is an update; what cannot be read is none', () => {
  expect(isIso2Update(fromHex(update.request.exiHex))).toBe(true);
  expect(isIso2Update(installExi)).toBe(false);
  expect(isIso2Update(fromHex(update.request.exiHex).subarray(0, 40))).toBe(false);
  expect(isIso2Update(new Uint8Array())).toBe(false);
});

test('20,000 mutated requests: none is read as of another certificate, or with another content', () => {
  const bases = ['iso2-install-1sub', 'iso2-install-5roots-unicode-serials', 'iso2-update']
    .map((name) => readVector(name))
    .map((vector) => ({
      exi: fromHex(vector.request.exiHex),
      body: iso2RequestOf(vector).body,
      read: isUpdate(vector) ? readIso2Update : readIso2Installation,
    }));
  let accepted = 0;
  fc.assert(
    fc.property(fc.constantFrom(...bases), mutations, ({ exi, body, read }, mutate) => {
      const mutated = mutate(exi);
      const result = read(mutated, everything);
      if (!result.ok) {
        expect(result.failure.responseCode).toMatch(/^FAILED/);
        return;
      }
      accepted++;
      // What is not signed may differ: the session, a notification, and zeros behind the end.
      expect(decodeIso2(mutated).message.body).toEqual(body);
    }),
    { numRuns: 20_000 },
  );
  // Otherwise nothing has been tried that could have been accepted.
  expect(accepted).toBeGreaterThan(10);
}, 120_000);
