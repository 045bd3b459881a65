/**
 * Profiles as files: what an operator writes in `policies/*.yaml` becomes frozen profiles, or the
 * full list of what is wrong with it. This module sees the parsed document, never the file.
 */

import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { canonicalJson, type Json } from './canonical-json.ts';
import { type DeclarationError, declarationErrors, declarationPath } from './declaration-errors.ts';
import { parseDuration } from './durations.ts';
import type { Profile } from './profile.ts';
import { checkIssuedBy, checkProfile, type Readable, reportRepeats } from './profile-checks.ts';
import {
  type Extensions,
  extensionsSchema,
  type ProfileFile,
  profileFileSchema,
  profileName,
} from './profile-schema.ts';
import { checkSubject, subjectRules } from './profile-subject.ts';

export type ProfileResult =
  | { readonly ok: true; readonly profile: Profile }
  | { readonly ok: false; readonly errors: readonly DeclarationError[] };

export type ProfilesResult =
  | { readonly ok: true; readonly profiles: readonly Profile[] }
  | { readonly ok: false; readonly errors: readonly DeclarationError[] };

type Variant = NonNullable<ProfileFile['variants']>[string];

/**
 * All profiles of one document: the profile itself under `name` (its file's name without `.yaml`)
 * and its variants as `name.variant`, in the order of the file. `source` names the file in errors.
 */
export function parseProfiles(name: string, document: unknown, source: string): ProfilesResult {
  const errors: DeclarationError[] = [];
  if (!profileName.test(name)) {
    const message = `"${name}" cannot name a profile: lower-case words joined by hyphens can`;
    errors.push({ source, path: '', message });
  }
  const shape = profileFileSchema.safeParse(document);
  if (!shape.success) {
    errors.push(...declarationErrors(source, document, profileFileSchema, shape.error.issues));
  }
  const report = (path: readonly PropertyKey[], message: string): void => {
    errors.push({ source, path: declarationPath(path), message });
  };
  const readable = readableParts(document);
  checkProfile(readable, report);
  if (readable.file.subject) checkSubject(readable.file.subject, report);
  checkVariants(readable, report);
  if (!shape.success || errors.length > 0) return { ok: false, errors };

  const { variants = {}, ...base } = shape.data;
  const profiles = [
    freezeDeep(profileOf(name, base)),
    ...Object.entries(variants).map(([variant, changes]) =>
      freezeDeep(profileOf(`${name}.${variant}`, applyVariant(base, changes))),
    ),
  ];
  return { ok: true, profiles };
}

/** The profile of a document without its variants; a mistake in a variant is an error all the same. */
export function parseProfile(name: string, document: unknown, source: string): ProfileResult {
  const result = parseProfiles(name, document, source);
  if (!result.ok) return result;
  const profile = result.profiles[0];
  if (profile === undefined) throw new TypeError('A document has a profile or errors');
  return { ok: true, profile };
}

/** Members of a document that have the right shape by themselves, so that they can be checked. */
function readableParts(document: unknown): Readable {
  const file = readableMembers<ProfileFile>(profileFileSchema.shape, document);
  const written = memberOf(document, 'extensions');
  const extensions = readableMembers<Extensions>(extensionsSchema.shape, written);
  const has: Readable['has'] = (section) => {
    const [first = '', second] = section.split('.');
    return second === undefined
      ? memberOf(document, first) !== undefined
      : memberOf(written, second) !== undefined;
  };
  return { file, extensions, has };
}

function readableMembers<T>(shape: Record<string, z.ZodType>, document: unknown): Partial<T> {
  const members: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(shape)) {
    const value = memberOf(document, key);
    if (value === undefined) continue;
    const read = schema.safeParse(value);
    if (read.success) members[key] = read.data;
  }
  return members as Partial<T>;
}

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function checkVariants(
  { file, has }: Readable,
  report: (path: readonly PropertyKey[], message: string) => void,
): void {
  for (const [name, variant] of Object.entries(file.variants ?? {})) {
    const path = ['variants', name];
    if (file.kind && variant.issuedBy) {
      checkIssuedBy(variant.issuedBy, file.kind, [...path, 'issuedBy'], report);
    }
    for (const [index, extension] of variant.critical.entries()) {
      const at = [...path, 'critical', index];
      if (!has(`extensions.${extension}`)) report(at, `${extension} is not in extensions`);
      if (extension === 'ocspNoCheck') report(at, 'ocspNoCheck is never critical');
    }
    reportRepeats(variant.critical, [...path, 'critical'], report);
  }
}

type BaseFile = Omit<ProfileFile, 'variants'>;

function applyVariant(base: BaseFile, { critical, ...changes }: Variant): BaseFile {
  const extensions = Object.fromEntries(
    Object.entries(base.extensions).map(([name, extension]) => [
      name,
      critical.some((each) => each === name) ? { ...extension, critical: true } : extension,
    ]),
  ) as Extensions;
  return { ...base, ...changes, extensions };
}

function profileOf(name: string, file: BaseFile): Profile {
  const { validity, request, extensions, revocation } = file;
  const issuedBy = file.issuedBy.filter((issuer) => issuer !== 'self' && issuer !== 'any');
  return {
    name,
    title: file.title,
    standard: file.standard,
    kind: file.kind,
    hash: createHash('sha256')
      .update(canonicalJson(file as Json))
      .digest('hex'),
    subject: subjectRules(file.subject),
    keys: file.keys,
    issuedBy,
    ...(file.anchorFor === undefined ? {} : { anchorFor: file.anchorFor }),
    ...(file.rootType === undefined ? {} : { rootType: file.rootType }),
    ...(file.exported === undefined ? {} : { exported: file.exported }),
    validity: {
      default: milliseconds(validity.default),
      maximum: milliseconds(validity.maximum),
      minimum: milliseconds(validity.minimum),
      backdate: milliseconds(validity.backdate),
    },
    extensions,
    request: {
      ...request,
      repeatWindow: milliseconds(request.repeatWindow),
      renewal: renewalOf(request.renewal),
    },
    ocspValidity: revocation ? milliseconds(revocation.ocspValidity) : 0,
    crlValidity: revocation ? milliseconds(revocation.crlValidity) : 0,
    ...(file.maximumSize === undefined ? {} : { maximumSize: file.maximumSize }),
  };
}

/** How long after its end a certificate vouches for its names unless its profile says otherwise. */
const DEFAULT_GRACE = 'P30D';

const renewalOf = ({
  window,
  grace = DEFAULT_GRACE,
}: NonNullable<ProfileFile['request']['renewal']> = {}): Profile['request']['renewal'] => ({
  ...(window === undefined ? {} : { window: milliseconds(window) }),
  grace: milliseconds(grace),
});

/** The schema has read this duration before. */
function milliseconds(text: string): number {
  const read = parseDuration(text);
  if (!read.ok) throw new TypeError(read.reason);
  return read.value;
}

function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) freezeDeep(member);
  return Object.freeze(value);
}
