/**
 * The one way in which certificates come into being, leaves and authorities alike: policy decides,
 * the bytes are built and linted, a pending row becomes durable, only then the linted bytes are
 * signed, and only a certificate that is stored as issued is handed out. A process killed between
 * any two steps leaves a pending row that recovery abandons, never a signature without a row.
 */

import { createHash, type KeyObject } from 'node:crypto';
import { buildTbs } from '../pki/build-certificate.ts';
import { serialHex } from '../pki/certificate.ts';
import { signLinted } from '../pki/issue.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import type { LintFinding, LintIssuer } from '../pki/lint/rule.ts';
import { lintAndSeal } from '../pki/linted.ts';
import { attributeValue, nameText } from '../pki/names.ts';
import { decide, keyBlocked, keyInUse, nameTaken, type PolicyInput } from '../pki/policy.ts';
import type { Signer } from '../pki/signer.ts';
import type { CertificateTemplate } from '../pki/template.ts';
import { type Violation, violation } from '../pki/violations.ts';
import type { ActiveDeclarations } from './active-declarations.ts';
import type {
  Approval,
  EnrolmentRequest,
  IssuanceStore,
  NameQuestion,
  PendingCertificate,
} from './certificate-records.ts';
import type { Clock } from './clock.ts';
import type { BundleToIssue } from './contract-records.ts';
import { newId } from './ids.ts';
import type { Logger } from './logger.ts';
import { agreedBy, type ProposalApproval } from './proposal-records.ts';
import { drawSerialNumber, type RandomBytes } from './serial-numbers.ts';
import type { SigningTime } from './signing-time.ts';

/** How long a process may take from the pending row to the issued one. */
const LEASE_MILLISECONDS = 60_000;
/** Collisions of 127-bit serial numbers mean a broken random source, not bad luck. */
const SERIAL_ATTEMPTS = 3;

export interface IssuingParts {
  readonly store: IssuanceStore;
  readonly declarations: Pick<ActiveDeclarations, 'requireActive'>;
  readonly clock: Clock;
  readonly signingTime: SigningTime;
  readonly random: RandomBytes;
  /** Names this process in leases. */
  readonly processId: string;
  readonly logger: Logger;
}

export interface IssueCommand {
  /** What policy decides on; serial number and time are added here. */
  readonly input: Omit<PolicyInput, 'serialNumber' | 'now'>;
  readonly issuerId: string;
  readonly signer: Signer;
  /** The issuer's public key: every signature is verified with it before it counts. */
  readonly verificationKey: KeyObject;
  readonly lintIssuer: LintIssuer | 'self';
  readonly organizationId: string;
  /** Whose authority signs, where that is another organization: its log has the entry too. */
  readonly issuerOrganizationId?: string;
  /** Who asked, for the audit entry. */
  readonly actor: string;
  readonly request?: EnrolmentRequest;
  /** That the request, which waits on record, is approved. */
  readonly approval?: Approval;
  /** The issuer whose own certificate this is. */
  readonly subjectIssuerId?: string;
  readonly stationId?: string;
  /** What must not be the name of another station when the pending row is written. */
  readonly stationName?: NameQuestion;
  /** The bundle of a contract that the certificate is for. */
  readonly bundle?: BundleToIssue;
  /** The certificate of the issuer's own OCSP responder. */
  readonly statusSigner?: true;
  /** The one-time secret that the request came with. */
  readonly secretId?: string;
  /** That a second person agrees to what was proposed, which is this certificate. */
  readonly proposal?: ProposalApproval;
}

/** What can stand against one more bundle of a contract, or the first one. */
export type BundleOutcome =
  | 'contract-exists'
  | 'contract-not-active'
  | 'bundle-outrun'
  | 'vehicle-changed'
  | 'car-full';

/** What can stand against a request that comes with a one-time secret. */
export type SecretOutcome = 'secret-spent' | 'secret-in-use';

export type IssueResult =
  | { readonly outcome: 'issued'; readonly certificateId: string; readonly der: Uint8Array }
  | { readonly outcome: 'refused'; readonly violations: readonly Violation[] }
  | {
      readonly outcome: 'issuer-not-active' | 'not-granted' | 'not-renewable' | 'not-waiting';
    }
  | { readonly outcome: BundleOutcome }
  | { readonly outcome: SecretOutcome }
  | { readonly outcome: 'repeat'; readonly request: EnrolmentRequest };

/** What speaks against a certificate at this moment; nothing is written or signed. */
export function objectionsTo(
  parts: Pick<IssuingParts, 'clock' | 'random'>,
  input: IssueCommand['input'],
): readonly Violation[] {
  const serialNumber = drawSerialNumber(parts.random);
  const decision = decide({ ...input, serialNumber, now: parts.clock() });
  return decision.ok ? [] : decision.violations;
}

/** The same, and what only the bytes of the certificate show. */
export function objectionsToBytes(
  parts: Pick<IssuingParts, 'clock' | 'random' | 'logger'>,
  command: Pick<IssueCommand, 'input' | 'signer' | 'lintIssuer'>,
): readonly Violation[] {
  const made = toBeSigned(parts, command, parts.clock());
  return made.ok ? [] : made.violations;
}

/** What policy would have said, had it known what was recorded while it decided. */
const decidedByRecord = {
  'key-blocked': keyBlocked,
  'key-in-use': keyInUse,
  'name-taken': nameTaken,
} as const;

/** The one lint rule that names, which callers choose, can break by their mere length. */
const SIZE_RULE = 'maximum-size';
const tooLarge = ({ message }: LintFinding): Violation =>
  violation('certificate-too-large', message, 'subject');

/** Issuance failed inside evpki: nothing was handed out, and the log says why. */
class IssuanceError extends Error {
  override readonly name: string = 'IssuanceError';
}

/**
 * The pending row was taken away before its signature was stored: by recovery, or by whoever has
 * stopped, at this moment, what the certificate was for.
 */
export class AbandonedMeanwhile extends IssuanceError {
  override readonly name = 'AbandonedMeanwhile';
}

/**
 * Issues one certificate, or says why not.
 * @throws ServiceError `declarations-superseded` when newer profiles are in force than this process
 *   has; status goes on all the same, so OCSP responders are still certified
 * @throws IssuanceError when lint refuses what policy allowed, the signature does not verify, or the
 *   row was taken away (AbandonedMeanwhile); ServiceError `clock-went-back`; and whatever the store
 *   throws
 */
export async function issueCertificate(
  parts: IssuingParts,
  command: IssueCommand,
): Promise<IssueResult> {
  if (!command.statusSigner) await parts.declarations.requireActive();
  for (let attempt = 1; attempt <= SERIAL_ATTEMPTS; attempt++) {
    const now = await parts.signingTime();
    const made = toBeSigned(parts, command, now);
    if (!made.ok) return { outcome: 'refused', violations: made.violations };
    const certificate = pendingCertificate(parts, command, made.template, made.tbs, now);
    const pending = await parts.store.recordPending({
      certificate,
      ...(command.request ? { request: command.request } : {}),
      ...(command.approval ? { approval: command.approval } : {}),
      ...(command.subjectIssuerId ? { subjectIssuerId: command.subjectIssuerId } : {}),
      ...(command.statusSigner ? { statusSigner: command.statusSigner } : {}),
      ...(command.stationName ? { stationName: command.stationName } : {}),
      ...(command.bundle ? { bundle: command.bundle } : {}),
      ...(command.secretId ? { secretId: command.secretId } : {}),
      ...(command.proposal ? { proposal: naming(certificate.id, command.proposal) } : {}),
    });
    switch (pending.outcome) {
      case 'recorded':
        return await signAndRecord(parts, command, certificate, async () =>
          signLinted(made.linted, command.signer, command.verificationKey),
        );
      case 'serial-taken':
        parts.logger.warn('serial-number-taken', { issuer: command.issuerId, attempt });
        continue;
      case 'key-blocked':
      case 'key-in-use':
      case 'name-taken':
        return { outcome: 'refused', violations: [decidedByRecord[pending.outcome]] };
      default:
        return pending;
    }
  }
  throw new IssuanceError(`drew ${SERIAL_ATTEMPTS} serial numbers that were taken`);
}

/**
 * The linted bytes of a certificate, or what speaks against it.
 * @throws IssuanceError when lint refuses what policy allowed
 */
function toBeSigned(
  parts: Pick<IssuingParts, 'random' | 'logger'>,
  { input, signer, lintIssuer }: Pick<IssueCommand, 'input' | 'signer' | 'lintIssuer'>,
  now: Date,
) {
  const serialNumber = drawSerialNumber(parts.random);
  const decision = decide({ ...input, serialNumber, now });
  if (!decision.ok) return { ok: false, violations: decision.violations } as const;
  const tbs = buildTbs(decision.value);
  const sealed = lintAndSeal(tbs, {
    profile: input.profile,
    issuer: lintIssuer,
    issuerKeyAlgorithm: signer.algorithm,
    certified: input.certified,
  });
  if (sealed.ok) return { ok: true, template: decision.value, tbs, linted: sealed.linted } as const;
  if (sealed.findings.every(({ rule }) => rule === SIZE_RULE)) {
    return { ok: false, violations: sealed.findings.map(tooLarge) } as const;
  }
  const findings = sealed.findings.map(({ rule, message }) => `${rule}: ${message}`);
  parts.logger.error('lint-refused', { profile: input.profile.name, findings });
  throw new IssuanceError('lint refused the certificate that policy allowed');
}

async function signAndRecord(
  parts: IssuingParts,
  command: IssueCommand,
  certificate: PendingCertificate,
  sign: () => Promise<Uint8Array>,
): Promise<IssueResult> {
  const audit = (action: string, details: Record<string, string>) => ({
    at: parts.clock(),
    organizationId: certificate.organizationId,
    actor: command.actor,
    action,
    subject: certificate.id,
    details: {
      issuer: certificate.issuerId,
      serial: certificate.serial,
      subject: certificate.subject,
      profile: certificate.profile,
      profileHash: certificate.profileHash,
      ...(command.request ? { request: command.request.id } : {}),
      ...(command.approval && command.request ? { requester: command.request.requester } : {}),
      ...(command.proposal ? agreedBy(command.proposal) : {}),
      ...(command.input.certified ? { crossCertifies: command.input.certified.sha256 } : {}),
      ...(command.request?.renews ? { renews: command.request.renews } : {}),
      ...(command.stationId ? { station: command.stationId } : {}),
      ...(command.bundle ? { contract: command.bundle.bundle.contractId } : {}),
      // The issuer that begins to work with this certificate, and its authority with it.
      ...(command.subjectIssuerId ? { ofIssuer: command.subjectIssuerId } : {}),
      // Of a root what pools list it as: everybody is told that they do.
      ...(command.input.issuer === 'self' && command.input.profile.rootType !== undefined
        ? { rootType: command.input.profile.rootType, name: certificate.subject }
        : {}),
      ...details,
    },
  });

  let der: Uint8Array;
  try {
    der = await sign();
  } catch (error) {
    await parts.store.recordAbandoned({
      certificateId: certificate.id,
      leaseOwner: parts.processId,
      audit: audit('certificate.abandoned', { cause: 'signing failed' }),
    });
    throw error;
  }
  const recorded = await parts.store.recordIssued({
    certificateId: certificate.id,
    leaseOwner: parts.processId,
    der,
    ...(command.request ? { requestId: command.request.id } : {}),
    ...(command.subjectIssuerId ? { subjectIssuerId: command.subjectIssuerId } : {}),
    ...(command.bundle ? { bundle: command.bundle } : {}),
    audit: {
      ...audit('certificate.issued', { sha256: sha256Hex(der) }),
      ...(command.issuerOrganizationId ? { counterpart: command.issuerOrganizationId } : {}),
    },
  });
  if (recorded === 'lease-lost') {
    throw new AbandonedMeanwhile('the pending row was abandoned before its signature was stored');
  }
  return { outcome: 'issued', certificateId: certificate.id, der };
}

/** An approval whose audit entry names the certificate that it is about to lead to. */
const naming = (certificate: string, { audit, ...approval }: ProposalApproval) => ({
  ...approval,
  audit: { ...audit, details: { ...audit.details, certificate } },
});

function pendingCertificate(
  parts: IssuingParts,
  command: IssueCommand,
  template: CertificateTemplate,
  tbs: Uint8Array,
  now: Date,
): PendingCertificate {
  return {
    id: newId('crt', parts.random),
    organizationId: command.organizationId,
    issuerId: command.issuerId,
    serial: serialHex(template.serialNumber),
    subject: nameText(template.subject),
    commonName: attributeValue(template.subject, 'CN'),
    profile: command.input.profile.name,
    profileHash: command.input.profile.hash,
    spkiSha256: spkiFingerprint(template.spki),
    tbsSha256: sha256Hex(tbs),
    notBefore: template.notBefore,
    notAfter: template.notAfter,
    createdAt: now,
    lease: {
      owner: parts.processId,
      until: new Date(now.getTime() + LEASE_MILLISECONDS),
    },
    ...(command.stationId ? { stationId: command.stationId } : {}),
  };
}

const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
