/**
 * Issuers of others that this evpki knows: those above its own authorities, from the chains that
 * were given when these were activated. A station asks for the status of every certificate above its
 * own, and names each by hashes only.
 */

import type { Certificate } from '../pki/certificate.ts';
import { serialHex } from '../pki/certificate.ts';
import type { CertificateHashData, HashAlgorithm } from '../pki/certificate-hash-data.ts';
import { issuerHashes } from '../pki/ocsp/hashes.ts';
import type { AuthorityStore } from './authority-records.ts';
import type { ParsedCertificates } from './parsed-certificates.ts';
import type { Monotonic } from './status-confirmation.ts';

export interface ForeignIssuerParts {
  readonly authorities: Pick<AuthorityStore, 'externalChains'>;
  readonly parsed: Pick<ParsedCertificates, 'read'>;
  readonly monotonic: Monotonic;
}

/** Whom to ask about a certificate. */
export interface ForeignIssuer {
  readonly issuer: Certificate;
  /** OCSP URLs of the certificate itself; of others of this issuer if it is not known, or has none. */
  readonly responders: readonly string[];
}

/** Undefined for certificates of issuers that no chain names. */
export type FindForeignIssuer = (
  hashData: CertificateHashData,
) => Promise<ForeignIssuer | undefined>;

interface Known {
  readonly issuer: Certificate;
  readonly issued: Certificate[];
}

/** How often strangers' hashes may make the chains be read. */
const RELOAD_MILLISECONDS = 1_000;

export function createForeignIssuers(parts: ForeignIssuerParts): FindForeignIssuer {
  let loadedAt = Number.NEGATIVE_INFINITY;
  let loaded: Promise<ReadonlyMap<string, Known>> = Promise.resolve(new Map());

  return async ({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }) => {
    const now = parts.monotonic();
    if (now - loadedAt >= RELOAD_MILLISECONDS) {
      loadedAt = now;
      loaded = load(parts);
      // Whoever comes next is to try again; whoever waits hears of it.
      loaded.catch(() => {
        loadedAt = Number.NEGATIVE_INFINITY;
      });
    }
    const known = (await loaded).get(keyOf(hashAlgorithm, issuerNameHash, issuerKeyHash));
    if (!known) return undefined;
    const own = known.issued.filter((certificate) => serialHex(certificate) === serialNumber);
    const named = respondersOf(own);
    return {
      issuer: known.issuer,
      responders: named.length > 0 ? named : respondersOf(known.issued),
    };
  };
}

const respondersOf = (certificates: readonly Certificate[]): string[] => [
  ...new Set(certificates.flatMap(({ extensions }) => extensions.authorityInfoAccess?.ocsp ?? [])),
];

/** Each certificate of a chain was issued by the next: activation has verified that. */
async function load({
  authorities,
  parsed,
}: ForeignIssuerParts): Promise<ReadonlyMap<string, Known>> {
  const found = new Map<string, Known>();
  for (const chain of await authorities.externalChains()) {
    const certificates = chain.map((der) => parsed.read(der));
    certificates.forEach((certificate, index) => {
      const issuer = certificates[index + 1];
      if (issuer) note(found, issuer, certificate);
    });
  }
  return found;
}

function note(found: Map<string, Known>, issuer: Certificate, issued: Certificate): void {
  if (!issuer.publicKey) return;
  // By the name as the certificate has it: RFC 6960 4.1.1 hashes that one.
  const hashes = issuerHashes(issued.issuerDer, issuer.publicKey.bits);
  const { nameHash, keyHash } = hashes.sha256;
  const known = found.get(keyOf('SHA256', nameHash, keyHash)) ?? { issuer, issued: [] };
  // One that stands in several chains is read once, and the same then.
  if (!known.issued.includes(issued)) known.issued.push(issued);
  for (const algorithm of ['SHA256', 'SHA384', 'SHA512'] as const) {
    const by = hashes[ocspHashOf[algorithm]];
    found.set(keyOf(algorithm, by.nameHash, by.keyHash), known);
  }
}

const ocspHashOf = { SHA256: 'sha256', SHA384: 'sha384', SHA512: 'sha512' } as const;

const keyOf = (algorithm: HashAlgorithm, nameHash: string, keyHash: string): string =>
  `${algorithm}/${nameHash}/${keyHash}`;
