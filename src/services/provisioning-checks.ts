/**
 * What a provisioning certificate has to be before it is registered, but for what is above it: the
 * certificate alone, the organization's vehicles, and the X448 key beside it. Every reason against
 * it is named.
 */

import { parsePcid } from '../identifiers/pcid.ts';
import { type Certificate, readCertificate } from '../pki/certificate.ts';
import { certificatesInText } from '../pki/certificate-text.ts';
import { DerError } from '../pki/der-element.ts';
import { attributeValue } from '../pki/names.ts';
import { decodeBase64 } from '../pki/pem.ts';
import { readPublicKey } from '../pki/public-key.ts';
import type { KeyUsage } from '../pki/template.ts';
import type { Violation } from '../pki/violations.ts';
import { keyWeaknesses } from '../pki/weak-keys.ts';
import { x448Problem } from '../pki/x448.ts';
import { missingUsages } from './activation.ts';
import type { FieldViolation } from './errors.ts';
import type { Organization } from './organizations.ts';
import type { ProvisioningStandard } from './provisioning-records.ts';

type Fault = Violation | FieldViolation;

/** What somebody brings to be registered. */
export interface Registration {
  /** One certificate: PEM, or DER in base64. */
  readonly certificate: string;
  /** Those above it, in any order: PEM blocks in one text, or a text for each. */
  readonly chain?: string | readonly string[];
  /** 56 octets in base64. */
  readonly x448PublicKey?: string;
  /** What it is said to be for, where somebody says it: the key alone decides. */
  readonly standard?: ProvisioningStandard;
}

/** What of it could be read, and what could not. */
export interface ReadRegistration {
  readonly certificate?: Certificate;
  readonly candidates: readonly Uint8Array[];
  readonly x448PublicKey?: Uint8Array;
  readonly violations: readonly Fault[];
}

/** More than any chain of ISO 15118 has; few enough to look at for anybody. */
const MAX_CANDIDATES = 10;

/** Reads what somebody brings, as far as it can be read. Nothing is verified. */
export function readRegistration({
  certificate,
  chain,
  x448PublicKey,
}: Registration): ReadRegistration {
  const violations: Fault[] = [];
  const refuse = (code: string, field: string, message: string) => {
    violations.push({ code, message, field: `body.${field}` });
  };
  const read = (der: Uint8Array, code: string, field: string): Certificate | undefined => {
    try {
      return readCertificate(der);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      refuse(code, field, `it is no certificate in DER: ${error.message}`);
      return undefined;
    }
  };

  const blocks = certificatesInText(certificate);
  const [leaf, another] = blocks.ok ? blocks.value : [];
  if (!blocks.ok) refuse('certificate-unreadable', 'certificate', blocks.reason);
  if (another) {
    const message = 'it is more than one certificate: those above it go into `chain`';
    refuse('certificate-unreadable', 'certificate', message);
  }
  const own = leaf && !another ? read(leaf, 'certificate-unreadable', 'certificate') : undefined;

  const candidates: Uint8Array[] = [];
  const texts = typeof chain === 'string' ? [chain] : (chain ?? []);
  for (const [index, text] of texts.entries()) {
    const field = typeof chain === 'string' ? 'chain' : `chain.${index}`;
    const above = certificatesInText(text);
    if (!above.ok) refuse('chain-unreadable', field, above.reason);
    else
      for (const der of above.value) if (read(der, 'chain-unreadable', field)) candidates.push(der);
  }
  if (candidates.length > MAX_CANDIDATES) {
    const message = `it has ${candidates.length} certificates; ${MAX_CANDIDATES} are allowed`;
    refuse('chain-too-long', 'chain', message);
  }

  const agreeing = x448PublicKey === undefined ? undefined : decodeBase64(x448PublicKey);
  if (x448PublicKey !== undefined) {
    const problem = agreeing ? x448Problem(agreeing) : 'it is not base64';
    if (problem !== undefined) refuse('x448-key-invalid', 'x448PublicKey', problem);
  }
  return {
    ...(own ? { certificate: own } : {}),
    candidates: candidates.slice(0, MAX_CANDIDATES),
    ...(agreeing ? { x448PublicKey: agreeing } : {}),
    violations,
  };
}

interface KeyRule {
  readonly standard: ProvisioningStandard;
  /** Octets of DER, by the schema of the standard. */
  readonly maximumSize: number;
  readonly usages: readonly KeyUsage[];
}

/**
 * What each key makes of a certificate. [V2G20-822] wants the flag keyAgreement; RFC 9295 3 forbids
 * it beside an Ed448 key, which agrees on nothing: there it is neither demanded nor refused.
 */
const keyRules: Readonly<Record<string, KeyRule>> = {
  'P-256': {
    standard: 'iso15118-2',
    maximumSize: 800,
    usages: ['digitalSignature', 'keyAgreement'],
  },
  'P-521': {
    standard: 'iso15118-20',
    maximumSize: 1600,
    usages: ['digitalSignature', 'keyAgreement'],
  },
  Ed448: { standard: 'iso15118-20', maximumSize: 1600, usages: ['digitalSignature'] },
};

/** What a certificate says of its vehicle, as far as it does, and what speaks against it. */
export interface CheckedCertificate {
  /** In normal form. */
  readonly pcid?: string;
  readonly standard?: ProvisioningStandard;
  readonly violations: readonly Fault[];
}

/**
 * Checks a certificate by itself. One without basic constraints is a leaf (RFC 5280 4.2.1.9); such
 * ones are on the road.
 * @param organization whose WMIs count
 */
export function checkCertificate(
  certificate: Certificate,
  x448PublicKey: Uint8Array | undefined,
  { id, wmis = [] }: Pick<Organization, 'id' | 'wmis'>,
): CheckedCertificate {
  const { subject, spki, der, extensions } = certificate;
  const name = attributeValue(subject, 'CN');
  const pcid = parsePcid(name ?? '');
  const key = readPublicKey(spki);
  const rule = key.ok ? keyRules[key.value.algorithm] : undefined;
  const needsX448 = key.ok && key.value.algorithm === 'Ed448';
  const missing = missingUsages(certificate, rule?.usages ?? ['digitalSignature']);
  const violations = [
    ...fault(
      name === undefined,
      'pcid-missing',
      'its subject has no common name, or several: it has to be the PCID',
    ),
    ...(name !== undefined && !pcid.ok ? fault(true, 'pcid-invalid', pcid.reason) : []),
    ...(pcid.ok
      ? fault(
          !wmis.includes(pcid.value.wmi),
          'wmi-not-allowed',
          `${pcid.value.wmi} is no WMI of ${id}: ${wmis.length > 0 ? `those are ${wmis.join(', ')}` : 'it has none'}`,
        )
      : []),
    ...(key.ok ? keyWeaknesses(key.value) : key.violations),
    ...(key.ok
      ? fault(
          rule === undefined,
          'key-type',
          `${key.value.algorithm} is of neither standard: ISO 15118-2 has P-256, -20 has P-521 and Ed448`,
        )
      : []),
    ...fault(
      missing.length > 0,
      'key-usage',
      `key usage lacks ${missing.join(' and ')}, without which no contract is installed`,
    ),
    ...fault(
      extensions.basicConstraints?.ca === true,
      'certificate-of-authority',
      'its basic constraints make it an authority',
    ),
    ...(rule
      ? fault(
          der.length > rule.maximumSize,
          'certificate-too-large',
          `it has ${der.length} octets; ${rule.standard} allows ${rule.maximumSize}`,
        )
      : []),
    ...fault(
      needsX448 && x448PublicKey === undefined,
      'x448-key-missing',
      'an Ed448 key agrees on nothing: contract keys are encrypted to an X448 key beside it',
      'x448PublicKey',
    ),
    ...fault(
      rule !== undefined && !needsX448 && x448PublicKey !== undefined,
      'x448-key-unexpected',
      'it belongs to certificates for Ed448 alone',
      'x448PublicKey',
    ),
  ];
  return {
    ...(pcid.ok ? { pcid: pcid.value.normal } : {}),
    ...(rule ? { standard: rule.standard } : {}),
    violations,
  };
}

const fault = (
  wrong: boolean,
  code: string,
  message: string,
  field = 'certificate',
): FieldViolation[] => (wrong ? [{ code, message, field: `body.${field}` }] : []);
