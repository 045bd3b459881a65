/** The attributes of a certification request (RFC 2986 4.1, RFC 2985 5.4). */

import { DerReader } from './der.ts';
import { contextConstructed, type DerElement, DerError, tags } from './der-element.ts';
import { readForeignString } from './directory-strings.ts';
import { extensions as extensionOids, keyEncryptionAttributes, requestAttributes } from './oids.ts';
import { type RawExtension, readRawExtensions } from './raw-extensions.ts';
import { requireDerElement } from './require-der.ts';
import { type Violation, violation } from './violations.ts';

export interface RequestAttributes {
  /** What the request asks for; empty without an extensionRequest or when that is malformed. */
  readonly extensions: readonly RawExtension[];
  /** The text of a challengePassword; `#` and hex when it is in no string type that is read. */
  readonly challengePassword?: string;
  /** Whether a key that is generated for it is to be encrypted (RFC 7030 4.4.1). */
  readonly wantsEncryptedKey: boolean;
  readonly violations: readonly Violation[];
}

const attributeNames = new Map<string, string>(
  Object.entries(requestAttributes).map(([name, oid]) => [oid, name]),
);
const extensionNames = new Map<string, string>(
  Object.entries(extensionOids).map(([name, oid]) => [oid, name]),
);

const keyEncryption: readonly string[] = Object.values(keyEncryptionAttributes);

/** challengePassword is a DirectoryString, unstructuredName may be an IA5String too. */
const textTags: readonly number[] = [
  tags.utf8String,
  tags.printableString,
  tags.teletexString,
  tags.bmpString,
  tags.universalString,
  tags.ia5String,
];
/** The upper bound of RFC 2985 for PKCS#9 strings, in octets of the widest string type. */
const MAX_TEXT_OCTETS = 255 * 4;

/**
 * Reads the attributes field. Every attribute may occur once and has at least one value, those of
 * PKCS#9 exactly one; values of unknown attributes must be DER. Sets are in DER order, as OpenSSL
 * and its kin write them: two readers could otherwise disagree on what was signed.
 * @param field the `[0]` element; undefined when the request has none, which RFC 2986 does not allow
 */
export function readRequestAttributes(field: Uint8Array | undefined): RequestAttributes {
  if (field === undefined) {
    return {
      extensions: [],
      wantsEncryptedKey: false,
      violations: [
        violation(
          'csr-attribute',
          'The attributes field is missing; it may only be empty.',
          'attributes',
        ),
      ],
    };
  }
  const extensions: RawExtension[] = [];
  const violations: Violation[] = [];
  let challengePassword: string | undefined;
  const seen = new Set<string>();
  try {
    const input = DerReader.over(field, field.length);
    const { elements, reader } = input.setOf(contextConstructed(0));
    for (const element of elements) {
      const attribute = reader.inside(element);
      const type = attribute.oid();
      const { elements: values, reader: valueReader } = attribute.setOf();
      attribute.end();
      if (seen.has(type)) violations.push(wrongForm(type, 'occurs twice'));
      seen.add(type);
      const problem = problemOfValues(type, values, valueReader);
      if (problem !== undefined) violations.push(wrongForm(type, problem));
      const [value] = values;
      if (value === undefined) continue;
      if (type === requestAttributes.extensionRequest) {
        collectExtensions(value, valueReader, extensions, violations);
      }
      if (type === requestAttributes.challengePassword)
        challengePassword = readForeignString(value);
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const message = `The attributes are not strict DER: ${error.message}.`;
    violations.push(violation('csr-malformed', message, 'attributes'));
  }
  violations.push(...duplicates(extensions));
  return {
    extensions,
    ...(challengePassword === undefined ? {} : { challengePassword }),
    wantsEncryptedKey: keyEncryption.some((type) => seen.has(type)),
    violations,
  };
}

const wrongForm = (type: string, problem: string): Violation => {
  const name = attributeNames.get(type) ?? type;
  return violation('csr-attribute', `The attribute ${name} ${problem}.`, `attributes.${name}`);
};

function problemOfValues(
  type: string,
  values: readonly DerElement[],
  reader: DerReader,
): string | undefined {
  if (values.length === 0) return 'has no value';
  // No corner of a request is BER.
  for (const value of values) requireDerElement(value, reader);
  if (!attributeNames.has(type)) return undefined;
  const [value, another] = values;
  if (another !== undefined) return `has ${values.length} values instead of one`;
  if (type === requestAttributes.extensionRequest || value === undefined) return undefined;
  if (!textTags.includes(value.tag)) return 'is not text';
  return value.content.length > MAX_TEXT_OCTETS ? 'is too long' : undefined;
}

function collectExtensions(
  value: DerElement,
  reader: DerReader,
  extensions: RawExtension[],
  violations: Violation[],
): void {
  try {
    if (value.tag !== tags.sequence) throw new DerError('not a SEQUENCE', value.offset);
    extensions.push(...readRawExtensions(reader.inside(value)));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const message = `The requested extensions cannot be read: ${error.message}.`;
    violations.push(violation('extension-malformed', message, 'extensions'));
  }
}

function duplicates(extensions: readonly RawExtension[]): Violation[] {
  if (extensions.length < 2) return [];
  const counts = new Map<string, number>();
  for (const { oid } of extensions) counts.set(oid, (counts.get(oid) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([oid, count]) => {
      const name = extensionNames.get(oid) ?? oid;
      const message = `The extension ${name} is requested ${count} times.`;
      return violation('extension-duplicate', message, `extensions.${name}`);
    });
}
