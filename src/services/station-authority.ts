/** Which authority and profile make the certificate that a station asks for. */

import { type StationCertificate, stationProfiles } from '../ocpp/certificate-types.ts';
import { isSelfIssued, readCertificate } from '../pki/certificate.ts';
import {
  type CertificateHashData,
  certificateHashData,
  parseHashData,
  sameHashData,
} from '../pki/certificate-hash-data.ts';
import type { Profile } from '../pki/profile.ts';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import { issuerChain } from './chains.ts';
import type { FieldViolation } from './errors.ts';
import { type IssuingChoice, issuingChoices, ofKey } from './issuing-choices.ts';

export interface StationAuthorityParts {
  readonly authorities: AuthorityStore;
  readonly profiles: ReadonlyMap<string, Profile>;
}

export type StationAuthority =
  | { readonly ok: true; readonly profile: string; readonly authority: string }
  | { readonly ok: false; readonly violation: FieldViolation };

export interface StationAuthorityQuestion {
  readonly organizationId: string;
  readonly certificate: StationCertificate;
  /** CertificateHashDataType of the root that the station wants to be under (2.1 A02.FR.27). */
  readonly hashRootCertificate?: unknown;
  /** The key to be certified, if it can be read. */
  readonly keyAlgorithm: KeyAlgorithm | undefined;
}

/**
 * Chooses among the active authorities of the organization: the first profile that any of them
 * may issue, and of its issuers the one that the profile names first (a combined certificate is
 * for vehicles too, if there is an authority that they trust). Of equals, the one that has a key
 * like the station's: hierarchies of ISO 15118-20 come in pairs.
 */
export async function chooseStationAuthority(
  parts: StationAuthorityParts,
  question: StationAuthorityQuestion,
): Promise<StationAuthority> {
  const { organizationId, certificate, hashRootCertificate, keyAlgorithm } = question;
  let choices = await issuingChoices(parts, organizationId, stationProfiles[certificate]);
  if (choices.length === 0) {
    return refusal('authority-unknown', `No active authority issues ${certificate} certificates.`);
  }
  if (hashRootCertificate !== undefined) {
    const root = parseHashData(hashRootCertificate);
    if (!root.ok) return refusal('root-unknown', `The ${root.reason}.`, 'hashRootCertificate');
    choices = await belowRoot(parts, choices, root.value.hashData);
    if (choices.length === 0) {
      const message = 'No authority that issues such certificates is below this root.';
      return refusal('root-unknown', message, 'hashRootCertificate');
    }
  }
  const equals = choices[0]?.authorities ?? [];
  const [authority, another] = ofKey(equals, keyAlgorithm);
  if (!choices[0] || !authority || another) {
    const ids = equals.map(({ id }) => id).join(', ');
    return refusal('authority-ambiguous', `${ids} could issue it; OCPP has no way to say which.`);
  }
  return { ok: true, profile: choices[0].profile, authority: authority.id };
}

async function belowRoot(
  parts: StationAuthorityParts,
  choices: readonly IssuingChoice[],
  root: CertificateHashData,
): Promise<IssuingChoice[]> {
  const below: IssuingChoice[] = [];
  for (const { profile, authorities } of choices) {
    const kept: Authority[] = [];
    for (const authority of authorities) {
      if (await isBelow(parts, authority, root)) kept.push(authority);
    }
    if (kept.length > 0) below.push({ profile, authorities: kept });
  }
  return below;
}

/** Whether what the authority signs now chains up to this root. */
async function isBelow(
  { authorities }: StationAuthorityParts,
  authority: Authority,
  wanted: CertificateHashData,
): Promise<boolean> {
  const generations = await authorities.listIssuers(authority.id);
  const issuer = generations.find(({ state }) => state === 'active');
  if (!issuer) return false;
  const top = (await issuerChain(authorities, issuer, { includeRoot: true })).at(-1);
  const root = top && readCertificate(top);
  if (!root?.publicKey || !isSelfIssued(root)) return false;
  const named = { subjectDer: root.subjectDer, publicKeyBits: root.publicKey.bits };
  try {
    return sameHashData(certificateHashData(root, named, wanted.hashAlgorithm), wanted);
  } catch (error) {
    // A serial number that OCPP cannot express is not the one that was sent.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const refusal = (code: string, message: string, field?: string): StationAuthority => ({
  ok: false,
  violation: field === undefined ? { code, message } : { code, message, field },
});
