/** What OCPP calls the roots that a station is given (InstallCertificate). */

import type { OcppVersion } from './certificate-types.ts';

/** InstallCertificateUseEnumType of 2.x, as far as roots of evpki have such uses. */
export const rootUses = [
  'CSMSRootCertificate',
  'V2GRootCertificate',
  'MORootCertificate',
  'ManufacturerRootCertificate',
  // New in 2.1: for TLS with the certificates of vehicles (ISO 15118-20).
  'OEMRootCertificate',
] as const;
export type RootUse = (typeof rootUses)[number];

/** OCPP 1.6 names the root of the CSMS otherwise (security whitepaper, CertificateUseEnumType). */
const CENTRAL_SYSTEM = 'CentralSystemRootCertificate';
export type RootCertificateType = RootUse | typeof CENTRAL_SYSTEM;

/**
 * What a version calls a use. Those of vehicles 1.6 has in the DataTransfer of its ISO 15118
 * extension, under the names of 2.x.
 */
export const rootCertificateType = (use: RootUse, version: OcppVersion): RootCertificateType =>
  version === '1.6' && use === 'CSMSRootCertificate' ? CENTRAL_SYSTEM : use;

/** The uses that a version has names for. */
export const rootUsesOf = (version: OcppVersion): readonly RootUse[] =>
  rootUses.filter((use) => use !== 'OEMRootCertificate' || version === '2.1');

/** The use that any version means by a name. */
export const rootUseOf = (type: RootCertificateType): RootUse =>
  type === CENTRAL_SYSTEM ? 'CSMSRootCertificate' : type;
