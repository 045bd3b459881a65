/**
 * Exports: an authority of its own, with a fresh key, for a CSMS that signs the certificates of its
 * stations itself (docs/adr/0032-exported-issuers.md). Asked for here, which is always a proposal;
 * collected, once, in export-collection.ts.
 */

import { z } from 'zod';
import type { Profile } from '../pki/profile.ts';
import { type KeyAlgorithm, keyAlgorithms } from '../pki/public-key.ts';
import { type Principal, type ProposableAction, reaches, requireKind } from './access-policy.ts';
import { type AuthorityParts, organizationOf, subjectOf } from './authorities.ts';
import type { Authority } from './authority-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import type { ExportStore } from './export-records.ts';
import type { Organization } from './organizations.ts';
import type { Proposal, ProposalApproval } from './proposal-records.ts';
import { type ProposalParts, type ProposalView, propose } from './proposals.ts';

export const EXPORT = 'authorities:export' as const satisfies ProposableAction;

export interface ExportParts extends AuthorityParts, ProposalParts {
  readonly exports: ExportStore;
}

/** The authority that is wanted. */
export interface ExportWish {
  readonly id: string;
  /** The CN of its certificate. */
  readonly title: string;
  readonly key: KeyAlgorithm;
  /** The end that its certificate is to have; that of its profile without. */
  readonly notAfter?: Date;
}

/** What stands in a proposal. */
const exportCommand = z.strictObject({
  id: z.string(),
  title: z.string(),
  key: z.enum(keyAlgorithms),
  profile: z.string(),
  profileHash: z.string(),
  notAfter: z.iso.datetime().optional(),
});
type ExportCommand = z.infer<typeof exportCommand>;

/** What an export needs that is allowed now. */
export interface AllowedExport {
  readonly profile: Profile;
  readonly organization: Organization;
}

/**
 * Proposes an export, whatever `secondPerson` says: nobody hands out a key alone.
 * @param above the authority that is to certify it, which the caller reaches
 * @throws ServiceError `not-permitted` naming the kind of certificates; `export-refused` with
 *   everything that stands against it; `conflict` when there is an authority of this id;
 *   `authority-not-active`; `declarations-superseded`
 */
export async function proposeExport(
  parts: ExportParts,
  principal: Principal,
  above: Authority,
  wish: ExportWish,
): Promise<ProposalView> {
  requireKind(parts.access, principal, EXPORT, 'sub-ca');
  await parts.declarations.requireActive();
  const { profile } = await allowedExport(parts, above, wish);
  return propose(parts, principal, {
    organizationId: above.organizationId,
    action: EXPORT,
    subject: above.id,
    command: {
      ...{ id: wish.id, title: wish.title, key: wish.key },
      ...{ profile: profile.name, profileHash: profile.hash },
      ...(wish.notAfter ? { notAfter: wish.notAfter.toISOString() } : {}),
    },
  });
}

/** See `TakeEffect`. From then on its proposer can collect it. */
export async function exportAsProposed(
  parts: ExportParts,
  proposer: Principal,
  proposal: Proposal,
  approval: ProposalApproval,
): Promise<'done' | 'not-waiting'> {
  const above = await parts.authorities.findAuthority(proposal.subject);
  if (!above || !reaches(parts.access, proposer, above.organizationId)) {
    throw new ServiceError('not-found', `there is no authority ${proposal.subject}`);
  }
  requireKind(parts.access, proposer, EXPORT, 'sub-ca');
  await allowedAsProposed(parts, above, proposal);
  return (await parts.exports.approveExport(approval)) === 'approved' ? 'done' : 'not-waiting';
}

/**
 * A proposal with what it would be carried out with now.
 * @throws ServiceError `proposal-changed` for one of something else; as `proposeExport`
 */
export async function allowedAsProposed(
  parts: ExportParts,
  above: Authority,
  { id, organizationId, command }: Proposal,
): Promise<AllowedExport & { readonly wish: ExportWish }> {
  const read = exportCommand.safeParse(command);
  if (!read.success || above.organizationId !== organizationId) {
    throw new ServiceError('proposal-changed', `${id} is not about an export by ${above.id}`);
  }
  const wish = wishOf(read.data);
  const allowed = await allowedExport(parts, above, wish);
  if (allowed.profile.hash !== read.data.profileHash) {
    throw refused(above, [
      fault('profile', `${allowed.profile.name} is not what it was when ${id} was made`),
    ]);
  }
  return { ...allowed, wish };
}

const wishOf = ({ id, title, key, notAfter }: ExportCommand): ExportWish => ({
  ...{ id, title, key },
  ...(notAfter === undefined ? {} : { notAfter: new Date(notAfter) }),
});

async function allowedExport(
  parts: ExportParts,
  above: Authority,
  wish: ExportWish,
): Promise<AllowedExport> {
  const profile = [...parts.profiles.values()].find(
    ({ exported, issuedBy }) => exported && issuedBy.includes(above.profile),
  );
  if (!profile) {
    const message = `${above.id} is of ${above.profile}, below which nothing is exported`;
    throw refused(above, [fault('issuer', message, 'issuer-not-allowed')]);
  }
  const issuer = await parts.issuers.current(above);
  if (!issuer) throw new ServiceError('authority-not-active', `${above.id} is not active`);
  if (await parts.authorities.findAuthority(wish.id)) {
    throw new ServiceError('conflict', `there is another authority ${wish.id}`);
  }
  const organization = await organizationOf(parts, above);
  const faults: FieldViolation[] = [
    ...(profile.keys.includes(wish.key)
      ? []
      : [fault('key', `${profile.name} allows ${profile.keys.join(', ')}`, 'key-type')]),
    ...subjectOf(wish, profile, organization, 1).violations,
    ...endFaults(parts.clock(), profile, issuer.facts.notAfter, wish.notAfter),
  ];
  if (faults.length > 0) throw refused(above, faults);
  return { profile, organization };
}

/** What policy would say of the end when the certificate is made, said before there is a key. */
function endFaults(
  now: Date,
  { name, validity }: Profile,
  issuerEnd: Date,
  notAfter = new Date(Math.min(now.getTime() + validity.default, issuerEnd.getTime())),
): FieldViolation[] {
  const life = notAfter.getTime() - now.getTime();
  if (notAfter > issuerEnd) {
    return [fault('notAfter', 'it ends after its issuer', 'validity-beyond-issuer')];
  }
  if (life > validity.maximum) {
    return [fault('notAfter', `it lasts longer than ${name} allows`, 'validity-too-long')];
  }
  if (life < validity.minimum) {
    return [fault('notAfter', `it ends sooner than ${name} allows`, 'validity-too-short')];
  }
  return [];
}

const fault = (field: string, message: string, code = 'declaration'): FieldViolation => ({
  code,
  message,
  field,
});

const refused = ({ id }: Authority, violations: readonly FieldViolation[]): ServiceError =>
  new ServiceError('export-refused', `nothing is exported below ${id} so`, violations);
