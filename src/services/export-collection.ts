/**
 * Collecting an export that somebody else has agreed to: the key pair is made at that moment, handed
 * out encrypted in the answer, and never again. Its proposal is used up before the certificate is
 * made: whatever gets lost after that, no key is handed out twice.
 */

import { type Principal, requireKind } from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import { certifyIssuer, newIssuer } from './authorities.ts';
import type { Authority, Issuer } from './authority-records.ts';
import { issuerChain } from './chains.ts';
import { ServiceError } from './errors.ts';
import type { GenerateExportedKey } from './export-records.ts';
import { type AllowedExport, allowedAsProposed, EXPORT, type ExportParts } from './exports.ts';
import { issuerUrls } from './issuers.ts';
import { type Proposal, proposalHash } from './proposal-records.ts';
import { findProposal } from './proposals.ts';

/** As long as a proposal waits: what two people agreed to is not collected a year later. */
const COLLECTING_MILLISECONDS = 7 * 86_400_000;

export interface CollectionParts extends ExportParts {
  readonly generateExportedKey: GenerateExportedKey;
}

/** What goes to whoever signs with it from now on. */
export interface CollectedExport {
  readonly authority: Authority;
  readonly issuer: Issuer;
  /** DER, its own certificate first, the root last. */
  readonly chain: readonly Uint8Array[];
  readonly urls: { readonly ocsp: string; readonly crl: string };
  /** DER of an EncryptedPrivateKeyInfo. */
  readonly encryptedKey: Uint8Array;
}

/**
 * Makes the authority of an approved proposal and hands out its key, once.
 * @param above the authority that certifies it, which the caller reaches
 * @param passphrase that the key is encrypted with, of the caller's choice
 * @throws ServiceError `not-found` for what is no export below this authority; `not-permitted`;
 *   `export-of-other` for somebody else's; `conflict` for one that is not approved, was collected before or was approved
 *   too long ago; `proposal-changed`; and as `proposeExport` and `certifyIssuer`: the latter after
 *   the proposal has been used up, with no key handed out
 */
export async function collectExport(
  parts: CollectionParts,
  principal: Principal,
  above: Authority,
  proposalId: string,
  passphrase: string,
): Promise<CollectedExport> {
  const proposal = await collectable(parts, principal, above, proposalId);
  await parts.declarations.requireActive();
  const { wish, ...allowed } = await allowedAsProposed(parts, above, proposal);
  const authority = {
    ...{ id: wish.id, title: wish.title, organizationId: above.organizationId },
    ...{ profile: allowed.profile.name, parentId: above.id, external: false },
    ...({ keyAlgorithm: wish.key, state: 'awaiting-certificate', exportedBy: proposalId } as const),
  };
  const { issuer, encryptedKey } = await create(parts, principal, proposal, authority, {
    ...allowed,
    passphrase,
  });
  await certifyIssuer(parts, authority, issuer, principal.actor, wish.notAfter);
  const certified = await parts.authorities.findIssuer(issuer.id);
  const made = await parts.authorities.findAuthority(authority.id);
  if (!certified?.certificate || !made) throw new Error(`${authority.id} was not certified`);
  const chain = await issuerChain(parts.authorities, certified, { includeRoot: true });
  return { authority: made, issuer: certified, chain, urls: issuerUrls(certified), encryptedKey };
}

/** A proposal that is the caller's own, approved, as it was made, and not used up. */
async function collectable(
  parts: ExportParts,
  principal: Principal,
  above: Authority,
  id: string,
): Promise<Proposal> {
  const { proposal, state } = await findProposal(parts, principal, id);
  if (proposal.action !== EXPORT || proposal.subject !== above.id) {
    throw new ServiceError('not-found', `there is no export ${id} below ${above.id}`);
  }
  requireKind(parts.access, principal, EXPORT, 'sub-ca');
  if (state !== 'approved') throw new ServiceError('conflict', `${id} is ${state}, not approved`);
  if (proposal.proposer !== principal.actor) {
    throw new ServiceError(
      'export-of-other',
      `${id} is collected by ${proposal.proposer}, who proposed it, and nobody else`,
    );
  }
  if (proposalHash(proposal) !== proposal.sha256) {
    throw new ServiceError('proposal-changed', `${id} is not on record as it was made`);
  }
  const exported = await parts.exports.findExported(id);
  if (exported) throw usedUp(id, exported.id);
  const until = (proposal.decidedAt?.getTime() ?? 0) + COLLECTING_MILLISECONDS;
  if (until < parts.clock().getTime()) {
    throw new ServiceError('conflict', `${id} was approved too long ago: propose it anew`);
  }
  return proposal;
}

async function create(
  parts: CollectionParts,
  principal: Principal,
  proposal: Proposal,
  authority: Authority & { readonly exportedBy: string },
  { profile, organization, passphrase }: AllowedExport & { readonly passphrase: string },
): Promise<{ issuer: Issuer; encryptedKey: Uint8Array }> {
  let encryptedKey: Uint8Array = new Uint8Array();
  const { issuer, key } = await newIssuer(
    ...([parts, authority, profile, organization, 1] as const),
    async (algorithm, owner) => {
      const made = await parts.generateExportedKey(algorithm, owner, passphrase);
      encryptedKey = made.encryptedKey;
      return made;
    },
  );
  const audit = exportAudit(parts.clock(), principal, proposal, authority, issuer);
  const outcome = await parts.exports.createExported({ authority, issuer, key, audit });
  if (outcome === 'collected') throw usedUp(proposal.id);
  if (outcome === 'exists') {
    throw new ServiceError('conflict', `there is another authority ${authority.id}`);
  }
  const { proposer, decidedBy } = proposal;
  parts.logger.warn('issuer-exported', {
    ...{ authority: authority.id, issuer: issuer.id, below: authority.parentId },
    ...{ organization: authority.organizationId, proposal: proposal.id },
    ...{ proposer, approvedBy: decidedBy },
  });
  return { issuer, encryptedKey };
}

/** Written before there is a certificate, let alone an answer: what is not handed out is said to be. */
const exportAudit = (
  at: Date,
  { actor }: Principal,
  { id, sha256, proposer, decidedBy = '-' }: Proposal,
  { id: subject, organizationId, parentId, profile, keyAlgorithm, title }: Authority,
  issuer: Issuer,
): AuditEvent => ({
  at,
  organizationId,
  actor,
  action: 'issuer.exported',
  subject,
  details: {
    ...{ issuer: issuer.id, title, profile, key: keyAlgorithm },
    ...(parentId === undefined ? {} : { below: parentId }),
    ...{ proposal: id, sha256, proposer, approvedBy: decidedBy },
  },
});

const usedUp = (id: string, authorityId?: string): ServiceError =>
  new ServiceError(
    'conflict',
    `${id} was collected before${authorityId === undefined ? '' : ` and made ${authorityId}`}: ` +
      'no key is handed out twice; revoke it if its key is lost, and propose another',
  );
