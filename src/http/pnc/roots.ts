import type { RootType } from '../../pki/profile.ts';
import type { Principal } from '../../services/access-policy.ts';
import { ServiceError } from '../../services/errors.ts';
import { addRoot, type ListedRoot, type RootPoolParts } from '../../services/root-pool.ts';

/**
 * Imports a root for the caller's organization.
 * @param caCertificate DER in base64, or PEM
 * @throws ServiceError as `addRoot`, naming the member `caCertificate`
 */
export const importRoot = (
  parts: RootPoolParts,
  principal: Principal,
  caCertificate: string,
  rootType: RootType,
): Promise<ListedRoot> =>
  addRoot(parts, principal, caCertificate, rootType).catch((error: unknown) => {
    if (!(error instanceof ServiceError)) throw error;
    const { code, message, violations } = error;
    const named = violations.map((violation) =>
      violation.field === 'certificate' ? { ...violation, field: 'caCertificate' } : violation,
    );
    throw new ServiceError(code, message, named);
  });
