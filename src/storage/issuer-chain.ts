/** Whether an issuer signs, which the issuers above it have a say in. */

import type { WriteTransaction } from './database.ts';
import { rawRows } from './raw-rows.ts';
import type { IssuerRow } from './rows.ts';

/** Issuers from the one that signs up to its root. Vehicles take four at most; more is no chain. */
const MAX_CHAIN = 8;

// An issuer's certificate is set once and for good: the chain can be read before it is locked. A
// root has signed itself, or was signed outside. One whose key was handed out never signs more here
// than a retired one does: its responder.
const CHAIN = `
  WITH RECURSIVE chain (issuer_id, depth) AS (
    SELECT id, 1 FROM issuers WHERE id = ?
    UNION ALL
    SELECT certificates.issuer_id, chain.depth + 1
    FROM chain
    JOIN issuers ON issuers.id = chain.issuer_id
    JOIN certificates ON certificates.id = issuers.certificate_id
    WHERE certificates.issuer_id <> chain.issuer_id AND chain.depth <= ${MAX_CHAIN}
  )
  SELECT CASE WHEN owner.export_proposal IS NOT NULL AND above.state = 'active'
    THEN 'retired' ELSE above.state END AS state
  FROM chain
  JOIN issuers above ON above.id = chain.issuer_id
  JOIN authorities owner ON owner.id = above.authority_id
  ORDER BY chain.depth DESC`;
const LOCKED_CHAIN = `${CHAIN} FOR SHARE OF above`;

/** What asks for a signature, as in `IssuanceStore.recordPending`. */
export interface SigningPurpose {
  readonly subjectIssuerId?: string | undefined;
  readonly statusSigner?: true | undefined;
}

/**
 * Whether the issuer signs this. Neither it nor one above it can be retired or revoked until the
 * transaction ends; they are locked from the root down, as status changes lock them.
 */
export async function maySign(
  tx: WriteTransaction,
  issuerId: string,
  { subjectIssuerId, statusSigner }: SigningPurpose,
): Promise<boolean> {
  const states = await lockedChain(tx, issuerId);
  const state = states.at(-1);
  // Nobody trusts what is below a revoked authority, its OCSP responder included.
  if (states.length > MAX_CHAIN || states.includes('revoked')) return false;
  if (state === 'active') return true;
  if (state === 'retired') return statusSigner === true;
  return state === 'awaiting-certificate' && subjectIssuerId === issuerId;
}

/** The ids of an issuer and of all below it. */
export async function issuersFrom(tx: WriteTransaction, issuerId: string): Promise<string[]> {
  const found = [issuerId];
  for (let level = [issuerId]; level.length > 0; ) {
    const below: string[] = await tx
      .knex<IssuerRow>('issuers')
      .join('certificates', 'certificates.id', 'issuers.certificate_id')
      .whereIn('certificates.issuer_id', level)
      .whereNotIn('issuers.id', found)
      .pluck('issuers.id');
    found.push(...below);
    level = below;
  }
  return found;
}

/** The states of an issuer and those above it, the root's first. */
async function lockedChain(
  tx: WriteTransaction,
  issuerId: string,
): Promise<readonly IssuerRow['state'][]> {
  const known = tx.issuerChains.get(issuerId);
  if (known !== undefined) return known;
  // SQLite has no row locks, and nobody else who writes.
  const query = tx.dialect === 'sqlite' ? CHAIN : LOCKED_CHAIN;
  const rows = await rawRows<Pick<IssuerRow, 'state'>>(tx, query, [issuerId]);
  const states = rows.map(({ state }) => state);
  tx.issuerChains.set(issuerId, states);
  return states;
}
