/** Answers as the service builds them, through the eyes of the car that gets them. */

import { describe, expect, test } from 'vitest';
import { decodeIso2, encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import {
  type Iso2Body,
  type Iso2Message,
  iso2ResponseCodes,
} from '../../../src/iso15118/exi/iso2-messages.ts';
import { decodeIso20, encodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import {
  type Iso20InstallationResponse,
  iso20ResponseCodes,
} from '../../../src/iso15118/exi/iso20-messages.ts';
import type { CpsSigner } from '../../../src/iso15118/installation/cps-signer.ts';
import { codesWithRetry } from '../../../src/iso15118/installation/failures.ts';
import {
  buildIso2Failure,
  buildIso2Response,
  type Iso2Delivery,
} from '../../../src/iso15118/installation/iso2-response.ts';
import {
  buildIso20Failure,
  buildIso20Response,
  type Iso20Delivery,
} from '../../../src/iso15118/installation/iso20-response.ts';
import {
  checkIso2Response,
  checkIso20Response,
} from '../../../src/iso15118/installation/response-check.ts';
import { issue, templateFor, withForeignKey } from '../../support/issuing.ts';
import { freshKey } from '../../support/signed-messages.ts';
import {
  certificateOf,
  decryptsTo,
  keyOf,
  subCertificatesOf,
  type Vector,
} from '../../support/vector-messages.ts';
import { fromHex, readVector, toHex } from '../../support/vectors.ts';

const cpsOf = (vector: Vector): CpsSigner => ({
  signer: keyOf(vector, 'cpsLeaf').signer,
  certificate: certificateOf(vector, 'cpsLeaf').der,
  subCertificates: subCertificatesOf(vector, 'cps'),
});

const publicKeyOf = (vector: Vector) => keyOf(vector, 'contract').publicKey;

describe.each([
  ['CertificateInstallationRes', 'iso2-install-2subs'],
  ['CertificateUpdateRes', 'iso2-update'],
] as const)('a %s', (name, vectorName) => {
  const vector = readVector(vectorName);
  const { keyTransport, emaid, sessionIdHex } = vector.response;
  const delivery: Iso2Delivery = {
    sessionId: fromHex(sessionIdHex),
    certificate: certificateOf(vector, 'contract').der,
    subCertificates: subCertificatesOf(vector, 'mo'),
    encryptedPrivateKey: fromHex(keyTransport.contractSignatureEncryptedPrivateKeyHex),
    dhPublicKey: fromHex(keyTransport.dhPublicKeyHex),
    emaid,
  };
  const { sessionId } = delivery;
  const build = (change: Partial<Iso2Delivery> = {}, cps = cpsOf(vector)) =>
    buildIso2Response(name, { ...delivery, ...change }, cps);
  const check = (exi: Uint8Array) => checkIso2Response(name, { exi, sessionId });

  test('brings the car its contract, signed', async () => {
    const checked = check(await build());
    expect(checked).toMatchObject({ ok: true, response: { emaid, readings: [] } });
    if (!checked.ok) return;
    const { contract, cps } = checked.response;
    expect(contract.certificate).toEqual(certificateOf(vector, 'contract'));
    expect(contract.subCertificates.map(({ der }) => der)).toEqual(delivery.subCertificates);
    expect(cps.certificate).toEqual(certificateOf(vector, 'cpsLeaf'));
    expect(cps.subCertificates.map(({ der }) => der)).toEqual(subCertificatesOf(vector, 'cps'));
    expect(decryptsTo(vector, checked.response, publicKeyOf(vector))).toBe(true);
  });

  test('is octet for octet what the vectors have, but for its random signature', async () => {
    const built = decodeIso2(await build()).message;
    const { message: given } = decodeIso2(fromHex(vector.response.exiHex));
    expect(built.header.signature?.signedInfo).toEqual(given.header.signature?.signedInfo);
    const header = { ...built.header, signature: given.header.signature };
    const withTheirs = encodeIso2({ ...built, header } as Iso2Message);
    expect(toHex(withTheirs)).toBe(vector.response.exiHex);
  });

  const altered = async (change: (body: Iso2Body) => object): Promise<Uint8Array> => {
    const { header, body } = decodeIso2(await build()).message;
    return encodeIso2({ header, body: { ...body, ...change(body) } as Iso2Body });
  };

  test.each<[element: string, change: object]>([
    [
      'ContractSignatureCertChain',
      {
        contractCertificateChain: {
          id: 'id1',
          certificate: certificateOf(vector, 'contract').der,
          subCertificates: delivery.subCertificates.toReversed(),
        },
      },
    ],
    [
      'ContractSignatureEncryptedPrivateKey',
      { encryptedPrivateKey: { id: 'id2', value: new Uint8Array(48) } },
    ],
    ['DHpublickey', { dhPublicKey: { id: 'id3', value: new Uint8Array(65) } }],
    ['eMAID', { emaid: { id: 'id4', value: 'DE8AAC99999999' } }],
  ])('with another %s than was signed is refused, and it is named', async (element, change) => {
    expect(check(await altered(() => change))).toMatchObject({
      ok: false,
      reason: 'signature-invalid',
      signatureFault: 'digest-mismatch',
      message: expect.stringContaining(element),
    });
  });

  test('without one of its four signatures is refused', async () => {
    const { header, body } = decodeIso2(await build()).message;
    for (let missing = 0; missing < 4; missing++) {
      const references = header.signature?.signedInfo.references.toSpliced(missing, 1) ?? [];
      const signedInfo = { ...header.signature?.signedInfo, references };
      const signature = { ...header.signature, signedInfo };
      const exi = encodeIso2({ header: { ...header, signature }, body } as Iso2Message);
      expect(check(exi)).toMatchObject({ ok: false, signatureFault: 'reference-missing' });
    }
    const { signature: _, ...unsigned } = header;
    expect(check(encodeIso2({ header: unsigned, body }))).toMatchObject({
      signatureFault: 'signature-missing',
    });
  });

  test('by another key than the certificate shown is refused', async () => {
    const cps = { ...cpsOf(vector), signer: freshKey('P-256').signer };
    expect(check(await build({}, cps))).toMatchObject({ signatureFault: 'value-invalid' });
  });

  test('V2G2-891: by somebody who is no CPS is refused, whoever certifies him', async () => {
    const contract = keyOf(vector, 'contract');
    const cps = { ...cpsOf(vector), signer: contract.signer, certificate: delivery.certificate };
    expect(check(await build({}, cps))).toMatchObject({ ok: false, reason: 'domain-missing' });
    const key = freshKey('P-256');
    for (const attributes of [
      [{ type: 'CN', value: 'DC=CPS' }],
      [
        { type: 'CN', value: 'CPS' },
        { type: 'O', value: 'CPS' },
        { type: 'DC', value: 'MO' },
      ],
    ]) {
      const certificate = issue(templateFor(key, key, { subject: { attributes } }), key).der;
      expect(check(await build({}, { ...cps, signer: key.signer, certificate }))).toMatchObject({
        reason: 'domain-missing',
      });
    }
  });

  test('in another session is refused', async () => {
    const exi = await build({ sessionId: Uint8Array.of(1, 2, 3) });
    expect(check(exi)).toMatchObject({ ok: false, reason: 'session-other' });
  });

  test('is not the answer to something else', async () => {
    const other =
      name === 'CertificateUpdateRes' ? 'CertificateInstallationRes' : 'CertificateUpdateRes';
    const exi = await build();
    expect(checkIso2Response(other, { exi, sessionId })).toMatchObject({
      reason: 'response-unexpected',
    });
    expect(check(fromHex(vector.request.exiHex))).toMatchObject({ reason: 'response-unexpected' });
    expect(check(exi.subarray(0, -9))).toMatchObject({ reason: 'response-unreadable' });
  });

  test('is taken with whatever OK its code is', async () => {
    for (const responseCode of iso2ResponseCodes.filter((code) => code.startsWith('OK'))) {
      expect(check(await altered(() => ({ responseCode }))).ok).toBe(true);
    }
  });

  test('by a key that the standard does not sign with is refused', async () => {
    const attributes = [
      { type: 'CN', value: 'CPS Leaf' },
      { type: 'DC', value: 'CPS' },
    ];
    const issuer = freshKey('P-256');
    const p521 = issue(templateFor(freshKey('P-521'), issuer, { subject: { attributes } }), issuer);
    const foreign = withForeignKey(certificateOf(vector, 'cpsLeaf').der);
    for (const certificate of [p521.der, foreign]) {
      const { subCertificates } = cpsOf(vector);
      const cps = { certificate, subCertificates };
      const exi = await altered(() => ({ provisioningCertificateChain: cps }));
      expect(check(exi)).toMatchObject({
        reason: 'signature-invalid',
        signatureFault: 'key-unfit',
      });
    }
  });

  test('for another EMAID than the certificate has is refused', async () => {
    const exi = await build({ emaid: 'DE8AAC99999999' });
    expect(check(exi)).toMatchObject({ ok: false, reason: 'emaid-mismatch' });
  });

  test('with a certificate that is of no EMAID, or for one that is none, is refused', async () => {
    const { der: certificate } = certificateOf(vector, 'cpsLeaf');
    const nobody = await build({ certificate });
    expect(check(nobody)).toMatchObject({ ok: false, reason: 'emaid-mismatch' });
    const none = await build({ emaid: 'ZZ999999999999A' });
    expect(check(none)).toMatchObject({ ok: false, reason: 'emaid-mismatch' });
  });

  test('with octets that are no certificate is refused', async () => {
    const exi = await build({ certificate: Uint8Array.of(0x30, 0x00) });
    expect(check(exi)).toMatchObject({ reason: 'certificate-unreadable' });
  });

  test.each<[what: string, change: Partial<Iso2Delivery>]>([
    ['an EMAID with hyphens', { emaid: 'DE-8AA-C12345' }],
    ['an EMAID in small letters', { emaid: 'de8aac12345678' }],
    ['an EMAID of 16', { emaid: 'DE8AAC1234567890' }],
    ['an encrypted key that is too long', { encryptedPrivateKey: new Uint8Array(49) }],
    ['an empty encrypted key', { encryptedPrivateKey: new Uint8Array(0) }],
    ['a compressed point', { dhPublicKey: new Uint8Array(33).fill(2) }],
    ['a point of another form', { dhPublicKey: new Uint8Array(65).fill(6) }],
  ])('is not built with %s', async (_what, change) => {
    await expect(build(change)).rejects.toThrow(RangeError);
  });

  test('has no SubCertificates where there are none', async () => {
    const exi = await build({ subCertificates: [] }, { ...cpsOf(vector), subCertificates: [] });
    expect(check(exi)).toMatchObject({
      ok: true,
      response: { contract: { subCertificates: [] }, cps: { subCertificates: [] } },
    });
  });

  test('is not built by a CPS of the other standard', async () => {
    const cps = { ...cpsOf(vector), signer: freshKey('P-521').signer };
    await expect(build({}, cps)).rejects.toThrow(RangeError);
  });

  describe('without a contract', () => {
    const failures = iso2ResponseCodes.filter((code) => code.startsWith('FAILED'));

    test.each(failures)('V2G2-736: %s comes with dummies and unsigned', (responseCode) => {
      const exi = buildIso2Failure(name, sessionId, responseCode);
      const { header, body } = decodeIso2(exi).message;
      expect(header).toEqual({ sessionId });
      // Octets that are never empty, the shortest EMAID of the schema, and Ids that differ.
      const zero = Uint8Array.of(0);
      expect(body).toEqual({
        name,
        responseCode,
        provisioningCertificateChain: { certificate: zero },
        contractCertificateChain: { id: 'ID1', certificate: zero },
        encryptedPrivateKey: { id: 'ID2', value: zero },
        dhPublicKey: { id: 'ID3', value: zero },
        emaid: { id: 'ID4', value: expect.stringMatching(/^[A-Z0-9]{14}$/) },
      });
      expect(check(exi)).toMatchObject({ ok: false, reason: 'response-failed', responseCode });
    });

    test.each(iso2ResponseCodes.filter((code) => !code.startsWith('FAILED')))(
      '%s is no failure',
      (responseCode) => {
        expect(() => buildIso2Failure(name, sessionId, responseCode)).toThrow(RangeError);
      },
    );

    test('a retry counter goes with an update that may be repeated, and nothing else', () => {
      expect([...codesWithRetry].sort()).toEqual([
        'FAILED_ContractCanceled',
        'FAILED_NoCertificateAvailable',
      ]);
      for (const responseCode of failures) {
        const build = () => buildIso2Failure(name, sessionId, responseCode, -1);
        if (name === 'CertificateUpdateRes' && codesWithRetry.has(responseCode)) {
          expect(decodeIso2(build()).message.body).toMatchObject({ retryCounter: -1 });
        } else {
          expect(build).toThrow(RangeError);
        }
      }
    });
  });
});

describe('a CertificateInstallationRes of ISO 15118-20', () => {
  const vector = readVector('iso20-install-p521');
  const { keyTransport, sessionIdHex, timeStamp, remaining } = vector.response;
  const delivery: Iso20Delivery = {
    sessionId: fromHex(sessionIdHex),
    at: new Date(1000 * timeStamp + 999),
    certificate: certificateOf(vector, 'contract').der,
    subCertificates: subCertificatesOf(vector, 'mo'),
    curve: 'SECP521',
    dhPublicKey: fromHex(keyTransport.dhPublicKeyHex),
    encryptedPrivateKey: fromHex(keyTransport.secp521EncryptedPrivateKeyHex),
    remainingContractCertificateChains: remaining,
  };
  const { sessionId } = delivery;
  const build = (change: Partial<Iso20Delivery> = {}, cps = cpsOf(vector)) =>
    buildIso20Response({ ...delivery, ...change }, cps);
  const check = (exi: Uint8Array) => checkIso20Response({ exi, sessionId });

  test('brings the car its contract, signed', async () => {
    const checked = check(await build());
    if (!checked.ok) throw new Error(checked.message);
    const { contract, cps, readings, encryptedPrivateKey, dhPublicKey } = checked.response;
    expect(readings).toEqual([]);
    expect(contract.certificate).toEqual(certificateOf(vector, 'contract'));
    expect(cps.certificate).toEqual(certificateOf(vector, 'cpsLeaf'));
    expect(checked.response.remainingContractCertificateChains).toBe(remaining);
    const sealed = { dhPublicKey, encryptedPrivateKey: encryptedPrivateKey.value };
    expect(decryptsTo(vector, sealed, publicKeyOf(vector))).toBe(true);
  });

  test('is octet for octet what the vectors have, but for its random signature', async () => {
    const { message: built } = decodeIso20(await build());
    const { message: given } = decodeIso20(fromHex(vector.response.exiHex));
    expect(built.header.signature?.signedInfo).toEqual(given.header.signature?.signedInfo);
    const withTheirs = { ...built, header: given.header };
    expect(built.header).toMatchObject({ timeStamp: given.header.timeStamp });
    expect(toHex(encodeIso20(withTheirs))).toBe(vector.response.exiHex);
  });

  test('signed with Ed448 is taken, too', async () => {
    const key = freshKey('Ed448');
    const attributes = [
      { type: 'CN', value: 'CPS Leaf' },
      { type: 'DC', value: 'CPS' },
    ];
    const certificate = issue(templateFor(key, key, { subject: { attributes } }), key).der;
    const cps = {
      signer: key.signer,
      certificate,
      subCertificates: subCertificatesOf(vector, 'cps'),
    };
    const x448 = {
      curve: 'X448',
      dhPublicKey: new Uint8Array(56).fill(9),
      encryptedPrivateKey: new Uint8Array(84).fill(8),
    } as const;
    expect(check(await build(x448, cps))).toMatchObject({
      ok: true,
      response: { ecdhCurve: 'X448', encryptedPrivateKey: { form: 'X448' }, readings: [] },
    });
  });

  const altered = async (
    change: (response: Iso20InstallationResponse) => Partial<Iso20InstallationResponse>,
  ): Promise<Uint8Array> => {
    const { message } = decodeIso20(await build());
    if (message.name !== 'CertificateInstallationRes') throw new Error('it is no answer');
    return encodeIso20({ ...message, ...change(message) });
  };

  test('with anything in its signed data changed is refused', async () => {
    const octets = (value: Uint8Array) => value.with(5, (value[5] ?? 0) ^ 1);
    const changes: readonly ((
      data: Iso20InstallationResponse['signedInstallationData'],
    ) => Partial<Iso20InstallationResponse['signedInstallationData']>)[] = [
      ({ dhPublicKey }) => ({ dhPublicKey: octets(dhPublicKey) }),
      ({ encryptedPrivateKey: { form, value } }) => ({
        encryptedPrivateKey: { form, value: octets(value) },
      }),
      () => ({ ecdhCurve: 'X448' }),
      ({ contractCertificateChain: { certificate, subCertificates } }) => ({
        contractCertificateChain: { certificate, subCertificates: subCertificates.toReversed() },
      }),
    ];
    for (const change of changes) {
      const exi = await altered(({ signedInstallationData: data }) => ({
        signedInstallationData: { ...data, ...change(data) },
      }));
      expect(check(exi)).toMatchObject({
        reason: 'signature-invalid',
        signatureFault: 'digest-mismatch',
      });
    }
  });

  test('that is not finished is none yet', async () => {
    for (const evseProcessing of ['Ongoing', 'Ongoing_WaitingForCustomerInteraction'] as const) {
      const exi = await altered(() => ({ evseProcessing }));
      expect(check(exi)).toMatchObject({ ok: false, reason: 'response-ongoing' });
    }
  });

  test('is taken with whatever OK its code is', async () => {
    for (const responseCode of iso20ResponseCodes.filter((code) => code.startsWith('OK'))) {
      expect(check(await altered(() => ({ responseCode }))).ok).toBe(true);
    }
  });

  test('in another session, by no CPS or to something else is refused', async () => {
    const other = await build({ sessionId: new Uint8Array(8).fill(1) });
    expect(check(other)).toMatchObject({ reason: 'session-other' });
    const { signer } = keyOf(vector, 'contract');
    const cps = { ...cpsOf(vector), signer, certificate: delivery.certificate };
    expect(check(await build({}, cps))).toMatchObject({ reason: 'domain-missing' });
    expect(check(fromHex(vector.request.exiHex))).toMatchObject({ reason: 'response-unexpected' });
    expect(check(new Uint8Array(3))).toMatchObject({ reason: 'response-unreadable' });
  });

  test.each<[what: string, change: Partial<Iso20Delivery>]>([
    ['a point of P-256', { dhPublicKey: new Uint8Array(65) }],
    ['an encrypted key of the other curve', { encryptedPrivateKey: new Uint8Array(84) }],
    ['the other curve', { curve: 'X448' }],
  ])('is not built with %s', async (_what, change) => {
    await expect(build(change)).rejects.toThrow(RangeError);
  });

  test.each(iso20ResponseCodes.filter((code) => !code.startsWith('OK')))(
    '%s comes with dummies and unsigned',
    (responseCode) => {
      const exi = buildIso20Failure(sessionId, delivery.at, responseCode);
      const { message } = decodeIso20(exi);
      const zero = Uint8Array.of(0);
      expect(message).toEqual({
        name: 'CertificateInstallationRes',
        header: { sessionId, timeStamp: BigInt(timeStamp) },
        responseCode,
        // A car that hears of another processing would ask on.
        evseProcessing: 'Finished',
        cpsCertificateChain: { certificate: zero },
        signedInstallationData: {
          id: 'id1',
          contractCertificateChain: { certificate: zero, subCertificates: [zero] },
          ecdhCurve: 'SECP521',
          dhPublicKey: new Uint8Array(133),
          encryptedPrivateKey: { form: 'SECP521', value: new Uint8Array(94) },
        },
        remainingContractCertificateChains: 0,
      });
      expect(check(exi)).toMatchObject({ ok: false, reason: 'response-failed', responseCode });
    },
  );

  test.each(iso20ResponseCodes.filter((code) => code.startsWith('OK')))(
    '%s is no failure',
    (responseCode) => {
      expect(() => buildIso20Failure(sessionId, delivery.at, responseCode)).toThrow(RangeError);
    },
  );
});
