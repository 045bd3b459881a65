/** Two people who propose and approve one after the other everything that can be proposed. */

import type { Principal } from '../../src/services/access-policy.ts';
import { grantOrPropose } from '../../src/services/authority-grant-proposals.ts';
import { crossCertifyOrPropose } from '../../src/services/cross-certification-proposals.ts';
import { declareAuthority } from '../../src/services/hierarchy-requests.ts';
import type { ProposalView } from '../../src/services/proposals.ts';
import { revokeOrPropose } from '../../src/services/revocation-proposals.ts';
import { trustOrPropose } from '../../src/services/trust-anchor-proposals.ts';
import { importAnchor } from '../../src/services/trust-anchors.ts';
import type { Declarations } from './declarations.ts';
import { foreignRoot } from './foreign-roots.ts';
import { nameOf } from './policy.ts';
import type { Services } from './services.ts';

export const proposer: Principal = {
  ...{ actor: 'client:proposer', organizationId: 'instance', roles: ['super'] },
};
export const approver: Principal = { ...proposer, actor: 'client:approver' };

/** All that can be listed as what needs a second person is. */
export const allListed = (declarations: Declarations): Declarations => ({
  ...declarations,
  secondPerson: new Set([
    ...(['trust-anchors:trust', 'authorities:grant'] as const),
    ...(['authorities:cross-certify', 'authorities:revoke'] as const),
  ]),
});

type Result =
  | { readonly outcome: string }
  | { readonly outcome: 'waiting'; readonly view: ProposalView };
type Way = (services: Services, by: Principal, name: string) => Promise<Result>;

/** The ways in which something comes to wait; each makes first what it is about. */
const ways: readonly Way[] = [
  async (services, by, name) => {
    const root = rootNamed(name);
    const organization = 'demo-oem';
    const { anchor } = await importAnchor(services, by, root, { organization });
    return trustOrPropose(services, by, anchor.id, ['oem-provisioning']);
  },
  async (services, by, name) => {
    const id = name.toLowerCase();
    await services.organizations.createOrganization({
      organization: {
        ...{ id, name, roles: ['cpo'], stationsOnFirstSight: false },
        ...{ wmis: [], providers: [], operators: [] },
      },
      audit: {
        ...{ at: services.clock(), organizationId: id, actor: 'test', subject: id },
        ...{ action: 'organization.created', details: {} },
      },
    });
    return grantOrPropose(services, by, 'v2g-root', id);
  },
  async (services, by, name) => {
    const authority = await services.authorities.findAuthority('v2g-root');
    if (!authority) throw new Error('there is no v2g-root');
    return crossCertifyOrPropose(services, by, authority, rootNamed(name));
  },
  async (services, by, name) => {
    const id = name.toLowerCase();
    const instance = { demo: true, missingSettings: [] };
    await declareAuthority({ ...services, instance }, by, {
      ...{ id, title: name, organization: 'demo-v2g', profile: 'iso15118-2-cpo-sub-ca-1' },
      ...{ key: 'P-256', under: 'v2g-root' },
    });
    const [issuer] = await services.authorities.listIssuers(id);
    return revokeOrPropose(services, by, issuer?.certificateId ?? '', 'superseded');
  },
];

const rootNamed = (name: string): string =>
  foreignRoot({ subject: nameOf('DC=V2G', 'O=Other', `CN=${name}`) }).pem;

/**
 * Has one more thing wait.
 * @param way any number: they take turns
 * @param name that nobody else has
 */
export async function haveWait(
  services: Services,
  way: number,
  name: string,
  by = proposer,
): Promise<ProposalView> {
  const result = await ways[way % ways.length]?.(services, by, name);
  if (!result || !('view' in result)) throw new Error(`${name} does not wait`);
  return result.view;
}
