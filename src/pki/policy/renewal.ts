/**
 * What a renewal may change: the key, and nothing that the profile takes from a request. That the
 * names were vouched for once is why they need not be vouched for again, so they have to be the
 * same (RFC 7030 4.2.2). Registered values are today's: an organization may have been renamed.
 */

import { sameBytes } from '../byte-order.ts';
import type { AnyGeneralName } from '../extensions/general-names.ts';
import { attributeValue, type DistinguishedName } from '../names.ts';
import type { Profile } from '../profile.ts';
import type { GeneralName } from '../template.ts';
import { type Violation, violation } from '../violations.ts';
import { quote } from './quote.ts';

/** What the certificate that is renewed says. */
export interface RenewedFacts {
  readonly subject: DistinguishedName;
  readonly names: readonly AnyGeneralName[];
  readonly spki: Uint8Array;
}

export interface RenewalInput {
  readonly renewed: RenewedFacts;
  readonly profile: Profile;
  /** What the new certificate would say, as far as nothing speaks against it. */
  readonly subject: DistinguishedName;
  readonly names: readonly GeneralName[];
  readonly spki: Uint8Array;
}

/** Every difference that a renewal must not have. */
export function checkRenewal({ renewed, profile, ...wanted }: RenewalInput): readonly Violation[] {
  const violations: Violation[] = [];
  for (const { attribute, source } of profile.subject) {
    if (source.from !== 'request') continue;
    const before = attributeValue(renewed.subject, attribute);
    const now = attributeValue(wanted.subject, attribute);
    if (before === now) continue;
    const message = `${textOf(now)} is not the ${attribute} of the renewed certificate, ${textOf(before)}.`;
    violations.push(violation('renewal-mismatch', message, `subject.${attribute}`));
  }
  if (profile.extensions.subjectAltName && listOf(renewed.names) !== listOf(wanted.names)) {
    const message = `The names are not those of the renewed certificate, ${listOf(renewed.names) || 'which has none'}.`;
    violations.push(violation('renewal-mismatch', message, 'extensions.subjectAltName'));
  }
  if (!profile.request.sameKeyRenewal && sameBytes(renewed.spki, wanted.spki)) {
    const message = `The key is that of the renewed certificate; ${profile.name} wants a new one.`;
    violations.push(violation('renewal-same-key', message, 'publicKey'));
  }
  return violations;
}

const textOf = (value: string | undefined): string => (value === undefined ? 'none' : quote(value));

/** Order says nothing: a set of names is renewed by the same set. */
const listOf = (names: readonly AnyGeneralName[]): string =>
  names
    .map((name) =>
      name.kind === 'other'
        ? `tag 0x${name.tag.toString(16)}`
        : `${name.kind}:${quote(name.value)}`,
    )
    .sort()
    .join(', ');
