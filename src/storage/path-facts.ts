/** What paths are judged by: our issuers by name with those above them, and what became of serials. */

import type { AuthorityState } from '../services/authority-records.ts';
import type { CertificateState } from '../services/certificate-records.ts';
import type { KnownIssuer, PathFactStore } from '../services/trust-anchor-records.ts';
import type { Database } from './database.ts';
import { rawRows } from './raw-rows.ts';
import { blob, bytesOf, optional } from './values.ts';

/** As deep as chains are read elsewhere; this bounds damaged data. */
const MAX_DEPTH = 8;

export function pathFactStore({ reader, dialect }: Database): PathFactStore {
  return {
    issuersNamed: async (names, serials) => {
      if (names.length === 0) return [];
      const sql = issuersQuery(names.length, Math.max(serials.length, 1));
      // No serial number is empty: with none to ask about, that of nobody is asked.
      const bindings = [...names.map(blob), ...(serials.length > 0 ? serials : [''])];
      const rows = await rawRows<IssuerFactRow>({ knex: reader, dialect }, sql, bindings);
      return issuersOf(rows);
    },
  };
}

const places = (count: number): string => Array(count).fill('?').join(', ');

// One statement, so that issuers and statuses are of one moment.
const issuersQuery = (names: number, serials: number): string => `
  WITH RECURSIVE above (issuer_id, depth) AS (
    SELECT id, 1 FROM issuers WHERE subject IN (${places(names)}) AND certificate_id IS NOT NULL
    UNION
    SELECT certificates.issuer_id, above.depth + 1
    FROM above
    JOIN issuers ON issuers.id = above.issuer_id
    JOIN certificates ON certificates.id = issuers.certificate_id
    WHERE certificates.issuer_id <> above.issuer_id AND above.depth < ${MAX_DEPTH}
  )
  SELECT issuers.id, issuers.state, authorities.organization_id, authorities.profile,
    own.der, own.issuer_id AS signed_by_id, own.serial AS own_serial, own.state AS own_state,
    own.tbs_sha256 AS own_tbs, asked.serial, asked.state AS asked_state,
    asked.tbs_sha256 AS asked_tbs
  FROM (SELECT DISTINCT issuer_id FROM above) found
  JOIN issuers ON issuers.id = found.issuer_id
  JOIN authorities ON authorities.id = issuers.authority_id
  JOIN certificates own ON own.id = issuers.certificate_id
  LEFT JOIN certificates asked
    ON asked.issuer_id = issuers.id AND asked.serial IN (${places(serials)})
  ORDER BY issuers.id`;

interface IssuerFactRow {
  readonly id: string;
  readonly state: AuthorityState;
  readonly organization_id: string;
  readonly profile: string;
  readonly der: Buffer;
  readonly signed_by_id: string | null;
  readonly own_serial: string;
  readonly own_state: CertificateState;
  readonly own_tbs: string | null;
  readonly serial: string | null;
  readonly asked_state: CertificateState | null;
  readonly asked_tbs: string | null;
}

interface Noted {
  readonly statuses: Map<string, CertificateState>;
  readonly signed: Map<string, string>;
}

/** Issuers have a row for each serial number of theirs that was asked about, or one without. */
function issuersOf(rows: readonly IssuerFactRow[]): KnownIssuer[] {
  const noted = new Map<string, Noted>();
  const note = (
    issuerId: string | null,
    serial: string | null,
    state: CertificateState | null,
    tbs: string | null,
  ) => {
    if (issuerId === null || serial === null || state === null) return;
    const known = noted.get(issuerId) ?? { statuses: new Map(), signed: new Map() };
    noted.set(issuerId, known);
    known.statuses.set(serial, state);
    if (tbs !== null) known.signed.set(serial, tbs);
  };
  for (const row of rows) {
    note(row.id, row.serial, row.asked_state, row.asked_tbs);
    // Issuers that nobody has asked about stand in paths as well.
    note(row.signed_by_id, row.own_serial, row.own_state, row.own_tbs);
  }
  const issuers = new Map(rows.map((row) => [row.id, row]));
  return [...issuers.values()].map((row) => ({
    id: row.id,
    organizationId: row.organization_id,
    profile: row.profile,
    state: row.state,
    certificate: bytesOf(row.der),
    ...optional('signedById', row.signed_by_id),
    ...(noted.get(row.id) ?? { statuses: new Map(), signed: new Map() }),
  }));
}
