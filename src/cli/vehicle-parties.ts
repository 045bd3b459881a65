/** Who takes part when a car gets its contract: the maker, the operator, and whom the car trusts. */

import type { Iso15118Standard } from '../ocpp/contract-certificate.ts';
import { type Certificate, isSelfIssued, readCertificate } from '../pki/certificate.ts';
import { readPemBlocks } from '../pki/pem.ts';
import type { Authority, AuthorityWithIssuers, Organization, Page, Profile } from './api-bodies.ts';
import { type Failure, usageFailure } from './failure.ts';
import { pathOf, type Session } from './session.ts';
import { carCurves } from './vehicle-car.ts';

/** The organizations that the caller reaches, with what of their authorities is of a standard. */
export interface Ecosystem {
  readonly standard: Iso15118Standard;
  readonly organizations: readonly Organization[];
  /** Active, by what they certify, with keys like those of the car. */
  readonly authorities: Readonly<Record<Leaf, readonly Authority[]>>;
}

type Leaf = 'oem-provisioning' | 'contract' | 'cps';

export async function readEcosystem(
  session: Session,
  standard: Iso15118Standard,
): Promise<Ecosystem> {
  const [{ items: organizations }, { items: authorities }, { items: profiles }] = await Promise.all(
    [
      session.get<Page<Organization>>('/v1/organizations'),
      session.get<Page<Authority>>('/v1/authorities'),
      session.get<Page<Profile>>('/v1/profiles'),
    ],
  );
  const certifying = (leaf: Leaf) => {
    const issuers = profiles.find(({ name }) => name === `${standard}-${leaf}`)?.issuedBy ?? [];
    return authorities.filter(
      ({ profile, state, key }) =>
        state === 'active' && key === carCurves[standard] && issuers.includes(profile),
    );
  };
  return {
    ...{ standard, organizations },
    authorities: {
      'oem-provisioning': certifying('oem-provisioning'),
      contract: certifying('contract'),
      cps: certifying('cps'),
    },
  };
}

/** Of several, somebody has to say which. */
interface Choice {
  readonly who: string;
  readonly option: string;
  readonly named: string | undefined;
}

/** The maker of a new car, with the authority that certifies its key. */
export function makerOfNew(
  ecosystem: Ecosystem,
  named: string | undefined,
): { readonly maker: Organization; readonly authority: Authority } {
  const owners = ecosystem.authorities['oem-provisioning'];
  const choice = { who: 'maker that certifies its cars here', option: '--oem', named };
  const maker = theOne(ecosystem, choice, ({ id, roles, wmis }) => {
    const certifies = owners.some(({ organization }) => organization === id);
    return roles.includes('oem') && wmis.length > 0 && certifies;
  });
  const authority = owners.find(({ organization }) => organization === maker.id);
  if (!authority) throw nobody(ecosystem, choice.who);
  return { maker, authority };
}

/** The maker of a car that there is. */
export const makerOf = (
  ecosystem: Ecosystem,
  pcid: string,
  named: string | undefined,
): Organization =>
  theOne(
    ecosystem,
    { who: `maker with the WMI ${pcid.slice(0, 3)}`, option: '--oem', named },
    ({ roles, wmis }) => roles.includes('oem') && wmis.includes(pcid.slice(0, 3)),
  );

/** The operator for contracts of a provider, or of any. */
export function operatorOf(
  ecosystem: Ecosystem,
  provider: string | undefined,
  named: string | undefined,
): Organization {
  const of = provider === undefined ? 'a provider' : `the provider ${provider}`;
  const choice = {
    who: `mobility operator with ${of} and a CA for contracts`,
    option: '--mo',
    named,
  };
  return theOne(
    ecosystem,
    choice,
    ({ id, roles, providers }) =>
      roles.includes('mo') &&
      (provider === undefined ? providers.length > 0 : providers.includes(provider)) &&
      ecosystem.authorities.contract.some(({ organization }) => organization === id),
  );
}

function theOne(
  ecosystem: Ecosystem,
  choice: Choice,
  fits: (organization: Organization) => boolean,
): Organization {
  const { named, who, option } = choice;
  const fitting = ecosystem.organizations.filter(fits);
  if (named !== undefined) {
    const found = fitting.find(({ id }) => id === named);
    if (found) return found;
    const others = fitting.map(({ id }) => id).join(', ');
    const remedy = others === '' ? undefined : `There are: ${others}.`;
    throw usageFailure(`${named} is no ${who}, for ${ecosystem.standard}`, remedy);
  }
  const [only, another] = fitting;
  if (!only) throw nobody(ecosystem, who);
  if (another) {
    const ids = fitting.map(({ id }) => id).join(', ');
    throw usageFailure(`it could be ${ids}`, `Name one of them: ${option} ID.`);
  }
  return only;
}

const hierarchies: Readonly<Record<Iso15118Standard, string>> = {
  'iso15118-2': 'ca/demo.yaml',
  'iso15118-20': 'ca/iso15118-20.yaml',
};

const nobody = ({ standard }: Ecosystem, who: string): Failure =>
  usageFailure(
    `you reach no ${who}, for ${standard}`,
    `${hierarchies[standard]} has one: start evpki with it in EVPKI_HIERARCHY and with a folder of its ` +
      'own in EVPKI_DATA_DIR. Only an administrator reaches every organization.',
  );

/** What stands above what an authority certifies: its certificates and those above, root last. */
export interface Above {
  readonly authority: string;
  /** PEM of the active issuer. */
  readonly pem: string;
  readonly roots: readonly Certificate[];
}

/** The authorities below whose roots the provisioning services of a standard stand. */
export async function cpsAuthorities(session: Session, ecosystem: Ecosystem): Promise<Above[]> {
  const found = ecosystem.authorities.cps;
  if (found.length === 0) {
    throw nobody(ecosystem, 'authority of a provisioning service');
  }
  return Promise.all(found.map(({ id }) => certificatesAbove(session, id)));
}

export async function certificatesAbove(session: Session, authority: string): Promise<Above> {
  const path = pathOf('/v1/authorities', authority);
  const { issuers } = await session.get<AuthorityWithIssuers>(path);
  const pem = issuers.find(({ state }) => state === 'active')?.certificateChain ?? '';
  const roots = readPemBlocks(pem)
    .map(({ der }) => readCertificate(der))
    .filter(isSelfIssued);
  return { authority, pem, roots };
}
