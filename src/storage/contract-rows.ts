/** Contracts as rows. */

import type { Contract } from '../services/contract-records.ts';
import type { ContractRow } from './rows/plug-and-charge.ts';
import { optional, timeOf, timeText } from './values.ts';

/** An EMAID without its check digit: what two spellings of one contract have in common. */
export const accountOf = (emaid: string): string => emaid.slice(0, 14);

/** The row of a contract that is nobody's default yet: see `makeDefault`. */
export const contractRow = (contract: Contract): ContractRow => ({
  id: contract.id,
  organization_id: contract.organizationId,
  emaid: contract.emaid,
  account: accountOf(contract.emaid),
  pcid: contract.pcid,
  standard: contract.standard,
  authority_id: contract.issuing?.authorityId ?? null,
  profile: contract.issuing?.profile ?? null,
  validity_days: contract.validityDays ?? null,
  state: contract.state,
  is_default: false,
  priority: contract.priority,
  created_at: timeText(contract.createdAt),
  changed_at: timeText(contract.changedAt),
  reason: contract.reason ?? null,
});

/** @returns undefined for one that nobody sees yet */
export function contractOf(row: ContractRow): Contract | undefined {
  const { authority_id: authorityId, profile, state } = row;
  if (state === 'pending') return undefined;
  return {
    id: row.id,
    organizationId: row.organization_id,
    emaid: row.emaid,
    pcid: row.pcid,
    standard: row.standard,
    ...(authorityId === null || profile === null ? {} : { issuing: { authorityId, profile } }),
    ...optional('validityDays', row.validity_days === null ? null : Number(row.validity_days)),
    state,
    isDefault: Boolean(row.is_default),
    priority: Number(row.priority),
    createdAt: timeOf(row.created_at),
    changedAt: timeOf(row.changed_at),
    ...optional('reason', row.reason),
  };
}
