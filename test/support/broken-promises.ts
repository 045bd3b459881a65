/** What evpki promises about its records, looked up in the tables themselves. */

import { createHash, type KeyObject } from 'node:crypto';
import { type Certificate, readCertificate, serialHex } from '../../src/pki/certificate.ts';
import { spkiFingerprint } from '../../src/pki/key-identifier.ts';
import { verifyStream } from '../../src/pki/ledger.ts';
import { importPublicKey, readPublicKey } from '../../src/pki/public-key.ts';
import { verifyWith } from '../../src/pki/signature-algorithm.ts';
import { auditStore } from '../../src/storage/audit.ts';
import type { Database } from '../../src/storage/database.ts';
import type { AuditEntryRow } from '../../src/storage/rows/audit.ts';
import type { CertificateRow, EnrolmentRequestRow, IssuerRow } from '../../src/storage/rows.ts';

export interface HandedOut {
  readonly certificateId: string;
  readonly der: Uint8Array;
}

/** What became known outside the database, ever. */
export interface Known {
  readonly handedOut: readonly HandedOut[];
  /** SHA-256 of what a private key was asked to sign, hex. */
  readonly signed?: readonly string[];
}

/** Every broken promise as a sentence, once recovery has been done and nobody is issuing. */
export async function brokenPromises(
  database: Database,
  { handedOut, signed = [] }: Known,
): Promise<string[]> {
  const { reader } = database;
  const certificates = await reader<CertificateRow>('certificates').select();
  const issuers = await reader<IssuerRow>('issuers').select();
  const keys = new Map(issuers.map((issuer) => [issuer.id, keyOf(issuer)]));
  const requests = await reader<EnrolmentRequestRow>('enrolment_requests').select();
  const owners = new Map<string, string>(
    (
      await reader('issuers')
        .join('authorities', 'authorities.id', 'issuers.authority_id')
        .select<{ id: string; owner: string }[]>(
          'issuers.id',
          'authorities.organization_id as owner',
        )
    ).map(({ id, owner }) => [id, owner]),
  );
  const entries = await reader<AuditEntryRow>('audit_entries').select();
  return [
    ...certificates.flatMap((row) => aboutCertificate(row, issuers, keys)),
    ...aboutSerialNumbers(certificates),
    ...aboutHandedOut(handedOut, certificates),
    ...aboutSigned(signed, certificates),
    ...aboutAudit(certificates, entries, owners),
    ...aboutRequests(requests, certificates),
    ...aboutIssuers(issuers, certificates),
    ...(await aboutStreams(database)),
    ...(await aboutFile(database)),
  ];
}

function keyOf({ id, spki }: IssuerRow): KeyObject {
  const key = readPublicKey(spki);
  if (!key.ok) throw new Error(`issuer ${id} has an unusable public key`);
  return importPublicKey(key.value);
}

function aboutCertificate(
  row: CertificateRow,
  issuers: readonly IssuerRow[],
  keys: ReadonlyMap<string, KeyObject>,
): string[] {
  if (row.state === 'pending') return [`${row.id} is still pending`];
  if (!wasIssued(row)) {
    return row.der === null ? [] : [`${row.id} is ${row.state} and has a DER`];
  }
  const issuer = issuers.find(({ id }) => id === row.issuer_id);
  if (row.der === null || issuer === undefined) return [`${row.id} has no DER or no issuer`];
  const certificate = readCertificate(row.der);
  const key = keys.get(issuer.id);
  const verified = key !== undefined && isSignedBy(key, issuer.spki, certificate);
  const facts: [string, boolean][] = [
    ['serial number', serialHex(certificate.serialNumber) === row.serial],
    ['issuer', issuer.subject.equals(certificate.issuerDer)],
    ['TBS hash', sha256(certificate.tbs) === row.tbs_sha256],
    ['public key', spkiFingerprint(certificate.spki) === row.spki_sha256],
    ['end', certificate.notAfter.toISOString() === row.not_after],
    ['signature', verified],
  ];
  return facts.filter(([, holds]) => !holds).map(([what]) => `${row.id} has another ${what}`);
}

/**
 * Signatures that were found good. The same octets under the same key are looked at after every
 * kill, and what is stored is read anew each time; only the arithmetic is not repeated.
 */
const foundGood = new Set<string>();

function isSignedBy(key: KeyObject, spki: Uint8Array, certificate: Certificate): boolean {
  const { signatureAlgorithm, tbs, signature } = certificate;
  if (signatureAlgorithm === undefined) return false;
  const parts = [spki, Buffer.from(signatureAlgorithm), tbs, signature];
  const known = parts.map(sha256).join();
  if (foundGood.has(known)) return true;
  const isGood = verifyWith(key, signatureAlgorithm, tbs, signature);
  if (isGood) foundGood.add(known);
  return isGood;
}

function aboutSerialNumbers(certificates: readonly CertificateRow[]): string[] {
  const seen = new Set<string>();
  return certificates.flatMap(({ id, issuer_id, serial }) => {
    const key = `${issuer_id} ${serial}`;
    if (seen.has(key)) return [`${id} has the serial number of another certificate`];
    seen.add(key);
    return [];
  });
}

function aboutHandedOut(
  handedOut: readonly HandedOut[],
  certificates: readonly CertificateRow[],
): string[] {
  const rows = new Map(certificates.map((row) => [row.id, row]));
  return handedOut.flatMap(({ certificateId, der }) => {
    const row = rows.get(certificateId);
    if (row === undefined) return [`${certificateId} was handed out and is not stored`];
    if (!wasIssued(row)) return [`${certificateId} was handed out and is ${row.state}`];
    return row.der?.equals(der) ? [] : [`${certificateId} was handed out with other octets`];
  });
}

function aboutSigned(signed: readonly string[], certificates: readonly CertificateRow[]): string[] {
  const recorded = new Set(certificates.map((row) => row.tbs_sha256));
  return signed
    .filter((hash) => !recorded.has(hash))
    .map((hash) => `the TBS ${hash} was signed and is not on record`);
}

/** Held and revoked ones were issued, too. */
const wasIssued = ({ state }: CertificateRow): boolean =>
  state === 'issued' || state === 'held' || state === 'revoked';

/**
 * Each end of an issuance stands exactly once in the log of whose certificate it is, and what was
 * issued also in that of whose authority signed; nothing else does.
 */
function aboutAudit(
  certificates: readonly CertificateRow[],
  entries: readonly AuditEntryRow[],
  owners: ReadonlyMap<string, string>,
): string[] {
  const expected = certificates
    .filter(({ state }) => state !== 'pending')
    .flatMap((row) => {
      const tail = row.der === null ? '' : ` ${sha256(row.der)}`;
      const end = wasIssued(row) ? 'issued' : row.state;
      const owner = owners.get(row.issuer_id ?? '') ?? row.organization_id;
      const logs = wasIssued(row) ? [row.organization_id, owner] : [row.organization_id];
      return [...new Set(logs)].map(
        (log) => `certificate.${end} ${row.id} ${row.serial}${tail} in ${log}`,
      );
    });
  const found = entries
    .filter(({ action }) => /^certificate\.(issued|abandoned)$/.test(action))
    .map((entry) => {
      const { serial, sha256: hash } = JSON.parse(entry.details) as Record<string, string>;
      const tail = hash === undefined ? '' : ` ${hash}`;
      return `${entry.action} ${entry.subject} ${serial}${tail} in ${entry.organization_id}`;
    });
  const once = new Set(found);
  const wanted = new Set(expected);
  return [
    ...(once.size === found.length ? [] : ['an audit entry stands there twice']),
    ...expected.filter((text) => !once.has(text)).map((text) => `no audit entry says ${text}`),
    ...found.filter((text) => !wanted.has(text)).map((text) => `an audit entry says ${text}`),
  ];
}

function aboutRequests(
  requests: readonly EnrolmentRequestRow[],
  certificates: readonly CertificateRow[],
): string[] {
  const states = new Map(
    certificates.map((row) => [row.id, wasIssued(row) ? 'issued' : row.state]),
  );
  return requests.flatMap(({ id, state, certificate_id }) => {
    const own = states.get(certificate_id ?? '');
    // Nothing answers it yet, or ever.
    if (['waiting-for-approval', 'refused', 'rejected'].includes(state)) {
      return certificate_id === null ? [] : [`request ${id} is ${state}, with ${certificate_id}`];
    }
    return state === own ? [] : [`request ${id} is ${state}, its certificate ${own}`];
  });
}

function aboutIssuers(
  issuers: readonly IssuerRow[],
  certificates: readonly CertificateRow[],
): string[] {
  const issued = new Map(
    certificates.filter(({ state }) => state === 'issued').map((row) => [row.id, row]),
  );
  return issuers.flatMap(({ id, state, certificate_id, spki_sha256 }) => {
    if (state === 'active') {
      const own = issued.get(certificate_id ?? '');
      return own?.spki_sha256 === spki_sha256 ? [] : [`issuer ${id} is active, not certified`];
    }
    const certified = [...issued.values()].some((row) => row.spki_sha256 === spki_sha256);
    return certified ? [`issuer ${id} is ${state}, but certified`] : [];
  });
}

async function aboutStreams(database: Database): Promise<string[]> {
  const audit = auditStore(database);
  const broken: string[] = [];
  for (const { stream, sequence, hash } of await audit.listStreams()) {
    const verdict = verifyStream(await audit.readStream(stream, 0, 1_000_000));
    if (!verdict.ok) broken.push(`audit stream ${stream} breaks at ${verdict.brokenAt}`);
    else if (verdict.head.sequence !== sequence || !Buffer.from(hash).equals(verdict.head.hash)) {
      broken.push(`audit stream ${stream} ends elsewhere than its head`);
    }
  }
  return broken;
}

async function aboutFile({ dialect, reader }: Database): Promise<string[]> {
  if (dialect !== 'sqlite') return [];
  const integrity: unknown = await reader.raw('PRAGMA integrity_check');
  const references: unknown = await reader.raw('PRAGMA foreign_key_check');
  const found = JSON.stringify([integrity, references]);
  return found === '[[{"integrity_check":"ok"}],[]]' ? [] : [`SQLite says ${found}`];
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
