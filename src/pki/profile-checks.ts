/**
 * The rules of profiles that a shape cannot express: what RFC 5280 and the EV standards demand of
 * one field because of another. Each check reports all that it finds and skips what is missing or
 * already wrong in shape, so that it can run beside the other checks of a broken file.
 */

import { declarationPath } from './declaration-errors.ts';
import { parseDuration } from './durations.ts';
import { type KeyFamily, keyFamilies, keyFamily } from './profile.ts';
import type { Extensions, ProfileFile } from './profile-schema.ts';
import type { KeyAlgorithm } from './public-key.ts';
import type { KeyUsage } from './template.ts';

/** A profile file as far as its sections have the right shape. */
export interface Readable {
  readonly file: Partial<ProfileFile>;
  readonly extensions: Partial<Extensions>;
  /** Whether a section or extension is in the file at all, readable or not. */
  readonly has: (section: keyof ProfileFile | `extensions.${keyof Extensions}`) => boolean;
}

export type Report = (path: readonly PropertyKey[], message: string) => void;

const authorityKinds: readonly string[] = ['root-ca', 'sub-ca', 'cross-ca'];

export function checkProfile(readable: Readable, report: Report): void {
  checkAuthority(readable, report);
  checkKeyUsage(readable, report);
  checkPurposes(readable, report);
  checkIdentifiers(readable, report);
  checkLocations(readable, report);
  checkValidity(readable, report);
  checkRequest(readable, report);
  checkRepeats(readable, report);
  checkExported(readable, report);
  const { issuedBy, kind } = readable.file;
  if (issuedBy && kind) checkIssuedBy(issuedBy, kind, ['issuedBy'], report);
  if (readable.has('anchorFor') && kind && kind !== 'root-ca') {
    report(['anchorFor'], 'is only for a root-ca: nothing else is where chains end');
  }
  if (readable.has('rootType') && kind && kind !== 'root-ca') {
    report(['rootType'], 'is only for a root-ca: nothing else is in the pool of roots');
  }
}

/**
 * A key that is handed out signs whatever its holder likes: relying parties have to be told what
 * they may take from it. OCSPSigning would make it a responder of the root above (RFC 6960 4.2.2.2).
 */
function checkExported({ file, extensions }: Readable, report: Report): void {
  if (file.exported === undefined) return;
  if (file.kind && file.kind !== 'sub-ca') report(['exported'], 'is only for a sub-ca');
  const { basicConstraints, extendedKeyUsage } = extensions;
  if (basicConstraints && basicConstraints.pathLength !== 0) {
    report(['exported'], 'needs pathLength 0: no further authorities');
  }
  const purposes = extendedKeyUsage?.purposes ?? [];
  if (purposes.length !== 1 || purposes[0] !== 'clientAuth') {
    report(['exported'], 'needs extendedKeyUsage with clientAuth and nothing else');
  }
}

/** `self` and `any` stand alone; roots and only roots sign themselves. */
export function checkIssuedBy(
  issuedBy: readonly string[],
  kind: ProfileFile['kind'],
  path: readonly PropertyKey[],
  report: Report,
): void {
  for (const word of ['self', 'any']) {
    if (issuedBy.includes(word) && issuedBy.length > 1) report(path, `${word} must stand alone`);
  }
  if (issuedBy.includes('self') !== (kind === 'root-ca')) {
    report(path, 'a root-ca, and nothing else, is issued by [self]');
  }
  if (issuedBy.includes('any') && kind !== 'ocsp-responder') {
    report(path, 'only an ocsp-responder may be issued by [any]: name the profiles of its issuers');
  }
  reportRepeats(issuedBy, path, report);
}

/** RFC 5280 4.2.1.3, 4.2.1.9: what makes an authority, all of it or none of it. */
function checkAuthority({ file, extensions, has }: Readable, report: Report): void {
  const { basicConstraints, keyUsage } = extensions;
  const unreadable = has('extensions.basicConstraints') && basicConstraints === undefined;
  if (unreadable) return;
  const path = ['extensions', 'basicConstraints'];
  const ca = basicConstraints?.ca ?? false;
  if (file.kind && authorityKinds.includes(file.kind) !== ca) {
    report([...path, 'ca'], `must be ${!ca} in a profile of kind ${file.kind}`);
  }
  if (ca && basicConstraints?.critical === false) {
    report([...path, 'critical'], 'must be true in an authority (RFC 5280 4.2.1.9)');
  }
  if (!ca && basicConstraints?.pathLength !== undefined) {
    report([...path, 'pathLength'], 'is only for authorities (RFC 5280 4.2.1.9)');
  }
  if (keyUsage) {
    // evpki publishes a CRL for every authority, signed by its own key.
    for (const usage of ['keyCertSign', 'cRLSign'] as const) {
      if (keyUsage.usages.includes(usage) === ca) continue;
      const message = ca
        ? `must include ${usage} in an authority (RFC 5280 4.2.1.3)`
        : `must not include ${usage} without basicConstraints.ca (RFC 5280 4.2.1.3)`;
      report(['extensions', 'keyUsage', 'usages'], message);
    }
    if (ca && !keyUsage.critical) {
      report(['extensions', 'keyUsage', 'critical'], 'must be true in an authority');
    }
    if (keyUsage.byKey && ca) {
      report(['extensions', 'keyUsage', 'byKey'], 'is not for authorities');
    }
  }
  if (ca && !has('revocation')) {
    report(['revocation'], 'is missing: an authority says how long its OCSP answers and CRLs hold');
  } else if (!ca && has('revocation')) {
    report(['revocation'], 'is only for authorities');
  }
}

const encipherment: readonly KeyUsage[] = ['keyEncipherment', 'dataEncipherment'];
const agreement: readonly KeyUsage[] = ['keyAgreement', 'encipherOnly', 'decipherOnly'];
const impossible: Record<KeyFamily, { usages: readonly KeyUsage[]; clause: string }> = {
  EC: { usages: encipherment, clause: 'RFC 8813 3' },
  EdDSA: { usages: [...encipherment, ...agreement], clause: 'RFC 9295 3' },
  RSA: { usages: agreement, clause: 'RFC 3279 2.3.1' },
};

/** No certificate may claim that its key does what keys of its type cannot do. */
function checkKeyUsage({ file, extensions }: Readable, report: Report): void {
  const keyUsage = extensions.keyUsage;
  if (!keyUsage) return;
  const path = ['extensions', 'keyUsage'];
  const families = new Set(file.keys?.map(keyFamily));
  for (const family of keyFamilies) {
    const own = keyUsage.byKey?.[family];
    const ownPath = own ? [...path, 'byKey', family] : [...path, 'usages'];
    if (own && file.keys && !families.has(family)) report(ownPath, 'is for keys not in keys');
    if (own?.some((usage) => usage === 'keyCertSign' || usage === 'cRLSign')) {
      report(ownPath, 'must not include keyCertSign or cRLSign');
    }
    if (!families.has(family)) continue;
    // ISO 15118-2 Annex F gives contract certificates keyEncipherment, years before RFC 8813.
    if (family === 'EC' && file.kind === 'contract') continue;
    const { usages, clause } = impossible[family];
    for (const usage of (own ?? keyUsage.usages).filter((each) => usages.includes(each))) {
      report(ownPath, `${usage} is not possible with ${family} keys (${clause})`);
    }
  }
  checkAgreement(keyUsage.usages, [...path, 'usages'], report);
  for (const family of keyFamilies) {
    checkAgreement(keyUsage.byKey?.[family] ?? [], [...path, 'byKey', family], report);
  }
}

/** RFC 5280 4.2.1.3: these two have no meaning without keyAgreement. */
function checkAgreement(
  usages: readonly KeyUsage[],
  path: readonly PropertyKey[],
  report: Report,
): void {
  if (usages.includes('keyAgreement')) return;
  for (const usage of ['encipherOnly', 'decipherOnly'] as const) {
    if (usages.includes(usage)) report(path, `${usage} needs keyAgreement (RFC 5280 4.2.1.3)`);
  }
}

function checkPurposes({ file, extensions, has }: Readable, report: Report): void {
  const { basicConstraints, extendedKeyUsage } = extensions;
  const path = ['extensions', 'extendedKeyUsage', 'purposes'];
  const purposes = extendedKeyUsage?.purposes ?? [];
  const signsOcsp = purposes.includes('OCSPSigning');
  if (basicConstraints?.ca && basicConstraints.pathLength !== 0) {
    // In an authority these constrain what is below it, which only makes sense just above leaves.
    // OCSPSigning is a purpose of its own key, and V2G roots in the field carry it.
    for (const purpose of purposes.filter((each) => each !== 'OCSPSigning')) {
      report(path, `an authority may have ${purpose} only with pathLength 0`);
    }
  }
  if (has('extensions.extendedKeyUsage') && !extendedKeyUsage) return;
  const isResponder = file.kind === 'ocsp-responder';
  if (file.kind && !authorityKinds.includes(file.kind) && isResponder !== signsOcsp) {
    report(path, 'an ocsp-responder, and no other leaf, has OCSPSigning (RFC 6960 4.2.2.2)');
  }
  if (has('extensions.ocspNoCheck') && !signsOcsp) {
    report(['extensions', 'ocspNoCheck'], 'is only for OCSPSigning (RFC 6960 4.2.2.2.1)');
  }
}

/** RFC 5280 4.2.1.1, 4.2.1.2, 4.2.2.1, and the CRL distribution points of 4.2.1.13. */
function checkIdentifiers({ file, extensions, has }: Readable, report: Report): void {
  if (extensions.basicConstraints?.ca && !has('extensions.subjectKeyIdentifier')) {
    report(['extensions', 'subjectKeyIdentifier'], 'is missing in an authority');
  }
  if (file.kind && file.kind !== 'root-ca' && !has('extensions.authorityKeyIdentifier')) {
    report(['extensions', 'authorityKeyIdentifier'], 'is missing: only roots go without it');
  }
  checkContractKeyIdentifier({ file, extensions, has }, report);
  for (const name of [
    'subjectKeyIdentifier',
    'authorityKeyIdentifier',
    'authorityInfoAccess',
    'crlDistributionPoints',
  ] as const) {
    if (extensions[name]?.critical !== true) continue;
    const message = 'must be false (RFC 5280); a standard that wants it critical gets a variant';
    report(['extensions', name, 'critical'], message);
  }
}

/** Keys of ISO 15118-20 contracts. */
const sealedUnderIdentifier: readonly KeyAlgorithm[] = ['P-521', 'Ed448'];

/**
 * A contract key of ISO 15118-20 is sealed under its certificate's key identifier, 8 octets of
 * additional data: with another one no vehicle could open it.
 */
function checkContractKeyIdentifier(
  { file: { kind, keys }, extensions: { subjectKeyIdentifier }, has }: Readable,
  report: Report,
): void {
  if (kind !== 'contract' || !keys?.some((key) => sealedUnderIdentifier.includes(key))) return;
  const path = ['extensions', 'subjectKeyIdentifier'];
  if (subjectKeyIdentifier) {
    if (subjectKeyIdentifier.octets === 8) return;
    report([...path, 'octets'], 'must be 8 in a contract of ISO 15118-20 ([V2G20-2492])');
  } else if (!has('extensions.subjectKeyIdentifier')) {
    report(path, 'is missing in a contract of ISO 15118-20 ([V2G20-2492])');
  }
}

function checkLocations({ file, extensions }: Readable, report: Report): void {
  const access = extensions.authorityInfoAccess;
  if (access && !access.ocsp && !access.caIssuers) {
    report(['extensions', 'authorityInfoAccess'], 'must have ocsp or caIssuers');
  }
  const names = extensions.subjectAltName;
  if (!names?.includeCommonName) return;
  const path = ['extensions', 'subjectAltName'];
  if (!names.kinds.includes('dns'))
    report([...path, 'kinds'], 'must have dns, for the common name');
  const source = file.subject?.find((rule) => rule.CN)?.CN;
  const isHost = source?.request === 'dns-name' || source?.registered === 'server.host';
  if (file.subject && !isHost && source?.equals !== 'server.host') {
    report([...path, 'includeCommonName'], 'is only for a CN that is a host name');
  }
}

const longestBackdate = parseDuration('PT24H');

function checkValidity({ file }: Readable, report: Report): void {
  if (!file.validity) return;
  const length = (key: keyof ProfileFile['validity']): number => {
    const read = parseDuration(file.validity?.[key] ?? '');
    return read.ok ? read.value : Number.NaN;
  };
  const [normal, maximum, minimum] = [length('default'), length('maximum'), length('minimum')];
  if (minimum === 0) report(['validity', 'minimum'], 'must be more than nothing');
  if (normal > maximum) report(['validity', 'default'], 'must not be over maximum');
  if (minimum > normal) report(['validity', 'minimum'], 'must not be over default');
  if (longestBackdate.ok && length('backdate') > longestBackdate.value) {
    report(['validity', 'backdate'], 'must not be over PT24H');
  }
  if (length('backdate') >= normal) report(['validity', 'backdate'], 'must be less than default');
  for (const key of ['ocspValidity', 'crlValidity'] as const) {
    const read = file.revocation && parseDuration(file.revocation[key]);
    if (read?.ok && read.value === 0) report(['revocation', key], 'must be more than nothing');
  }
}

function checkRequest({ file, has }: Readable, report: Report): void {
  const { allowedExtensions = [], ignoredExtensions = [] } = file.request ?? {};
  for (const [index, name] of allowedExtensions.entries()) {
    const path = ['request', 'allowedExtensions', index];
    if (!has(`extensions.${name}`)) report(path, `${name} is not in extensions: nothing to grant`);
    if (ignoredExtensions.some((ignored) => ignored === name)) {
      report(path, `${name} is also in ignoredExtensions`);
    }
  }
}

function checkRepeats({ file, extensions }: Readable, report: Report): void {
  const { usages, byKey = {} } = extensions.keyUsage ?? {};
  const lists: readonly [readonly string[] | undefined, readonly string[]][] = [
    [file.keys, ['keys']],
    [file.anchorFor, ['anchorFor']],
    [usages, ['extensions', 'keyUsage', 'usages']],
    ...keyFamilies
      .map((family) => [byKey[family], ['extensions', 'keyUsage', 'byKey', family]] as const)
      .map(([list, path]): [readonly string[] | undefined, readonly string[]] => [list, path]),
    [extensions.extendedKeyUsage?.purposes, ['extensions', 'extendedKeyUsage', 'purposes']],
    [extensions.certificatePolicies?.policies, ['extensions', 'certificatePolicies', 'policies']],
    [extensions.subjectAltName?.kinds, ['extensions', 'subjectAltName', 'kinds']],
    [file.request?.allowedExtensions, ['request', 'allowedExtensions']],
    [file.request?.ignoredExtensions, ['request', 'ignoredExtensions']],
  ];
  for (const [list, path] of lists) if (list) reportRepeats(list, path, report);
}

export function reportRepeats(
  list: readonly string[],
  path: readonly PropertyKey[],
  report: Report,
): void {
  for (const [index, item] of list.entries()) {
    const first = list.indexOf(item);
    if (first !== index) report([...path, index], `repeats ${declarationPath([...path, first])}`);
  }
}
