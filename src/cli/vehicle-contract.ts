/** The contract of `evpki vehicle install`: the one that there is, or a new one. */

import { emaidCheckDigit, parseEmaid } from '../identifiers/emaid.ts';
import type { Contract, ContractWithBundle, Organization, Page } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import type { Session } from './session.ts';
import { day } from './table.ts';
import type { Car } from './vehicle-car.ts';
import { digits, type Stage } from './vehicle-factory.ts';
import { type Ecosystem, operatorOf } from './vehicle-parties.ts';

/** Before anything is made: whose contract it will be, and which. */
export interface PlannedContract {
  readonly operator: string;
  readonly emaid: string;
  readonly existing?: Contract;
}

export interface ContractWishes {
  readonly emaid?: string;
  readonly mo?: string;
}

/**
 * The contract that a car has already, as far as it is wished for; else a new one.
 * @param car undefined for one that is still to be made, which has none
 */
export async function planContract(
  session: Session,
  ecosystem: Ecosystem,
  car: Car | undefined,
  wishes: ContractWishes,
): Promise<PlannedContract> {
  const { emaid, mo } = wishes;
  const wished = emaid === undefined ? undefined : checkedEmaid(emaid);
  const existing = car && (await contractOf(session, car, wishes));
  if (existing) return { operator: existing.organization, emaid: existing.emaid, existing };
  const provider = wished && `${wished.country}${wished.provider}`;
  const operator = operatorOf(ecosystem, provider, mo);
  return { operator: operator.id, emaid: wished?.normal ?? freshEmaid(operator) };
}

function checkedEmaid(text: string) {
  const emaid = parseEmaid(text);
  if (!emaid.ok) throw usageFailure(`--emaid ${text}: ${emaid.reason}`);
  return emaid.value;
}

function freshEmaid({ providers: [provider = ''] }: Organization): string {
  const first14 = `${provider}C${digits(8)}`;
  return first14 + emaidCheckDigit(first14);
}

/** Of several, the one that a car gets that takes one only. */
async function contractOf(
  session: Session,
  { pcid, standard }: Car,
  { emaid, mo: organization }: ContractWishes,
): Promise<Contract | undefined> {
  const query = { pcid, emaid, organization, state: 'active' };
  const { items } = await session.get<Page<Contract>>('/v1/contracts', query);
  return items
    .filter((contract) => contract.standard === standard)
    .sort((a, b) => Number(b.default) - Number(a.default) || b.priority - a.priority)[0];
}

/** Creates the planned contract unless it is there; with the authority that has issued it. */
export async function provideContract(
  { session, place, lines, tell }: Stage,
  { existing, emaid }: PlannedContract,
): Promise<Contract & { readonly authority: string }> {
  const { pcid, standard, operator: organization } = place;
  if (existing) {
    tell(`${organization} has the contract ${emaid} for it.`, lines.show(existing.id));
    return issuedHere(existing);
  }
  const path = `/v1/contracts?${new URLSearchParams({ organization })}`;
  const answer = await session.post(path, { emaid, pcid, standard });
  const contract = answer.body as ContractWithBundle;
  tell(
    `The operator, ${organization}, creates the contract ${contract.emaid}. Its key is made,\n` +
      `encrypted for this car alone and forgotten; the certificate holds until ${day(contract.bundle.notAfter)}.`,
    lines.create(emaid),
  );
  return issuedHere(contract);
}

function issuedHere(contract: Contract): Contract & { readonly authority: string } {
  const { authority, emaid } = contract;
  if (authority !== undefined) return { ...contract, authority };
  throw usageFailure(
    `the bundles of ${emaid} are brought, and its root is not known here`,
    'Ask with `evpki vehicle request`, and check with `evpki vehicle check --mo-root FILE`.',
  );
}
