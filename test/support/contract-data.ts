/** Contract data as a mobility operator with an own PKI makes it. */

import { createECDH } from 'node:crypto';
import { agree } from '../../src/iso15118/key-transport/agreement.ts';
import { sealForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import type { TestApp } from './app.ts';
import { freshKeyPair } from './public-keys.ts';
import { newRequest } from './requests.ts';
import { certificatesOf, scalarOf, sent, type Vehicle } from './vehicles.ts';

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');

export interface OwnContractData {
  /** Base64: the contract certificate, sub-CA 2, sub-CA 1. */
  readonly chain: readonly [string | undefined, string | undefined, string | undefined];
  readonly keys: {
    readonly contractSignatureEncryptedPrivateKey: string;
    readonly dHpublickey: string;
  };
  readonly scalar: Uint8Array;
  /** The id of the certificate in evpki. */
  readonly certificateId: string;
}

/** A key, its certificate, and the key encrypted for the car. */
export async function contractDataOf(
  evpki: TestApp,
  operator: Readonly<Record<string, string>>,
  { certificate }: Pick<Vehicle, 'certificate'>,
  emaid: string,
): Promise<OwnContractData> {
  const pair = freshKeyPair('P-256');
  const csr = newRequest(`CN=${emaid}`, { key: 'P-256', pair });
  const body = { profile: 'iso15118-2-contract', authority: 'mo-sub-ca-2', csr };
  const issued = sent(await evpki.call('POST', '/v1/certificates', body, operator), 201);
  const [leaf, sub2, sub1] = certificatesOf(issued.certificateChain).map(base64);
  const ephemeral = createECDH('prime256v1');
  ephemeral.generateKeys();
  const { spki } = readCertificate(certificate);
  const { sharedSecret, dhPublicKey } = agree('P-256', ephemeral, spki);
  const scalar = scalarOf(pair, 32);
  const encrypted = sealForIso2({ scalar, iv: Buffer.alloc(16, 1), sharedSecret });
  return {
    chain: [leaf, sub2, sub1],
    keys: {
      contractSignatureEncryptedPrivateKey: base64(encrypted),
      dHpublickey: base64(dhPublicKey),
    },
    ...{ scalar, certificateId: issued.id },
  };
}

/** As `contractData` of a request has it. */
export const contractDataBody = ({ chain, keys }: OwnContractData) => ({
  ...{ contractCertificate: chain[0], contractSubCa2Certificate: chain[1] },
  ...{ contractSubCa1Certificate: chain[2], ...keys },
});
