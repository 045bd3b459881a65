import { expect, test } from 'vitest';
import { ocppVersions } from '../../src/ocpp/certificate-types.ts';
import { rootCertificateType, rootUseOf, rootUses, rootUsesOf } from '../../src/ocpp/root-types.ts';

test('1.6 has another name for the root of the CSMS, and for no other', () => {
  const names = (version: (typeof ocppVersions)[number]) =>
    rootUses.map((use) => rootCertificateType(use, version));
  expect(names('2.0.1')).toEqual(rootUses);
  expect(names('2.1')).toEqual(rootUses);
  const [, ...others] = rootUses;
  expect(names('1.6')).toEqual(['CentralSystemRootCertificate', ...others]);
});

test('2.1 alone has roots of vehicle makers', () => {
  const [uses, before] = [rootUsesOf('2.1'), rootUsesOf('2.0.1')];
  expect(uses).toEqual(rootUses);
  expect(uses.filter((use) => !before.includes(use))).toEqual(['OEMRootCertificate']);
  expect(rootUsesOf('1.6')).toEqual(before);
});

test.each(ocppVersions)('the names of OCPP %s are read', (version) => {
  for (const use of rootUses) expect(rootUseOf(rootCertificateType(use, version))).toBe(use);
});
