/** Messages as the schemas allow them, for properties: any, and with everything in them. */

import fc from 'fast-check';
import type {
  Identified,
  Iso2Body,
  Iso2CertificateChain,
  Iso2Message,
  RootCertificateId,
} from '../../src/iso15118/exi/iso2-messages.ts';
import { iso2FaultCodes, iso2ResponseCodes } from '../../src/iso15118/exi/iso2-messages.ts';
import type { Iso20Header, Iso20Message } from '../../src/iso15118/exi/iso20-messages.ts';
import {
  ecdhCurves,
  iso20Processings,
  iso20ResponseCodes,
} from '../../src/iso15118/exi/iso20-messages.ts';
import type { SignedInfo, XmlSignature } from '../../src/iso15118/exi/xml-signature.ts';

/** Code points that XML allows: mostly ASCII, but of every range and next to every gap. */
const character = fc
  .oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
    fc.constantFrom(0x09, 0x0a, 0x0d, 0x7f, 0x80, 0xd7ff, 0xe000, 0xfffd, 0x1_0000, 0x10_ffff),
    fc.integer({ min: 0xa0, max: 0xd7ff }),
    fc.integer({ min: 0x1_0000, max: 0x10_ffff }),
  )
  .map((codePoint) => String.fromCodePoint(codePoint));

const text = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(character, { minLength, maxLength, size: 'max' })
    .map((characters) => characters.join(''));

const octets = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength, size: 'small' });

/** Mostly short, sometimes as long as it may be. */
const certificate = (max: number): fc.Arbitrary<Uint8Array> =>
  fc.oneof({ weight: 9, arbitrary: octets(0, 60) }, octets(max - 1, max));

const id = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][-.A-Za-z0-9_]{0,12}$/),
  fc.constantFrom('id1', 'ID1', '_', 'Übung', '名前', '\u{10000}x·'),
);

const uri = fc.oneof(
  text(0, 30),
  fc.constantFrom(
    'http://www.w3.org/TR/canonical-exi/',
    'http://www.w3.org/2001/04/xmlenc#sha256',
    'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
    '#id1',
  ),
);

const list = <T>(item: fc.Arbitrary<T>, max: number): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.array(item, { minLength: 1, maxLength: Math.min(3, max) }) },
    fc.array(item, { minLength: max, maxLength: max }),
  );

/** Objects in which some fields may be missing, which is not the same as undefined. */
const optionally = <T extends object, K extends keyof T>(
  model: { [P in keyof T]-?: fc.Arbitrary<Exclude<T[P], undefined>> },
  ...optional: K[]
): fc.Arbitrary<T> =>
  fc.record(model, {
    requiredKeys: (Object.keys(model) as (keyof T)[]).filter((key) => !optional.includes(key as K)),
  }) as unknown as fc.Arbitrary<T>;

export const signedInfos: fc.Arbitrary<SignedInfo> = optionally<SignedInfo, 'id'>(
  {
    id,
    canonicalizationMethod: uri,
    signatureMethod: uri,
    references: list(
      optionally<SignedInfo['references'][number], 'id' | 'type' | 'uri' | 'transforms'>(
        {
          id,
          type: uri,
          uri,
          transforms: list(uri, 4),
          digestMethod: uri,
          digestValue: octets(0, 64),
        },
        'id',
        'type',
        'uri',
        'transforms',
      ),
      16,
    ),
  },
  'id',
);

const signature = optionally<XmlSignature, 'id' | 'signatureValueId'>(
  { id, signedInfo: signedInfos, signatureValueId: id, signatureValue: octets(0, 132) },
  'id',
  'signatureValueId',
);

const rootCertificateIds: fc.Arbitrary<RootCertificateId[]> = list(
  fc.record({
    issuerName: text(0, 40),
    serialNumber: fc.oneof(
      fc.bigInt({ min: -(2n ** 160n), max: 2n ** 160n }),
      fc.bigInt({ min: -300n, max: 300n }),
      fc.constantFrom(2n ** 512n - 1n, -(2n ** 512n), 2n ** 49n - 1n, 2n ** 49n, 2n ** 98n),
    ),
  }),
  20,
);

const iso2Chain = optionally<Iso2CertificateChain, 'id' | 'subCertificates'>(
  { id, certificate: certificate(800), subCertificates: list(certificate(800), 4) },
  'id',
  'subCertificates',
);

const identified = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Identified<T>> =>
  fc.record({ id, value });

const contractData = {
  responseCode: fc.constantFrom(...iso2ResponseCodes),
  provisioningCertificateChain: iso2Chain,
  contractCertificateChain: iso2Chain,
  encryptedPrivateKey: identified(octets(0, 48)),
  dhPublicKey: identified(octets(0, 65)),
  emaid: identified(text(14, 15)),
};

/** A body of each of the four messages. */
const iso2Bodies: Record<Iso2Body['name'], fc.Arbitrary<Iso2Body>> = {
  CertificateInstallationReq: fc.record({
    name: fc.constant('CertificateInstallationReq' as const),
    id,
    oemProvisioningCertificate: certificate(800),
    rootCertificateIds,
  }),
  CertificateInstallationRes: fc.record({
    name: fc.constant('CertificateInstallationRes' as const),
    ...contractData,
  }),
  CertificateUpdateReq: fc.record({
    name: fc.constant('CertificateUpdateReq' as const),
    id,
    contractCertificateChain: iso2Chain,
    emaid: text(14, 15),
    rootCertificateIds,
  }),
  CertificateUpdateRes: optionally(
    {
      name: fc.constant('CertificateUpdateRes' as const),
      ...contractData,
      retryCounter: fc.integer({ min: -0x8000, max: 0x7fff }),
    },
    'retryCounter',
  ),
};

export const iso2Messages = (name: Iso2Body['name']): fc.Arbitrary<Iso2Message> =>
  fc.record({
    header: optionally<Iso2Message['header'], 'notification' | 'signature'>(
      {
        sessionId: octets(0, 8),
        notification: optionally(
          { faultCode: fc.constantFrom(...iso2FaultCodes), faultMessage: text(0, 64) },
          'faultMessage',
        ),
        signature,
      },
      'notification',
      'signature',
    ),
    body: iso2Bodies[name],
  });

const iso20Header = optionally<Iso20Header, 'signature'>(
  {
    sessionId: octets(8, 8),
    timeStamp: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constant(1_780_000_000n)),
    signature,
  },
  'signature',
);

const iso20Chain = optionally(
  { certificate: certificate(1_600), subCertificates: list(certificate(1_600), 3) },
  'subCertificates',
);

const iso20Bodies: Record<Iso20Message['name'], fc.Arbitrary<Iso20Message>> = {
  CertificateInstallationReq: optionally(
    {
      name: fc.constant('CertificateInstallationReq' as const),
      header: iso20Header,
      oemProvisioningCertificateChain: fc
        .tuple(id, iso20Chain)
        .map(([chainId, chain]) => ({ id: chainId, ...chain })),
      rootCertificateIds,
      maximumContractCertificateChains: fc.nat({ max: 255 }),
      prioritizedEmaids: list(text(0, 30), 8),
    },
    'prioritizedEmaids',
  ),
  CertificateInstallationRes: fc.record({
    name: fc.constant('CertificateInstallationRes' as const),
    header: iso20Header,
    responseCode: fc.constantFrom(...iso20ResponseCodes),
    evseProcessing: fc.constantFrom(...iso20Processings),
    cpsCertificateChain: iso20Chain,
    signedInstallationData: fc.record({
      id,
      contractCertificateChain: fc.record({
        certificate: certificate(1_600),
        subCertificates: list(certificate(1_600), 3),
      }),
      ecdhCurve: fc.constantFrom(...ecdhCurves),
      dhPublicKey: octets(0, 133),
      encryptedPrivateKey: fc.oneof(
        fc.record({ form: fc.constant('SECP521' as const), value: octets(94, 94) }),
        fc.record({ form: fc.constant('X448' as const), value: octets(84, 84) }),
        fc.record({ form: fc.constant('TPM' as const), value: octets(0, 206) }),
      ),
    }),
    remainingContractCertificateChains: fc.nat({ max: 255 }),
  }),
};

export const iso20Messages = (name: Iso20Message['name']): fc.Arbitrary<Iso20Message> =>
  iso20Bodies[name];
