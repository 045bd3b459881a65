/**
 * Certificates of any form for path validation, with anything wrong in them. Keys are Ed25519 and
 * made of their names, so that the same certificates come out whoever makes them.
 */

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import { contextConstructed } from '../../src/pki/der-element.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  ia5String,
  implicit,
  integer,
  namedBits,
  octetString,
  oid,
  sequence,
  set,
  time,
  unsignedInteger,
  utf8String,
} from '../../src/pki/der-writer.ts';
import { keyPurposes, extensions as oids } from '../../src/pki/oids.ts';
import { toPem } from '../../src/pki/pem.ts';
import { writeRawExtension } from '../../src/pki/raw-extensions.ts';
import { algorithmIdentifier } from '../../src/pki/signature-algorithm.ts';
import { type KeyUsage, keyUsages } from '../../src/pki/template.ts';
import type { TestKey } from './issuing.ts';

const seedPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const keys = new Map<string, TestKey>();

/** The key of this name. */
export function keyOf(name: string): TestKey {
  const known = keys.get(name);
  if (known) return known;
  const seed = createHash('sha256').update(`evpki path ${name}`).digest();
  const der = Buffer.concat([seedPrefix, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  const key: TestKey = {
    publicKey: { algorithm: 'Ed25519', spki, bits: spki.subarray(12) },
    privateKey,
  };
  keys.set(name, key);
  return key;
}

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export const extension = (dotted: string, value: Uint8Array, critical = false): Extension => ({
  oid: dotted,
  critical,
  value,
});

/** A name of common names, outermost first; none is the empty name. */
export const nameOf = (...commonNames: readonly string[]): Uint8Array =>
  sequence(...commonNames.map((value) => rdn('2.5.4.3', utf8String(value))));
export const rdn = (type: string, value: Uint8Array): Uint8Array => set(sequence(oid(type), value));
export const emailRdn = (address: string): Uint8Array =>
  rdn('1.2.840.113549.1.9.1', ia5String(address));

export const basicConstraints = (
  { ca = true, pathLength }: { ca?: boolean; pathLength?: number } = {},
  critical = true,
): Extension =>
  extension(
    oids.basicConstraints,
    sequence(
      ...(ca ? [boolean(true)] : []),
      ...(pathLength === undefined ? [] : [integer(pathLength)]),
    ),
    critical,
  );
export const keyUsage = (...usages: readonly KeyUsage[]): Extension =>
  extension(oids.keyUsage, namedBits(usages.map((usage) => keyUsages.indexOf(usage))), true);
export const extendedKeyUsage = (...purposes: readonly (keyof typeof keyPurposes)[]): Extension =>
  extension(
    oids.extendedKeyUsage,
    sequence(...purposes.map((purpose) => oid(keyPurposes[purpose]))),
  );

const identifierOf = (key: string): Uint8Array =>
  new Uint8Array(createHash('sha1').update(keyOf(key).publicKey.bits).digest());
export const subjectKeyIdentifier = (key: string, critical = false): Extension =>
  extension(oids.subjectKeyIdentifier, octetString(identifierOf(key)), critical);
export const authorityKeyIdentifier = (key: string, critical = false): Extension =>
  extension(oids.authorityKeyIdentifier, sequence(implicit(0, identifierOf(key))), critical);

/** GeneralNames (RFC 5280 4.2.1.6). */
export const general = {
  dns: (name: string) => implicit(2, Buffer.from(name, 'latin1')),
  email: (address: string) => implicit(1, Buffer.from(address, 'latin1')),
  uri: (uri: string) => implicit(6, Buffer.from(uri, 'latin1')),
  ip: (...octets: readonly number[]) => implicit(7, new Uint8Array(octets)),
  directory: (name: Uint8Array) => explicit(4, name),
  other: (text: string) =>
    element(contextConstructed(0), oid('1.2.3.4'), explicit(0, utf8String(text))),
  registeredId: () => implicit(8, new Uint8Array([0x2a, 3, 4])),
};

export const alternativeNames = (
  names: readonly Uint8Array[],
  { critical = false } = {},
): Extension => extension(oids.subjectAltName, sequence(...names), critical);

export function nameConstraints(
  { permitted = [], excluded = [] }: Partial<Record<'permitted' | 'excluded', Uint8Array[]>>,
  critical = true,
): Extension {
  const subtrees = (number: number, bases: readonly Uint8Array[]): Uint8Array[] =>
    bases.length === 0
      ? []
      : [element(contextConstructed(number), ...bases.map((base) => sequence(base)))];
  const value = sequence(...subtrees(0, permitted), ...subtrees(1, excluded));
  return extension(oids.nameConstraints, value, critical);
}

export const certificatePolicies = (policies: readonly string[], critical = false): Extension =>
  extension(
    oids.certificatePolicies,
    sequence(...policies.map((policy) => sequence(oid(policy)))),
    critical,
  );
export const policyMappings = (...pairs: readonly (readonly [string, string])[]): Extension =>
  extension(
    oids.policyMappings,
    sequence(...pairs.map(([issuer, subject]) => sequence(oid(issuer), oid(subject)))),
    true,
  );
export const policyConstraints = (
  { explicit, mapping }: { explicit?: number; mapping?: number },
  critical = true,
): Extension =>
  extension(
    oids.policyConstraints,
    sequence(
      ...(explicit === undefined ? [] : [integer(explicit, 0x80)]),
      ...(mapping === undefined ? [] : [integer(mapping, 0x81)]),
    ),
    critical,
  );
export const inhibitAnyPolicy = (certificates: number, critical = true): Extension =>
  extension(oids.inhibitAnyPolicy, integer(certificates), critical);

export const ocspAccess = (critical = false): Extension =>
  extension(
    oids.authorityInfoAccess,
    sequence(sequence(oid('1.3.6.1.5.5.7.48.1'), general.uri('http://ocsp.example/'))),
    critical,
  );

export const crlDistributionPoints = (critical = false): Extension =>
  extension(
    oids.crlDistributionPoints,
    sequence(
      sequence(
        explicit(0, element(contextConstructed(0), general.uri('http://crl.example/1.crl'))),
      ),
    ),
    critical,
  );

export interface Spec {
  /** The subject's common name, or its DER. */
  readonly subject: string | Uint8Array;
  /** The name of its key; the common name where there is one. */
  readonly key?: string;
  readonly issuer: string | Uint8Array;
  /** The name of the key that signs; the issuer's common name where there is one. */
  readonly signer?: string;
  readonly ca?: boolean;
  readonly pathLength?: number;
  /** Instead of those of the same kind, or in addition to what an ordinary certificate has. */
  readonly extensions?: readonly Extension[];
  /** OIDs of what it does not have. */
  readonly without?: readonly string[];
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly serial?: Uint8Array;
  /** 0 is v1, which has no extensions. */
  readonly version?: 0 | 2;
  /** AlgorithmIdentifiers; that of Ed25519 otherwise. */
  readonly algorithm?: Uint8Array;
  readonly outerAlgorithm?: Uint8Array;
  readonly spki?: Uint8Array;
  /** Bits of the signature flipped. */
  readonly tampered?: boolean;
}

/** A certificate, the same for the same spec. An ordinary one holds from 2026 to 2036. */
export function certify(spec: Spec): Certificate {
  const subjectKey = spec.key ?? labelOf(spec.subject);
  const signer = spec.signer ?? labelOf(spec.issuer);
  const algorithm = spec.algorithm ?? algorithmIdentifier('Ed25519');
  const fields = [
    ...(spec.version === 0 ? [] : [explicit(0, integer(2))]),
    spec.serial === undefined ? serialOf(spec) : element(0x02, spec.serial),
    algorithm,
    typeof spec.issuer === 'string' ? nameOf(spec.issuer) : spec.issuer,
    sequence(
      time(new Date(spec.notBefore ?? '2026-01-01T00:00:00Z')),
      time(new Date(spec.notAfter ?? '2036-01-01T00:00:00Z')),
    ),
    typeof spec.subject === 'string' ? nameOf(spec.subject) : spec.subject,
    spec.spki ?? keyOf(subjectKey).publicKey.spki,
    ...(spec.version === 0 ? [] : [explicit(3, extensionsOf(spec, subjectKey, signer))]),
  ];
  const tbs = sequence(...fields);
  const signature = new Uint8Array(sign(null, tbs, keyOf(signer).privateKey));
  if (spec.tampered) signature[20] = (signature[20] as number) ^ 1;
  return readCertificate(sequence(tbs, spec.outerAlgorithm ?? algorithm, bitString(signature)));
}

const labelOf = (name: string | Uint8Array): string =>
  typeof name === 'string' ? name : Buffer.from(name).toString('hex');

/** Another one for every other certificate. */
function serialOf(spec: Spec): Uint8Array {
  const text = JSON.stringify(spec, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
  const digest = createHash('sha256').update(text).digest().subarray(0, 12);
  return unsignedInteger(Buffer.concat([Buffer.from([0x55]), digest]));
}

function extensionsOf(spec: Spec, subjectKey: string, signer: string): Uint8Array {
  const { ca = false, pathLength, extensions = [], without = [] } = spec;
  const ordinary = [
    basicConstraints({ ca, ...(pathLength !== undefined && { pathLength }) }),
    ca ? keyUsage('keyCertSign', 'cRLSign') : keyUsage('digitalSignature'),
    subjectKeyIdentifier(subjectKey),
    ...(signer === subjectKey ? [] : [authorityKeyIdentifier(signer)]),
  ];
  const replaced = new Set(extensions.map((each) => each.oid));
  const all = [
    ...ordinary.filter((each) => !replaced.has(each.oid) && !without.includes(each.oid)),
    ...extensions,
  ];
  return sequence(...all.map((each) => writeRawExtension(each.oid, each.critical, each.value)));
}

export const root = (subject: string, more: Partial<Spec> = {}): Certificate =>
  certify({ subject, issuer: subject, ca: true, ...more });
export const authority = (subject: string, issuer: string, more: Partial<Spec> = {}): Certificate =>
  certify({ subject, issuer, ca: true, ...more });
export const leaf = (issuer: string, more: Partial<Spec> = {}): Certificate =>
  certify({ subject: 'Leaf', issuer, ...more });

export const pemOf = ({ der }: Certificate): string => toPem('CERTIFICATE', der);
