/**
 * Roots that bear the name and serial number of another. These mean one certificate (RFC 5280
 * 4.1.2.2), and by them cars name the roots that they have: below a namesake that somebody has made
 * up, a CPS would be taken for one that these cars can verify, and sign for all of them in vain.
 */

import { hash } from 'node:crypto';
import { sameBytes } from '../pki/byte-order.ts';
import { type Certificate, readCertificate, serialHex } from '../pki/certificate.ts';
import { lookalikeSet } from '../pki/name-readings.ts';
import type { AuthorityStore } from './authority-records.ts';

type Roots = Pick<AuthorityStore, 'listAuthorities' | 'listIssuers' | 'externalChains'>;

/** Whether this evpki has, or stands below, another root that a car would name the same. */
export async function hasNamesake(authorities: Roots, root: Certificate): Promise<boolean> {
  const own = (await authorities.listAuthorities()).filter(
    ({ parentId, external }) => parentId === undefined && !external,
  );
  const generations = await Promise.all(own.map(({ id }) => authorities.listIssuers(id)));
  const known = [
    ...generations.flat().map(({ certificate }) => certificate),
    ...(await authorities.externalChains()).map((chain) => chain.at(-1)),
  ];
  return known.some((der) => der !== undefined && isNamesake(root, readCertificate(der)));
}

const isNamesake = (root: Certificate, other: Certificate): boolean =>
  !sameBytes(root.der, other.der) && rootIdentity(root) === rootIdentity(other);

/**
 * The serial number of a root and what its name may be taken for: cars write it in whatever order and
 * form, and not all that they escape is read as they mean it. SHA-256, lower-case hex.
 */
export const rootIdentity = (root: Certificate): string =>
  hash('sha256', `${serialHex(root)} ${lookalikeSet(root.issuer)}`);
