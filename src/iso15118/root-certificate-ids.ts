/**
 * ListOfRootCertificateIDs: a car names the V2G roots that it can verify, as XML Signature names
 * certificates (X509IssuerSerialType): by the issuer's name as text and the serial number. XML
 * Signature 4.5.4.1 has that text in the form of RFC 4514; cars write what their library prints.
 */

import type { TbsCertificate } from '../pki/certificate.ts';
import { nameReadings } from '../pki/name-readings.ts';
import { attributeSet } from '../pki/names.ts';
import { remembered } from '../pki/remembered.ts';
import type { RootCertificateId } from './exi/iso2-messages.ts';

/**
 * Whether a car means this root: the serial number is the same, and the issuer has the same
 * attributes, in whatever order, grouped into whatever RDNs and written in whatever form; values
 * are compared as RFC 5280 7.1 has it. This only finds the chain that the car may verify: it says
 * nothing about the root. Never throws; a name of more than 4,096 characters names nothing.
 */
export function namesRoot({ serialNumber, issuerName }: RootCertificateId, root: Root): boolean {
  const { serial, texts } = namesOf(root);
  if (serialNumber !== serial) return false;
  if (texts.has(issuerName)) return true;
  const wanted = attributeSet(root.issuer);
  const isNamed = nameReadings(issuerName).some(
    (attributes) => attributeSet({ attributes }) === wanted,
  );
  if (isNamed && texts.size < MAX_TEXTS) texts.add(issuerName);
  return isNamed;
}

type Root = Pick<TbsCertificate, 'serialNumber' | 'issuer'>;

/** More than there is software in cars that prints names. */
const MAX_TEXTS = 32;

const namesOf = remembered(({ serialNumber }: Root) => ({
  serial: integerOf(serialNumber),
  /** Texts that have meant its issuer: it takes longer to read one than to look it up. */
  texts: new Set<string>(),
}));

/** The value of an INTEGER by its content octets. */
const integerOf = (octets: Uint8Array): bigint =>
  BigInt.asIntN(8 * octets.length, BigInt(`0x${Buffer.from(octets).toString('hex')}`));
