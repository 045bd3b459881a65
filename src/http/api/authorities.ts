import type { Request } from 'express';
import { readCertificate } from '../../pki/certificate.ts';
import { DerReader } from '../../pki/der.ts';
import { nameText, readName } from '../../pki/names.ts';
import { toPem } from '../../pki/pem.ts';
import { type AccessPolicy, type Principal, reaches } from '../../services/access-policy.ts';
import { activateAuthority } from '../../services/activation.ts';
import { type AuthorityParts, rollOver } from '../../services/authorities.ts';
import type { Authority, Issuer } from '../../services/authority-records.ts';
import { type CertificateParts, findCertificate } from '../../services/certificates.ts';
import { issuerChain } from '../../services/chains.ts';
import {
  type CrossProposalParts,
  crossCertifyOrPropose,
} from '../../services/cross-certification-proposals.ts';
import { ServiceError } from '../../services/errors.ts';
import { declareAuthority, type HierarchyParts } from '../../services/hierarchy-requests.ts';
import { sendCertificate } from './certificate-bodies.ts';
import type { Handlers } from './operations.ts';
import { sendProposed } from './proposals.ts';
import type * as api from './types.ts';

const PEM_FILE = 'application/x-pem-file';

type ViewParts = Pick<AuthorityParts, 'authorities'> & { readonly access: AccessPolicy };

export const authorityHandlers = (parts: HierarchyParts & CrossProposalParts & CertificateParts) =>
  ({
    async listAuthorities(_request, response, principal) {
      const all = await parts.authorities.listAuthorities();
      const visible = all.filter(({ organizationId }) =>
        reaches(parts.access, principal, organizationId),
      );
      response.json({ items: visible.map(authorityBody) });
    },

    async createAuthority(request, response, principal) {
      const wanted = request.body as api.NewAuthority;
      const { authority, created } = await declareAuthority(parts, principal, wanted);
      response
        .status(created ? 201 : 200)
        .location(`/v1/authorities/${authority.id}`)
        .json(await detailedBody(parts, authority.id));
    },

    async getAuthority(request, response, principal) {
      const authority = await visibleAuthority(parts, principal, request);
      response.json(await detailedBody(parts, authority.id));
    },

    async getAuthorityRequest(request, response, principal) {
      const authority = await visibleAuthority(parts, principal, request);
      const issuers = await parts.authorities.listIssuers(authority.id);
      const awaiting = issuers.find(({ state }) => state === 'awaiting-certificate');
      if (!awaiting?.request) {
        throw new ServiceError(
          'not-found',
          `${authority.id} has no request to be signed elsewhere`,
        );
      }
      const csr = toPem('CERTIFICATE REQUEST', awaiting.request);
      if (request.accepts(['application/json', PEM_FILE]) === PEM_FILE) {
        response.type(PEM_FILE).send(csr);
      } else response.json({ csr });
    },

    async activateAuthority(request, response, principal) {
      const authority = await visibleAuthority(parts, principal, request);
      const { certificateChain } = request.body as api.Activation;
      await activateAuthority(parts, principal, authority, certificateChain);
      response.json(await detailedBody(parts, authority.id));
    },

    async rollOverAuthority(request, response, principal) {
      const authority = await visibleAuthority(parts, principal, request);
      await rollOver(parts, principal, authority);
      response.status(201).json(await detailedBody(parts, authority.id));
    },

    async crossCertify(request, response, principal) {
      const authority = await visibleAuthority(parts, principal, request);
      const { certificate } = request.body as api.CrossCertification;
      const result = await crossCertifyOrPropose(parts, principal, authority, certificate);
      if (result.outcome === 'waiting') {
        sendProposed(result.view, response);
        return;
      }
      const { certificateId: id } = result;
      response.status(201).location(`/v1/certificates/${id}`);
      sendCertificate(request, response, await findCertificate(parts, principal, id));
    },
  }) satisfies Handlers;

export async function visibleAuthority(
  parts: ViewParts,
  principal: Principal,
  request: Request,
): Promise<Authority> {
  const id = String(request.params.id);
  const authority = await parts.authorities.findAuthority(id);
  if (!authority || !reaches(parts.access, principal, authority.organizationId)) {
    throw new ServiceError('not-found', `there is no authority ${id}`);
  }
  return authority;
}

async function detailedBody(parts: ViewParts, id: string): Promise<api.AuthorityWithIssuers> {
  const authority = await parts.authorities.findAuthority(id);
  if (!authority) throw new ServiceError('not-found', `there is no authority ${id}`);
  const issuers = await parts.authorities.listIssuers(id);
  return {
    ...authorityBody(authority),
    issuers: await Promise.all(issuers.map((issuer) => issuerBody(parts, issuer))),
  };
}

const authorityBody = (authority: Authority): api.Authority => ({
  id: authority.id,
  title: authority.title,
  organization: authority.organizationId,
  profile: authority.profile,
  key: authority.keyAlgorithm,
  state: authority.state,
  ...(authority.external ? { under: 'external' } : {}),
  ...(authority.parentId === undefined ? {} : { under: authority.parentId }),
  ...(authority.exportedBy === undefined ? {} : { exported: true }),
});

async function issuerBody(parts: ViewParts, issuer: Issuer): Promise<api.Issuer> {
  const { id, generation, state } = issuer;
  const subject = nameText(readName(DerReader.over(issuer.subject, 4096)));
  if (!issuer.certificate) return { id, generation, state, subject };
  const { notBefore, notAfter } = readCertificate(issuer.certificate);
  const chain = await issuerChain(parts.authorities, issuer, { includeRoot: true });
  return {
    id,
    generation,
    state,
    subject,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    certificateChain: chain.map((der) => toPem('CERTIFICATE', der)).join(''),
  };
}
