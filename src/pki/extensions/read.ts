/**
 * Extensions interpreted, in requests and in anybody's certificates (RFC 5280 4.2). Strict about
 * DER and about the types of the standard, silent about what a profile may demand: that a value
 * is allowed is for policy, lint and path validation to say.
 */

import { type bitStringOf, DerReader } from '../der.ts';
import { contextConstructed, contextPrimitive, DerError, tags } from '../der-element.ts';
import { keyPurposes, extensions as oids } from '../oids.ts';
import type { RawExtension } from '../raw-extensions.ts';
import { requireDer } from '../require-der.ts';
import { type ExtensionSet, type KeyUsage, keyUsages } from '../template.ts';
import {
  type AnyGeneralName,
  type OtherGeneralName,
  readGeneralNames,
  readSubtreeBase,
  requireFilled,
} from './general-names.ts';
import { readAuthorityInfoAccess, readCrlDistributionPoints } from './read-locations.ts';

/** An extension's value is no longer than a certificate may be. */
const MAX_VALUE_BYTES = 16 * 1024;

/**
 * What evpki understands of a certificate's extensions. Wider than the `ExtensionSet` that it
 * issues, and therefore not assignable to it: foreign certificates hold more.
 */
export interface CertificateExtensions
  extends Omit<ExtensionSet, 'authorityKeyIdentifier' | 'subjectAltName' | 'nameConstraints'> {
  /** `value` is absent when the issuer is named by its issuer and serial number only. */
  readonly authorityKeyIdentifier?: { readonly critical: boolean; readonly value?: Uint8Array };
  readonly subjectAltName?: {
    readonly critical: boolean;
    readonly names: readonly AnyGeneralName[];
  };
  /** Lists that the certificate leaves empty are absent. */
  readonly nameConstraints?: {
    readonly critical: boolean;
    readonly permittedDns?: readonly string[];
    readonly excludedDns?: readonly string[];
    readonly permittedOther?: readonly OtherGeneralName[];
    readonly excludedOther?: readonly OtherGeneralName[];
  };
}

type Read<Name extends keyof CertificateExtensions> = Omit<
  Required<CertificateExtensions>[Name],
  'critical'
>;

const readers: {
  readonly [Name in keyof Required<CertificateExtensions>]: (value: DerReader) => Read<Name>;
} = {
  basicConstraints: readBasicConstraints,
  keyUsage: readKeyUsage,
  extendedKeyUsage: readExtendedKeyUsage,
  subjectKeyIdentifier: (value) => ({ value: nonEmpty(value.octetString(), value) }),
  authorityKeyIdentifier: readAuthorityKeyIdentifier,
  subjectAltName: (value) => ({ names: readGeneralNames(value.sequence()) }),
  certificatePolicies: readCertificatePolicies,
  nameConstraints: readNameConstraints,
  crlDistributionPoints: readCrlDistributionPoints,
  authorityInfoAccess: readAuthorityInfoAccess,
  ocspNoCheck: (value) => {
    value.null();
    return {};
  },
};

/** The OIDs of the extensions that `readExtensionSet` interprets. */
export const understoodExtensions: ReadonlyMap<string, keyof CertificateExtensions> = new Map(
  (Object.keys(readers) as (keyof CertificateExtensions)[]).map((name) => [oids[name], name]),
);

/**
 * Interprets the extensions that evpki understands; others are passed over, critical ones too:
 * whoever relies on a certificate looks for those in the raw list.
 * @throws DerError on a malformed extension, and on one of them occurring twice (RFC 5280 4.2);
 *   `offset` counts within the extension's value
 */
export function readExtensionSet(raw: readonly RawExtension[]): CertificateExtensions {
  const found: Record<string, unknown> = {};
  for (const { oid, critical, value } of raw) {
    const name = understoodExtensions.get(oid);
    if (name === undefined) continue;
    if (Object.hasOwn(found, name)) throw new DerError(`the extension ${name} occurs twice`, 0);
    found[name] = Object.assign(readValue(name, value), { critical });
  }
  return found as CertificateExtensions;
}

function readValue(name: keyof CertificateExtensions, bytes: Uint8Array): object {
  try {
    const value = DerReader.over(bytes, MAX_VALUE_BYTES);
    const read = readers[name](value);
    value.end();
    return read;
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const message = error.message.replace(/ \(at byte \d+\)$/, '');
    throw new DerError(`extension ${name}: ${message}`, error.offset);
  }
}

/** RFC 5280 4.2.1.9. A path length without cA is DER, and a finding for lint. */
function readBasicConstraints(value: DerReader): Read<'basicConstraints'> {
  const fields = value.sequence();
  let ca = false;
  if (fields.has(tags.boolean)) {
    const { offset } = fields;
    ca = fields.boolean();
    if (!ca) throw new DerError('a default value (cA FALSE) is encoded', offset);
  }
  if (fields.atEnd) return { ca };
  const { offset } = fields;
  const pathLength = fields.smallInteger();
  if (pathLength < 0) throw new DerError('a negative path length', offset);
  fields.end();
  return { ca, pathLength };
}

/** RFC 5280 4.2.1.3: at least one bit; DER drops trailing zero bits (X.690 11.2.2). */
function readKeyUsage(value: DerReader): Read<'keyUsage'> {
  const { offset } = value;
  const bits = namedBitsOf(value.bitString(), offset);
  if (bits.length === 0) throw new DerError('no key usage is set', offset);
  const usages = bits.map((bit): KeyUsage => {
    const usage = keyUsages[bit];
    if (usage === undefined) throw new DerError(`key usage has no bit ${bit}`, offset);
    return usage;
  });
  return { usages };
}

/** The numbers of the set bits, ascending. */
function namedBitsOf({ unusedBits, bytes }: ReturnType<typeof bitStringOf>, offset: number) {
  const count = bytes.length * 8 - unusedBits;
  const bits: number[] = [];
  for (let bit = 0; bit < count; bit++) {
    if (((bytes[bit >> 3] as number) & (0x80 >> (bit & 7))) !== 0) bits.push(bit);
  }
  if (count > 0 && bits.at(-1) !== count - 1) {
    throw new DerError('named bits end in zeros', offset);
  }
  return bits;
}

const purposeNames: ReadonlyMap<string, string> = new Map(
  Object.entries(keyPurposes).map(([name, dotted]) => [dotted, name]),
);

/** RFC 5280 4.2.1.12. */
function readExtendedKeyUsage(value: DerReader): Read<'extendedKeyUsage'> {
  const list = value.sequence();
  requireFilled(list, 'key purposes');
  const purposes: string[] = [];
  while (!list.atEnd) {
    const dotted = list.oid();
    purposes.push(purposeNames.get(dotted) ?? dotted);
  }
  return { purposes };
}

/** RFC 5280 4.2.1.1. Issuer and serial number are checked for form, and not used. */
function readAuthorityKeyIdentifier(value: DerReader): Read<'authorityKeyIdentifier'> {
  const fields = value.sequence();
  const keyIdentifier = fields.has(contextPrimitive(0))
    ? nonEmpty(fields.read(contextPrimitive(0)).content, fields)
    : undefined;
  if (!fields.atEnd) {
    // X.509: authorityCertIssuer and authorityCertSerialNumber occur together or not at all.
    readGeneralNames(fields.enter(contextConstructed(1)));
    fields.integerBytes(contextPrimitive(2));
    fields.end();
  }
  return keyIdentifier === undefined ? {} : { value: keyIdentifier };
}

/** RFC 5280 4.2.1.4: no policy twice. Qualifiers are checked for form, and not used. */
function readCertificatePolicies(value: DerReader): Read<'certificatePolicies'> {
  const list = value.sequence();
  requireFilled(list, 'certificate policies');
  const policies = new Set<string>();
  while (!list.atEnd) {
    const { offset } = list;
    const information = list.sequence();
    const policy = information.oid();
    if (policies.has(policy)) throw new DerError(`the policy ${policy} occurs twice`, offset);
    policies.add(policy);
    if (!information.atEnd) {
      const qualifiers = information.sequence();
      requireFilled(qualifiers, 'policy qualifiers');
      requireDer(qualifiers);
    }
    information.end();
  }
  return { policies: [...policies] };
}

/** RFC 5280 4.2.1.10: not empty; minimum is at its default and maximum absent. */
function readNameConstraints(value: DerReader): Read<'nameConstraints'> {
  const fields = value.sequence();
  requireFilled(fields, 'name constraints');
  const permitted = readSubtrees(fields, contextConstructed(0));
  const excluded = readSubtrees(fields, contextConstructed(1));
  fields.end();
  return {
    ...(permitted.dns.length > 0 && { permittedDns: permitted.dns }),
    ...(excluded.dns.length > 0 && { excludedDns: excluded.dns }),
    ...(permitted.other.length > 0 && { permittedOther: permitted.other }),
    ...(excluded.other.length > 0 && { excludedOther: excluded.other }),
  };
}

function readSubtrees(fields: DerReader, tag: number) {
  const dns: string[] = [];
  const other: OtherGeneralName[] = [];
  if (!fields.has(tag)) return { dns, other };
  const subtrees = fields.enter(tag);
  requireFilled(subtrees, 'subtrees');
  while (!subtrees.atEnd) {
    const subtree = subtrees.sequence();
    const base = readSubtreeBase(subtree);
    subtree.end();
    if (base.kind === 'dns') dns.push(base.value);
    else if (base.kind === 'other') other.push(base);
  }
  return { dns, other };
}

function nonEmpty(bytes: Uint8Array, at: DerReader): Uint8Array {
  if (bytes.length === 0) throw new DerError('a key identifier is empty', at.offset);
  return bytes;
}
