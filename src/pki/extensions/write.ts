/**
 * Extensions as evpki issues them (RFC 5280 4.2). Every extension is written with the criticality
 * that the set gives it: ISO 15118-20 Annex B marks some as critical that RFC 5280 wants
 * non-critical, and which of the two holds is for the profile to say.
 *
 * The writers refuse what would not be the extension's type (an empty list, a relative URL) with
 * a RangeError: such a set comes from a bug in policy, never from a caller, whose mistakes are
 * violations long before.
 */

import { parseIpAddress } from '../../identifiers/ip-address.ts';
import { contextConstructed } from '../der-element.ts';
import {
  boolean,
  element,
  explicit,
  implicit,
  integer,
  namedBits,
  nullValue,
  octetString,
  oid,
  sequence,
} from '../der-writer.ts';
import { accessMethods, keyPurposes, extensions as oids } from '../oids.ts';
import { writeRawExtension } from '../raw-extensions.ts';
import { type ExtensionSet, type GeneralName, keyUsages } from '../template.ts';
import { generalNameTags } from './general-name-tags.ts';

type Issued<Name extends keyof ExtensionSet> = Required<ExtensionSet>[Name];

/**
 * The Extensions SEQUENCE (RFC 5280 4.1), in the order in which `ExtensionSet` names its members.
 * `critical` is encoded only when TRUE.
 * @throws RangeError if the set is empty or a member cannot be what its type demands
 */
export function writeExtensions(set: ExtensionSet): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const name of written) {
    const member = set[name];
    if (member !== undefined) parts.push(writtenOnce(name, member));
  }
  return sequence(...filled(parts, 'extensions'));
}

const writers: {
  readonly [Name in keyof Required<ExtensionSet>]: (member: Issued<Name>) => Uint8Array;
} = {
  basicConstraints,
  // RFC 5280 4.2.1.3: at least one bit.
  keyUsage: ({ usages }) =>
    namedBits(filled(usages, 'key usages').map((usage) => keyUsages.indexOf(usage))),
  // RFC 5280 4.2.1.12.
  extendedKeyUsage: ({ purposes }) =>
    sequence(...distinct(purposes.map(purposeOid), 'key purposes').map(oid)),
  subjectKeyIdentifier: ({ value }) => octetString(identifier(value)),
  authorityKeyIdentifier: ({ value }) => sequence(implicit(0, identifier(value))),
  subjectAltName: ({ names }) =>
    sequence(...filled(names, 'subject alternative names').map(writeGeneralName)),
  certificatePolicies: ({ policies }) => certificatePolicies(policies),
  nameConstraints,
  crlDistributionPoints: ({ urls }) => crlDistributionPoints(urls),
  authorityInfoAccess,
  ocspNoCheck: () => nullValue(),
};

const written = Object.keys(writers) as (keyof ExtensionSet)[];

/** Members with octets in them, which cannot be frozen. */
const withOctets: readonly string[] = ['subjectKeyIdentifier', 'authorityKeyIdentifier'];

/** What profile and issuer determine is the same object for every certificate. By extension. */
const encoded = new Map(
  written
    .filter((name) => !withOctets.includes(name))
    .map((name) => [name, new WeakMap<object, Uint8Array>()]),
);

/** The Extension of a member; members that nobody can change any more are written once. */
function writtenOnce(name: keyof ExtensionSet, member: object & { critical: boolean }): Uint8Array {
  const before = encoded.get(name);
  const known = before?.get(member);
  if (known !== undefined) return known;
  const write = writers[name] as (member: object) => Uint8Array;
  const der = writeRawExtension(oids[name], member.critical, write(member));
  if (before && isFrozenDeep(member)) before.set(member, der);
  return der;
}

const isFrozenDeep = (value: unknown): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (Object.isFrozen(value) && Object.values(value).every(isFrozenDeep));

/** RFC 5280 4.2.1.9. The default, cA FALSE, is not encoded (X.690 11.5). */
function basicConstraints({ ca, pathLength }: Issued<'basicConstraints'>): Uint8Array {
  if (pathLength === undefined) return ca ? sequence(boolean(true)) : sequence();
  if (!ca) throw new RangeError('a path length without cA');
  if (!Number.isInteger(pathLength) || pathLength < 0) {
    throw new RangeError(`a path length of ${pathLength}`);
  }
  return sequence(boolean(true), integer(pathLength));
}

const purposeOid = (purpose: string): string =>
  Object.hasOwn(keyPurposes, purpose) ? keyPurposes[purpose as keyof typeof keyPurposes] : purpose;

/** RFC 5280 4.2.1.4: policies without qualifiers, each once. */
const certificatePolicies = (policies: readonly string[]): Uint8Array =>
  sequence(...distinct(policies, 'certificate policies').map((policy) => sequence(oid(policy))));

/** RFC 5280 4.2.1.10: minimum stays at its default and maximum is absent; never empty. */
function nameConstraints(constraints: Issued<'nameConstraints'>): Uint8Array {
  const subtrees = (number: number, names: readonly string[] = []): Uint8Array[] => {
    if (names.length === 0) return [];
    const bases = names.map((name) =>
      sequence(implicit(generalNameTags.dns, visible(name, 'DNS'))),
    );
    return [element(contextConstructed(number), ...bases)];
  };
  const { permittedDns, excludedDns } = constraints;
  const parts = [...subtrees(0, permittedDns), ...subtrees(1, excludedDns)];
  return sequence(...filled(parts, 'name constraints'));
}

/**
 * RFC 5280 4.2.1.13: one distribution point, for all reasons. Several URLs are several ways to the
 * same CRL, hence names of one point and not points of their own.
 */
const crlDistributionPoints = (urls: readonly string[]): Uint8Array =>
  sequence(sequence(writeDistributionPoint(urls)));

/**
 * The field distributionPoint with a full name. Certificates and CRLs have it from here, because
 * RFC 5280 5.2.5 wants the same bytes in both.
 * @param urls where one and the same CRL is, absolute http URLs
 * @throws RangeError on an empty list and on anything but absolute http URLs
 */
export function writeDistributionPoint(urls: readonly string[]): Uint8Array {
  const names = filled(urls, 'CRL URLs').map(writeHttpUrl);
  return explicit(0, element(contextConstructed(0), ...names));
}

/** RFC 5280 4.2.2.1: OCSP responders first, then where the issuer's certificate is. */
function authorityInfoAccess({ ocsp, caIssuers }: Issued<'authorityInfoAccess'>): Uint8Array {
  const descriptions = [
    ...ocsp.map((url) => sequence(oid(accessMethods.ocsp), writeHttpUrl(url))),
    ...caIssuers.map((url) => sequence(oid(accessMethods.caIssuers), writeHttpUrl(url))),
  ];
  return sequence(...filled(descriptions, 'access descriptions'));
}

/** A GeneralName that evpki issues (RFC 5280 4.2.1.6). */
function writeGeneralName(name: GeneralName): Uint8Array {
  switch (name.kind) {
    case 'dns':
      return implicit(generalNameTags.dns, visible(name.value, 'DNS'));
    case 'uri':
      return implicit(generalNameTags.uri, absoluteUri(name.value));
    case 'ip': {
      const address = parseIpAddress(name.value);
      if (!address.ok) throw new RangeError(`not an IP address: ${name.value}`);
      return implicit(generalNameTags.ip, address.value.bytes);
    }
  }
}

function writeHttpUrl(url: string): Uint8Array {
  if (!/^http:\/\/[^/?#]/.test(url)) throw new RangeError(`not an absolute http URL: ${url}`);
  return implicit(generalNameTags.uri, absoluteUri(url));
}

function absoluteUri(uri: string): Uint8Array {
  if (!/^[a-z][a-z0-9+.-]*:./i.test(uri)) throw new RangeError(`not an absolute URI: ${uri}`);
  return visible(uri, 'URI');
}

/** Text of visible ASCII: neither DNS names nor URIs hold spaces, controls or anything else. */
function visible(text: string, what: string): Uint8Array {
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new RangeError(`not a ${what} name in visible ASCII: ${JSON.stringify(text)}`);
  }
  return Buffer.from(text, 'latin1');
}

function identifier(value: Uint8Array): Uint8Array {
  if (value.length === 0) throw new RangeError('an empty key identifier');
  return value;
}

function filled<T>(list: readonly T[], what: string): readonly T[] {
  if (list.length === 0) throw new RangeError(`no ${what}`);
  return list;
}

/** Dotted OIDs, at least one and none twice. */
function distinct(dotted: readonly string[], what: string): readonly string[] {
  for (const candidate of dotted) {
    if (!/^(?:[01]\.(?:[1-3]?\d)|2\.(?:0|[1-9]\d*))(?:\.(?:0|[1-9]\d*))*$/.test(candidate)) {
      throw new RangeError(`not an object identifier: ${candidate}`);
    }
  }
  if (new Set(dotted).size !== dotted.length) throw new RangeError(`${what} with a repetition`);
  return filled(dotted, what);
}
