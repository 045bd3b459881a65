/**
 * Authorities: creating them with their keys, having their certificates signed (by ourselves, by
 * the authority above, or by somebody else's root), and rolling over to the next generation.
 */

import { sameBytes } from '../pki/byte-order.ts';
import { writeName } from '../pki/names.ts';
import { buildSubject, type Facts } from '../pki/policy/subject.ts';
import type { Profile } from '../pki/profile.ts';
import { importPublicKey, type PublicKey, readPublicKey } from '../pki/public-key.ts';
import { assembleRequest, buildRequestInfo } from '../pki/request-building.ts';
import { signatureAlgorithmFor } from '../pki/signature-algorithm.ts';
import { type AccessPolicy, type Principal, requireKind } from './access-policy.ts';
import type { AuthorityGrantStore } from './authority-grant-records.ts';
import { grantEvent } from './authority-grants.ts';
import type { Authority, AuthorityStore, Issuer, KeyEnvelope } from './authority-records.ts';
import { ServiceError } from './errors.ts';
import type { DeclaredAuthority } from './hierarchies.ts';
import { newId, newIssuerId } from './ids.ts';
import type { Issuers } from './issuers.ts';
import { type IssuingParts, issueCertificate } from './issuing.ts';
import type { Keyring } from './keyring.ts';
import type { Organization, OrganizationStore } from './organizations.ts';

export interface AuthorityParts extends IssuingParts {
  readonly authorities: AuthorityStore;
  readonly grants: AuthorityGrantStore;
  readonly organizations: OrganizationStore;
  readonly issuers: Issuers;
  readonly keyring: Keyring;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Frozen into each issuer that is created. */
  readonly publicUrl: string;
  /** Told when an issuer has its certificate, before the call returns: status is asked for then. */
  readonly issuerActivated: () => void;
}

const ROLL_OVER = 'authorities:roll-over';
const NO_KEY_HISTORY = { blocked: false, ofAuthority: false, certifiedForOther: false };

/**
 * Creates an authority and its first issuer with a fresh key, awaiting its certificate. For one
 * that is certified outside, the certification request is made at once.
 * @param grantedBy the authority above, of another organization that grants it hereby
 * @returns whether it was created, or was there already and nothing changed
 */
export async function createAuthority(
  parts: AuthorityParts,
  declared: DeclaredAuthority,
  organization: Organization,
  actor: string,
  grantedBy?: Pick<Authority, 'id' | 'organizationId'>,
): Promise<'created' | 'exists'> {
  const authority: Authority = {
    id: declared.id,
    title: declared.title,
    organizationId: declared.organizationId,
    profile: declared.profile.name,
    ...(declared.parentId === undefined ? {} : { parentId: declared.parentId }),
    external: declared.external,
    keyAlgorithm: declared.keyAlgorithm,
    state: 'awaiting-certificate',
  };
  const { issuer, key } = await newIssuer(parts, authority, declared.profile, organization, 1);
  return parts.authorities.createAuthority({
    authority,
    issuer,
    key,
    audit: {
      at: parts.clock(),
      organizationId: authority.organizationId,
      actor,
      action: 'authority.created',
      subject: authority.id,
      details: { profile: authority.profile, issuer: issuer.id, key: authority.keyAlgorithm },
    },
    ...(grantedBy
      ? {
          grant: grantEvent(grantedBy, authority.organizationId, 'granted', actor, parts.clock()),
        }
      : {}),
  });
}

/** A fresh key and everything about an issuer that is fixed before its certificate exists. */
export async function newIssuer(
  parts: AuthorityParts,
  authority: Authority,
  profile: Profile,
  organization: Organization,
  generation: number,
  generate: Keyring['generate'] = parts.keyring.generate,
): Promise<{ issuer: Issuer; key: KeyEnvelope }> {
  const keyId = newId('key', parts.random);
  const { spki, key } = await generate(authority.keyAlgorithm, {
    keyId,
    authorityId: authority.id,
  });
  const { subject, violations } = subjectOf(authority, profile, organization, generation);
  if (violations.length > 0) {
    throw new ServiceError(
      'declaration-invalid',
      `${authority.id} cannot be named as its profile demands`,
      violations,
    );
  }
  const issuer: Issuer = {
    id: newIssuerId(parts.random),
    authorityId: authority.id,
    generation,
    state: 'awaiting-certificate',
    keyId,
    keyAlgorithm: authority.keyAlgorithm,
    spki,
    subject: writeName(subject),
    publicUrl: parts.publicUrl,
  };
  if (!authority.external) return { issuer, key };
  const signer = await parts.keyring.open(key, authority.keyAlgorithm, spki);
  const { basicConstraints, keyUsage } = profile.extensions;
  const info = buildRequestInfo(subject, publicKeyOf(issuer), {
    ...(basicConstraints ? { basicConstraints } : {}),
    keyUsage,
  });
  const request = assembleRequest(
    info,
    signatureAlgorithmFor(authority.keyAlgorithm),
    await signer.sign(info),
  );
  return { issuer: { ...issuer, request }, key };
}

/** The name that a generation of an authority gets, and what the profile has against it. */
export const subjectOf = (
  authority: Pick<Authority, 'title'>,
  profile: Profile,
  organization: Organization,
  generation: number,
) =>
  buildSubject(
    profile.subject,
    { attributes: [] },
    authorityFacts(authority, organization, generation),
  );

/** Later generations get a name of their own, so that no verifier has to guess which key signed. */
function authorityFacts(
  authority: Pick<Authority, 'title'>,
  organization: Organization,
  generation: number,
): Facts {
  return {
    'authority.name': generation === 1 ? authority.title : `${authority.title} G${generation}`,
    'organization.name': organization.name,
    ...(organization.country === undefined ? {} : { 'organization.country': organization.country }),
  };
}

/**
 * Signs an awaiting issuer's certificate: by itself for a root, by the authority above otherwise.
 * @param notAfter the end that it is to have; that of its profile, or the issuer's, without
 * @throws ServiceError `authority-not-active` when the authority above cannot sign,
 *   `authority-not-granted` when it is another organization's, which does not let it,
 *   `conflict` when the organization was renamed meanwhile,
 *   `csr-refused` with everything that policy refuses
 */
export async function certifyIssuer(
  parts: AuthorityParts,
  authority: Authority,
  issuer: Issuer,
  actor: string,
  notAfter?: Date,
): Promise<void> {
  const profile = profileOf(parts, authority);
  const organization = await organizationOf(parts, authority);
  // OCSP and CRLs go by the name that the issuer was created with.
  const named = subjectOf(authority, profile, organization, issuer.generation);
  if (!sameBytes(writeName(named.subject), issuer.subject)) {
    throw new ServiceError(
      'conflict',
      `${organization.id} was renamed while ${authority.id} awaited its certificate: name it as before`,
    );
  }
  const publicKey = publicKeyOf(issuer);
  const request = { subject: { attributes: [] }, publicKey, extensions: [] };
  const facts = authorityFacts(authority, organization, issuer.generation);
  const common = {
    organizationId: authority.organizationId,
    actor,
    subjectIssuerId: issuer.id,
  };
  const base = {
    ...{ request, profile, facts, keyHistory: NO_KEY_HISTORY, authorityKeys: true },
    ...(notAfter === undefined ? {} : { notAfter }),
  };

  let result: Awaited<ReturnType<typeof issueCertificate>>;
  if (authority.parentId === undefined) {
    const key = await parts.authorities.findEnvelope(issuer.keyId);
    if (!key) throw new Error(`issuer ${issuer.id} has no key`);
    result = await issueCertificate(parts, {
      ...common,
      input: { ...base, issuer: 'self' },
      issuerId: issuer.id,
      signer: await parts.keyring.open(key, issuer.keyAlgorithm, issuer.spki),
      verificationKey: importPublicKey(publicKey),
      lintIssuer: 'self',
    });
  } else {
    const parent = await parts.authorities.findAuthority(authority.parentId);
    const above = parent && (await parts.issuers.current(parent));
    if (!above) {
      throw new ServiceError('authority-not-active', `${authority.parentId} cannot sign yet`);
    }
    result = await issueCertificate(parts, {
      ...common,
      issuerOrganizationId: parent.organizationId,
      input: { ...base, issuer: above.facts },
      issuerId: above.issuer.id,
      signer: above.signer,
      verificationKey: above.verificationKey,
      lintIssuer: above.lint,
    });
  }
  if (result.outcome === 'refused') {
    throw new ServiceError(
      'csr-refused',
      `${authority.id} cannot be certified as declared`,
      result.violations,
    );
  }
  if (result.outcome === 'not-granted') throw notGranted(authority);
  if (result.outcome !== 'issued') {
    throw new ServiceError('authority-not-active', `${authority.parentId} does not sign any more`);
  }
  parts.issuerActivated();
}

const notGranted = ({ id, parentId, organizationId }: Authority): ServiceError =>
  new ServiceError(
    'authority-not-granted',
    `${parentId}, which would sign ${id}, does not let ${organizationId} have authorities under it`,
  );

/** Asked before a key is made; whether it still holds is decided when the pending row is written. */
async function requireGrant(parts: AuthorityParts, authority: Authority): Promise<void> {
  const { parentId, organizationId } = authority;
  const parent =
    parentId === undefined ? undefined : await parts.authorities.findAuthority(parentId);
  if (!parent || parent.organizationId === organizationId) return;
  if (!(await parts.grants.findGrant(parent.id, organizationId))) throw notGranted(authority);
}

/**
 * Adds a generation with a fresh key to an authority and, unless it is certified outside, has it
 * signed and put to work. Certificates of earlier generations keep verifying. One that was begun
 * and not finished is finished instead.
 * @returns the new issuer's id
 * @throws ServiceError `not-permitted` naming the kind of certificates, `conflict` for an authority
 *   that is not active, or whose request is being signed elsewhere; `authority-not-granted` as
 *   `certifyIssuer`
 */
export async function rollOver(
  parts: AuthorityParts & { readonly access: AccessPolicy },
  principal: Principal,
  authority: Authority,
): Promise<string> {
  const { actor } = principal;
  requireKind(parts.access, principal, ROLL_OVER, parts.profiles.get(authority.profile)?.kind);
  // One that was revoked stays so: it is for whoever is above it to certify another authority.
  if (authority.state !== 'active') {
    throw new ServiceError('conflict', `${authority.id} is ${authority.state}, not active`);
  }
  if (authority.exportedBy !== undefined) {
    throw new ServiceError('conflict', `${authority.id} was exported: have another one exported`);
  }
  await parts.declarations.requireActive();
  await requireGrant(parts, authority);
  const generations = await parts.authorities.listIssuers(authority.id);
  const awaiting = generations.find(({ state }) => state === 'awaiting-certificate');
  if (awaiting && authority.external) {
    throw new ServiceError(
      'conflict',
      `generation ${awaiting.generation} of ${authority.id} still awaits its certificate`,
    );
  }
  const issuer = awaiting ?? (await addGeneration(parts, authority, generations, actor));
  if (!authority.external) await certifyIssuer(parts, authority, issuer, actor);
  return issuer.id;
}

async function addGeneration(
  parts: AuthorityParts,
  authority: Authority,
  generations: readonly Issuer[],
  actor: string,
): Promise<Issuer> {
  const { issuer, key } = await newIssuer(
    parts,
    authority,
    profileOf(parts, authority),
    await organizationOf(parts, authority),
    (generations[0]?.generation ?? 0) + 1,
  );
  const added = await parts.authorities.addIssuer({
    issuer,
    key,
    audit: {
      at: parts.clock(),
      organizationId: authority.organizationId,
      actor,
      action: 'authority.rollover-started',
      subject: authority.id,
      details: { issuer: issuer.id, generation: issuer.generation },
    },
  });
  if (added === 'exists') {
    throw new ServiceError('conflict', `${authority.id} is being rolled over by somebody else`);
  }
  return issuer;
}

export function profileOf(
  parts: Pick<AuthorityParts, 'profiles'>,
  authority: Pick<Authority, 'id' | 'profile'>,
): Profile {
  const profile = parts.profiles.get(authority.profile);
  if (!profile) {
    throw new ServiceError(
      'declaration-invalid',
      `${authority.id} uses the profile ${authority.profile}, which is not in policies/`,
    );
  }
  return profile;
}

export async function organizationOf(
  parts: Pick<AuthorityParts, 'organizations'>,
  authority: Authority,
): Promise<Organization> {
  const organization = await parts.organizations.findOrganization(authority.organizationId);
  if (!organization) throw new Error(`${authority.id} belongs to an organization that is missing`);
  return organization;
}

function publicKeyOf(issuer: Pick<Issuer, 'id' | 'spki'>): PublicKey {
  const key = readPublicKey(issuer.spki);
  if (!key.ok) throw new Error(`issuer ${issuer.id} has an unusable public key`);
  return key.value;
}
