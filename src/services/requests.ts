/** Looking at enrolment requests: one, or a page of them, as far as the caller may see. */

import { DerError } from '../pki/der-element.ts';
import type { AnyGeneralName } from '../pki/extensions/general-names.ts';
import { readExtensionSet } from '../pki/extensions/read.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { nameText } from '../pki/names.ts';
import { extensions as oids } from '../pki/oids.ts';
import { type CertificationRequest, readRequest } from '../pki/request.ts';
import {
  type AccessPolicy,
  type Principal,
  reaches,
  reachesEveryOrganization,
} from './access-policy.ts';
import type { AuthorityStore } from './authority-records.ts';
import type { CertificateStore, EnrolmentRequest } from './certificate-records.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';
import { type RequestState, type RequestStore, requestStateAt } from './request-records.ts';

export interface RequestParts {
  readonly requests: RequestStore;
  readonly certificates: Pick<CertificateStore, 'findRequest'>;
  readonly authorities: Pick<AuthorityStore, 'findAuthority'>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
}

export interface RequestSummary {
  readonly record: EnrolmentRequest;
  readonly state: RequestState;
}

/** A request with what its certification request says, for those who are to decide on it. */
export interface RequestView extends RequestSummary {
  readonly asked: {
    readonly subject: string;
    readonly keyAlgorithm: string;
    /** SHA-256 of the SubjectPublicKeyInfo, hex. */
    readonly spkiSha256: string;
    /** `dns:csms.example` and the like. */
    readonly alternativeNames: readonly string[];
    /** By the names of `oids.extensions`, or dotted. */
    readonly extensions: readonly string[];
  };
}

/** @throws ServiceError `not-found`, also for requests of organizations out of reach */
export async function findRequest(
  parts: Pick<RequestParts, 'certificates' | 'access' | 'clock'>,
  principal: Principal,
  id: string,
): Promise<RequestView> {
  const record = await visibleRequest(parts, principal, id);
  return { ...summaryOf(record, parts.clock()), asked: askedBy(requestIn(record)) };
}

/** The record itself; see `findRequest`. */
export async function visibleRequest(
  parts: Pick<RequestParts, 'certificates' | 'access'>,
  principal: Principal,
  id: string,
): Promise<EnrolmentRequest> {
  const record = await parts.certificates.findRequest(id);
  if (!record || !reaches(parts.access, principal, record.organizationId)) {
    throw new ServiceError('not-found', `there is no request ${id}`);
  }
  return record;
}

/** The certification request of a record: only those that could be read are on record. */
export function requestIn({ id, csr }: EnrolmentRequest): CertificationRequest {
  const read = readRequest(csr);
  if (!read.ok) throw new Error(`the certification request of ${id} cannot be read any more`);
  return read.value;
}

/**
 * A page of requests, newest first.
 * @throws ServiceError `request-malformed` for a cursor that no listing returned, `not-found` for
 *   an authority that is not there or out of reach
 */
export async function listRequests(
  parts: RequestParts,
  principal: Principal,
  wanted: PageWanted & {
    readonly state?: RequestState;
    readonly profile?: string;
    readonly authority?: string;
    readonly requester?: string;
  },
): Promise<Page<RequestSummary>> {
  const { authority, limit, cursor, ...rest } = wanted;
  if (authority !== undefined) await requireVisibleAuthority(parts, principal, authority);
  const now = parts.clock();
  const filter = {
    ...rest,
    now,
    ...(authority === undefined ? {} : { authorityId: authority }),
    ...(reachesEveryOrganization(parts.access, principal)
      ? {}
      : { organizationId: principal.organizationId }),
  };
  const page = await readPage({ limit, cursor }, (position) =>
    parts.requests.listRequests(filter, position),
  );
  return { ...page, items: page.items.map((record) => summaryOf(record, now)) };
}

async function requireVisibleAuthority(
  parts: RequestParts,
  principal: Principal,
  id: string,
): Promise<void> {
  const authority = await parts.authorities.findAuthority(id);
  if (!authority || !reaches(parts.access, principal, authority.organizationId)) {
    throw new ServiceError('not-found', `there is no authority ${id}`);
  }
}

const summaryOf = (record: EnrolmentRequest, now: Date): RequestSummary => ({
  record,
  state: requestStateAt(record, now),
});

const nameByOid: ReadonlyMap<string, string> = new Map(
  Object.entries(oids).map(([name, dotted]) => [dotted, name]),
);

const askedBy = ({
  subject,
  publicKey,
  extensions,
}: CertificationRequest): RequestView['asked'] => ({
  subject: nameText(subject),
  keyAlgorithm: publicKey.algorithm,
  spkiSha256: spkiFingerprint(publicKey.spki),
  alternativeNames: extensions
    .filter(({ oid }) => oid === oids.subjectAltName)
    .flatMap((extension) => {
      try {
        return readExtensionSet([extension]).subjectAltName?.names.map(textOf) ?? [];
      } catch (error) {
        // Refused for it, or of a profile that does not look at it.
        if (error instanceof DerError) return ['unreadable'];
        throw error;
      }
    }),
  extensions: extensions.map(({ oid }) => nameByOid.get(oid) ?? oid),
});

const textOf = (name: AnyGeneralName): string =>
  name.kind === 'other' ? `tag 0x${name.tag.toString(16)}` : `${name.kind}:${name.value}`;
