/**
 * The labels of EST (RFC 7030 3.2.2) as operators declare them in `policies/est.yaml`: what a
 * path segment means. The labels of roles (`cpo`, `mo`, ...) need no declaration.
 */

import { z } from 'zod';
import { type DeclarationError, declarationErrors } from '../pki/declaration-errors.ts';
import type { Profile } from '../pki/profile.ts';
import { isEnrollable } from './enrolment-target.ts';
import { declaredId } from './organizations.ts';

/** The standards that a path may name behind its label. */
export const estStandards = ['iso15118-2', 'iso15118-20'] as const;
export type EstStandard = (typeof estStandards)[number];

/** Labels that every organization has, named as in OPCP; `cso`, for OCPP, is ours. */
export const estRoles = ['cpo', 'mo', 'oem', 'veh', 'cps', 'cso'] as const;
export type EstRole = (typeof estRoles)[number];

/** How callers may prove who they are. */
export const estAuthentications = [
  /** An API client: its token, or the certificate that it registered. */
  'api-client',
  /** HTTP Basic with a one-time enrolment secret. */
  'enrolment-secret',
  /** A certificate below a trust anchor for `est-client`, of a registered station. */
  'factory-certificate',
  /** The certificate that is to be renewed. */
  'current-certificate',
] as const;
export type EstAuthentication = (typeof estAuthentications)[number];

/** What certifies the requests of a label that name a standard, or none. */
export interface EstCertificate {
  readonly profile: string;
  /** Chosen among those of the organization without. */
  readonly authority?: string;
}

/** How a label behaves, whoever asks. */
export interface EstOptions {
  /** How answers are wrapped: 64 columns, one line, or as the client is known to need it. */
  readonly base64: 'wrapped' | 'single' | 'auto';
  /**
   * What a renewal must not change: the values that the profile takes from the request, or all of
   * Subject and SubjectAltName (RFC 7030 4.2.2).
   */
  readonly reenrolment: 'profile-values' | 'identical-names';
  /** Whether a request that somebody has to approve waits, and is answered 202, or is refused. */
  readonly pending: 'refuse' | 'answer-202';
  readonly authentication: readonly EstAuthentication[];
  /**
   * SHA-256 of the roots below which it takes factory certificates, in lower-case hex; of all that
   * the organization trusts for `est-client` without.
   */
  readonly factoryRoots?: readonly string[];
}

/** A label that is declared: of one organization, for what its certificates say. */
export interface DeclaredLabel extends EstOptions {
  readonly name: string;
  readonly organizationId: string;
  /** As the label of this role for the organization, unless `certificates` is given. */
  readonly role?: EstRole;
  readonly certificates: Readonly<Partial<Record<EstStandard | 'unnamed', EstCertificate>>>;
}

export interface EstDeclarations {
  readonly labels: ReadonlyMap<string, DeclaredLabel>;
  /** The options of the labels of roles. */
  readonly roles: Readonly<Record<EstRole, EstOptions>>;
  /** What is meant while nobody knows who is asking. */
  readonly anonymous: {
    /** The label of requests that name none. */
    readonly label?: string;
    /** Whose label of a role it is, where several organizations could be meant. */
    readonly organizations: Readonly<Partial<Record<EstRole, string>>>;
  };
}

export type EstDeclarationsResult =
  | { readonly ok: true; readonly est: EstDeclarations }
  | { readonly ok: false; readonly errors: readonly DeclarationError[] };

const certificate = z.strictObject({
  profile: z.string().min(1),
  authority: z.exactOptional(declaredId),
});

/** As `evpki trust-anchor` and OpenSSL show it, or without colons. */
const sha256 = z
  .string()
  .overwrite((text) => text.replaceAll(':', '').toLowerCase())
  .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a certificate, in hex');

const optionShape = {
  base64: z.enum(['wrapped', 'single', 'auto']).default('auto'),
  reenrolment: z.enum(['profile-values', 'identical-names']).default('profile-values'),
  pending: z.enum(['refuse', 'answer-202']).default('refuse'),
  authentication: z
    .array(z.enum(estAuthentications))
    .min(1)
    .default(() => [...estAuthentications]),
  factoryRoots: z.exactOptional(z.array(sha256).min(1)),
};
const options = z.strictObject(optionShape);

const label = z.strictObject({
  organization: declaredId,
  role: z.exactOptional(z.enum(estRoles)),
  certificates: z.exactOptional(
    z.strictObject({
      'iso15118-2': z.exactOptional(certificate),
      'iso15118-20': z.exactOptional(certificate),
      /** Where the request names no standard. */
      unnamed: z.exactOptional(certificate),
    }),
  ),
  ...optionShape,
});

/** The labels of each role, for what it is. */
const byRole = <T extends z.ZodType>(of: T) =>
  z.strictObject({
    cpo: z.exactOptional(of),
    mo: z.exactOptional(of),
    oem: z.exactOptional(of),
    veh: z.exactOptional(of),
    cps: z.exactOptional(of),
    cso: z.exactOptional(of),
  });

const estFile = z.strictObject({
  labels: z.record(declaredId, label).default({}),
  roles: byRole(options).default({}),
  anonymous: z
    .strictObject({
      label: z.exactOptional(declaredId),
      organizations: byRole(declaredId).default({}),
    })
    .default({ organizations: {} }),
});

/** Segments that stand where a label could. */
const reserved = [
  'cacerts',
  'simpleenroll',
  'simplereenroll',
  'fullcmc',
  'serverkeygen',
  'csrattrs',
];

/**
 * Validates a parsed `est.yaml`; every error of the file is listed. Organizations and authorities
 * are not looked up: they may come later.
 */
export function parseEstDeclarations(
  document: unknown,
  source: string,
  profiles: ReadonlyMap<string, Profile>,
): EstDeclarationsResult {
  const shape = estFile.safeParse(document);
  if (!shape.success) {
    return { ok: false, errors: declarationErrors(source, document, estFile, shape.error.issues) };
  }
  const errors: DeclarationError[] = [];
  const report = (path: string, message: string) => errors.push({ source, path, message });
  const reportUnused = (path: string, { factoryRoots, authentication }: EstOptions) => {
    if (!factoryRoots || authentication.includes('factory-certificate')) return;
    report(
      `${path}.factoryRoots`,
      'is of no use: `authentication` leaves factory certificates out',
    );
  };
  for (const [role, changed] of Object.entries(shape.data.roles)) {
    reportUnused(`roles.${role}`, changed);
  }
  for (const [name, declared] of Object.entries(shape.data.labels)) {
    const path = `labels.${name}`;
    reportUnused(path, declared);
    if (isRole(name)) report(path, 'is the label of a role, which every organization has');
    if (reserved.includes(name)) report(path, 'is an operation of EST');
    const certificates = Object.entries(declared.certificates ?? {});
    if ((declared.role === undefined) === (certificates.length === 0)) {
      report(path, 'must have either `role` or `certificates`, which says what is certified');
    }
    for (const [standard, { profile: named }] of certificates) {
      const profile = profiles.get(named);
      if (profile && isEnrollable(profile)) continue;
      report(`${path}.certificates.${standard}.profile`, `${named} is no end-entity profile`);
    }
  }
  const { label: anonymous } = shape.data.anonymous;
  if (anonymous !== undefined && !isRole(anonymous) && !shape.data.labels[anonymous]) {
    const known = [...estRoles, ...Object.keys(shape.data.labels)].join(', ');
    report('anonymous.label', `${anonymous} is none of ${known}`);
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, est: declarationsOf(shape.data) };
}

export const isRole = (name: string): name is EstRole => estRoles.some((role) => role === name);

function declarationsOf({ labels, roles, anonymous }: z.infer<typeof estFile>): EstDeclarations {
  const plain = options.parse({});
  const optionsOf = (role: EstRole): EstOptions => Object.freeze(roles[role] ?? plain);
  const declared = Object.entries(labels).map(
    ([name, { organization, certificates = {}, ...rest }]): [string, DeclaredLabel] => [
      name,
      Object.freeze({ ...rest, name, organizationId: organization, certificates }),
    ],
  );
  return Object.freeze({
    labels: new Map(declared),
    roles: Object.freeze({
      cpo: optionsOf('cpo'),
      mo: optionsOf('mo'),
      oem: optionsOf('oem'),
      veh: optionsOf('veh'),
      cps: optionsOf('cps'),
      cso: optionsOf('cso'),
    }),
    anonymous: Object.freeze(anonymous),
  });
}
