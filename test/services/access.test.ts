import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type AccessParts, createApiClient } from '../../src/services/access.ts';
import { parseAccessPolicy } from '../../src/services/access-policy.ts';
import type { ApiClient } from '../../src/services/access-records.ts';
import { ServiceError } from '../../src/services/errors.ts';

const shipped = parse(readFileSync('policies/access.yaml', 'utf8'));
shipped.roles['client-maker'] = {
  description: 'Makes clients and may do nothing else.',
  actions: ['api-clients:create'],
};
const parsed = parseAccessPolicy(shipped, 'access.yaml');
if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
const { policy } = parsed;

/** What comes of a client with these roles being made; the codes of what stands against it. */
async function outcome(own: readonly string[], organizationId: string, roles: string[]) {
  const made: ApiClient[] = [];
  const parts = {
    policy,
    organizations: {
      findOrganization: async (id: string) =>
        ['cpo', 'mo', 'instance'].includes(id) ? { id, name: id, roles: [] } : undefined,
    },
    store: { createClient: async ({ client }: { client: ApiClient }) => void made.push(client) },
    clock: () => new Date(0),
    random: (octets: number) => new Uint8Array(octets),
  } as unknown as AccessParts;
  const principal = { actor: 'client:a', organizationId: 'cpo', roles: own };
  try {
    await createApiClient(parts, principal, { organizationId, name: 'new', roles });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    expect(made).toEqual([]);
    return error.violations.map(({ code }) => code);
  }
  return made.map(({ organizationId: of }) => `made in ${of}`);
}

describe('C7 W8 nobody hands out more than they have', () => {
  const everyday = ['administrator', 'operator', 'csms', 'station-registrar', 'read-only'];

  test.each(everyday)('an administrator makes a client with the role %s', async (role) => {
    expect(await outcome(['administrator'], 'cpo', [role])).toEqual(['made in cpo']);
  });

  test.each(['mo', 'instance'])('but none in the organization %s', async (organization) => {
    const codes = await outcome(['administrator'], organization, ['read-only']);
    expect(codes).toEqual(['organization-unknown']);
    expect(await outcome(['administrator'], 'nowhere', ['read-only'])).toEqual(codes);
  });

  test('nor one that reaches every organization', async () => {
    expect(await outcome(['administrator'], 'cpo', ['super'])).toEqual(['role-beyond-own']);
  });

  test.each(everyday)('who only makes clients makes none with the role %s', async (role) => {
    expect(await outcome(['client-maker'], 'cpo', [role])).toEqual(['role-beyond-own']);
    expect(await outcome(['client-maker'], 'cpo', ['client-maker'])).toEqual(['made in cpo']);
  });

  test('super makes every client everywhere', async () => {
    for (const organization of ['cpo', 'mo', 'instance']) {
      expect(await outcome(['super'], organization, [...policy.keys()])).toEqual([
        `made in ${organization}`,
      ]);
    }
  });
});
