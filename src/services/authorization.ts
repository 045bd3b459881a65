/**
 * Authorize with a contract certificate (OCPP C07): whether the contract that a car presents at a
 * charger holds, from what this evpki knows of it. A car presents its chain, or its station presents
 * the chain's hash data; who pays is named by the EMAID.
 */

import { parseEmaid } from '../identifiers/emaid.ts';
import {
  type AuthorizeOutcome,
  authorizeOutcome,
  namesContract,
  type ChainVerdict as PresentedChain,
  type ContractState as PresentedContract,
} from '../ocpp/authorize.ts';
import { sameBytes } from '../pki/byte-order.ts';
import {
  type Certificate,
  readableCertificate,
  readCertificate,
  serialHex,
} from '../pki/certificate.ts';
import {
  type CertificateHashData,
  certificateHashData,
  sameHashData,
} from '../pki/certificate-hash-data.ts';
import { attributeValue } from '../pki/names.ts';
import type { Principal } from './access-policy.ts';
import type { AuditWriter } from './audit.ts';
import type { Clock } from './clock.ts';
import type { Bundle, Contract } from './contract-records.ts';
import type { ContractStore } from './contract-store.ts';
import { foreignStatusOf, type StatusUnknown } from './foreign-paths.ts';
import type { AskForeignStatus } from './foreign-status.ts';
import type { ChainFailure, ChainQuestion, ChainVerdict } from './validation.ts';

export interface AuthorizationParts {
  readonly contracts: Pick<ContractStore, 'findByCertificate' | 'listContracts' | 'listBundles'>;
  readonly validateChain: (question: ChainQuestion) => Promise<ChainVerdict>;
  readonly askForeignStatus: AskForeignStatus;
  readonly audit: AuditWriter;
  readonly clock: Clock;
}

export interface AuthorizationQuestion {
  readonly principal: Principal;
  /** The EMAID, in any of its spellings, as the station sent it. */
  readonly idToken: string;
  /** DER, the contract certificate first. */
  readonly chain?: readonly Uint8Array[];
  /** Of the certificates of the chain; looked at if there is no chain. */
  readonly hashData?: readonly CertificateHashData[];
}

export interface AuthorizationAnswer extends AuthorizeOutcome {
  /** The contract that was presented, if it is one of this evpki. */
  readonly contract?: Pick<Contract, 'id' | 'emaid'>;
  /** Why not, for people. */
  readonly detail?: string;
  /** Of which certificates nobody could say whether they are revoked; accepted or not. */
  readonly statusUnknown: readonly StatusUnknown[];
}

/** What was presented, as far as it is known. */
interface Presented {
  readonly chain: PresentedChain;
  readonly state: PresentedContract;
  readonly contract?: Contract;
  readonly detail?: string;
  readonly statusUnknown?: readonly StatusUnknown[];
}

/** Decides on what a station has sent; whatever that is, there is an answer for it. */
export async function authorizeContract(
  parts: AuthorizationParts,
  question: AuthorizationQuestion,
): Promise<AuthorizationAnswer> {
  const presented = await present(parts, question);
  const outcome = authorizeOutcome(presented.chain, presented.state);
  await recordOutcome(parts, question, presented, outcome);
  const { contract, detail, statusUnknown = [] } = presented;
  return {
    ...outcome,
    statusUnknown,
    // Which car it is for is nothing that a station has asked.
    ...(contract ? { contract: { id: contract.id, emaid: contract.emaid } } : {}),
    ...(detail === undefined ? {} : { detail }),
  };
}

async function present(
  parts: AuthorizationParts,
  question: AuthorizationQuestion,
): Promise<Presented> {
  const [leaf, ...above] = question.chain ?? [];
  if (leaf) return presentChain(parts, question, leaf, above);
  const found = await byHashData(parts, question);
  if (!found) {
    const detail = 'No certificate of this evpki has the hash data and the EMAID.';
    return { chain: 'absent', state: 'unknown', detail };
  }
  const { contract, bundle } = found;
  return judged(
    parts,
    question,
    contract,
    readCertificate(bundle.certificate),
    bundle.subCertificates,
  );
}

async function presentChain(
  parts: AuthorizationParts,
  question: AuthorizationQuestion,
  leaf: Uint8Array,
  above: readonly Uint8Array[],
): Promise<Presented> {
  const certificate = readableCertificate(leaf);
  if (!certificate) {
    return { chain: 'untrusted', state: 'unknown', detail: 'The certificate is not readable.' };
  }
  const emaid = parseEmaid(attributeValue(certificate.subject, 'CN') ?? '');
  const contract = emaid.ok
    ? await parts.contracts.findByCertificate(emaid.value.normal, certificate.der)
    : undefined;
  return judged(parts, question, contract, certificate, above);
}

/** A contract of this evpki counts by its operator's anchors, any other by the caller's own. */
async function judged(
  parts: AuthorizationParts,
  { idToken, principal }: AuthorizationQuestion,
  contract: Contract | undefined,
  certificate: Certificate,
  above: readonly Uint8Array[],
): Promise<Presented> {
  const verdict = await parts.validateChain({
    certificate: certificate.der,
    candidates: above,
    purpose: 'contract-validation',
    organizationId: contract?.organizationId ?? principal.organizationId,
    at: parts.clock(),
  });
  const known = contract ? { contract } : {};
  if (!verdict.ok) {
    const detail = verdict.problems.map(({ message }) => message).join(' ');
    return { chain: chains[verdict.failure], state: 'unknown', detail, ...known };
  }
  // Asked once the path holds: before, its URLs are anybody's.
  const { path, statusUnknown: foreign } = verdict;
  const { revoked, unknown } = await foreignStatusOf(parts.askForeignStatus, path, foreign);
  const about = { statusUnknown: unknown, ...known };
  if (revoked.length > 0) {
    const detail = revoked.map((subject) => `${subject}: Its issuer has revoked it.`).join(' ');
    return { chain: 'revoked', state: 'unknown', detail, ...about };
  }
  // A status that nobody can tell is none to charge on.
  if (!contract && unknown.length > 0) {
    const detail = 'Whether the certificate is revoked is not known here.';
    return { chain: 'unknown', state: 'unknown', detail, ...about };
  }
  if (!namesContract(idToken, certificate)) {
    const detail = 'The idToken is not the EMAID of the certificate.';
    return { chain: 'valid', state: 'other', detail, ...about };
  }
  if (!contract) {
    const detail = 'No contract of this evpki has this certificate.';
    return { chain: 'valid', state: 'unknown', detail };
  }
  // A certificate that its operator has brought goes on as long as the operator says here that the
  // contract does (docs/adr/0019-contract-bundles.md).
  return { chain: 'valid', state: contract.state, ...about };
}

const chains: Readonly<Record<ChainFailure, PresentedChain>> = {
  chain: 'untrusted',
  revoked: 'revoked',
  expired: 'expired',
  'not-yet-valid': 'not-yet-valid',
};

/**
 * The contract of this EMAID one of whose certificates has one of these hashes; of several the same
 * as `findByCertificate` finds.
 */
async function byHashData(
  { contracts }: AuthorizationParts,
  { idToken, hashData = [] }: AuthorizationQuestion,
): Promise<{ contract: Contract; bundle: Bundle } | undefined> {
  const emaid = parseEmaid(idToken);
  if (!emaid.ok || hashData.length === 0) return undefined;
  let best: { contract: Contract; bundle: Bundle } | undefined;
  // One EMAID is in as many contracts as its driver has cars; those that have ended are looked at.
  let cursor: string | undefined;
  do {
    const page = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
    const found = await contracts.listContracts({ emaid: emaid.value.normal }, page);
    for (const contract of found.items) {
      // The newest come first.
      if (best && goingOn[best.contract.state] < goingOn[contract.state]) continue;
      const bundles = await contracts.listBundles(contract.id);
      const bundle = bundles.find((one) => hashData.some((data) => isHashDataOf(data, one)));
      if (bundle) best = { contract, bundle };
    }
    cursor = found.nextCursor;
  } while (cursor !== undefined);
  return best;
}

const goingOn: Readonly<Record<Contract['state'], number>> = { active: 0, suspended: 1, ended: 2 };

function isHashDataOf(
  data: CertificateHashData,
  { certificate, subCertificates: [issuer] }: Bundle,
): boolean {
  const leaf = readCertificate(certificate);
  // Those that were brought may have a serial number or an issuer that hash data cannot express.
  if (serialHex(leaf) !== data.serialNumber) return false;
  const above = issuer && readCertificate(issuer);
  if (!above?.publicKey || !sameBytes(leaf.issuerDer, above.subjectDer)) return false;
  const { subjectDer, publicKey } = above;
  const names = { subjectDer, publicKeyBits: publicKey.bits };
  return sameHashData(certificateHashData(leaf, names, data.hashAlgorithm), data);
}

/** In the log of the contract's operator, if there is one, and in that of the caller. */
function recordOutcome(
  { audit, clock }: AuthorizationParts,
  { principal }: AuthorizationQuestion,
  { contract, statusUnknown = [] }: Presented,
  { idTokenStatus, certificateStatus }: AuthorizeOutcome,
): Promise<void> {
  const organizationId = contract?.organizationId ?? principal.organizationId;
  return audit.recordAudit({
    at: clock(),
    organizationId,
    ...(organizationId === principal.organizationId
      ? {}
      : { counterpart: principal.organizationId }),
    actor: principal.actor,
    action: idTokenStatus === 'Accepted' ? 'contract.authorized' : 'contract.authorization-refused',
    subject: contract?.id ?? '-',
    details: {
      ...{ idTokenStatus, certificateStatus },
      // Without names: who drives is not to stand in a log that nobody can shorten.
      ...(statusUnknown.length > 0
        ? { statusUnknown: [...new Set(statusUnknown.map(({ reason }) => reason))].sort() }
        : {}),
    },
  });
}
