/**
 * Lint: the last look at the exact bytes before they are signed. It parses them anew and trusts
 * nothing that policy and builder meant to write; a finding is a bug of ours, caught before it
 * is a certificate.
 */

import { readTbs, type TbsCertificate } from './certificate.ts';
import { DerError } from './der-element.ts';
import { keepsRulesAsBefore, rememberRecurring } from './lint/recurring.ts';
import type { LintContext, LintFinding } from './lint/rule.ts';
import { lintRules } from './lint/rules.ts';

/** The rule before all others; what breaks it has no fields that others could look at. */
export const strictDer = {
  id: 'strict-der',
  clause: 'X.690 10, RFC 5280 4.1, 4.1.2.5, 4.2',
  what: 'The bytes are a TBSCertificate in strict DER, with times in whole seconds of UTC.',
} as const;

/**
 * Every rule that a TBSCertificate breaks; empty if it may be signed.
 * @param tbs DER of the TBSCertificate, as it would be signed
 */
export function lintTbs(tbs: Uint8Array, context: LintContext): readonly LintFinding[] {
  if (keepsRulesAsBefore(tbs, context)) return [];
  return lintInFull(tbs, context);
}

/** {@link lintTbs} without regard to what has been linted before. */
export function lintInFull(tbs: Uint8Array, context: LintContext): readonly LintFinding[] {
  const read = readStrictly(tbs);
  if ('message' in read) return [finding(strictDer, read.message)];
  const findings: LintFinding[] = [];
  for (const rule of lintRules) {
    const message = rule.check(read, context);
    if (message !== undefined) findings.push(finding(rule, message));
  }
  if (findings.length === 0) rememberRecurring(read, context);
  return findings;
}

function readStrictly(tbs: Uint8Array): TbsCertificate | { readonly message: string } {
  try {
    return readTbs(tbs);
  } catch (error) {
    if (error instanceof DerError) return { message: `${error.message}.` };
    throw error;
  }
}

const finding = (
  { id, clause }: { readonly id: string; readonly clause: string },
  message: string,
): LintFinding => ({ rule: id, clause, severity: 'error', message });
