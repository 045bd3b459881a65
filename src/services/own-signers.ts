/**
 * Keys with which evpki itself signs in the name of an authority, beside the authority's own: those
 * that answer OCSP, and those of the certificate provisioning service. An issuer certifies each for
 * a short time; it is kept sealed in the database and replaced long before its end.
 */

import type { Profile } from '../pki/profile.ts';
import { type KeyAlgorithm, type PublicKey, readPublicKey } from '../pki/public-key.ts';
import type { Signer } from '../pki/signer.ts';
import type { AuthorityStore, KeyEnvelope } from './authority-records.ts';
import { newId } from './ids.ts';
import type { ReadyIssuer } from './issuers.ts';
import { type IssuingParts, issueCertificate } from './issuing.ts';
import type { Keyring } from './keyring.ts';
import type { Organization, OrganizationStore } from './organizations.ts';
import { registeredFacts } from './station-names.ts';

export interface OwnSignerParts extends IssuingParts {
  readonly authorities: AuthorityStore;
  readonly organizations: OrganizationStore;
  readonly keyring: Keyring;
}

/** A key that nobody has certified yet. */
interface NewSigner {
  readonly id: string;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly spki: Uint8Array;
  readonly key: KeyEnvelope;
}

export async function newSigner(
  { keyring, random }: Pick<OwnSignerParts, 'keyring' | 'random'>,
  keyAlgorithm: KeyAlgorithm,
  authorityId: string,
): Promise<NewSigner> {
  const keyId = newId('key', random);
  const { spki, key } = await keyring.generate(keyAlgorithm, { keyId, authorityId });
  return { id: newId('key', random), keyAlgorithm, spki, key };
}

interface Certification {
  /** What it is for the authority, for people. */
  readonly what: string;
  readonly profile: Profile;
  readonly commonName: string;
  readonly spki: Uint8Array;
  /** Whose authority it is. */
  readonly organization: Organization;
  /** It signs what the issuer says of its certificates, which issuers do beyond their active time. */
  readonly statusSigner?: true;
}

/**
 * Has a key certified by its issuer.
 * @returns the id of the certificate
 * @throws Error when the issuer does not certify it, and whatever issuing throws
 */
export async function certifySigner(
  parts: IssuingParts,
  issuer: ReadyIssuer,
  { what, profile, commonName, spki, organization, ...options }: Certification,
): Promise<string> {
  const result = await issueCertificate(parts, {
    input: {
      request: {
        subject: { attributes: [{ type: 'CN', value: commonName }] },
        publicKey: publicKeyOf(spki),
        extensions: [],
      },
      profile,
      issuer: issuer.facts,
      facts: registeredFacts(organization, undefined),
      keyHistory: { blocked: false, ofAuthority: false, certifiedForOther: false },
    },
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: organization.id,
    actor: 'evpki',
    ...options,
  });
  if (result.outcome !== 'issued') {
    const why =
      result.outcome === 'refused'
        ? result.violations.map(({ message }) => message).join(' ')
        : result.outcome;
    throw new Error(`issuer ${issuer.issuer.id} does not certify its ${what}: ${why}`);
  }
  return result.certificateId;
}

/** When the next one is made: when less than this part of its life is left. */
export function renewalOf(
  { notBefore, notAfter }: { readonly notBefore: Date; readonly notAfter: Date },
  part: number,
): Date {
  const life = notAfter.getTime() - notBefore.getTime();
  return new Date(notAfter.getTime() - life * part);
}

/** Opens the key of a signer. */
export async function openSigner(
  { authorities, keyring }: Pick<OwnSignerParts, 'authorities' | 'keyring'>,
  signer: {
    readonly id: string;
    readonly keyId: string;
    readonly keyAlgorithm: KeyAlgorithm;
    readonly spki: Uint8Array;
  },
): Promise<Signer> {
  const envelope = await authorities.findEnvelope(signer.keyId);
  if (!envelope) throw new Error(`the signer ${signer.id} has no key`);
  return keyring.open(envelope, signer.keyAlgorithm, signer.spki);
}

/** @throws Error for what is no key of ours */
export function publicKeyOf(spki: Uint8Array): PublicKey {
  const key = readPublicKey(spki);
  if (!key.ok) throw new Error('the key of a signer is unusable');
  return key.value;
}
