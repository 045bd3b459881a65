/** W8: who of the roles of policies/access.yaml may enrol by EST, at home and elsewhere. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isForClients } from '../../src/services/access-policy.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { application, askEst, bearer } from '../support/est.ts';
import { declaredRoles } from '../support/role-matrix.ts';
import { sent } from '../support/vehicles.ts';

const STATION = 'DE*DEM*E1';
/** A label for certificates of SECCs, of the organization demo-cpo. */
const LABEL = '/.well-known/est/demo-cpo';
const KIND = 'secc';
const operations = [
  ['simpleenroll', 'est:enrol'],
  ['simplereenroll', 'est:reenrol'],
  ['serverkeygen', 'est:generate'],
] as const;
const roles = Object.keys(declaredRoles).filter(isForClients);

describe('W8 EST', () => {
  let evpki: TestApp;
  const tokens = new Map<string, string>();
  const tokenOf = (organization: string, role: string) =>
    tokens.get(`${organization} ${role}`) ?? '';
  beforeAll(async () => {
    evpki = await startTestApp();
    for (const organization of ['demo-cpo', 'demo-mo']) {
      for (const role of roles) {
        tokens.set(`${organization} ${role}`, await evpki.tokenOf(organization, [role]));
      }
    }
    const path = '/v1/stations/CS-1?organization=demo-cpo';
    sent(await evpki.call('PUT', path, { evseIds: [STATION] }), 201);
    // What is renewed has to be there.
    expect((await ask('simpleenroll', tokenOf('demo-cpo', 'csms'))).status).toBe(200);
  });
  afterAll(() => evpki?.close());

  const ask = (operation: string, token: string) =>
    askEst(evpki, {
      target: `${LABEL}/${operation}`,
      headers: [bearer(token)],
      body: application(`CN=${STATION}`).body,
    });

  /** What a role hears, from the two files alone. */
  function expected(roleName: string, action: string, isForeign: boolean): string {
    const role = declaredRoles[roleName];
    if (!role) throw new Error(`no role ${roleName}`);
    if (role.actions !== 'all' && !role.actions.includes(action)) return '403 not-permitted';
    if (isForeign && !role.everyOrganization) return '404 est-label-unknown';
    if (role.kinds && !role.kinds.includes(KIND)) return '403 not-permitted';
    return '200';
  }

  // First: of more than 50 kinds in a minute the others are counted as one.
  test('who may not is in the audit log once, counted', async () => {
    const seen = async (action: string) => {
      const { items } = sent(await evpki.call('GET', `/v1/audit?action=${action}&limit=200`), 200);
      return items.filter(
        ({ subject, details }: { subject: string; details: { violations?: string[] } }) =>
          subject.startsWith('EST ') || details.violations?.includes('not-permitted'),
      );
    };
    const { clientId, clientSecret } = sent(
      await evpki.call('POST', '/v1/api-clients', {
        ...{ name: 'officer', organization: 'demo-cpo', roles: ['pki-officer'] },
      }),
      201,
    );
    const token = await evpki.renewedToken({ clientId, clientSecret });
    // The role has the action, but not for this kind; and not the other action at all.
    for (const operation of ['simpleenroll', 'serverkeygen']) {
      for (let turn = 0; turn < 3; turn++) expect((await ask(operation, token)).status).toBe(403);
    }
    const own = async () =>
      (await seen('access.refused')).filter(
        ({ actor }: { actor: string }) => actor === `client:${clientId}`,
      );
    await expect.poll(async () => (await own()).length).toBe(2);
    expect((await own()).map(({ subject }: { subject: string }) => subject).sort()).toEqual([
      ...['EST serverkeygen', 'EST simpleenroll'],
    ]);
    expect(await seen('request.refused')).toEqual([]);
  });

  test.each(operations)(
    '%s needs %s, in the organization of its label',
    async (operation, action) => {
      const heard: string[] = [];
      const wanted: string[] = [];
      for (const organization of ['demo-cpo', 'demo-mo']) {
        for (const role of roles) {
          const { status, body } = await ask(operation, tokenOf(organization, role));
          const code = status === 200 ? '' : ` ${body.split(':')[0]}`;
          const isForeign = organization === 'demo-mo';
          heard.push(`${organization} ${role}: ${status}${code}`);
          wanted.push(`${organization} ${role}: ${expected(role, action, isForeign)}`);
        }
      }
      expect(heard).toEqual(wanted);
      // Each has somebody who may, and somebody of another organization who then may not.
      expect(wanted.some((one) => one.endsWith('200'))).toBe(true);
      expect(wanted.some((one) => one.endsWith('404 est-label-unknown'))).toBe(true);
    },
  );

  test('what anybody may ask, every role may', async () => {
    for (const role of roles) {
      const headers = [bearer(tokenOf('demo-cpo', role))];
      for (const operation of ['cacerts', 'csrattrs']) {
        const { status } = await askEst(evpki, { target: `${LABEL}/${operation}`, headers });
        expect(status, `${role} ${operation}`).toBeLessThan(300);
      }
    }
  });
});
