/** Choosing whose signature a contract gets by the root above it, as clients name it. */

import { fingerprint } from '../../pki/certificate.ts';
import type { VisibleCps } from '../../services/cps-signers.ts';
import { rootId } from '../../services/root-pool.ts';

export interface CpsRootNames {
  /** SHA-256 in hex. */
  readonly cpsV2GRootCertificateFingerprint?: string;
  /** As in the pool of roots. */
  readonly cpsRootCertificateId?: string;
}

/**
 * SHA-256 of the root, in hex, as the service takes it. One that is above no provisioning service, or is no root at
 * all, is one that nobody signs below.
 */
export async function namedRoot(
  { listCps }: { readonly listCps: () => Promise<readonly VisibleCps[]> },
  names: CpsRootNames,
): Promise<string | undefined> {
  const { cpsV2GRootCertificateFingerprint: sha256, cpsRootCertificateId: id } = names;
  if (sha256 !== undefined) return sha256.toLowerCase();
  if (id === undefined) return undefined;
  const roots = (await listCps()).map(({ root }) => root.der);
  const root = roots.find((der) => rootId(der) === id.toLowerCase());
  return root ? fingerprint(root) : id;
}
