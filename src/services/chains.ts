/** The certificates that go out with a certificate: its issuer's and those above, nearest first. */

import { isSelfIssued, readCertificate } from '../pki/certificate.ts';
import type { AuthorityStore, Issuer } from './authority-records.ts';

/** No hierarchy of ISO 15118 or OCPP is deeper than four; this bounds damaged data. */
const MAX_DEPTH = 8;

/**
 * The chain of an issuer's certificates, from its own upwards, as DER.
 * @param includeRoot whether the self-signed certificate at the top is part of it; TLS and
 *   ISO 15118 leave it out, since whoever verifies must have it already
 */
export async function issuerChain(
  store: Pick<AuthorityStore, 'findIssuer' | 'externalChain'>,
  issuer: Issuer,
  { includeRoot = false } = {},
): Promise<Uint8Array[]> {
  const chain: Uint8Array[] = [];
  let current: Issuer | undefined = issuer;
  for (let depth = 0; current?.certificate && depth < MAX_DEPTH; depth++) {
    chain.push(current.certificate);
    if (current.signedById === undefined) {
      chain.push(...(await store.externalChain(current.id)));
      break;
    }
    if (current.signedById === current.id) break;
    current = await store.findIssuer(current.signedById);
  }
  return includeRoot ? chain : chain.filter((der) => !isSelfIssued(readCertificate(der)));
}

/** Whether an issuer, or one above it, is revoked: nobody trusts what it signs. */
export async function isRevokedFrom(
  store: Pick<AuthorityStore, 'findIssuer'>,
  issuer: Issuer,
): Promise<boolean> {
  let current: Issuer | undefined = issuer;
  for (let depth = 0; current && depth < MAX_DEPTH; depth++) {
    if (current.state === 'revoked') return true;
    if (current.signedById === undefined || current.signedById === current.id) return false;
    current = await store.findIssuer(current.signedById);
  }
  return false;
}

/** Whether an issuer is below a root that is none of this evpki. */
export async function isCertifiedElsewhere(
  store: Pick<AuthorityStore, 'findIssuer'>,
  issuer: Issuer,
): Promise<boolean> {
  let current: Issuer | undefined = issuer;
  for (let depth = 0; current && depth < MAX_DEPTH; depth++) {
    if (current.signedById === undefined) return true;
    if (current.signedById === current.id) return false;
    current = await store.findIssuer(current.signedById);
  }
  return true;
}
