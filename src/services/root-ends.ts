/**
 * Roots whose time is over. Nothing happens when a certificate ends, and so nobody would hear of
 * it: whichever process looks first notes each end once, with an entry in the audit log of the
 * root's organization. What ended while no process ran is noted by the next that does.
 */

import { fingerprint } from '../pki/certificate.ts';
import type { Profile, RootType } from '../pki/profile.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';

/** A root whose end nobody has noted: one of ours that pools list, or a trust anchor. */
export interface RootEnd {
  /** Of the issuer, or of the trust anchor. */
  readonly id: string;
  readonly organizationId: string;
  /** Of the authority; undefined for a trust anchor. */
  readonly own?: {
    readonly authorityId: string;
    readonly certificateId: string;
    readonly profile: string;
  };
  /** As what a trust anchor is listed, if it is. */
  readonly rootType?: RootType;
  /** DER. */
  readonly certificate: Uint8Array;
  /** RFC 4514 text. */
  readonly subject: string;
  readonly notAfter: Date;
}

export interface RootEndStore {
  /**
   * The roots of authorities of these profiles that are neither revoked nor stopped, and the trust
   * anchors of every organization, whose end has not been noted, over or still to come: the nearest
   * end first.
   */
  nextEnds(profiles: readonly string[], limit: number): Promise<RootEnd[]>;
  /** @returns `known`, and nothing is written, when somebody has noted it or the anchor is removed */
  noteEnd(command: {
    readonly root: Pick<RootEnd, 'id' | 'own'>;
    readonly audit: AuditEvent;
  }): Promise<'noted' | 'known'>;
}

export interface RootEndParts {
  readonly rootEnds: RootEndStore;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly clock: Clock;
}

/** The job that does it. */
export const ROOT_ENDS_JOB = 'root-ends';

const ROOTS_AT_ONCE = 100;
/** Roots are made meanwhile, which may end sooner than the next that is known. */
const LONGEST_REST_MILLISECONDS = 60 * 60_000;

/** As a job. @returns when to look again: when the next root ends, within an hour */
export async function noteRootEnds(parts: RootEndParts): Promise<Date> {
  const now = parts.clock();
  const types = new Map<string, RootType>();
  for (const { name, rootType } of parts.profiles.values()) {
    if (rootType !== undefined) types.set(name, rootType);
  }
  const roots = await parts.rootEnds.nextEnds([...types.keys()], ROOTS_AT_ONCE);
  const over = roots.filter((root) => afterEnd(root) <= now);
  for (const root of over) {
    await parts.rootEnds.noteEnd({ root, audit: endAudit(root, types, now) });
  }
  if (over.length === ROOTS_AT_ONCE) return now;
  const next = roots[over.length];
  const latest = now.getTime() + LONGEST_REST_MILLISECONDS;
  return new Date(Math.min(latest, next ? afterEnd(next).getTime() : latest));
}

/** When it has ended: it holds in its last second still (RFC 5280 4.1.2.5). */
export const afterEnd = ({ notAfter }: Pick<RootEnd, 'notAfter'>): Date =>
  new Date(notAfter.getTime() + 1_000);

function endAudit(root: RootEnd, types: ReadonlyMap<string, RootType>, at: Date): AuditEvent {
  const { id, organizationId, own, certificate, subject, notAfter } = root;
  const rootType = own ? types.get(own.profile) : root.rootType;
  const details = {
    ...{ sha256: fingerprint(certificate), name: subject, notAfter: notAfter.toISOString() },
    rootType: rootType ?? null,
  };
  const entry = { at, organizationId, actor: 'evpki' };
  if (!own) return { ...entry, action: 'trust-anchor.expired', subject: id, details };
  return {
    ...{ ...entry, action: 'root-certificate.expired', subject: own.certificateId },
    details: { ...details, authority: own.authorityId, issuer: id },
  };
}
