/**
 * Cross-certification: the name, the key and the key identifier of a cross-certificate are those
 * of another root's own certificate, octet by octet. Whoever builds a path from below that root
 * looks for exactly these (RFC 5280 4.2.1.1, 7.1); a name rebuilt by rules of ours would be another
 * name.
 */

import { DerReader } from '../der.ts';
import { DerError } from '../der-element.ts';
import { attributeValue, type DistinguishedName, NameError, readName } from '../names.ts';
import type { SubjectRule } from '../profile.ts';
import { type Violation, violation } from '../violations.ts';
import { quote } from './quote.ts';
import { type BuiltSubject, buildSubject } from './subject.ts';

/** Another root, as its own certificate has it. */
export interface CertifiedRoot {
  readonly subject: DistinguishedName;
  readonly subjectDer: Uint8Array;
  readonly spki: Uint8Array;
  readonly keyIdentifier: Uint8Array;
  /** SHA-256 of that certificate, hex. */
  readonly sha256: string;
}

/**
 * The subject of the other root, and what the profile has against it: every attribute that the
 * profile demands is there, with a value that it would have written itself. Their order, and what
 * else the name says, is the other root's.
 */
export function certifiedSubject(
  rules: readonly SubjectRule[],
  { subject, subjectDer }: CertifiedRoot,
): BuiltSubject {
  const malformed = strictNameProblem(subjectDer);
  if (malformed !== undefined) {
    return { subject, violations: [violation('subject-malformed', malformed, 'subject')] };
  }
  const wanted = buildSubject(rules, subject, {});
  const different = wanted.subject.attributes.flatMap(({ type, value }): Violation[] => {
    const found = attributeValue(subject, type);
    if (found === value) return [];
    const said = found === undefined ? 'has none' : `says ${quote(found)}`;
    const message = `${type} is to be ${quote(value)}; the other root ${said}.`;
    return [violation('subject-attribute-mismatch', message, `subject.${type}`)];
  });
  return { subject, violations: [...wanted.violations, ...different] };
}

function strictNameProblem(der: Uint8Array): string | undefined {
  try {
    readName(DerReader.over(der, der.length));
    return undefined;
  } catch (error) {
    if (error instanceof NameError || error instanceof DerError) return `${error.message}.`;
    throw error;
  }
}
