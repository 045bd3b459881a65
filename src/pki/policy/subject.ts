/**
 * The subject of a certificate. It is built from the profile's rules and from nothing else: what
 * the request says is a candidate for those values that the profile takes from it. Attributes
 * that no rule takes (chargers send C, ST, L, OU, emailAddress as their firmware pleases) are
 * ignored rather than refused, because they end up nowhere.
 */

import type { DistinguishedName, NameAttribute } from '../names.ts';
import type { RegisteredFact, SubjectRule, SubjectSource } from '../profile.ts';
import { type Violation, violation } from '../violations.ts';
import { MAX_NAME_CHARACTERS } from './free-text.ts';
import { quote } from './quote.ts';
import { comparableValue, normalValue } from './value-forms.ts';

/** What is registered about the one a certificate is for; absent where nothing is. */
export type Facts = Partial<Record<RegisteredFact, string>>;

export interface BuiltSubject {
  /** Complete only without violations. */
  readonly subject: DistinguishedName;
  readonly violations: readonly Violation[];
}

/** A value for the subject, undefined where there is none, or why it cannot be used. */
type Found =
  | { readonly value: string | undefined }
  | { readonly violation: Omit<Violation, 'field'> };

/**
 * Builds the subject, in the order of the rules. Values are written in the normal form of their
 * kind; where one must equal a registered fact, the registered spelling is written, so that two
 * spellings of one identity never make two subjects.
 */
export function buildSubject(
  rules: readonly SubjectRule[],
  requested: DistinguishedName,
  facts: Facts,
): BuiltSubject {
  const attributes: NameAttribute[] = [];
  const violations: Violation[] = [];
  for (const rule of rules) {
    const field = `subject.${rule.attribute}`;
    const found = sourceValue(rule.source, rule.attribute, requested, facts);
    if ('violation' in found) {
      violations.push({ ...found.violation, field });
    } else if (found.value !== undefined) {
      // Identifiers may be longer than a name allows: an EVCCID has up to 255 characters.
      if (isTooLong(found.value)) {
        const message = `${quote(found.value)} is longer than ${MAX_NAME_CHARACTERS} characters.`;
        violations.push(violation('subject-attribute-invalid', message, field));
      } else {
        attributes.push({ type: rule.attribute, value: found.value });
      }
    } else if (!rule.optional) {
      const message = missing(rule.source, rule.attribute);
      violations.push(violation('subject-attribute-missing', message, field));
    }
  }
  return { subject: { attributes }, violations };
}

/** In characters, of which a string has no more than it has UTF-16 units. */
const isTooLong = (value: string): boolean =>
  value.length > MAX_NAME_CHARACTERS && [...value].length > MAX_NAME_CHARACTERS;

function sourceValue(
  source: SubjectSource,
  attribute: string,
  requested: DistinguishedName,
  facts: Facts,
): Found {
  switch (source.from) {
    case 'fixed':
      return { value: source.value };
    case 'registered':
      return registeredValue(source, facts);
    case 'request':
      return requestedValue(source, attribute, requested, facts);
  }
}

function registeredValue(
  { fact, form }: SubjectSource & { from: 'registered' },
  facts: Facts,
): Found {
  const text = facts[fact];
  if (text === undefined) return { value: undefined };
  const normal = normalValue(form, text);
  if (normal.ok) return { value: normal.value };
  return invalid(`The registered ${fact} ${quote(text)} is not a ${form}: ${normal.reason}.`);
}

function requestedValue(
  { form, equals }: SubjectSource & { from: 'request' },
  attribute: string,
  requested: DistinguishedName,
  facts: Facts,
): Found {
  const [first, second] = requested.attributes.filter(({ type }) => type === attribute);
  if (first === undefined) return { value: undefined };
  // Which of two would count is for the reader of a certificate to guess; nobody should have to.
  if (second !== undefined) return invalid(`The request names ${attribute} more than once.`);
  const normal = normalValue(form, first.value);
  if (!normal.ok) return invalid(`${quote(first.value)} is not a ${form}: ${normal.reason}.`);

  const fact = equals === undefined ? undefined : facts[equals];
  if (fact === undefined) return { value: normal.value };
  const registered = normalValue(form, fact);
  if (!registered.ok) {
    return invalid(
      `The registered ${equals} ${quote(fact)} is not a ${form}: ${registered.reason}.`,
    );
  }
  if (comparableValue(form, normal.value) !== comparableValue(form, registered.value)) {
    const message = `${quote(first.value)} is not the registered ${equals} ${quote(fact)}.`;
    return { violation: { code: 'subject-attribute-mismatch', message } };
  }
  return { value: registered.value };
}

const invalid = (message: string): Found => ({
  violation: { code: 'subject-attribute-invalid', message },
});

const missing = (source: SubjectSource, attribute: string): string =>
  source.from === 'registered'
    ? `No ${source.fact} is registered, which ${attribute} is made of.`
    : `The request has no ${attribute}.`;
