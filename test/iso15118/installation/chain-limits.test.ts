import { describe, expect, test } from 'vitest';
import { ExiError } from '../../../src/iso15118/exi/exi-error.ts';
import { chainFaults, chainLimits } from '../../../src/iso15118/installation/chain-limits.ts';
import type { CpsSigner } from '../../../src/iso15118/installation/cps-signer.ts';
import { buildIso2Response } from '../../../src/iso15118/installation/iso2-response.ts';
import { buildIso20Response } from '../../../src/iso15118/installation/iso20-response.ts';
import type { Standard } from '../../../src/iso15118/signature/signature-profile.ts';
import { freshKey } from '../../support/signed-messages.ts';

const certificates = (count: number, octets: number) =>
  Array.from({ length: count }, () => new Uint8Array(octets));

/** An answer with these above the contract certificate and that of the CPS. */
async function answer(
  standard: Standard,
  above: { readonly contract: readonly Uint8Array[]; readonly cps: readonly Uint8Array[] },
): Promise<Uint8Array> {
  const certificate = new Uint8Array(chainLimits[standard].octets);
  const { signer } = freshKey(standard === 'iso15118-2' ? 'P-256' : 'P-521');
  const cps: CpsSigner = { signer, certificate, subCertificates: above.cps };
  const chain = { certificate, subCertificates: above.contract, sessionId: new Uint8Array(8) };
  if (standard === 'iso15118-2') {
    const dhPublicKey = Uint8Array.of(4, ...new Uint8Array(64));
    const sealed = { dhPublicKey, encryptedPrivateKey: new Uint8Array(48) };
    const delivery = { ...chain, ...sealed, emaid: 'DE8EVC12345678' };
    return buildIso2Response('CertificateInstallationRes', delivery, cps);
  }
  return buildIso20Response(
    {
      ...{ ...chain, at: new Date(0), curve: 'SECP521', dhPublicKey: new Uint8Array(133) },
      encryptedPrivateKey: new Uint8Array(94),
      remainingContractCertificateChains: 0,
    },
    cps,
  );
}

describe.each(Object.keys(chainLimits) as Standard[])('what %s has room for', (standard) => {
  const { octets, above, leastAboveContract: least } = chainLimits[standard];

  test('can be written', async () => {
    const most = certificates(above, octets);
    expect(chainFaults(standard, most)).toEqual([]);
    await answer(standard, { contract: most, cps: most });
    const few = certificates(least, octets);
    expect(chainFaults(standard, few, least)).toEqual([]);
    await answer(standard, { contract: few, cps: [] });
  });

  const fitting = certificates(1, octets);
  test.each([
    ['a certificate more', certificates(above + 1, octets), ['chain']],
    ['an octet more', certificates(1, octets + 1), ['size']],
    ['both', certificates(above + 1, octets + 1), ['chain', ...Array(above + 1).fill('size')]],
  ])('%s cannot, above either leaf', async (_, chain, codes) => {
    expect(chainFaults(standard, chain).map(({ code }) => code)).toEqual(codes);
    for (const subs of [
      { contract: chain, cps: fitting },
      { contract: fitting, cps: chain },
    ]) {
      await expect(answer(standard, subs)).rejects.toThrow(ExiError);
    }
  });
});

test('above a contract of ISO 15118-20 there has to be something', async () => {
  const least = chainLimits['iso15118-20'].leastAboveContract;
  expect(chainFaults('iso15118-20', [], least)).toMatchObject([{ code: 'chain' }]);
  expect(chainFaults('iso15118-20', [])).toEqual([]);
  await expect(answer('iso15118-20', { contract: [], cps: [] })).rejects.toThrow(ExiError);
});
