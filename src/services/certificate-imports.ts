/**
 * Certificates that were signed elsewhere with a key of ours that was handed out. Once they are
 * brought here, OCSP says of them what it says of others, and so do the doors that stations come to.
 */

import { sameBytes } from '../pki/byte-order.ts';
import { type Certificate, fingerprint, readCertificate, serialHex } from '../pki/certificate.ts';
import { DerError } from '../pki/der-element.ts';
import type { LintFinding } from '../pki/lint/rule.ts';
import { lintInFull } from '../pki/lint.ts';
import { attributeValue, nameText } from '../pki/names.ts';
import { PemError, readPemBlocks } from '../pki/pem.ts';
import type { Profile } from '../pki/profile.ts';
import { type AccessPolicy, type Principal, requireKind } from './access-policy.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import type { CertificateStore } from './certificate-records.ts';
import type { Clock } from './clock.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import type { ExportStore } from './export-records.ts';
import { newId } from './ids.ts';
import type { Issuers, ReadyIssuer } from './issuers.ts';
import type { ParsedCertificates } from './parsed-certificates.ts';
import type { RandomBytes } from './serial-numbers.ts';
import { stationOfCommonName } from './station-names.ts';
import type { StationStore } from './station-records.ts';

const IMPORT = 'certificates:import';
/** Of one call. */
const MAX_CERTIFICATES = 50;
/** RFC 5280 4.1.2.2; what it does not allow stands on no CRL. */
const MAX_SERIAL_OCTETS = 20;

export interface ImportParts {
  readonly exports: Pick<ExportStore, 'importCertificate'>;
  readonly authorities: Pick<AuthorityStore, 'listIssuers'>;
  readonly certificates: Pick<CertificateStore, 'findBySerial'>;
  readonly stations: Pick<StationStore, 'findStationNamed'>;
  readonly issuers: Issuers;
  readonly parsed: ParsedCertificates;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export interface Imported {
  readonly id: string;
  readonly certificate: Certificate;
  /** These octets were here before. */
  readonly known: boolean;
  readonly stationId?: string;
  /** In what it is not as evpki would have made it; it exists all the same. */
  readonly findings: readonly LintFinding[];
}

/**
 * Imports certificates of an exported authority: none, or all. They are what their issuer has made
 * of them: what lint finds is told and recorded, not refused.
 * @param pem one to 50 certificates
 * @throws ServiceError `not-permitted` naming the kind; `conflict` for an authority whose key is
 *   here; `authority-not-active`; `import-refused` with everything that stands against any of them
 */
export async function importCertificates(
  parts: ImportParts,
  principal: Principal,
  authority: Authority,
  pem: string,
): Promise<Imported[]> {
  const leaves = leavesOf(parts.profiles, authority);
  requireKind(parts.access, principal, IMPORT, leaves?.kind);
  if (!leaves) {
    throw new ServiceError('conflict', `${authority.id} was not exported: evpki signs for it`);
  }
  const issuer = await issuerOf(parts, authority);
  const certificates = readAll(pem);
  const faults = await Promise.all(
    certificates.map((certificate, index) => faultsOf(parts, issuer, certificate, index)),
  );
  if (faults.flat().length > 0) throw refused(faults.flat());
  const imported: Imported[] = [];
  for (const certificate of certificates) {
    imported.push(await importOne(parts, principal, issuer, leaves, certificate));
  }
  return imported;
}

/** The profile that certificates of an exported authority are held against; undefined for others. */
export function leavesOf(
  profiles: ReadonlyMap<string, Profile>,
  { exportedBy, profile }: Authority,
): Profile | undefined {
  if (exportedBy === undefined) return undefined;
  const name = profiles.get(profile)?.exported?.leaves;
  return name === undefined ? undefined : profiles.get(name);
}

async function issuerOf(parts: ImportParts, authority: Authority): Promise<ReadyIssuer> {
  const [newest] = await parts.authorities.listIssuers(authority.id);
  const issuer = newest && (await parts.issuers.byId(newest.id));
  if (!issuer) throw new ServiceError('authority-not-active', `${authority.id} is not certified`);
  return issuer;
}

function readAll(pem: string): Certificate[] {
  try {
    const blocks = readPemBlocks(pem, { characters: 256 * 1024, blocks: MAX_CERTIFICATES });
    if (blocks.length === 0) throw new PemError('there is no PEM block');
    return blocks.map(({ label, der }) => {
      if (label !== 'CERTIFICATE') throw new PemError(`${label} is no certificate`);
      return readCertificate(der);
    });
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
    throw refused([
      { code: 'import-unreadable', message: `${error.message}.`, field: 'certificates' },
    ]);
  }
}

async function faultsOf(
  { parsed, certificates }: ImportParts,
  issuer: ReadyIssuer,
  certificate: Certificate,
  index: number,
): Promise<FieldViolation[]> {
  const fault = (code: string, message: string): FieldViolation[] => [
    { code, message, field: `certificates[${index}]` },
  ];
  const isNamed = sameBytes(certificate.issuerDer, issuer.facts.subjectDer);
  const issuerKey = issuer.certificate.publicKey;
  const isSigned = issuerKey && (await parsed.verify({ child: certificate, issuerKey }));
  if (!isNamed || !isSigned) {
    return fault('import-of-other', `${issuer.authority.id} has not signed it.`);
  }
  const { serialNumber } = certificate;
  const isNumbered =
    serialNumber.length <= MAX_SERIAL_OCTETS && /^[1-9a-f]/.test(serialHex(certificate));
  if (!isNumbered) {
    const message = 'Its serial number is not positive, of 20 octets at most: no CRL can list it.';
    return fault('import-serial-number', message);
  }
  const present = await certificates.findBySerial(issuer.issuer.id, serialHex(certificate));
  return [
    ...(certificate.extensions.basicConstraints?.ca
      ? fault('import-of-authority', 'It is that of an authority, which counts for nothing here.')
      : []),
    ...(present?.der && !sameBytes(present.der, certificate.der)
      ? fault('import-serial-taken', `${present.id} is another one of this serial number.`)
      : []),
  ];
}

async function importOne(
  parts: ImportParts,
  { actor }: Principal,
  issuer: ReadyIssuer,
  leaves: Profile,
  certificate: Certificate,
): Promise<Imported> {
  const { organizationId } = issuer.authority;
  const commonName = nameOf(certificate);
  const station =
    commonName === undefined
      ? undefined
      : await stationOfCommonName(parts, organizationId, commonName);
  const findings = lintInFull(certificate.tbs, {
    profile: leaves,
    issuer: issuer.lint,
    issuerKeyAlgorithm: issuer.issuer.keyAlgorithm,
  });
  const id = newId('crt', parts.random);
  const serial = serialHex(certificate);
  const outcome = await parts.exports.importCertificate({
    issuerId: issuer.issuer.id,
    certificate: {
      ...{ id, organizationId, der: certificate.der, serial },
      ...{ subject: nameText(certificate.subject), commonName },
      ...{ profile: leaves.name, profileHash: leaves.hash },
      // Nothing shows that its subject has this key: it claims none, nor is one blocked with it. It
      // could be that of anybody, whom that would shut out.
      spkiSha256: '',
      ...{ notBefore: certificate.notBefore, notAfter: certificate.notAfter },
      ...(station ? { stationId: station.id } : {}),
    },
    audit: {
      ...{ at: parts.clock(), organizationId, actor, action: 'certificate.imported', subject: id },
      details: {
        ...{ issuer: issuer.issuer.id, serial, subject: nameText(certificate.subject) },
        ...{ profile: leaves.name, sha256: fingerprint(certificate.der) },
        ...(station ? { station: station.id } : {}),
        ...(findings.length > 0 ? { findings: findings.map(({ rule }) => rule) } : {}),
      },
    },
  });
  if (outcome.outcome === 'serial-taken') {
    throw new ServiceError('conflict', `another certificate of the serial number ${serial} came`);
  }
  return {
    ...{ id: outcome.id, certificate, known: outcome.outcome === 'known', findings },
    ...(station ? { stationId: station.id } : {}),
  };
}

/** The common name; one with control characters is no station's, nor would PostgreSQL take it. */
function nameOf({ subject }: Certificate): string | undefined {
  const name = attributeValue(subject, 'CN');
  return name !== undefined && /\p{Cc}/u.test(name) ? undefined : name;
}

const refused = (violations: readonly FieldViolation[]): ServiceError =>
  new ServiceError('import-refused', 'none of the certificates was imported', violations);
