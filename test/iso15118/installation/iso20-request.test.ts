import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeIso20, encodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import type { Iso20InstallationRequest } from '../../../src/iso15118/exi/iso20-messages.ts';
import { readIso20Installation } from '../../../src/iso15118/installation/iso20-request.ts';
import { buildIso20Failure } from '../../../src/iso15118/installation/iso20-response.ts';
import {
  type LenientReading,
  lenientReadings,
} from '../../../src/iso15118/signature/lenient-readings.ts';
import { iso20RequestOf, signedIso20Request } from '../../support/car-requests.ts';
import { commonName, issue, templateFor, withForeignKey } from '../../support/issuing.ts';
import { mutations } from '../../support/mutations.ts';
import { freshKey, type SigningKey } from '../../support/signed-messages.ts';
import { certificateOf, keyOf, subCertificatesOf } from '../../support/vector-messages.ts';
import { fromHex, readVector } from '../../support/vectors.ts';

const install = readVector('iso20-install-p521');
const installExi = fromHex(install.request.exiHex);
const request = iso20RequestOf(install);
const chain = request.oemProvisioningCertificateChain;
const everything = new Set(Object.keys(lenientReadings) as LenientReading[]);

const refusalOf = async (exi: Uint8Array) => {
  const read = await readIso20Installation(exi, everything);
  return read.ok ? undefined : read.failure;
};

const withChain = (
  change: Partial<Iso20InstallationRequest['oemProvisioningCertificateChain']>,
): Iso20InstallationRequest => ({
  ...request,
  oemProvisioningCertificateChain: { ...chain, ...change },
});

const provisioned = (key: SigningKey): Uint8Array =>
  issue(templateFor(key, key, { subject: commonName('WP0PZZZZZZTS000001') }), key).der;

describe('a CertificateInstallationReq of ISO 15118-20', () => {
  test('is read with all that the service asks about', async () => {
    const read = await readIso20Installation(installExi);
    if (!read.ok) throw new Error(read.failure.message);
    const { subCertificates, prioritizedEmaids, ...rest } = read.request;
    expect(subCertificates.map(({ der }) => der)).toEqual(subCertificatesOf(install, 'oem'));
    expect(prioritizedEmaids.map(({ normal }) => normal)).toEqual(
      install.request.prioritizedEMAIDs,
    );
    expect(rest).toEqual({
      sessionId: fromHex(install.request.sessionIdHex),
      certificate: certificateOf(install, 'oemProv'),
      pcid: expect.objectContaining({ normal: 'WP0PTESTPCID000001' }),
      key: keyOf(install, 'oemProv').publicKey,
      rootCertificateIds: request.rootCertificateIds,
      maximumContractCertificateChains: 2,
      readings: [],
      decoding: { stringTableHits: 0, trailingZeros: 0, reencodes: 'identically' },
    });
  });

  test('of a car with a key of Ed448 is read', async () => {
    const key = freshKey('Ed448');
    const exi = await signedIso20Request(withChain({ certificate: provisioned(key) }), key);
    expect(await readIso20Installation(exi)).toMatchObject({
      ok: true,
      request: { key: { algorithm: 'Ed448' }, readings: [] },
    });
    const forged = await signedIso20Request(
      withChain({ certificate: provisioned(key) }),
      freshKey('Ed448'),
    );
    expect(await refusalOf(forged)).toMatchObject({ signatureFault: 'value-invalid' });
  });

  test.each(['P-256', 'P-384', 'Ed25519'] as const)(
    'V2G20-2709: of a car with a key of %s gets no contract, whatever its signature',
    async (algorithm) => {
      const certificate = provisioned(freshKey(algorithm));
      expect(await refusalOf(encodeIso20(withChain({ certificate })))).toMatchObject({
        reason: 'key-transport-impossible',
        responseCode: 'WARNING_NoCertificateAvailable',
        sessionId: fromHex(install.request.sessionIdHex),
      });
    },
  );

  test('V2G20-2709: of a car with a key of a curve that evpki does not know gets no contract', async () => {
    const certificate = withForeignKey(certificateOf(install, 'oemProv').der);
    expect(await refusalOf(encodeIso20(withChain({ certificate })))).toMatchObject({
      reason: 'key-transport-impossible',
      responseCode: 'WARNING_NoCertificateAvailable',
    });
  });

  test('V2G20-1548: with any certificate of its chain exchanged is refused', async () => {
    const another = certificateOf(readVector('iso20-install-p521-3subs'), 'oemProv').der;
    const [first, ...others] = chain.subCertificates ?? [];
    const changes = [
      { certificate: another },
      { subCertificates: [another, ...others] },
      { subCertificates: [...others, first as Uint8Array] },
      { subCertificates: others },
    ];
    for (const change of changes) {
      const failure = await refusalOf(encodeIso20(withChain(change)));
      expect(failure?.reason).toBe('signature-invalid');
      expect(failure?.responseCode).toBe('FAILED_SignatureError');
    }
  });

  test('with something else above its certificate is refused', async () => {
    const subCertificates = [Uint8Array.of(0x30)];
    const exi = await signedIso20Request(withChain({ subCertificates }), keyOf(install, 'oemProv'));
    expect(await refusalOf(exi)).toMatchObject({
      reason: 'certificate-unreadable',
      responseCode: 'WARNING_CertificateValidationError',
    });
  });

  test('with what is no EMAID among the prioritized ones is read without it', async () => {
    const prioritizedEmaids = ['nonsense', 'de-8aa-c12345678', ''].filter((text) => text !== '');
    const read = await readIso20Installation(encodeIso20({ ...request, prioritizedEmaids }));
    if (!read.ok) throw new Error(read.failure.message);
    expect(read.request.prioritizedEmaids.map(({ normal }) => normal)).toEqual(['DE8AAC12345678']);
  });

  test('is not what an answer is', async () => {
    const failure = buildIso20Failure(new Uint8Array(8), new Date(0), 'FAILED');
    expect(await refusalOf(failure)).toMatchObject({
      reason: 'request-unexpected',
      responseCode: 'FAILED',
    });
  });

  test('truncated anywhere behind its session id is refused in its session', async () => {
    for (let length = 12; length < installExi.length; length += 37) {
      expect(await refusalOf(installExi.subarray(0, length))).toMatchObject({
        reason: 'request-unreadable',
        sessionId: fromHex(install.request.sessionIdHex),
      });
    }
  });
});

/** A car like that of the vector, but with a key of Ed448, which costs a tenth to verify. */
async function ed448Request(): Promise<Uint8Array> {
  const key = freshKey('Ed448');
  return signedIso20Request(withChain({ certificate: provisioned(key) }), key);
}

test.each([
  ['P-521', 2_000, async () => installExi],
  ['Ed448', 6_000, ed448Request],
] as const)(
  'of a car with %s, %i mutated requests: none is read as of another certificate',
  async (_algorithm, numRuns, make) => {
    const exi = await make();
    const signed = chainIn(exi);
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(mutations, async (mutate) => {
        const mutated = mutate(exi);
        const read = await readIso20Installation(mutated, everything);
        if (!read.ok) {
          expect(read.failure.responseCode).toMatch(/^(FAILED|WARNING)/);
          return;
        }
        accepted++;
        expect(chainIn(mutated)).toEqual(signed);
        expect(read.request.certificate.der).toEqual(signed.certificate);
      }),
      { numRuns },
    );
    // Otherwise nothing has been tried that could have been accepted.
    expect(accepted).toBeGreaterThan(10);
  },
  120_000,
);

function chainIn(exi: Uint8Array) {
  const { message } = decodeIso20(exi);
  if (message.name !== 'CertificateInstallationReq') throw new Error('it is no request');
  return message.oemProvisioningCertificateChain;
}
