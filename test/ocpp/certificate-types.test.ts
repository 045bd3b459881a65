import { describe, expect, test } from 'vitest';
import { loadPolicies } from '../../src/declarations.ts';
import {
  askedCertificate,
  certificateTypes,
  ocppVersions,
  type StationCertificate,
  stationProfiles,
} from '../../src/ocpp/certificate-types.ts';

describe('what a SignCertificate message asks for', () => {
  test.each([
    ['1.6', undefined, undefined, { certificate: 'station' }],
    ['1.6', undefined, 'combined', { certificate: 'station' }],
    ['1.6', 'V2GCertificate', undefined, { certificate: 'secc', echo: 'V2GCertificate' }],
    [
      '1.6',
      'ChargingStationCertificate',
      undefined,
      { certificate: 'station', echo: 'ChargingStationCertificate' },
    ],
    ['2.0.1', undefined, undefined, { certificate: 'combined' }],
    ['2.0.1', undefined, 'combined', { certificate: 'combined' }],
    ['2.0.1', undefined, 'station', { certificate: 'station', echo: 'ChargingStationCertificate' }],
    [
      '2.0.1',
      'ChargingStationCertificate',
      'combined',
      { certificate: 'station', echo: 'ChargingStationCertificate' },
    ],
    ['2.0.1', 'V2GCertificate', 'station', { certificate: 'secc', echo: 'V2GCertificate' }],
    ['2.1', undefined, undefined, { certificate: 'combined' }],
    ['2.1', 'V2GCertificate', undefined, { certificate: 'secc', echo: 'V2GCertificate' }],
    ['2.1', 'V2G20Certificate', undefined, { certificate: 'secc-20', echo: 'V2G20Certificate' }],
  ] as const)('A02.FR.14 OCPP %s, type %s, setting %s', (version, type, omitted, expected) => {
    expect(askedCertificate(version, type, omitted)).toEqual({ ok: true, value: expected });
  });

  test.each(['1.6', '2.0.1'] as const)('OCPP %s has no V2G20Certificate', (version) => {
    const asked = askedCertificate(version, 'V2G20Certificate');
    expect(asked).toEqual({ ok: false, reason: expect.stringContaining('2.1') });
  });

  test('a named type means the same whatever the setting of the station', () => {
    for (const version of ocppVersions) {
      for (const type of certificateTypes) {
        expect(askedCertificate(version, type, 'station')).toEqual(
          askedCertificate(version, type, 'combined'),
        );
      }
    }
  });
});

describe('the profiles of station certificates', () => {
  const { profiles } = loadPolicies();
  const kinds: Readonly<Record<StationCertificate, string>> = {
    station: 'station',
    combined: 'station-combined',
    secc: 'secc',
    'secc-20': 'secc',
  };

  test.each(Object.entries(stationProfiles))(
    '%s: all exist and are of its kind',
    (asked, names) => {
      for (const name of names) {
        const profile = profiles.get(name);
        expect(profile?.kind, name).toBe(kinds[asked as StationCertificate]);
        expect(profile?.extensions.basicConstraints?.ca, name).toBe(false);
      }
    },
  );

  test('every shipped profile of a station certificate belongs to one type', () => {
    const used = Object.values(stationProfiles).flat();
    const shipped = [...profiles.values()]
      .filter(({ kind }) => Object.values(kinds).includes(kind))
      .map(({ name }) => name);
    expect([...used].sort()).toEqual(shipped.sort());
  });
});
