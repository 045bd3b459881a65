/**
 * Which certificate a SignCertificate message asks for. OCPP has grown the answer: in 1.6 there is
 * one certificate for the connection to the CSMS, the ISO 15118 extension of 1.6 and 2.0.1 know
 * one for vehicles besides, and 2.1 tells those of ISO 15118-2 and ISO 15118-20 apart.
 */

import { type Parsed, parsed, unparsed } from '../identifiers/parsed.ts';

export const ocppVersions = ['1.6', '2.0.1', '2.1'] as const;
export type OcppVersion = (typeof ocppVersions)[number];

/** OCPP CertificateSigningUseEnumType. */
export const certificateTypes = [
  'ChargingStationCertificate',
  'V2GCertificate',
  'V2G20Certificate',
] as const;
export type CertificateType = (typeof certificateTypes)[number];

/** What a station of OCPP 2.x that names no type is given. */
export const omittedTypes = ['combined', 'station'] as const;
export type OmittedType = (typeof omittedTypes)[number];

/** A certificate that evpki makes for a station. */
export type StationCertificate = 'station' | 'combined' | 'secc' | 'secc-20';

export interface AskedCertificate {
  readonly certificate: StationCertificate;
  /**
   * What CertificateSigned has to carry as its certificateType (A02.FR.14); undefined where that
   * field has to be left out: in 1.6, which has none, and for a combined certificate.
   */
  readonly echo?: CertificateType;
}

const certificateOf: Readonly<Record<CertificateType, StationCertificate>> = {
  ChargingStationCertificate: 'station',
  V2GCertificate: 'secc',
  V2G20Certificate: 'secc-20',
};

/**
 * The certificate that a version and certificateType ask for. Left out, it means the station
 * certificate in 1.6 (security whitepaper A02) and the combined certificate in 2.x (A02), unless
 * the station is set to `station`: then CertificateSigned names the type, since leaving it out
 * would say that the certificate is for vehicles, too. A type that is named in 1.6 comes from
 * the DataTransfer of its ISO 15118 extension, which has the field, and is echoed.
 * @returns what is asked for, or why this version cannot ask for it
 */
export function askedCertificate(
  version: OcppVersion,
  type: CertificateType | undefined,
  omitted: OmittedType = 'combined',
): Parsed<AskedCertificate> {
  if (type === undefined) {
    if (version === '1.6') return parsed({ certificate: 'station' });
    return omitted === 'combined'
      ? parsed({ certificate: 'combined' })
      : parsed({ certificate: 'station', echo: 'ChargingStationCertificate' });
  }
  if (type === 'V2G20Certificate' && version !== '2.1') {
    return unparsed(`OCPP ${version} has no certificate type ${type}; OCPP 2.1 has`);
  }
  return parsed({ certificate: certificateOf[type], echo: type });
}

/**
 * The profiles that make each certificate, the preferred ones first: what an operator's
 * authorities can issue decides. Private ones are for environments with a root on site.
 */
export const stationProfiles: Readonly<Record<StationCertificate, readonly string[]>> = {
  station: ['ocpp-station'],
  combined: ['ocpp-station-combined'],
  secc: ['iso15118-2-secc', 'iso15118-2-private-secc'],
  'secc-20': [
    'iso15118-20-secc',
    'iso15118-20-secc.annex-b',
    'iso15118-20-private-secc',
    'iso15118-20-private-secc.annex-b',
  ],
};
