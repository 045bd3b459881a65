import { readCertificate } from '../../pki/certificate.ts';
import { DerReader } from '../../pki/der.ts';
import { nameText, readName } from '../../pki/names.ts';
import { toPem } from '../../pki/pem.ts';
import { type AccessPolicy, reaches } from '../../services/access-policy.ts';
import type { Authority, AuthorityStore, Issuer } from '../../services/authority-records.ts';
import { issuerChain } from '../../services/chains.ts';
import { ServiceError } from '../../services/errors.ts';
import type { Handlers } from './operations.ts';
import type * as api from './types.ts';

export interface AuthorityViewParts {
  readonly authorities: AuthorityStore;
  readonly access: AccessPolicy;
}

export const authorityHandlers = (parts: AuthorityViewParts) =>
  ({
    async listAuthorities(_request, response, principal) {
      const all = await parts.authorities.listAuthorities();
      const visible = all.filter(({ organizationId }) =>
        reaches(parts.access, principal, organizationId),
      );
      response.json({ items: visible.map(authorityBody) });
    },

    async getAuthority(request, response, principal) {
      const id = String(request.params.id);
      const authority = await parts.authorities.findAuthority(id);
      if (!authority || !reaches(parts.access, principal, authority.organizationId)) {
        throw new ServiceError('not-found', `there is no authority ${id}`);
      }
      const issuers = await parts.authorities.listIssuers(id);
      const body: api.AuthorityWithIssuers = {
        ...authorityBody(authority),
        issuers: await Promise.all(issuers.map((issuer) => issuerBody(parts, issuer))),
      };
      response.json(body);
    },
  }) satisfies Handlers;

const authorityBody = (authority: Authority): api.Authority => ({
  id: authority.id,
  title: authority.title,
  organization: authority.organizationId,
  profile: authority.profile,
  key: authority.keyAlgorithm,
  state: authority.state,
  ...(authority.external ? { under: 'external' } : {}),
  ...(authority.parentId === undefined ? {} : { under: authority.parentId }),
});

async function issuerBody(parts: AuthorityViewParts, issuer: Issuer): Promise<api.Issuer> {
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
