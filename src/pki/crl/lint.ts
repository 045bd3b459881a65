/**
 * Lint of CRLs: a last look at the exact bytes before they are signed, and at the signed ones. As
 * with certificates, a finding is a bug of ours.
 */

import { sameBytes } from '../byte-order.ts';
import { DerError } from '../der-element.ts';
import type { LintFinding } from '../lint/rule.ts';
import type { KeyAlgorithm } from '../public-key.ts';
import { signatureAlgorithmFor } from '../signature-algorithm.ts';
import { understoodCrlExtensions } from './extensions.ts';
import type { CrlPieces } from './frame.ts';
import { type Crl, type CrlFields, readCrl, readCrlPieces } from './read.ts';

/** What lint knows of the issuer, from the issuer's own certificate. */
export interface CrlLintIssuer {
  readonly subjectDer: Uint8Array;
  /** The subject key identifier. */
  readonly keyIdentifier: Uint8Array;
  readonly keyAlgorithm: KeyAlgorithm;
}

interface CrlRule {
  readonly id: string;
  readonly clause: string;
  /** Undefined if the CRL keeps the rule; otherwise a sentence on how it breaks it. */
  readonly check: (crl: CrlFields, issuer: CrlLintIssuer) => string | undefined;
}

/** An empty SEQUENCE: the DER of an empty name. */
const EMPTY_SEQUENCE_OCTETS = 2;

/** Every rule about the fields around the entries, in the order of the fields. */
const rules: readonly CrlRule[] = [
  {
    id: 'crl-version-2',
    clause: 'RFC 5280 5.1.2.1',
    check: ({ version }) => (version === 1 ? undefined : 'The version is not v2.'),
  },
  {
    id: 'crl-algorithm-of-issuer',
    clause: 'RFC 5280 5.1.2.2',
    check({ signatureAlgorithm: named }, { keyAlgorithm }) {
      const expected = signatureAlgorithmFor(keyAlgorithm);
      return named === expected ? undefined : `It names ${named} and not ${expected}.`;
    },
  },
  {
    id: 'crl-issuer',
    clause: 'RFC 5280 5.1.2.3',
    check: ({ issuerDer }, { subjectDer }) =>
      issuerDer.length > EMPTY_SEQUENCE_OCTETS && sameBytes(issuerDer, subjectDer)
        ? undefined
        : 'The issuer name is empty, or not the subject of the issuer, byte for byte.',
  },
  {
    id: 'crl-next-update',
    clause: 'RFC 5280 5.1.2.5',
    check: ({ thisUpdate, nextUpdate }) =>
      nextUpdate && nextUpdate > thisUpdate
        ? undefined
        : 'nextUpdate is missing, or not after thisUpdate.',
  },
  {
    id: 'crl-authority-key-identifier',
    clause: 'RFC 5280 5.2.1',
    check({ extensions: { authorityKeyIdentifier: found } }, { keyIdentifier }) {
      if (!found?.value || found.critical) {
        return 'There is no authority key identifier, or a critical one.';
      }
      return sameBytes(found.value, keyIdentifier)
        ? undefined
        : 'The authority key identifier is not the subject key identifier of the issuer.';
    },
  },
  {
    id: 'crl-number',
    clause: 'RFC 5280 5.2.3, R1',
    check: ({ extensions: { crlNumber } }) =>
      crlNumber && !crlNumber.critical ? undefined : 'There is no CRL number, or a critical one.',
  },
  {
    id: 'crl-distribution-point',
    clause: 'RFC 5280 5.2.5, R3',
    check({ extensions: { issuingDistributionPoint: point } }) {
      if (!point) return undefined;
      if (!point.critical) return 'The issuing distribution point is not critical.';
      if (point.distributionPointDer === undefined) return 'The distribution point has no name.';
      if (point.onlyUserCerts && point.onlyCaCerts) return 'The scope of the CRL is empty.';
      return point.onlySomeReasons || point.indirectCrl || point.onlyAttributeCerts
        ? 'The CRL says that it is partial, indirect or about attribute certificates.'
        : undefined;
    },
  },
  {
    id: 'crl-extensions',
    clause: 'RFC 5280 5.2',
    check({ rawExtensions }) {
      const other = rawExtensions.find(({ oid }) => !understoodCrlExtensions.has(oid));
      return other ? `It has the extension ${other.oid}, which is none of ours.` : undefined;
    },
  },
];

/**
 * Every rule that the fields around the entries break; empty if they may be signed. The entries
 * are for `lintCrlEntries`. Its time does not depend on their number.
 */
export function lintCrlPieces(pieces: CrlPieces, issuer: CrlLintIssuer): readonly LintFinding[] {
  const read = strictly(() => readCrlPieces(pieces));
  return 'rule' in read ? [read] : findings(read, issuer);
}

/**
 * The same of a signed CRL, and that the outer signature algorithm is the inner one
 * (RFC 5280 5.1.1.2) and revokedCertificates absent if empty (5.1.2.6, R2), which a CRL in pieces
 * cannot get wrong. The signature is not verified, the entries are for `lintCrlEntries`.
 */
export function lintCrl(
  der: Uint8Array,
  issuer: CrlLintIssuer,
  limits: { readonly maxBytes: number },
): readonly LintFinding[] {
  const read = strictly(() => readCrl(der, limits));
  if ('rule' in read) return [read];
  return [...findings(read, issuer), ...outerFindings(read)];
}

function outerFindings(crl: Crl): readonly LintFinding[] {
  const found: LintFinding[] = [];
  if (!sameBytes(crl.signatureAlgorithmDer, crl.outerSignatureAlgorithmDer)) {
    const message = 'The signature algorithm is not the same inside and outside.';
    found.push(finding({ id: 'crl-algorithms-equal', clause: 'RFC 5280 5.1.1.2' }, message));
  }
  if (crl.hasEntryList && crl.entryList.length === 0) {
    const message = 'revokedCertificates is there although it is empty.';
    found.push(finding({ id: 'crl-empty-list', clause: 'RFC 5280 5.1.2.6, R2' }, message));
  }
  return found;
}

const findings = (crl: CrlFields, issuer: CrlLintIssuer): readonly LintFinding[] =>
  rules.flatMap((rule) => {
    const message = rule.check(crl, issuer);
    return message === undefined ? [] : [finding(rule, message)];
  });

const strictDer = { id: 'crl-strict-der', clause: 'X.690 10, RFC 5280 5.1' } as const;

function strictly<T extends object>(read: () => T): T | LintFinding {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return finding(strictDer, `${error.message}.`);
    throw error;
  }
}

const finding = (
  { id, clause }: { readonly id: string; readonly clause: string },
  message: string,
): LintFinding => ({ rule: id, clause, severity: 'error', message });
