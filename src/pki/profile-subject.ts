/** The subject of a profile: how its rules are written, and which of them make sense. */

import { suggestion } from './declaration-errors.ts';
import { parseFreeText } from './policy/free-text.ts';
import type { RegisteredFact, SubjectRule, SubjectSource, ValueForm } from './profile.ts';
import type { Report } from './profile-checks.ts';
import type { ProfileFile, SubjectSourceFile } from './profile-schema.ts';

type Attribute = SubjectRule['attribute'];
type RuleFile = ProfileFile['subject'][number];

/** The form of every registered fact, so that a profile need not repeat it. */
const factForms: Record<RegisteredFact, ValueForm> = {
  'organization.name': 'organization-name',
  'organization.country': 'country',
  'authority.name': 'common-name',
  'station.identity': 'common-name',
  'station.serialNumber': 'station-serial-number',
  'station.seccId': 'secc-id',
  'contract.emaid': 'emaid',
  'provisioning.pcid': 'pcid',
  'vehicle.evccId': 'evcc-id',
  'server.host': 'dns-name',
};

const names: readonly ValueForm[] = ['common-name', 'organization-name'];
const attributeForms: Record<Attribute, (form: ValueForm) => boolean> = {
  CN: (form) => form !== 'country' && form !== 'organization-name',
  O: (form) => names.includes(form),
  OU: (form) => names.includes(form),
  C: (form) => form === 'country',
  DC: () => false,
};

/** Vehicles and chargers look for one of these (ISO 15118-2 [V2G2-925]). */
const domainComponents = ['V2G', 'CPO', 'CPS', 'MO', 'OEM'];

const entries = (rule: RuleFile): [Attribute, SubjectSourceFile][] =>
  Object.entries(rule) as [Attribute, SubjectSourceFile][];

/** Reports every rule that is ambiguous or gives an attribute what it cannot hold. */
export function checkSubject(rules: ProfileFile['subject'], report: Report): void {
  const seen = new Set<Attribute>();
  for (const [index, rule] of rules.entries()) {
    const attributes = entries(rule);
    if (attributes.length !== 1) {
      report(['subject', index], 'must have exactly one of CN, O, OU, C, DC');
    }
    for (const [attribute, source] of attributes) {
      const path = ['subject', index, attribute];
      if (seen.has(attribute)) report(path, `${attribute} is in the subject already`);
      seen.add(attribute);
      checkSource(attribute, source, path, report);
    }
  }
  if (rules.every((rule) => entries(rule).every(([, source]) => source.optional))) {
    report(['subject'], 'must have an attribute that is not optional (RFC 5280 4.1.2.6)');
  }
}

function checkSource(
  attribute: Attribute,
  source: SubjectSourceFile,
  path: readonly PropertyKey[],
  report: Report,
): void {
  const { fixed, registered, request, equals } = source;
  const given = [fixed, registered, request].filter((value) => value !== undefined);
  if (given.length !== 1) report(path, 'must have exactly one of fixed, registered, request');
  if (equals !== undefined && request === undefined) {
    report([...path, 'equals'], 'is only for a value taken from the request');
  }
  if (fixed !== undefined) {
    if (source.optional) report([...path, 'optional'], 'is not for a fixed value');
    checkFixed(attribute, fixed, [...path, 'fixed'], report);
  }
  const fits = attributeForms[attribute];
  if (registered !== undefined && !fits(factForms[registered])) {
    report([...path, 'registered'], `${registered} does not belong into ${attribute}`);
  }
  if (request !== undefined && !fits(request)) {
    report([...path, 'request'], `${request} does not belong into ${attribute}`);
  }
  // A host may also be an IP address, which is no dns-name; then the CN is demanded as free text.
  const isHost = equals === 'server.host' && request === 'common-name';
  if (request !== undefined && equals !== undefined && !isHost && factForms[equals] !== request) {
    report([...path, 'equals'], `${equals} has the form ${factForms[equals]}, not ${request}`);
  }
}

function checkFixed(
  attribute: Attribute,
  value: string,
  path: readonly PropertyKey[],
  report: Report,
): void {
  if (attribute === 'DC') {
    if (domainComponents.includes(value)) return;
    const hint = suggestion(value, domainComponents) || '.';
    report(path, `must be one of ${domainComponents.join(', ')}; found "${value}"${hint}`);
  } else if (attribute === 'C') {
    if (!/^[A-Z]{2}$/.test(value)) report(path, 'must be two upper-case letters (ISO 3166-1)');
  } else {
    const text = parseFreeText(value);
    if (!text.ok) report(path, `cannot be in a name: ${text.reason}`);
  }
}

/** The rules of a subject that has passed `checkSubject`. */
export const subjectRules = (rules: ProfileFile['subject']): readonly SubjectRule[] =>
  rules.flatMap(entries).map(([attribute, source]) => ({
    attribute,
    source: subjectSource(source),
    optional: source.optional ?? false,
  }));

function subjectSource({ fixed, registered, request, equals }: SubjectSourceFile): SubjectSource {
  if (fixed !== undefined) return { from: 'fixed', value: fixed };
  if (registered !== undefined) {
    return { from: 'registered', fact: registered, form: factForms[registered] };
  }
  if (request === undefined) throw new TypeError('A subject rule without a source was not checked');
  return { from: 'request', form: request, ...(equals === undefined ? {} : { equals }) };
}
