/** Lint rules about the subject: as a name, and against the profile's rules. */

import { sameBytes } from '../byte-order.ts';
import { DerReader } from '../der.ts';
import { DerError } from '../der-element.ts';
import { type DistinguishedName, NameError, readName } from '../names.ts';
import { normalValue } from '../policy/value-forms.ts';
import type { CertificateKind } from '../profile.ts';
import type { LintCheck } from './rule.ts';

/**
 * One attribute per RDN, each type once, the right string types and lengths, no characters that
 * a reader could overlook. The certificate was read with the forgiving reader for other people's
 * names; here the strict one reads the same bytes.
 */
export const hasStrictSubject: LintCheck = ({ subjectDer }) => {
  try {
    readName(DerReader.over(subjectDer, subjectDer.length));
    return undefined;
  } catch (error) {
    if (error instanceof NameError || error instanceof DerError) return `${error.message}.`;
    throw error;
  }
};

/**
 * Exactly the attributes of the profile in its order; only optional ones may be left out. The name
 * of another root has them all, and is otherwise its own.
 */
export const hasAttributesOfProfile: LintCheck = ({ subject }, { profile, certified }) => {
  const types = subject.attributes.map(({ type }) => type);
  if (certified) {
    const missing = profile.subject.filter(
      ({ attribute, optional }) => !optional && !types.includes(attribute),
    );
    return missing.length === 0
      ? undefined
      : `The subject lacks ${missing.map(({ attribute }) => attribute).join(', ')}.`;
  }
  const wanted: string[] = [];
  // The methods of arrays take a detour where an array is frozen, as those of profiles are.
  for (const { attribute, optional } of profile.subject) {
    if (!optional || types.includes(attribute)) wanted.push(attribute);
  }
  return types.length === wanted.length && types.every((type, index) => type === wanted[index])
    ? undefined
    : `The subject is made of ${types.join(', ')}, not of ${wanted.join(', ')}.`;
};

export const hasFixedValuesOfProfile: LintCheck = ({ subject }, { profile }) => {
  const wrong: string[] = [];
  for (const { attribute, source } of profile.subject) {
    if (source.from !== 'fixed') continue;
    const others = valuesOf(subject, attribute).some((value) => value !== source.value);
    if (others) wrong.push(attribute);
  }
  return wrong.length === 0
    ? undefined
    : `The profile fixes ${wrong.join(', ')} to something else.`;
};

/** Identifiers stand in the subject in their normal form, so that one identity is one name. */
export const hasNormalValues: LintCheck = ({ subject }, { profile }) => {
  for (const { attribute, source } of profile.subject) {
    if (source.from === 'fixed') continue;
    for (const value of valuesOf(subject, attribute)) {
      const normal = normalValue(source.form, value);
      if (!normal.ok || normal.value !== value) {
        return `${attribute} is not a ${source.form} in normal form.`;
      }
    }
  }
  return undefined;
};

/** Octet by octet: whoever builds paths compares no less (RFC 5280 4.2.1.1, 7.1). */
export const repeatsCertifiedRoot: LintCheck = (tbs, { profile, certified }) => {
  if ((profile.kind === 'cross-ca') !== (certified !== undefined)) {
    return 'Cross-certificates, and only they, are for the certificate of another root.';
  }
  if (certified === undefined) return undefined;
  const found = tbs.extensions.subjectKeyIdentifier?.value;
  const different = [
    ...(sameBytes(tbs.subjectDer, certified.subjectDer) ? [] : ['name']),
    ...(sameBytes(tbs.spki, certified.spki) ? [] : ['key']),
    ...(found && sameBytes(found, certified.keyIdentifier) ? [] : ['key identifier']),
  ];
  return different.length === 0
    ? undefined
    : `The ${different.join(' and the ')} is not that of the other root.`;
};

export const hasSubjectOrCriticalNames: LintCheck = ({ subject, extensions }) => {
  if (subject.attributes.length > 0) return undefined;
  if (extensions.basicConstraints?.ca) return 'An authority has an empty subject.';
  return extensions.subjectAltName?.critical
    ? undefined
    : 'The subject is empty and no critical subject alternative name says whose it is.';
};

/** The branches of ISO 15118, which mark their certificates with a domain component. */
const branches: ReadonlySet<string> = new Set(['V2G', 'CPO', 'CPS', 'MO', 'OEM']);

/**
 * RFC 4519 2.4 and RFC 2247 make domain components the labels of a domain name. ISO 15118-2
 * Annex F uses the attribute for something else, to mark the branch of a certificate, and
 * vehicles check it. This is the one named waiver that our lint knows: a single DC that is one
 * of the five branches need not be a domain name.
 */
export const hasDomainOrBranch: LintCheck = ({ subject }) => {
  const labels = valuesOf(subject, 'DC');
  const [only] = labels;
  if (only === undefined || (labels.length === 1 && branches.has(only))) return undefined;
  const isDomain =
    labels.length > 1 &&
    labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
  return isDomain
    ? undefined
    : `DC=${labels.join(', DC=')} is neither a domain name nor a branch of ISO 15118.`;
};

/** The branch of each kind of leaf, and whether ISO 15118-2 makes its mark a condition. */
const branchOf: { readonly [kind in CertificateKind]?: { branch: string; required: boolean } } = {
  secc: { branch: 'CPO', required: true },
  'station-combined': { branch: 'CPO', required: true },
  cps: { branch: 'CPS', required: true },
  'oem-provisioning': { branch: 'OEM', required: true },
  contract: { branch: 'MO', required: false },
  vehicle: { branch: 'OEM', required: false },
};

/**
 * ISO 15118-2 [V2G2-925]: without its mark a leaf is not valid. Part 20 leaves it optional, so a
 * profile has to say that it is of part 20; whatever else it says, these kinds are of ISO 15118.
 */
export const hasBranchOfKind: LintCheck = ({ subject }, { profile }) => {
  const expected = branchOf[profile.kind];
  if (expected === undefined) return undefined;
  const found = valuesOf(subject, 'DC');
  const isPart20 = /ISO 15118-20/.test(profile.standard);
  const required = expected.required && (!isPart20 || /ISO 15118-2(?!0)/.test(profile.standard));
  if (found.length === 0 && !required) return undefined;
  return found.length === 1 && found[0] === expected.branch
    ? undefined
    : `A certificate of kind ${profile.kind} has DC=${expected.branch}, this one ${found.join(', ') || 'none'}.`;
};

const valuesOf = (name: DistinguishedName, type: string): readonly string[] =>
  name.attributes.filter((attribute) => attribute.type === type).map(({ value }) => value);
