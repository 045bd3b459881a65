/** CertificateInstallationRes and CertificateUpdateRes of ISO 15118-2: with a contract, or without. */

import { encodeIso2 } from '../exi/iso2.ts';
import type { Iso2ContractData, Iso2ResponseCode } from '../exi/iso2-messages.ts';
import { KeptElements } from '../exi/kept-elements.ts';
import { signElements } from '../signature/sign-elements.ts';
import { chainOf } from './chain-element.ts';
import type { CpsSigner } from './cps-signer.ts';
import { codesWithRetry } from './failures.ts';
import { signedInIso2Response } from './signed-elements.ts';

export type Iso2ResponseName = 'CertificateInstallationRes' | 'CertificateUpdateRes';

/** A contract as it goes into a car: certificates are DER, the issuer of the leaf comes first. */
export interface Iso2Delivery {
  /** That of the request. */
  readonly sessionId: Uint8Array;
  readonly certificate: Uint8Array;
  /** Without the root. */
  readonly subCertificates: readonly Uint8Array[];
  /** IV and ciphertext, 48 octets [V2G2-818]. */
  readonly encryptedPrivateKey: Uint8Array;
  /** An uncompressed point of P-256, 65 octets. */
  readonly dhPublicKey: Uint8Array;
  /** Upper case without hyphens, 14 characters or 15 with check digit. */
  readonly emaid: string;
}

/** Embedded stacks have room for few characters, and these are what the first ones used. */
const ids = { chain: 'id1', key: 'id2', dh: 'id3', emaid: 'id4' } as const;

/**
 * The EXI of an answer with a contract, signed by the CPS over the four elements.
 * @throws RangeError if a value has not the form that {@link Iso2Delivery} says
 * @throws ExiError if something else does not fit into the schema, such as 801 octets of certificate
 */
export async function buildIso2Response(
  name: Iso2ResponseName,
  delivery: Iso2Delivery,
  cps: CpsSigner,
): Promise<Uint8Array> {
  checkForm(delivery);
  const data: Iso2ContractData = {
    responseCode: 'OK',
    provisioningCertificateChain: chainOf(cps),
    contractCertificateChain: { id: ids.chain, ...chainOf(delivery) },
    encryptedPrivateKey: { id: ids.key, value: delivery.encryptedPrivateKey },
    dhPublicKey: { id: ids.dh, value: delivery.dhPublicKey },
    emaid: { id: ids.emaid, value: delivery.emaid },
  };
  const { contractCertificateChain, encryptedPrivateKey, dhPublicKey } = data;
  const kept = new KeptElements([contractCertificateChain, encryptedPrivateKey, dhPublicKey]);
  const elements = signedInIso2Response(data, kept);
  const signature = await signElements('iso15118-2', elements, cps.signer);
  const header = { sessionId: delivery.sessionId, signature };
  return encodeIso2({ header, body: { name, ...data } }, kept);
}

function checkForm({ encryptedPrivateKey, dhPublicKey, emaid }: Iso2Delivery): void {
  if (encryptedPrivateKey.length !== 48) {
    throw new RangeError(`an encrypted key has 48 octets, not ${encryptedPrivateKey.length}`);
  }
  if (dhPublicKey.length !== 65 || dhPublicKey[0] !== 0x04) {
    throw new RangeError('a DH public key is an uncompressed point of P-256, 65 octets');
  }
  if (!/^[A-Z]{2}[A-Z0-9]{12,13}$/.test(emaid)) {
    throw new RangeError('an EMAID of a message has 14 or 15 letters and digits');
  }
}

/** One octet, as an empty value cannot be read by some stacks. */
const dummy = Uint8Array.of(0);
/** The shortest that the schema allows, and nobody's. */
const DUMMY_EMAID = 'DE000C00000000';

const dummies: Omit<Iso2ContractData, 'responseCode'> = {
  provisioningCertificateChain: { certificate: dummy },
  contractCertificateChain: { id: 'ID1', certificate: dummy },
  encryptedPrivateKey: { id: 'ID2', value: dummy },
  dhPublicKey: { id: 'ID3', value: dummy },
  emaid: { id: 'ID4', value: DUMMY_EMAID },
};

/**
 * The EXI of an answer without a contract: what the schema demands is there as dummies, and nothing
 * is signed [V2G2-736].
 * @param retryCounter of an update that may be repeated: days from now, 0 for the next time, -1
 *   for never. Only with the codes that allow it: see `codesWithRetry`
 * @throws RangeError if the code is not FAILED, or does not go with a retry counter
 */
export function buildIso2Failure(
  name: Iso2ResponseName,
  sessionId: Uint8Array,
  responseCode: Iso2ResponseCode,
  retryCounter?: number,
): Uint8Array {
  if (!responseCode.startsWith('FAILED')) throw new RangeError(`${responseCode} is no failure`);
  const data = { responseCode, ...dummies };
  const header = { sessionId };
  if (retryCounter === undefined) return encodeIso2({ header, body: { name, ...data } });
  if (name !== 'CertificateUpdateRes' || !codesWithRetry.has(responseCode)) {
    throw new RangeError(`${name} with ${responseCode} has no retry counter`);
  }
  return encodeIso2({ header, body: { name, ...data, retryCounter } });
}
