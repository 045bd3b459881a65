/**
 * The certificate of evpki's own API listener. Its authority, the instance CA, is made at the
 * first start through the same path as every other; the server's key is new at each start and
 * never stored.
 */

import { parseIpAddress } from '../identifiers/ip-address.ts';
import { readCertificate } from '../pki/certificate.ts';
import { DerReader } from '../pki/der.ts';
import { writeExtensions } from '../pki/extensions/write.ts';
import { readPublicKey } from '../pki/public-key.ts';
import { readRawExtensions } from '../pki/raw-extensions.ts';
import { INSTANCE_ORGANIZATION } from './access-policy.ts';
import { applyHierarchy } from './apply-hierarchy.ts';
import type { AuthorityParts } from './authorities.ts';
import { issuerChain } from './chains.ts';
import { ServiceError } from './errors.ts';
import type { Hierarchy } from './hierarchies.ts';
import { issueCertificate } from './issuing.ts';

/** The authority that is there without being declared. */
const INSTANCE_CA = 'instance-ca';
const API_SERVER_PROFILE = 'api-server';

/** @throws ServiceError `declaration-invalid` when policies/ lacks the instance CA's profile */
export async function ensureInstanceAuthority(parts: AuthorityParts): Promise<void> {
  const hierarchy: Hierarchy = {
    id: 'instance',
    demo: false,
    organizations: [{ id: INSTANCE_ORGANIZATION, name: 'evpki', roles: [] }],
    authorities: [
      {
        id: INSTANCE_CA,
        title: 'evpki instance CA',
        organizationId: INSTANCE_ORGANIZATION,
        profile: requireProfile(parts, INSTANCE_CA),
        keyAlgorithm: 'P-256',
        external: false,
      },
    ],
  };
  await applyHierarchy(parts, hierarchy, 'evpki');
}

export interface ApiCertificate {
  /** DER, leaf first, without the root. */
  readonly chain: readonly Uint8Array[];
  /** DER of the root above it: what clients trust. */
  readonly root: Uint8Array;
  readonly notAfter: Date;
}

/**
 * Certifies a server key for the hosts under which clients reach the API.
 * @param authorityId who certifies it
 * @param spki DER of the server's public key
 * @param hosts DNS names and IP addresses; the first is the CN
 * @throws ServiceError `authority-not-active`, `csr-refused` with everything that stands against it
 */
export async function issueApiCertificate(
  parts: AuthorityParts,
  authorityId: string,
  spki: Uint8Array,
  hosts: readonly [string, ...string[]],
): Promise<ApiCertificate> {
  const authority = await parts.authorities.findAuthority(authorityId);
  const issuer = authority && (await parts.issuers.current(authority));
  if (!issuer) {
    throw new ServiceError(
      'authority-not-active',
      `the API is to be certified by ${authorityId}, which is not active`,
    );
  }
  const publicKey = readPublicKey(spki);
  if (!publicKey.ok) throw new Error('the key of the API does not have the form of one');

  const names = hosts.map((value) => ({
    kind: parseIpAddress(value).ok ? ('ip' as const) : ('dns' as const),
    value,
  }));
  const extensions = writeExtensions({ subjectAltName: { critical: false, names } });
  const result = await issueCertificate(parts, {
    input: {
      request: {
        subject: { attributes: [{ type: 'CN', value: hosts[0] }] },
        publicKey: publicKey.value,
        extensions: readRawExtensions(DerReader.over(extensions, 4096).sequence()),
      },
      profile: requireProfile(parts, API_SERVER_PROFILE),
      issuer: issuer.facts,
      facts: { 'server.host': hosts[0] },
      hosts,
      keyHistory: { blocked: false, ofAuthority: false, certifiedForOther: false },
    },
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: authority.organizationId,
    actor: 'evpki',
  });
  if (result.outcome === 'refused') {
    throw new ServiceError(
      'csr-refused',
      'the API cannot be certified for its own hosts',
      result.violations,
    );
  }
  if (result.outcome !== 'issued') {
    throw new ServiceError('authority-not-active', `${authorityId} does not sign any more`);
  }
  const above = await issuerChain(parts.authorities, issuer.issuer, { includeRoot: true });
  return {
    chain: [result.der, ...issuer.chain],
    root: above.at(-1) ?? issuer.certificate.der,
    notAfter: readCertificate(result.der).notAfter,
  };
}

function requireProfile(parts: AuthorityParts, name: string) {
  const profile = parts.profiles.get(name);
  if (!profile) throw new ServiceError('declaration-invalid', `policies/ has no profile ${name}`);
  return profile;
}
