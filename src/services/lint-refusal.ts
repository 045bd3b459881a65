/** What happens when lint finds something in what is about to be signed: it is not signed. */

import type { LintFinding } from '../pki/lint/rule.ts';

/**
 * A finding is a bug of ours: nobody is told more than that it failed, the log has all of it.
 * @throws Error that names every finding, if there are any
 */
export function refuseFindings(findings: readonly LintFinding[], what: string): void {
  if (findings.length === 0) return;
  const found = findings.map(({ rule, message }) => `${rule}: ${message}`).join(' ');
  throw new Error(`lint refused ${what}: ${found}`);
}
