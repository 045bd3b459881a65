/**
 * Who is at the door of EST (RFC 7030 3.2.3, 3.3.2): an API client, the holder of a one-time
 * secret, of a certificate of ours, or of one from a factory. Finding out comes first, whether it
 * holds second: a label may be meant by whoever it does not let in.
 */

import { sameBytes } from '../pki/byte-order.ts';
import { type Certificate, readableCertificate, serialHex } from '../pki/certificate.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import type { Profile } from '../pki/profile.ts';
import type { Principal } from './access-policy.ts';
import type { AuthorityStore } from './authority-records.ts';
import type { CertificateRecord, CertificateStore } from './certificate-records.ts';
import { isRevokedFrom } from './chains.ts';
import type { Clock } from './clock.ts';
import type { EnrolmentSecret, EnrolmentSecretStore } from './enrolment-secret-records.ts';
import { NotAuthenticated, type Refusal, type RefusalReason } from './refusals.ts';
import { isSecret, sha256 } from './secrets.ts';
import type { PathFactStore } from './trust-anchor-records.ts';

/** Who is at the door, as far as the door can tell. Everything is proven here, nothing before. */
export interface EstCaller {
  /** From a bearer token, X-API-Key or an API client's certificate: authenticated already. */
  readonly principal?: Principal;
  /** HTTP Basic: the name that is to be certified and a one-time enrolment secret. */
  readonly basic?: { readonly user: string; readonly password: string };
  /**
   * DER, leaf first, as the peer or an authenticated proxy presented it: TLS has proven that the
   * peer holds the leaf's key, nothing else has been checked.
   */
  readonly clientCertificate?: readonly Uint8Array[];
}

/** A certificate of ours that somebody has shown. */
export interface OwnCertificate {
  readonly certificate: Certificate;
  readonly record: CertificateRecord;
}

/** Who somebody says to be; that it holds is asked behind. */
export type EstIdentity =
  | { readonly kind: 'api-client'; readonly principal: Principal }
  | { readonly kind: 'enrolment-secret'; readonly secret: EnrolmentSecret }
  | ({ readonly kind: 'current-certificate' } & OwnCertificate)
  | { readonly kind: 'factory-certificate'; readonly chain: readonly Uint8Array[] }
  | { readonly kind: 'nobody'; readonly refusal: Refusal };

/** Somebody who has shown something. */
export type SomeIdentity = Exclude<EstIdentity, { kind: 'nobody' }>;

export interface EstCallerParts {
  readonly secrets: Pick<EnrolmentSecretStore, 'findSecretByHash'>;
  readonly paths: PathFactStore;
  readonly certificates: Pick<CertificateStore, 'findBySerial' | 'isBlockedKey'>;
  readonly authorities: Pick<AuthorityStore, 'findIssuer'>;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly clock: Clock;
}

/** Of several credentials the first counts, in the order of `EstIdentity`. */
export async function identify(
  parts: EstCallerParts,
  { principal, basic, clientCertificate: chain }: EstCaller,
): Promise<EstIdentity> {
  if (principal) return { kind: 'api-client', principal };
  if (basic) {
    const secret = isSecret('enr', basic.password)
      ? await parts.secrets.findSecretByHash(sha256(basic.password))
      : undefined;
    return secret
      ? { kind: 'enrolment-secret', secret }
      : { kind: 'nobody', refusal: { reason: 'secret-unknown' } };
  }
  const [leaf] = chain ?? [];
  if (!chain || !leaf) return { kind: 'nobody', refusal: { reason: 'no-credentials' } };
  const own = await ownCertificate(parts, leaf);
  return own ? { kind: 'current-certificate', ...own } : { kind: 'factory-certificate', chain };
}

/** Our record of a certificate, which has to be the very same octets. */
export async function ownCertificate(
  {
    paths,
    certificates,
  }: { readonly certificates: Pick<CertificateStore, 'findBySerial'> } & Pick<
    EstCallerParts,
    'paths'
  >,
  der: Uint8Array,
): Promise<OwnCertificate | undefined> {
  const certificate = readableCertificate(der);
  if (!certificate) return undefined;
  const serial = serialHex(certificate);
  for (const { id } of await paths.issuersNamed([certificate.issuerDer], [serial])) {
    const record = await certificates.findBySerial(id, serial);
    if (record?.der && sameBytes(record.der, der)) return { certificate, record };
  }
  return undefined;
}

/**
 * That a certificate of ours still says who its holder is: neither revoked nor on hold, nor signed
 * by an issuer that is, its key not known to others, and over for no longer than its profile lets it
 * be renewed. Our records are asked, not a path: they know more than it.
 * @throws NotAuthenticated
 */
export async function requireInForce(
  parts: Pick<EstCallerParts, 'authorities' | 'certificates' | 'profiles' | 'clock'>,
  { record, certificate }: OwnCertificate,
): Promise<void> {
  const refuse = (reason: RefusalReason, message: string) =>
    new NotAuthenticated(
      message,
      { reason, actor: certificateActor(record), organizationId: record.organizationId },
      reason,
    );
  if (record.state === 'held') {
    throw refuse('certificate-held', 'the client certificate is on hold');
  }
  const issuer =
    record.issuerId === undefined ? undefined : await parts.authorities.findIssuer(record.issuerId);
  const isRevoked = !issuer || (await isRevokedFrom(parts.authorities, issuer));
  if (record.state !== 'issued' || isRevoked) {
    throw refuse('certificate-revoked', 'the client certificate is revoked');
  }
  // It may be in several certificates, of which one was revoked for it.
  if (await parts.certificates.isBlockedKey(spkiFingerprint(certificate.spki))) {
    throw refuse('certificate-key-blocked', 'the key of the client certificate is blocked');
  }
  const now = parts.clock();
  const grace = parts.profiles.get(record.profile)?.request.renewal.grace ?? 0;
  if (now < record.notBefore || now.getTime() > record.notAfter.getTime() + grace) {
    throw refuse('certificate-expired', 'the client certificate has expired');
  }
}

/**
 * @throws NotAuthenticated for those who have shown nothing, or a secret that there is not
 */
export function requireSomebody(identity: EstIdentity): SomeIdentity {
  if (identity.kind !== 'nobody') return identity;
  throw new NotAuthenticated(
    identity.refusal.reason === 'no-credentials'
      ? 'show a token, a one-time enrolment secret or a client certificate'
      : 'the user name and enrolment secret are not accepted',
    identity.refusal,
    identity.refusal.reason,
  );
}

/** The holder of a certificate of ours, as audit entries name it. */
export const certificateActor = ({ id }: CertificateRecord): string => `certificate:${id}`;
/** The holder of a one-time secret, as audit entries name it. */
export const secretActor = ({ id }: Pick<EnrolmentSecret, 'id'>): string =>
  `enrolment-secret:${id}`;

/** Whose somebody is, where that follows from what was shown. */
export function organizationIdOf(identity: EstIdentity): string | undefined {
  switch (identity.kind) {
    case 'api-client':
      return identity.principal.organizationId;
    case 'enrolment-secret':
      return identity.secret.organizationId;
    case 'current-certificate':
      return identity.record.organizationId;
    default:
      return undefined;
  }
}
