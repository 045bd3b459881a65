/**
 * Whose EVSE and SECC ids an organization may use: those of its operators. An organization that
 * has none on record may use those that no other has, so that nothing has to be declared before a
 * first charger works, and whoever declares an operator has it for itself from then on
 * (docs/adr/0029-root-pool-and-operators.md).
 */

import { operatorOf } from '../identifiers/operator.ts';
import type { CertificateKind } from '../pki/profile.ts';
import type { Organization, OrganizationStore } from './organizations.ts';

/** Certificates by which vehicles know a charger. What a station shows its CSMS is no EVSE id. */
const shownToVehicles: ReadonlySet<CertificateKind> = new Set(['secc', 'station-combined']);

export const namesEvse = (kind: CertificateKind): boolean => shownToVehicles.has(kind);

/**
 * Country and operator, such as `DEICE`, of an EVSE or SECC id that the organization may not use;
 * undefined for one that it may, and for any other name.
 */
export async function foreignOperator(
  organizations: Pick<OrganizationStore, 'isOperatorTaken'>,
  { operators }: Pick<Organization, 'operators'>,
  name: string,
): Promise<string | undefined> {
  const operator = operatorOf(name);
  if (operator === undefined) return undefined;
  const isForeign = operators
    ? !operators.includes(operator)
    : await organizations.isOperatorTaken(operator);
  return isForeign ? operator : undefined;
}
