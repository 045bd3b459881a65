/**
 * Reading the extensions that only path validation looks at: what an authority says about policies
 * (RFC 5280 4.2.1.5, 4.2.1.11, 4.2.1.14), and the qualifiers of its policies. They are not among the
 * extensions that `readExtensionSet` understands, because nobody else acts on them.
 */

import { DerReader } from '../der.ts';
import { contextPrimitive, DerError } from '../der-element.ts';
import { extensions as oids } from '../oids.ts';
import type { RawExtension } from '../raw-extensions.ts';
import { requireFilled } from './general-names.ts';

/** The special policy that stands for all (RFC 5280 4.2.1.4). */
export const anyPolicy = '2.5.29.32.0';

/** The two qualifiers of RFC 5280 4.2.1.4: where a statement is, and a notice for people. */
const knownQualifiers: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.2.1', '1.3.6.1.5.5.7.2.2']);

/** As in `read.ts`: an extension's value is no longer than a certificate may be. */
const MAX_VALUE_BYTES = 16 * 1024;

export interface PolicyExtensions {
  readonly policyMappings?:
    | {
        readonly critical: boolean;
        readonly mappings: readonly {
          readonly issuerDomain: string;
          readonly subjectDomain: string;
        }[];
      }
    | undefined;
  readonly policyConstraints?:
    | {
        readonly critical: boolean;
        readonly requireExplicitPolicy?: number;
        readonly inhibitPolicyMapping?: number;
      }
    | undefined;
  readonly inhibitAnyPolicy?:
    | { readonly critical: boolean; readonly skipCertificates: number }
    | undefined;
  /** Qualifiers of policies, by their OIDs, that RFC 5280 does not know. */
  readonly unknownQualifiers: readonly string[];
}

/** What most certificates say. */
export const noPolicyExtensions: PolicyExtensions = { unknownQualifiers: [] };

/** The OIDs of the extensions that {@link readPolicyExtensions} interprets by itself. */
export const policyExtensionOids: ReadonlySet<string> = new Set([
  oids.policyMappings,
  oids.policyConstraints,
  oids.inhibitAnyPolicy,
]);

/**
 * @param raw of a certificate; where one of them occurs twice, the last counts, as duplicates are
 *   for the caller to refuse
 * @throws DerError on a malformed extension; `offset` counts within its value
 */
export function readPolicyExtensions(raw: readonly RawExtension[]): PolicyExtensions {
  let found = noPolicyExtensions;
  for (const { oid, critical, value: bytes } of raw) {
    if (!policyExtensionOids.has(oid) && oid !== oids.certificatePolicies) continue;
    const value = DerReader.over(bytes, MAX_VALUE_BYTES);
    switch (oid) {
      case oids.policyMappings:
        found = { ...found, policyMappings: { critical, mappings: readMappings(value) } };
        break;
      case oids.policyConstraints:
        found = { ...found, policyConstraints: { critical, ...readPolicyConstraints(value) } };
        break;
      case oids.inhibitAnyPolicy:
        found = { ...found, inhibitAnyPolicy: { critical, skipCertificates: skipCerts(value) } };
        break;
      default:
        found = { ...found, unknownQualifiers: readUnknownQualifiers(value) };
    }
    value.end();
  }
  return found;
}

function readMappings(value: DerReader) {
  const list = value.sequence();
  requireFilled(list, 'policy mappings');
  const mappings: { issuerDomain: string; subjectDomain: string }[] = [];
  while (!list.atEnd) {
    const mapping = list.sequence();
    mappings.push({ issuerDomain: mapping.oid(), subjectDomain: mapping.oid() });
    mapping.end();
  }
  return mappings;
}

/** RFC 5280 4.2.1.11: not an empty sequence. */
function readPolicyConstraints(value: DerReader) {
  const fields = value.sequence();
  requireFilled(fields, 'policy constraints');
  const constraints = {
    ...(fields.has(contextPrimitive(0)) && {
      requireExplicitPolicy: skipCerts(fields, contextPrimitive(0)),
    }),
    ...(fields.has(contextPrimitive(1)) && {
      inhibitPolicyMapping: skipCerts(fields, contextPrimitive(1)),
    }),
  };
  fields.end();
  return constraints;
}

/** SkipCerts ::= INTEGER (0..MAX). */
function skipCerts(reader: DerReader, tag?: number): number {
  const { offset } = reader;
  const count = reader.smallInteger(tag);
  if (count < 0) throw new DerError('a negative number of certificates', offset);
  return count;
}

/** The list itself has been read before, see `read.ts`. */
function readUnknownQualifiers(value: DerReader): string[] {
  const unknown: string[] = [];
  const list = value.sequence();
  while (!list.atEnd) {
    const information = list.sequence();
    information.oid();
    const qualifiers = information.atEnd ? undefined : information.sequence();
    while (qualifiers && !qualifiers.atEnd) {
      const id = qualifiers.sequence().oid();
      if (!knownQualifiers.has(id)) unknown.push(id);
    }
  }
  return unknown;
}
