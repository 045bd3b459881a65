/** What an operator writes in `policies/*.yaml`: the shape, before `profile-file.ts` checks it. */

import { z } from 'zod';
import { oid } from './der-writer.ts';
import { parseDuration } from './durations.ts';
import * as oids from './oids.ts';
import {
  certificateKinds,
  registeredFacts,
  rootTypes,
  validationPurposes,
  valueForms,
} from './profile.ts';
import { keyAlgorithms } from './public-key.ts';
import { keyUsages } from './template.ts';

/** A certificate for anything would undo what a profile is for. */
const purposes = Object.keys(oids.keyPurposes).filter((name) => name !== 'anyExtendedKeyUsage');

/** What policy can compare with a profile; anything else in a request is refused. */
const comparableExtensions = [
  'basicConstraints',
  'keyUsage',
  'extendedKeyUsage',
  'subjectAltName',
] as const;

/** Never basicConstraints or keyUsage: asking for an authority's powers is not overlooked. */
const ignorableExtensions = ['subjectAltName', 'extendedKeyUsage', 'subjectKeyIdentifier'] as const;

export const profileName = /^[a-z0-9]+(-[a-z0-9]+)*$/;

const line = z.string().regex(/^\S(.*\S)?$/, { error: 'must be one line of text' });
const name = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)?$/, {
  error: 'must be the name of a profile, such as ocpp-station or iso15118-20-secc.annex-b',
});
const duration = z.string().superRefine((text, context) => {
  const read = parseDuration(text);
  if (!read.ok) context.addIssue({ code: 'custom', message: read.reason });
});
/** Whether it can be written: arcs within their bounds, and not too many. */
const isOid = (text: string): boolean => {
  try {
    oid(text);
    return true;
  } catch {
    return false;
  }
};
const critical = z.boolean();
const usageList = z.array(z.enum(keyUsages)).min(1);

const subjectSource = z.strictObject({
  fixed: z.exactOptional(line),
  registered: z.exactOptional(z.enum(registeredFacts)),
  request: z.exactOptional(z.enum(valueForms)),
  equals: z.exactOptional(z.enum(registeredFacts)),
  optional: z.exactOptional(z.boolean()),
});

const subjectRule = z.strictObject({
  CN: z.exactOptional(subjectSource),
  O: z.exactOptional(subjectSource),
  OU: z.exactOptional(subjectSource),
  C: z.exactOptional(subjectSource),
  DC: z.exactOptional(subjectSource),
});

export const extensionsSchema = z.strictObject({
  basicConstraints: z.exactOptional(
    z.strictObject({
      critical,
      ca: z.boolean(),
      pathLength: z.exactOptional(z.int().min(0).max(8)),
    }),
  ),
  keyUsage: z.strictObject({
    critical,
    usages: usageList,
    byKey: z.exactOptional(
      z.strictObject({
        EC: z.exactOptional(usageList),
        EdDSA: z.exactOptional(usageList),
        RSA: z.exactOptional(usageList),
      }),
    ),
  }),
  extendedKeyUsage: z.exactOptional(
    z.strictObject({ critical, purposes: z.array(z.enum(purposes)).min(1) }),
  ),
  subjectKeyIdentifier: z.exactOptional(z.strictObject({ critical, octets: z.literal([8, 20]) })),
  authorityKeyIdentifier: z.exactOptional(z.strictObject({ critical })),
  certificatePolicies: z.exactOptional(
    z.strictObject({
      critical,
      policies: z.array(z.string().refine(isOid, { error: 'must be a dotted OID' })).min(1),
    }),
  ),
  subjectAltName: z.exactOptional(
    z.strictObject({
      critical,
      kinds: z.array(z.enum(['dns', 'ip', 'uri'])).min(1),
      required: z.boolean(),
      wildcards: z.boolean(),
      includeCommonName: z.boolean(),
    }),
  ),
  crlDistributionPoints: z.exactOptional(z.strictObject({ critical })),
  authorityInfoAccess: z.exactOptional(
    z.strictObject({ critical, ocsp: z.boolean(), caIssuers: z.boolean() }),
  ),
  ocspNoCheck: z.exactOptional(z.strictObject({ critical: z.literal(false) })),
});

const extensionName = z.enum(
  Object.keys(extensionsSchema.shape) as (keyof typeof extensionsSchema.shape)[],
);

const variant = z.strictObject({
  title: line,
  standard: z.exactOptional(line),
  issuedBy: z.exactOptional(z.array(name).min(1)),
  /** These become critical, whatever the profile says. */
  critical: z.array(extensionName).min(1),
});

/**
 * No key that a certificate depends on has a default: what it says stands in the file, and the hash
 * covers it.
 */
export const profileFileSchema = z.strictObject({
  title: line,
  standard: line,
  kind: z.enum(certificateKinds),
  /** Profiles of authorities; or only `self` (roots), or only `any` (OCSP responders). */
  issuedBy: z.array(name).min(1),
  /** Roots only. */
  anchorFor: z.exactOptional(z.array(z.enum(validationPurposes)).min(1)),
  /** Roots only. */
  rootType: z.exactOptional(z.enum(rootTypes)),
  /** Authorities just above the certificates of stations towards their CSMS. */
  exported: z.exactOptional(z.strictObject({ leaves: name })),
  subject: z.array(subjectRule).min(1),
  keys: z.array(z.enum(keyAlgorithms)).min(1),
  validity: z.strictObject({
    default: duration,
    maximum: duration,
    minimum: duration,
    backdate: duration,
  }),
  extensions: extensionsSchema,
  request: z.strictObject({
    allowedExtensions: z.array(z.enum(comparableExtensions)),
    ignoredExtensions: z.exactOptional(z.array(z.enum(ignorableExtensions))),
    repeatWindow: duration,
    approval: z.boolean(),
    sameKeyRenewal: z.exactOptional(z.boolean()),
    renewal: z.exactOptional(
      z.strictObject({
        window: z.exactOptional(duration),
        grace: z.exactOptional(duration),
      }),
    ),
  }),
  /** Authorities only. */
  revocation: z.exactOptional(z.strictObject({ ocspValidity: duration, crlValidity: duration })),
  maximumSize: z.exactOptional(z.int().min(200).max(16_384)),
  variants: z.exactOptional(
    z.record(z.string().regex(profileName, { error: 'must be a name such as annex-b' }), variant),
  ),
});

export type ProfileFile = z.infer<typeof profileFileSchema>;
export type Extensions = z.infer<typeof extensionsSchema>;
export type SubjectSourceFile = z.infer<typeof subjectSource>;
