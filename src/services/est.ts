/**
 * The operations of EST (RFC 7030): what its door asks for and answers with. Nothing about paths,
 * headers and base64 is known here.
 */

import { isSelfIssued, readCertificate } from '../pki/certificate.ts';
import { csrAttributes } from '../pki/csr-attributes.ts';
import { attributeValue } from '../pki/names.ts';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import { readRequest } from '../pki/request.ts';
import type { Checked } from '../pki/violations.ts';
import { requireKind } from './access-policy.ts';
import type { Issuer } from './authority-records.ts';
import { issuerChain } from './chains.ts';
import { submit } from './enrolment.ts';
import { ServiceError } from './errors.ts';
import {
  type EstIdentity,
  identify,
  type OwnCertificate,
  ownCertificate,
  requireSomebody,
} from './est-callers.ts';
import {
  approvalNeeded,
  type EstEnrolmentParts,
  type SettledRequest,
  settle,
} from './est-enrolment.ts';
import {
  type GenerateDeviceKey,
  generatedAlgorithm,
  requestForKey,
  requireNoEncryption,
} from './est-key-generation.ts';
import { type EstLabel, type EstLabelParts, type EstQuestion, labelFor } from './est-labels.ts';
import { type EstApplicant, prove } from './est-proofs.ts';
import { type RefusalParts, recordingRefusals } from './est-refusals.ts';
import { type EstTargetParts, estTarget, labelProfiles } from './est-targets.ts';
import { NotAuthenticated } from './refusals.ts';
import type { EnrolmentAnswer, IssuedAnswer } from './request-answers.ts';

export type { EstCaller } from './est-callers.ts';
export { type EstQuestion, estLabel } from './est-labels.ts';

export interface EstParts extends EstEnrolmentParts {
  readonly generateDeviceKey: GenerateDeviceKey;
}

export interface EstEnrolment extends EstQuestion {
  /** The request in DER, or why the body is none. */
  readonly csr: Checked<Uint8Array>;
  /** tls-unique of the connection (RFC 5929 3.1), where there is one. */
  readonly tlsUnique?: Uint8Array;
}

/** The actions of those who enrol by EST; no operation of openapi.yaml has them. */
export const estActions = ['est:enrol', 'est:reenrol', 'est:generate'] as const;
type EstAction = (typeof estActions)[number];

/**
 * The certificates above those that are issued: the issuing authority first, the root last, no
 * cross-certificates: there are clients that take the last for the root, and the first for the
 * issuer. Anybody may ask.
 * @param question.keyAlgorithm of the authority, where several could be meant
 * @throws ServiceError `est-label-unknown`, `est-label-ambiguous`, `authority-unknown`,
 *   `authority-ambiguous`, `authority-not-active`
 */
export async function estCaCertificates(
  parts: EstLabelParts & EstTargetParts & { readonly authorities: EstParts['authorities'] },
  question: EstQuestion & { readonly keyAlgorithm?: KeyAlgorithm },
): Promise<readonly Uint8Array[]> {
  const { keyAlgorithm, standard } = question;
  const { authority } = await publicTarget(parts, question, (label) =>
    estTarget(
      parts,
      label,
      standard,
      keyAlgorithm === undefined ? {} : { keyAlgorithm, strict: true },
    ),
  );
  const issuers = await parts.authorities.listIssuers(authority.id);
  const issuer = issuers.find(({ state }) => state === 'active');
  if (!issuer) throw new ServiceError('authority-not-active', `${authority.id} is not active`);
  return upToRoot(parts, issuer);
}

/** What stands behind the root is not above it. */
async function upToRoot(
  { authorities }: Pick<EstParts, 'authorities'>,
  issuer: Issuer,
): Promise<readonly Uint8Array[]> {
  const chain = await issuerChain(authorities, issuer, { includeRoot: true });
  const root = chain.findIndex((der) => isSelfIssued(readCertificate(der)));
  return root < 0 ? chain : chain.slice(0, root + 1);
}

/**
 * What a request should have; undefined where there is nothing to ask for. Anybody may ask.
 * @throws ServiceError as `estCaCertificates`
 */
export const estCsrAttributes = (
  parts: EstLabelParts & EstTargetParts,
  question: EstQuestion,
): Promise<Uint8Array | undefined> =>
  publicTarget(parts, question, async (label) => {
    const { profile } = await estTarget(parts, label, question.standard);
    return csrAttributes(profile);
  });

/** What is public is that of the caller's own organization, or else what anybody is told. */
async function publicTarget<T>(
  parts: EstLabelParts,
  question: EstQuestion,
  find: (label: EstLabel) => Promise<T>,
): Promise<T> {
  const identity = await identify(parts, question.caller);
  try {
    return await find(await labelFor(parts, question, identity));
  } catch (error) {
    const isNotOwn = error instanceof ServiceError && error.code === 'authority-unknown';
    if (!isNotOwn || identity.kind === 'nobody') throw error;
    return find(await labelFor(parts, question, nobody));
  }
}

const nobody: EstIdentity = { kind: 'nobody', refusal: { reason: 'no-credentials' } };

/**
 * /simpleenroll. `waiting` is answered only where the label says so. Whoever shows the certificate
 * that it has renews it here, too.
 * @throws NotAuthenticated, which is for the door to note with the caller's address; ServiceError
 *   and RequestUnanswered, which are in the audit log by then
 */
export async function estEnrol(parts: EstParts, asked: EstEnrolment): Promise<EnrolmentAnswer> {
  const identity = requireSomebody(await identify(parts, asked.caller));
  return recordingRefusals(parts, identity, async (note) => {
    const label = note.label(await labelFor(parts, asked, identity));
    const applicant = note.applicant(
      await prove(parts, label, identity, asked.caller, 'est:enrol'),
    );
    return answer(parts, label, await settled(parts, asked, label, applicant, 'est:enrol'));
  });
}

/**
 * /simplereenroll: the certificate that is renewed is the one that the caller shows; or, of an API
 * client, the latest of the profile and name.
 * @throws as `estEnrol`; ServiceError `certificate-not-renewable`
 */
export async function estReenrol(parts: EstParts, asked: EstEnrolment): Promise<EnrolmentAnswer> {
  const identity = requireSomebody(await identify(parts, asked.caller));
  return recordingRefusals(parts, identity, async (note) => {
    if (identity.kind === 'enrolment-secret' || identity.kind === 'factory-certificate') {
      const reason =
        identity.kind === 'enrolment-secret' ? 'credentials-not-taken' : 'certificate-unknown';
      const message = 'show the certificate that is to be renewed';
      throw new NotAuthenticated(message, { reason }, 'credentials-not-taken');
    }
    const label = note.label(await labelFor(parts, asked, identity));
    const applicant = note.applicant(
      await prove(parts, label, identity, asked.caller, 'est:reenrol'),
    );
    const holder =
      applicant.kind === 'api-client' ? await asHolder(parts, asked, label, applicant) : applicant;
    return answer(parts, label, await settled(parts, asked, label, holder, 'est:reenrol'));
  });
}

/**
 * An API client as the holder of what it has renewed: the certificate that it shows, or the latest
 * of the same name. Of a request that cannot be read nobody can say; it is refused for that.
 * @throws ServiceError `not-permitted`, `certificate-not-renewable`
 */
async function asHolder(
  parts: EstParts,
  { caller, csr, standard }: EstEnrolment,
  label: EstLabel,
  client: Extract<EstApplicant, { kind: 'api-client' }>,
): Promise<EstApplicant> {
  const { organizationId } = label;
  const holding = (own: OwnCertificate): EstApplicant => ({
    ...{ ...own, kind: 'current-certificate' },
    principal: client.principal,
  });
  const profiles = labelProfiles(parts, label, standard);
  requireKind(parts.access, client.principal, 'est:reenrol', profiles[0]?.kind);
  const names = profiles.map(({ name }) => name);
  const [leaf] = caller.clientCertificate ?? [];
  const shown = leaf && (await ownCertificate(parts, leaf));
  if (shown && names.includes(shown.record.profile)) return holding(shown);
  const request = csr.ok ? readRequest(csr.value) : csr;
  if (!request.ok) return client;
  const commonName = attributeValue(request.value.subject, 'CN') ?? '';
  for (const profile of names) {
    const renewable = { state: 'issued', isRequested: true } as const;
    const filter = { organizationId, profile, commonName, ...renewable };
    const [record] = (await parts.certificates.listCertificates(filter, { limit: 1 })).items;
    if (record?.der) return holding({ record, certificate: readCertificate(record.der) });
  }
  throw new ServiceError('certificate-not-renewable', 'there is no certificate of this name');
}

/**
 * /serverkeygen: as `estEnrol`, for a key that is made here. The request's own key is ignored, but
 * for its type. The private key is PKCS#8, DER; the door overwrites it once it has been sent.
 * @throws as `estEnrol`
 */
export async function estServerKeygen(
  parts: EstParts,
  asked: EstEnrolment,
): Promise<{ readonly answer: IssuedAnswer; readonly privateKey: Uint8Array }> {
  const identity = requireSomebody(await identify(parts, asked.caller));
  return recordingRefusals(parts, identity, async (note) => {
    const label = note.label(await labelFor(parts, asked, identity));
    const applicant = note.applicant(
      await prove(parts, label, identity, asked.caller, 'est:generate'),
    );
    const wanted = await settled(parts, asked, label, applicant, 'est:generate');
    // Nobody would be left to hand the key to.
    if (wanted.target.waits) throw approvalNeeded(label);
    requireNoEncryption(wanted.request);
    const algorithm = generatedAlgorithm(wanted.target.profile, wanted.request);
    const key = await parts.generateDeviceKey(algorithm);
    try {
      const csr = await requestForKey(wanted.request, algorithm, key);
      const submission = { ...wanted.submission, csr: { ok: true, value: csr } } as const;
      const issued = await answer(parts, label, { ...wanted, submission });
      if (issued.outcome !== 'issued') throw approvalNeeded(label);
      return { answer: issued, privateKey: key.pkcs8 };
    } catch (error) {
      key.pkcs8.fill(0);
      throw error;
    }
  });
}

/**
 * What the door does not read, too large or compressed: on record where it is known whose it is.
 * @throws the error that it is given
 */
export const estUnread = async (
  parts: EstLabelParts & RefusalParts,
  { caller }: EstQuestion,
  error: ServiceError,
): Promise<never> =>
  recordingRefusals(parts, await identify(parts, caller), () => Promise.reject(error));

const settled = (
  parts: EstParts,
  { standard, csr, tlsUnique }: EstEnrolment,
  label: EstLabel,
  applicant: EstApplicant,
  action: EstAction,
): Promise<SettledRequest> => settle(parts, { label, standard, applicant, action, csr, tlsUnique });

/** A request that waits since before the label said otherwise is not answered with that. */
async function answer(
  parts: EstParts,
  label: EstLabel,
  { submission, target }: SettledRequest,
): Promise<EnrolmentAnswer> {
  const given = await submit(parts, submission, target);
  if (given.outcome === 'waiting' && label.pending === 'refuse') throw approvalNeeded(label);
  return given;
}
