/** The limits of the schema of -20, both ways: what is at a limit passes, what is beyond one does not. */

import { describe, expect, test } from 'vitest';
import { decodeIso20, encodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import type { Iso20Message } from '../../../src/iso15118/exi/iso20-messages.ts';
import { iso20ByHand } from '../../support/exi-by-hand.ts';
import { type Case, check, limit, noCode } from '../../support/exi-limits.ts';
import {
  exiErrorOf,
  iso20Request,
  iso20Response,
  octets,
  root,
  times,
} from '../../support/exi-samples.ts';

const chain = { certificate: octets(1) };
const emaids = 'CertificateInstallationReq/PrioritizedEMAIDs';
const data = 'CertificateInstallationRes/SignedInstallationData';
const request20 = (part: object): Iso20Message => ({ ...iso20Request, ...part });
const response20 = (part: object): Iso20Message => ({ ...iso20Response, ...part });
const data20 = (part: object): Iso20Message =>
  response20({ signedInstallationData: { ...iso20Response.signedInstallationData, ...part } });
const key20 = (form: string, count: number): Iso20Message =>
  data20({ encryptedPrivateKey: { form, value: octets(count) } });
const header20 = (part: object): Iso20Message =>
  request20({ header: { ...iso20Request.header, ...part } });
const cps20 = (subCertificates: Uint8Array[]): Iso20Message =>
  response20({ cpsCertificateChain: { ...chain, subCertificates } });

const oem = 'CertificateInstallationReq/OEMProvisioningCertificateChain';
const oem20 = (part: object): Iso20Message =>
  request20({ oemProvisioningCertificateChain: { id: 'id1', ...chain, ...part } });
const contract = `${data}/ContractCertificateChain`;
const contract20 = (part: object): Iso20Message =>
  data20({ contractCertificateChain: { ...chain, subCertificates: [octets(1)], ...part } });

const iso20Cases: Case<Iso20Message>[] = [
  ['7', 'CertificateInstallationReq/Header/SessionID', header20({ sessionId: octets(7) }), limit],
  ['9', 'CertificateInstallationReq/Header/SessionID', header20({ sessionId: octets(9) }), limit],
  ['the last time', '', header20({ timeStamp: 2n ** 64n - 1n }), undefined],
  ['the first', '', header20({ timeStamp: 0n }), undefined],
  [
    'one more',
    'CertificateInstallationReq/Header/TimeStamp',
    header20({ timeStamp: 2n ** 64n }),
    ['limit', 'bad-value'],
  ],
  ['three sub-certificates of 1600', '', cps20(times(3, octets(1600))), undefined],
  [
    'four',
    'CertificateInstallationRes/CPSCertificateChain/SubCertificates',
    cps20(times(4, octets(1))),
    noCode,
  ],
  ['none', 'CertificateInstallationRes/CPSCertificateChain/SubCertificates', cps20([]), noCode],
  [
    'one of 1601',
    'CertificateInstallationRes/CPSCertificateChain/SubCertificates/Certificate',
    cps20([octets(1601)]),
    limit,
  ],
  [
    'a CPS leaf of 1601',
    'CertificateInstallationRes/CPSCertificateChain/Certificate',
    response20({ cpsCertificateChain: { certificate: octets(1601) } }),
    limit,
  ],
  [
    'a provisioning certificate and three above it of 1600',
    '',
    oem20({ certificate: octets(1600), subCertificates: times(3, octets(1600)) }),
    undefined,
  ],
  ['one of 1601', `${oem}/Certificate`, oem20({ certificate: octets(1601) }), limit],
  [
    'one above it of 1601',
    `${oem}/SubCertificates/Certificate`,
    oem20({ subCertificates: [octets(1601)] }),
    limit,
  ],
  ['four', `${oem}/SubCertificates`, oem20({ subCertificates: times(4, octets(1)) }), noCode],
  ['none', `${oem}/SubCertificates`, oem20({ subCertificates: [] }), noCode],
  [
    'a contract certificate and three above it of 1600',
    '',
    contract20({ certificate: octets(1600), subCertificates: times(3, octets(1600)) }),
    undefined,
  ],
  ['one of 1601', `${contract}/Certificate`, contract20({ certificate: octets(1601) }), limit],
  [
    'one above it of 1601',
    `${contract}/SubCertificates/Certificate`,
    contract20({ subCertificates: [octets(1601)] }),
    limit,
  ],
  [
    'four above it',
    `${contract}/SubCertificates`,
    contract20({ subCertificates: times(4, octets(1)) }),
    noCode,
  ],
  ['none above it', `${contract}/SubCertificates`, contract20({ subCertificates: [] }), noCode],
  ['20 roots', '', request20({ rootCertificateIds: times(20, root) }), undefined],
  [
    '21',
    'CertificateInstallationReq/ListOfRootCertificateIDs',
    request20({ rootCertificateIds: times(21, root) }),
    noCode,
  ],
  ['8 EMAIDs of 255', '', request20({ prioritizedEmaids: times(8, 'x'.repeat(255)) }), undefined],
  ['9', emaids, request20({ prioritizedEmaids: times(9, 'x') }), noCode],
  ['none', emaids, request20({ prioritizedEmaids: [] }), noCode],
  ['256', `${emaids}/EMAID`, request20({ prioritizedEmaids: ['x'.repeat(256)] }), limit],
  ['255 chains', '', request20({ maximumContractCertificateChains: 255 }), undefined],
  ['no chain', '', request20({ maximumContractCertificateChains: 0 }), undefined],
  ['255 that remain', '', response20({ remainingContractCertificateChains: 255 }), undefined],
  ['a DH key of 133', '', data20({ dhPublicKey: octets(133) }), undefined],
  ['56', '', data20({ dhPublicKey: octets(56) }), undefined],
  ['134', `${data}/DHPublicKey`, data20({ dhPublicKey: octets(134) }), limit],
  ['a key for P-521 of 94', '', key20('SECP521', 94), undefined],
  ['93', `${data}/SECP521_EncryptedPrivateKey`, key20('SECP521', 93), limit],
  ['95', `${data}/SECP521_EncryptedPrivateKey`, key20('SECP521', 95), limit],
  ['a key for X448 of 84', '', key20('X448', 84), undefined],
  ['83', `${data}/X448_EncryptedPrivateKey`, key20('X448', 83), limit],
  ['85', `${data}/X448_EncryptedPrivateKey`, key20('X448', 85), limit],
  ['a key for a TPM of 206', '', key20('TPM', 206), undefined],
  ['207', `${data}/TPM_EncryptedPrivateKey`, key20('TPM', 207), limit],
];

describe('ISO 15118-20', () => {
  test.each(iso20Cases)('%s %s', (...row) => check(row, decodeIso20, encodeIso20, iso20ByHand));
});

describe('numbers that have no bits to be written in', () => {
  test.each([-1, 256, 1.5, Number.NaN])('%d chains', (count) => {
    const message = { ...iso20Request, maximumContractCertificateChains: count };
    expect(exiErrorOf(() => encodeIso20(message)).code).toBe('bad-value');
  });

  test('a time before 1970', () => {
    expect(exiErrorOf(() => encodeIso20(header20({ timeStamp: -1n }))).code).toBe('bad-value');
  });
});
