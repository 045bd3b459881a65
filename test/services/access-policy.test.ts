import { describe, expect, test } from 'vitest';
import { loadPolicies } from '../../src/declarations.ts';
import { certificateKinds } from '../../src/pki/profile.ts';
import {
  type AccessPolicy,
  areSeparate,
  inRolesFor,
  mayGrant,
  parseAccessPolicy,
  permits,
  permitsKind,
  reaches,
  requireKind,
} from '../../src/services/access-policy.ts';

const principal = (...roles: string[]) => ({ actor: 'client:a', organizationId: 'cpo', roles });

function policyOf(roles: Record<string, object>): AccessPolicy {
  const described = Object.entries(roles).map(([name, role]) => [
    name,
    { description: 'x', ...role },
  ]);
  const parsed = parseAccessPolicy({ roles: Object.fromEntries(described) }, 'access.yaml');
  if (!parsed.ok) throw new Error(parsed.errors.map(({ message }) => message).join('; '));
  return parsed.policy;
}

describe('deny by default', () => {
  const policy = policyOf({ reader: { actions: ['a:read'] } });

  test.each([
    ['no role', principal()],
    ['a role that there is not', principal('writer')],
    ['the name of what objects inherit', principal('constructor', '__proto__')],
  ])('%s permits nothing', (_name, nobody) => {
    expect(permits(policy, nobody, 'a:read')).toBe(false);
    expect(permitsKind(policy, nobody, 'a:read', 'contract')).toBe(false);
    expect(mayGrant(policy, nobody, 'reader')).toBe(false);
    expect(reaches(policy, nobody, 'mo')).toBe(false);
  });

  test('an action that is not listed is not permitted', () => {
    expect(permits(policy, principal('reader'), 'a:read')).toBe(true);
    expect(permits(policy, principal('reader'), 'a:write')).toBe(false);
    expect(permits(policy, principal('reader'), '')).toBe(false);
  });
});

describe('kinds of certificates', () => {
  const policy = policyOf({
    contracts: { actions: ['c:issue'], kinds: ['contract'] },
    stations: { actions: ['c:revoke'], kinds: ['station'] },
    any: { actions: ['c:issue'] },
  });

  test.each<[string, string[], string, (typeof certificateKinds)[number] | undefined, boolean]>([
    ['its own kind', ['contracts'], 'c:issue', 'contract', true],
    ['another kind', ['contracts'], 'c:issue', 'station', false],
    ['another action', ['contracts'], 'c:revoke', 'contract', false],
    ['an unknown kind', ['contracts'], 'c:issue', undefined, false],
    ['without limits, an unknown kind', ['any'], 'c:issue', undefined, true],
    [
      'the action of one, the kind of another',
      ['contracts', 'stations'],
      'c:issue',
      'station',
      false,
    ],
    ['both of one among several', ['contracts', 'stations'], 'c:revoke', 'station', true],
  ])('%s', (_name, roles, action, kind, expected) => {
    expect(permitsKind(policy, principal(...roles), action, kind)).toBe(expected);
    const require = () => requireKind(policy, principal(...roles), action, kind);
    if (expected) expect(require).not.toThrow();
    else expect(require).toThrow(`of the kind ${kind ?? 'unknown'}`);
  });
});

describe('several roles', () => {
  const policy = policyOf({
    watcher: { actions: ['c:read'], everyOrganization: true },
    worker: { actions: ['c:issue', 'c:read'] },
  });
  const both = principal('watcher', 'worker', 'gone');

  test('W8 what one role may do does not reach as far as another', () => {
    const issuing = inRolesFor(policy, both, 'c:issue');
    expect(issuing).toEqual(principal('worker'));
    expect(reaches(policy, issuing, 'cpo')).toBe(true);
    expect(reaches(policy, issuing, 'mo')).toBe(false);
    expect(reaches(policy, inRolesFor(policy, both, 'c:read'), 'mo')).toBe(true);
    expect(inRolesFor(policy, both, 'c:delete').roles).toEqual([]);
  });
});

describe('access.yaml with errors', () => {
  const full = { actions: 'all', everyOrganization: true };
  const maker = { actions: ['api-clients:create'] };

  test.each<[string, Record<string, object>, RegExp]>([
    [
      'a kind that there is not',
      { a: { ...maker, kinds: ['contracts'] } },
      /did you mean "contract"/,
    ],
    ['no kind', { a: { ...maker, kinds: [] } }, /empty list/],
    ['a role that there is not', { a: { ...maker, mayGrant: ['b'] } }, /b is none of a/],
    ['granting without making', { a: { actions: ['x:y'], mayGrant: ['a'] } }, /of no use/],
    ['all of one organization', { a: { ...maker, mayGrant: 'all' } }, /every organization/],
    [
      'all without every action',
      { a: { ...maker, mayGrant: 'all', everyOrganization: true } },
      /every action/,
    ],
    ['who may do everything', { a: { ...maker, mayGrant: ['b'] }, b: full }, /may do everything/],
    [
      'who reaches further',
      { a: { ...maker, mayGrant: ['b'] }, b: { actions: ['x:y'], everyOrganization: true } },
      /reaches every organization/,
    ],
    [
      'in two steps what it may not in one',
      { a: { ...maker, mayGrant: ['b'] }, b: { ...maker, mayGrant: ['c'] }, c: maker },
      /b may grant c as well/,
    ],
    [
      'who makes clients and approves requests',
      { a: { actions: ['api-clients:create', 'requests:approve'], mayGrant: ['b'] }, b: maker },
      /not for roles with requests:approve/,
    ],
    [
      'who makes clients and approves proposals',
      { a: { actions: ['api-clients:create', 'proposals:approve'], mayGrant: ['b'] }, b: maker },
      /not for roles with proposals:approve/,
    ],
    [
      'who makes clients and does everything in one organization',
      { a: { actions: 'all', mayGrant: ['b'] }, b: maker },
      /not for roles with requests:approve/,
    ],
    [
      'the role of the bootstrap secret',
      { a: { ...maker, mayGrant: ['bootstrap'] }, bootstrap: maker },
      /bootstrap is for no API client/,
    ],
    [
      'the role of stations',
      { a: { ...maker, mayGrant: ['station'] }, station: maker },
      /station is for no API client/,
    ],
  ])('%s', (_name, roles, message) => {
    expect(() => policyOf(roles)).toThrow(message);
  });

  test('every error is listed', () => {
    expect(() => policyOf({ a: { actions: ['x:y'], mayGrant: ['b', 'c'] } })).toThrow(
      /of no use.*; b is none.*; c is none/,
    );
  });
});

describe('what needs a second person', () => {
  const parse = (secondPerson?: unknown) =>
    parseAccessPolicy(
      {
        roles: { a: { description: 'x', actions: ['x:y'] } },
        ...(secondPerson === undefined ? {} : { secondPerson }),
      },
      'access.yaml',
    );

  test('is listed, and nothing without', () => {
    expect(parse()).toMatchObject({ ok: true, secondPerson: new Set() });
    expect(parse(['trust-anchors:trust'])).toMatchObject({
      ...{ ok: true, secondPerson: new Set(['trust-anchors:trust']) },
    });
    const all = [
      ...['trust-anchors:trust', 'authorities:grant'],
      ...['authorities:cross-certify', 'authorities:revoke'],
    ];
    expect(parse(all)).toMatchObject({ ok: true, secondPerson: new Set(all) });
  });

  test('is what evpki knows to propose: others are errors that name it', () => {
    const parsed = parse(['trust-anchors:trust', 'certificates:issue', 'trust-anchors:trsut']);
    expect(parsed).toMatchObject({ ok: false });
    const errors = parsed.ok ? [] : parsed.errors;
    expect(errors.map(({ path }) => path)).toEqual(['secondPerson[1]', 'secondPerson[2]']);
    for (const { message } of errors) expect(message).toContain('trust-anchors:trust');
  });
});

describe('separation of duties', () => {
  const policy = policyOf({
    super: { actions: 'all', mayGrant: 'all', everyOrganization: true },
    approver: { actions: ['requests:approve'] },
    second: { actions: ['proposals:approve'] },
    owner: { actions: 'all' },
    maker: { actions: ['api-clients:create'], mayGrant: ['worker'] },
    manager: { actions: ['api-clients:create', 'api-clients:disable'] },
    worker: { actions: ['certificates:issue'] },
  });

  test.each<[string[], boolean]>([
    [['approver', 'maker'], false],
    [['worker', 'maker', 'manager', 'approver'], false],
    // What does everything approves, too.
    [['owner', 'maker'], false],
    [['second', 'maker'], false],
    [['approver'], true],
    [['maker'], true],
    [['owner'], true],
    [['approver', 'worker'], true],
    [['maker', 'worker'], true],
    // It may make clients, but give them no roles.
    [['approver', 'manager'], true],
    [['super'], true],
    [['super', 'approver', 'maker'], true],
    [['approver', 'gone'], true],
    [[], true],
  ])('%j in one hand: %s', (roles, expected) => {
    expect(areSeparate(policy, roles)).toBe(expected);
  });
});

describe('the roles that are shipped', () => {
  const { access, profiles } = loadPolicies();
  const may = (role: string, action: string) => permits(access, principal(role), action);
  const writing = (role: string): string[] => {
    const actions = access.get(role)?.actions ?? 'all';
    return actions === 'all'
      ? ['all']
      : [...actions].filter((name) => !/:(read|verify)$/.test(name));
  };

  test('those who look on do nothing else', () => {
    expect(['auditor', 'instance-auditor', 'read-only'].map(writing)).toEqual([[], [], []]);
  });

  test('the approver approves and does nothing else', () => {
    expect(writing('approver')).toEqual(['proposals:approve', 'requests:approve']);
  });

  test('nobody but super both approves and has certificates issued', () => {
    const both = [...access.keys()].filter(
      (role) =>
        may(role, 'requests:approve') &&
        (may(role, 'certificates:issue') || may(role, 'ocpp:sign')),
    );
    expect(both).toEqual(['super']);
  });

  test('nobody but super both answers for authorities and reads like an auditor', () => {
    const both = [...access.keys()].filter(
      (role) => may(role, 'authorities:revoke') && may(role, 'api-clients:read'),
    );
    expect(both).toEqual(['super']);
  });

  test('who asks for certificates takes back requests, and nobody else does', () => {
    const asks = (role: string) => may(role, 'certificates:issue') || may(role, 'ocpp:sign');
    for (const role of access.keys()) {
      expect(may(role, 'requests:withdraw'), role).toBe(asks(role));
    }
  });

  test('who proposes takes back proposals, and approves none', () => {
    const { secondPerson } = loadPolicies();
    expect([...secondPerson]).toEqual([
      ...['trust-anchors:trust', 'authorities:cross-certify', 'authorities:revoke'],
    ]);
    for (const role of access.keys()) {
      const proposes = [...secondPerson].some((action) => may(role, action));
      expect(may(role, 'proposals:withdraw'), role).toBe(proposes);
      if (proposes && role !== 'super') expect(may(role, 'proposals:approve'), role).toBe(false);
    }
  });

  test('of two roles in one hand only those are kept apart that approve and make clients', () => {
    const names = [...access.keys()];
    const apart = names.flatMap((one) =>
      names
        .filter((other) => one < other && !areSeparate(access, [one, other]))
        .map((other) => [one, other]),
    );
    expect(apart).toEqual([['approver', 'tenant-admin']]);
  });

  test('a tenant-admin makes nobody who approves or answers for authorities', () => {
    const made = [...access.keys()].filter((role) =>
      mayGrant(access, principal('tenant-admin'), role),
    );
    expect(made.length).toBeGreaterThan(5);
    for (const role of made) {
      for (const action of [
        ...['requests:approve', 'proposals:approve'],
        ...['authorities:revoke', 'authorities:activate'],
      ]) {
        expect(may(role, action), `${role} ${action}`).toBe(false);
      }
    }
    expect(writing('tenant-admin').filter((action) => !action.startsWith('api-clients:'))).toEqual(
      [],
    );
  });

  const issues = (role: string) =>
    certificateKinds.filter((kind) =>
      permitsKind(access, principal(role), 'certificates:issue', kind),
    );

  test('each operator issues what its organization is there for', () => {
    expect(issues('emsp-operator')).toEqual(['contract']);
    expect(issues('oem')).toEqual(['vehicle', 'oem-provisioning']);
    expect(issues('cpo-operator')).toEqual([
      ...['secc', 'station', 'station-combined', 'local-controller'],
    ]);
  });

  test('every profile of end entities is for somebody beside super', () => {
    const roles = [...access.keys()].filter((role) => role !== 'super');
    const nobodys = [...profiles.values()].filter(
      ({ kind }) => !roles.some((role) => issues(role).includes(kind)),
    );
    expect(nobodys.map(({ name }) => name)).toEqual([]);
  });

  test('only super does anything everywhere, and grants all', () => {
    const names = [...access.keys()];
    const everywhere = names.filter((name) => access.get(name)?.everyOrganization);
    expect(everywhere).toEqual(['super', 'instance-auditor']);
    expect(names.filter((name) => access.get(name)?.mayGrant === 'all')).toEqual(['super']);
    expect(mayGrant(access, principal('tenant-admin'), 'instance-auditor')).toBe(false);
  });
});
