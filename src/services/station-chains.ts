/** The chain of a station's certificate as CertificateSigned carries it, by the station's policy. */

import { type ChainPolicy, type SignedChain, signedChain } from '../ocpp/certificate-signed.ts';
import type { Principal } from './access-policy.ts';
import type { AuthorityStore } from './authority-records.ts';
import { type CertificateParts, type CertificateView, findCertificate } from './certificates.ts';
import { issuerChain } from './chains.ts';
import { ServiceError } from './errors.ts';
import type { StationStore } from './station-records.ts';

/**
 * @param chain DER: a certificate and those above it, without the root
 * @param issuerId the issuer that signed the certificate; undefined for one of elsewhere
 */
export async function chainForStation(
  { authorities }: { readonly authorities: AuthorityStore },
  chain: readonly Uint8Array[],
  issuerId: string | undefined,
  policy: ChainPolicy | undefined,
): Promise<SignedChain> {
  const [leaf] = chain;
  if (!policy?.includeRoot || leaf === undefined || issuerId === undefined) {
    return signedChain(chain, policy);
  }
  const issuer = await authorities.findIssuer(issuerId);
  const above = issuer ? await issuerChain(authorities, issuer, { includeRoot: true }) : [];
  return signedChain([leaf, ...above], policy);
}

/**
 * A certificate with its chain for CertificateSigned, by the policy of its station, if it has one.
 * @throws ServiceError `not-found`, also for certificates of organizations out of reach, `conflict`
 *   for what is no certificate (yet)
 */
export async function findOcppChain(
  parts: CertificateParts & { readonly stations: Pick<StationStore, 'findStation'> },
  principal: Principal,
  id: string,
): Promise<{ readonly view: CertificateView; readonly signed: SignedChain }> {
  const view = await findCertificate(parts, principal, id);
  const { record, chain } = view;
  if (chain.length === 0) {
    throw new ServiceError('conflict', `${id} is ${record.state}: it has no chain`);
  }
  const station =
    record.stationId === undefined
      ? undefined
      : await parts.stations.findStation(record.organizationId, record.stationId);
  const signed = await chainForStation(parts, chain, record.issuerId, station?.chain);
  return { view, signed };
}
