/** Looking at certificates: one, or a page of them, as far as the caller may see. */

import {
  type AccessPolicy,
  type Principal,
  reaches,
  reachesEveryOrganization,
} from './access-policy.ts';
import type { AuthorityStore } from './authority-records.ts';
import type {
  CertificateRecord,
  CertificateState,
  CertificateStore,
} from './certificate-records.ts';
import { issuerChain } from './chains.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';

export interface CertificateParts {
  readonly certificates: CertificateStore;
  readonly authorities: AuthorityStore;
  readonly access: AccessPolicy;
  readonly clock: Clock;
}

export interface CertificateSummary {
  readonly record: CertificateRecord;
  readonly expired: boolean;
}

export interface CertificateView extends CertificateSummary {
  /** The certificate and those above it, without the root; empty while it is pending. */
  readonly chain: readonly Uint8Array[];
}

/** @throws ServiceError `not-found`, also for certificates of organizations out of reach */
export async function findCertificate(
  parts: CertificateParts,
  principal: Principal,
  id: string,
): Promise<CertificateView> {
  const record = await parts.certificates.findCertificate(id);
  if (!record || !reaches(parts.access, principal, record.organizationId)) {
    throw new ServiceError('not-found', `there is no certificate ${id}`);
  }
  const issuer =
    record.issuerId === undefined ? undefined : await parts.authorities.findIssuer(record.issuerId);
  const above = issuer ? await issuerChain(parts.authorities, issuer) : [];
  return {
    ...summaryOf(record, parts.clock()),
    chain: record.der ? [record.der, ...above] : [],
  };
}

/**
 * A page of certificates, newest first.
 * @throws ServiceError `request-malformed` for a cursor that no listing returned, `not-found` for
 *   an authority that is not there or out of reach
 */
export async function listCertificates(
  parts: CertificateParts,
  principal: Principal,
  wanted: PageWanted & {
    readonly profile?: string;
    readonly authority?: string;
    readonly state?: CertificateState;
    readonly serial?: string;
    readonly expiresBefore?: Date;
  },
): Promise<Page<CertificateSummary>> {
  const { authority, limit, cursor, serial, ...rest } = wanted;
  const filter = {
    ...rest,
    ...(serial === undefined ? {} : { serial: serial.toLowerCase().replace(/^0+(?=.)/, '') }),
    ...(authority === undefined ? {} : { issuerIds: await issuerIds(parts, principal, authority) }),
    ...(reachesEveryOrganization(parts.access, principal)
      ? {}
      : { organizationId: principal.organizationId }),
  };
  const now = parts.clock();
  const page = await readPage({ limit, cursor }, (position) =>
    parts.certificates.listCertificates(filter, position),
  );
  const items = page.items.map((record) => summaryOf(record, now));
  return { ...page, items };
}

async function issuerIds(
  parts: CertificateParts,
  principal: Principal,
  authorityId: string,
): Promise<string[]> {
  const authority = await parts.authorities.findAuthority(authorityId);
  if (!authority || !reaches(parts.access, principal, authority.organizationId)) {
    throw new ServiceError('not-found', `there is no authority ${authorityId}`);
  }
  return (await parts.authorities.listIssuers(authority.id)).map(({ id }) => id);
}

/** A record with what follows from the time. */
export const summaryOf = (record: CertificateRecord, now: Date): CertificateSummary => ({
  record,
  expired: record.notAfter < now,
});
