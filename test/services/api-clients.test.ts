import { describe, expect, test } from 'vitest';
import { loadPolicies } from '../../src/declarations.ts';
import { parseAccessPolicy } from '../../src/services/access-policy.ts';
import type { ApiClient } from '../../src/services/access-records.ts';
import {
  type ApiClientParts,
  createApiClient,
  disableApiClient,
  rotateSecret,
} from '../../src/services/api-clients.ts';
import { ServiceError } from '../../src/services/errors.ts';

const { access } = loadPolicies();
const roles = [...access.keys()];
/** What the roles may hand out, as the file says it once more here, on purpose. */
const grantable: Readonly<Record<string, readonly string[]>> = {
  super: roles.filter((role) => role !== 'bootstrap' && role !== 'station'),
  'tenant-admin': [
    ...['tenant-admin', 'auditor', 'cpo-operator', 'emsp-operator', 'oem', 'csms'],
    ...['est-client', 'station-registrar', 'read-only'],
  ],
};

/** What was done to a client, or the codes of what stood against it. */
async function outcome(
  own: string,
  act: (
    parts: ApiClientParts,
    principal: Parameters<typeof createApiClient>[1],
  ) => Promise<unknown>,
  existing?: Partial<ApiClient>,
  policy = access,
  endsAt?: Date,
) {
  const done: string[] = [];
  const record = (what: string) => async (command: { client?: ApiClient }) => {
    done.push(command.client ? `${what} in ${command.client.organizationId}` : what);
    return what;
  };
  const parts = {
    access: policy,
    organizations: {
      findOrganization: async (id: string) =>
        ['cpo', 'mo', 'instance'].includes(id) ? { id, name: id, roles: [] } : undefined,
    },
    clients: {
      createClient: record('created'),
      rotateSecret: record('rotated'),
      disableClient: record('disabled'),
      findClient: async () => ({ id: 'b', organizationId: 'cpo', secretSha256: '', ...existing }),
    },
    clock: () => new Date(1_000_000),
    random: (octets: number) => new Uint8Array(octets),
  } as unknown as ApiClientParts;
  try {
    const principal = { actor: 'client:a', organizationId: 'cpo', roles: [own] };
    await act(parts, { ...principal, ...(endsAt ? { endsAt } : {}) });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    expect(done).toEqual([]);
    return error.violations.length > 0 ? error.violations.map(({ code }) => code) : [error.code];
  }
  return done;
}

const make =
  (organizationId: string, wanted: string[], expiresAt?: Date) =>
  (parts: ApiClientParts, principal: Parameters<typeof createApiClient>[1]) =>
    createApiClient(parts, principal, {
      ...{ organizationId, name: 'new', roles: wanted },
      ...(expiresAt ? { expiresAt } : {}),
    });

describe('C7 W8 roles are handed out by those who may', () => {
  const cases = roles.flatMap((own) => roles.map((role) => [own, role] as const));

  test.each(cases)('%s and a client with the role %s', async (own, role) => {
    const may = grantable[own]?.includes(role) ?? false;
    expect(await outcome(own, make('cpo', [role]))).toEqual([
      may ? 'created in cpo' : 'role-not-yours',
    ]);
    // Whoever could use a client's secret could be that client.
    const client = { roles: ['read-only', role] };
    const expected = may && grantable[own]?.includes('read-only');
    expect(await outcome(own, (parts, by) => rotateSecret(parts, by, 'b'), client)).toEqual([
      expected ? 'rotated' : 'not-permitted',
    ]);
    expect(await outcome(own, (parts, by) => disableApiClient(parts, by, 'b'), client)).toEqual([
      expected ? 'disabled' : 'not-permitted',
    ]);
  });

  test.each(['mo', 'instance', 'nowhere'])('not in the organization %s', async (organization) => {
    const codes = await outcome('tenant-admin', make(organization, ['read-only']));
    expect(codes).toEqual(['organization-unknown']);
    const foreign = { organizationId: organization, roles: ['read-only'] };
    for (const act of [rotateSecret, disableApiClient]) {
      const answer = await outcome('tenant-admin', (parts, by) => act(parts, by, 'b'), foreign);
      expect(answer).toEqual(['not-found']);
    }
  });

  test('super makes clients in every organization', async () => {
    for (const organization of ['cpo', 'mo', 'instance']) {
      expect(await outcome('super', make(organization, ['read-only']))).toEqual([
        `created in ${organization}`,
      ]);
    }
  });

  test('everything that is wrong is said at once', async () => {
    const act = make('mo', ['super', 'nobody', 'read-only'], new Date(1_000_000));
    expect(await outcome('tenant-admin', act)).toEqual([
      ...['role-not-yours', 'role-unknown', 'time-past', 'organization-unknown'],
    ]);
  });

  test('the second person makes nobody: not even super makes such a client', async () => {
    const both = ['approver', 'tenant-admin'];
    expect(await outcome('super', make('cpo', both))).toEqual(['roles-not-separate']);
    expect(await outcome('super', make('cpo', ['read-only', ...both]))).toEqual([
      'roles-not-separate',
    ]);
    expect(
      await outcome('super', make('nowhere', ['nobody', ...both], new Date(1_000_000))),
    ).toEqual(['role-unknown', 'roles-not-separate', 'time-past', 'organization-unknown']);
    expect(await outcome('super', make('cpo', ['super', ...both]))).toEqual(['created in cpo']);
    expect(await outcome('super', make('cpo', ['approver', 'auditor']))).toEqual([
      'created in cpo',
    ]);
  });

  test('a role that access.yaml has no more is left to those who may grant all', async () => {
    const client = { roles: ['operator'] };
    const act: Parameters<typeof outcome>[1] = (parts, by) => rotateSecret(parts, by, 'b');
    expect(await outcome('tenant-admin', act, client)).toEqual(['not-permitted']);
    expect(await outcome('super', act, client)).toEqual(['rotated']);
  });

  test('who only makes clients and may grant nothing makes none', async () => {
    const maker = { description: 'x', actions: ['api-clients:create'] };
    const parsed = parseAccessPolicy({ roles: { maker } }, 'access.yaml');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    expect(await outcome('maker', make('cpo', ['maker']), undefined, parsed.policy)).toEqual([
      'role-not-yours',
    ]);
  });
});

describe('W4 a client with an end leaves nothing behind that lasts longer', () => {
  const ends = new Date(2_000_000);
  const later = new Date(2_000_001);

  test.each(['super', 'tenant-admin'])('%s makes', async (own) => {
    const made = (end?: Date) =>
      outcome(own, make('cpo', ['read-only'], end), undefined, access, ends);
    expect(await made(later)).toEqual(['time-beyond-own']);
    expect(await made(ends)).toEqual(['created in cpo']);
    expect(await made(new Date(1_500_000))).toEqual(['created in cpo']);
    expect(await outcome(own, make('cpo', ['read-only'], later))).toEqual(['created in cpo']);
  });

  test.each<[string, Partial<ApiClient>, string]>([
    ['one without end', {}, 'not-permitted'],
    ['one that ends later', { expiresAt: later }, 'not-permitted'],
    ['one that ends with it', { expiresAt: ends }, 'rotated'],
  ])('and gives a new secret to %s: %j', async (_what, existing, expected) => {
    const client = { roles: ['read-only'], ...existing };
    const rotate: Parameters<typeof outcome>[1] = (parts, by) => rotateSecret(parts, by, 'b');
    expect(await outcome('super', rotate, client, access, ends)).toEqual([expected]);
    expect(await outcome('super', rotate, client)).toEqual(['rotated']);
    // To end a client is nothing that lasts.
    const disable: Parameters<typeof outcome>[1] = (parts, by) => disableApiClient(parts, by, 'b');
    expect(await outcome('super', disable, client, access, ends)).toEqual(['disabled']);
  });
});
