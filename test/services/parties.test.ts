import { describe, expect, test } from 'vitest';
import { ServiceError } from '../../src/services/errors.ts';
import type { Organization } from '../../src/services/organizations.ts';
import { type Party, requireOwnParty } from '../../src/services/parties.ts';

const organizations: readonly Organization[] = [
  { id: 'cpo', name: 'C', roles: ['cpo'], operators: ['DEICE', 'FRXYZ'] },
  { id: 'free', name: 'F', roles: ['cpo'] },
  { id: 'mo', name: 'M', roles: ['mo'], providers: ['DE8EV'] },
  { id: 'oem', name: 'O', roles: ['oem'], wmis: ['WVW'] },
  { id: 'all', name: 'A', roles: ['cpo', 'mo', 'oem', 'cps', 'v2g-operator'] },
];
const parts = {
  organizations: {
    findOrganization: async (id: string) => organizations.find((one) => one.id === id),
    isOperatorTaken: async (operator: string) =>
      organizations.some(({ operators }) => operators?.includes(operator)),
  },
};

const faultsOf = async (organizationId: string, party: Party): Promise<string[]> => {
  const principal = { actor: 'client:x', organizationId, roles: [] };
  try {
    await requireOwnParty(parts, principal, party);
    return [];
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    expect(error.code).toBe('not-permitted');
    return error.violations.map((one) => (one as { field?: string }).field ?? '');
  }
};
const TYPE = 'headers.OPNC-from-party-type';
const ID = 'headers.OPNC-from-party-id';

describe('W8 the party that somebody says to call for', () => {
  test.each<[string, Party]>([
    ['cpo', { type: 'cpo' }],
    ['cpo', { type: 'cpo', id: 'DEICE' }],
    ['cpo', { type: 'cpo', id: 'XYZ' }],
    // Nobody has it.
    ['free', { type: 'cpo', id: 'DEAAA' }],
    // Which country's it is, is not said: nothing is known of it.
    ['free', { type: 'cpo', id: 'ICE' }],
    ['mo', { type: 'emsp', id: 'DE8EV' }],
    ['oem', { type: 'oem', id: 'WVW' }],
    ['all', { type: 'cps', id: 'A'.repeat(64) }],
    ['cpo', { type: 'pki', id: 'A'.repeat(64) }],
    ['cpo', { type: 'pcp', id: 'ANY' }],
  ])('may be %s’s own: %j', async (organization, party) => {
    expect(await faultsOf(organization, party)).toEqual([]);
  });

  test.each<[string, Party, string[]]>([
    ['cpo', { type: 'cpo', id: 'DEAAA' }, [ID]],
    ['cpo', { type: 'cpo', id: 'NLICE' }, [ID]],
    ['free', { type: 'cpo', id: 'DEICE' }, [ID]],
    ['mo', { type: 'emsp', id: 'DE9XY' }, [ID]],
    ['all', { type: 'emsp', id: 'DE8EV' }, [ID]],
    ['all', { type: 'oem', id: 'WVW' }, [ID]],
    ['oem', { type: 'oem', id: 'XYZ' }, [ID]],
    ['mo', { type: 'cpo' }, [TYPE]],
    ['cpo', { type: 'emsp', id: 'DE8EV' }, [TYPE, ID]],
    ['cpo', { type: 'cps' }, [TYPE]],
    ['instance', { type: 'cpo' }, [TYPE]],
    ['nobody', { type: 'oem', id: 'WVW' }, [TYPE, ID]],
  ])('is not %s’s: %j', async (organization, party, fields) => {
    expect(await faultsOf(organization, party)).toEqual(fields);
  });
});
