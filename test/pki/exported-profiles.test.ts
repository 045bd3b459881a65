/** What a profile must be like whose authorities have their key handed out. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Profile } from '../../src/pki/profile.ts';
import { parseProfile } from '../../src/pki/profile-file.ts';
import { checkProfileSet } from '../../src/pki/profile-set.ts';

// biome-ignore lint/suspicious/noExplicitAny: what YAML says, to be spoilt
type Document = any;
const documentOf = (name: string): Document =>
  parse(readFileSync(new URL(`../../policies/${name}.yaml`, import.meta.url), 'utf8'));
const NAME = 'ocpp-exported-station-ca';

const errorsOf = (change: (document: Document) => void): string[] => {
  const document = documentOf(NAME);
  change(document);
  const result = parseProfile(NAME, document, NAME);
  return result.ok ? [] : result.errors.map(({ path, message }) => `${path}: ${message}`);
};

describe('a profile of exported authorities', () => {
  test('is as the one that is shipped', () => {
    expect(errorsOf(() => undefined)).toEqual([]);
  });

  test.each<[string, (document: Document) => void, string]>([
    [
      'lets authorities stand below',
      ({ extensions }) => {
        extensions.basicConstraints.pathLength = 1;
      },
      'exported: needs pathLength 0: no further authorities',
    ],
    [
      'limits the length of no path',
      ({ extensions }) => {
        delete extensions.basicConstraints.pathLength;
      },
      'exported: needs pathLength 0: no further authorities',
    ],
    [
      'names no purpose',
      ({ extensions }) => {
        delete extensions.extendedKeyUsage;
      },
      'exported: needs extendedKeyUsage with clientAuth and nothing else',
    ],
    [
      'is for servers',
      ({ extensions }) => {
        extensions.extendedKeyUsage.purposes = ['clientAuth', 'serverAuth'];
      },
      'exported: needs extendedKeyUsage with clientAuth and nothing else',
    ],
    [
      'could answer OCSP for the root above (RFC 6960 4.2.2.2)',
      ({ extensions }) => {
        extensions.extendedKeyUsage.purposes = ['clientAuth', 'OCSPSigning'];
      },
      'exported: needs extendedKeyUsage with clientAuth and nothing else',
    ],
    [
      'is a root',
      (document) => {
        document.kind = 'root-ca';
        document.issuedBy = ['self'];
      },
      'exported: is only for a sub-ca',
    ],
  ])('is refused where it %s', (_what, change, error) => {
    expect(errorsOf(change)).toContain(error);
  });
});

describe('among the other profiles', () => {
  const names = ['ocpp-root', NAME, 'ocpp-station-ca', 'ocpp-station', 'iso15118-2-mo-root'];
  const faultsOf = (change: (document: Document) => void): string[] => {
    const profiles = [...names, 'ocpp-station-combined', 'iso15118-2-v2g-root'].map((name) => {
      const document = documentOf(name);
      if (name === 'ocpp-station-combined') document.issuedBy = ['ocpp-station-ca'];
      if (name === NAME) change(document);
      const result = parseProfile(name, document, name);
      if (!result.ok) throw new Error(JSON.stringify(result.errors));
      return result.profile satisfies Profile;
    });
    return checkProfileSet(profiles).map(({ source, path, message }) => {
      expect(source).toBe(NAME);
      return `${path}: ${message}`;
    });
  };

  test('it stands below the root of OCPP', () => {
    expect(faultsOf(() => undefined)).toEqual([]);
  });

  test.each(['iso15118-2-v2g-root', 'iso15118-2-mo-root'])('it stands not below %s', (root) => {
    const faults = faultsOf((document) => {
      document.issuedBy = [root];
    });
    expect(faults).toEqual([
      `issuedBy[0]: an exported authority stands under no root of Plug & Charge as ${root}`,
    ]);
  });

  test.each([
    ['nothing that there is', 'ocpp-nothing', 'names a profile of the kind station'],
    ['an authority', 'ocpp-root', 'names a profile of the kind station'],
    ['what serves vehicles, too', 'ocpp-station-combined', 'names a profile of the kind station'],
  ])('its leaves are not %s', (_what, leaves, message) => {
    const faults = faultsOf((document) => {
      document.exported.leaves = leaves;
    });
    expect(faults).toEqual([`exported.leaves: ${message}`]);
  });
});
