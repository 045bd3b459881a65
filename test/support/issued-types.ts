/** One certificate of every profile and kind of key, issued by evpki itself. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { loadHierarchy, loadPolicies } from '../../src/declarations.ts';
import { readPemBlocks, toPem } from '../../src/pki/pem.ts';
import type { Profile, ValueForm } from '../../src/pki/profile.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import type { DeclaredAuthority } from '../../src/services/hierarchies.ts';
import { type Answer, startTestApp, type TestApp } from './app.ts';
import { opensslRoot } from './cross-certificates.ts';
import { exportAsTwo } from './exports.ts';
import { opensslRequest, type Workbench } from './openssl.ts';
import type { Path } from './other-tools.ts';
import { crossCertifyAsTwo, newCaller } from './second-person.ts';

export interface IssuedType extends Path {
  readonly profile: string;
  readonly key: KeyAlgorithm;
}

export const isRoot = ({ certificate, root }: Path): boolean => certificate === root;

/** Names a row of docs/interop.md. */
export const typeName = ({ profile, key }: Pick<IssuedType, 'profile' | 'key'>): string =>
  `${profile} ${key}`;

const { profiles } = loadPolicies();
const RESPONDER = 'ocsp-responder';
const shippedHierarchies = ['ca/demo.yaml', 'ca/iso15118-20.yaml', 'ca/private-environment.yaml'];

/** A common name of each form, for requests. */
const commonNames: Readonly<Record<Exclude<ValueForm, 'country'>, string>> = {
  'common-name': 'Interop Example',
  'organization-name': 'Interop Example',
  'station-serial-number': 'SN-0001',
  'secc-id': `DEABCS${'0123456789ABCDEF'.repeat(2)}7`,
  'evcc-id': 'WEVV0123456789ABCDE',
  emaid: 'DEABCC12345678',
  pcid: 'WEVP0123456789ABC',
  'dns-name': 'csms.interop.example',
};

/**
 * Issues everything: evpki is started with each hierarchy that comes with it, and with one of the
 * profiles that none of those use. What is issued twice counts once.
 */
export async function issueEveryType(bench: Workbench): Promise<ReadonlyMap<string, IssuedType>> {
  const folder = await mkdtemp(join(tmpdir(), 'evpki-hierarchies-'));
  const rest = join(folder, 'rest.yaml');
  // JSON is YAML.
  await writeFile(rest, JSON.stringify(hierarchyOfTheRest()));
  const issued = new Map<string, IssuedType>();
  try {
    const batches = await Promise.all(
      [...shippedHierarchies, rest].map((hierarchy) => issueTypesOf(hierarchy, bench, folder)),
    );
    for (const type of batches.flat()) {
      if (!issued.has(typeName(type))) issued.set(typeName(type), type);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return issued;
}

/** The `.annex-b` twins of ISO 15118-20, its private environment, and OCPP with other keys. */
function hierarchyOfTheRest(): unknown {
  const twins = loadHierarchy('ca/iso15118-20.yaml', profiles).authorities.map(
    ({ id, title, profile, keyAlgorithm, parentId }) =>
      authority(
        `${id}-annex-b`,
        title,
        `${profile.name}.annex-b`,
        keyAlgorithm,
        parentId && `${parentId}-annex-b`,
      ),
  );
  const privateRoots = (['P-521', 'Ed448'] as const).flatMap((key) =>
    ['', '.annex-b'].map((variant) => {
      const id = `private-root-${key}${variant}`.toLowerCase().replace('.', '-');
      return authority(id, id, `iso15118-20-private-root${variant}`, key);
    }),
  );
  const ocpp = (['P-256', 'P-384', 'RSA-2048'] as const).flatMap((key) => {
    const id = (name: string) => `${name}-${key}`.toLowerCase();
    return [
      authority(id('root'), id('root'), 'ocpp-root', key),
      authority(id('station-ca'), id('station-ca'), 'ocpp-station-ca', key, id('root')),
      authority(id('server-ca'), id('server-ca'), 'ocpp-server-ca', key, id('root')),
      authority(id('manufacturer'), id('manufacturer'), 'ocpp-manufacturer-root', key),
    ];
  });
  return {
    hierarchy: 'rest',
    demo: true,
    organizations: { interop: { name: 'Interop Example', country: 'DE', roles: ['cpo'] } },
    authorities: Object.fromEntries([...twins, ...privateRoots, ...ocpp]),
  };
}

const authority = (
  id: string,
  title: string,
  profile: string,
  key: KeyAlgorithm,
  under?: string,
): [string, unknown] => [
  id,
  { title, organization: 'interop', profile, key, ...(under === undefined ? {} : { under }) },
];

async function issueTypesOf(file: string, bench: Workbench, folder: string): Promise<IssuedType[]> {
  const dataDir = await mkdtemp(join(folder, 'data-'));
  const evpki = await startTestApp({
    hierarchy: file,
    dataDir,
  });
  const { hierarchy } = evpki.app;
  try {
    const ofAuthorities = await Promise.all(
      hierarchy.authorities.map((each) => typesBelow(evpki, bench, each)),
    );
    return [...(await ownTypes(evpki)), ...ofAuthorities.flat()];
  } finally {
    await evpki.close();
  }
}

/** The authority's certificate, and one of each leaf that it issues. */
async function typesBelow(
  evpki: TestApp,
  bench: Workbench,
  declared: DeclaredAuthority,
): Promise<IssuedType[]> {
  const { id, profile, keyAlgorithm } = declared;
  const above = await evpki.call('GET', `/v1/authorities/${id}`);
  const chain = certificatesIn(above.json.issuers[0].certificateChain);
  const root = chain.at(-1) ?? '';
  const leaves = [...profiles.values()].flatMap((leaf) =>
    keysBelow(profile, keyAlgorithm, leaf).map((key) => ({ leaf, key })),
  );
  const issued = await Promise.all(
    leaves.map(async ({ leaf, key }): Promise<IssuedType> => {
      const name = `${evpki.app.hierarchy.id}-${id}-${leaf.name}-${key}`;
      const csr = requestFor(bench, leaf, key, name);
      const body = { profile: leaf.name, csr, authority: id };
      let answer = await evpki.call('POST', '/v1/certificates', body);
      if (answer.status === 202) answer = await approved(evpki, answer.json.id);
      if (answer.status !== 201) throw new Error(`${leaf.name} ${key}: ${answer.text}`);
      const path = pathOf(certificatesIn(answer.json.certificateChain), root);
      return { profile: leaf.name, key, ...path };
    }),
  );
  const own = { profile: profile.name, key: keyAlgorithm };
  const others = [
    ...(await responderTypes(evpki, declared, root)),
    ...(await crossTypes(evpki, bench, declared, root)),
    ...(await exportedTypes(evpki, declared, root)),
  ];
  return [{ ...own, ...pathOf(chain.slice(0, -1), root) }, ...issued, ...others];
}

/** Some profiles want a second person. */
async function approved(evpki: TestApp, requestId: string): Promise<Answer> {
  const authorization = `Bearer ${await evpki.tokenOf('instance', ['super'])}`;
  const path = `/v1/requests/${requestId}/approval`;
  return evpki.call('POST', path, undefined, { authorization });
}

/** The kinds of key with which a leaf is issued below an authority: its own, where it issues it. */
function keysBelow(authority: Profile, key: KeyAlgorithm, leaf: Profile): KeyAlgorithm[] {
  if (leaf.extensions.basicConstraints?.ca !== false || !leaf.keys.includes(key)) return [];
  return leaf.issuedBy.includes(authority.name) ? [key] : [];
}

/** The OCSP responder that evpki has certified for a root by itself, as it does for every issuer. */
async function responderTypes(
  evpki: TestApp,
  { id, profile, keyAlgorithm }: DeclaredAuthority,
  root: string,
): Promise<IssuedType[]> {
  // The roots will do: responders of those below are the same.
  if (profile.kind !== 'root-ca') return [];
  for (let look = 0; look < 300; look++) {
    const query = `profile=${RESPONDER}&authority=${id}&state=issued`;
    const { items } = (await evpki.call('GET', `/v1/certificates?${query}`)).json;
    if (items.length > 0) {
      const { json } = await evpki.call('GET', `/v1/certificates/${items[0].id}`);
      const path = pathOf(certificatesIn(json.certificateChain), root);
      return [{ profile: RESPONDER, key: keyAlgorithm, ...path }];
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${id} has no responder`);
}

/** A request with as little as the profile demands: everything else is evpki's to add. */
function requestFor(bench: Workbench, profile: Profile, key: KeyAlgorithm, name: string): string {
  const rule = profile.subject.find(({ attribute }) => attribute === 'CN');
  const form = rule?.source.from === 'request' ? rule.source.form : 'common-name';
  if (form === 'country') throw new Error(`${profile.name} names a country`);
  const names = profile.extensions.subjectAltName;
  const alternativeNames = names?.required
    ? ['-addext', 'subjectAltName=DNS:csms.interop.example,IP:192.0.2.1']
    : [];
  // It becomes one of the alternative names.
  const commonName = commonNames[names?.includeCommonName ? 'dns-name' : form];
  return opensslRequest(bench, `/CN=${commonName}`, { key, name, extra: alternativeNames });
}

/** What evpki issues for itself: its instance CA, and the certificate of its API's listener. */
async function ownTypes(evpki: TestApp): Promise<IssuedType[]> {
  const root = await readFile(join(evpki.dataDir, 'api-ca.pem'), 'utf8');
  const { hostname, port } = new URL(evpki.app.apiUrl);
  const shown = await new Promise<Uint8Array>((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ca: root }, () => {
      resolve(socket.getPeerCertificate().raw);
      socket.end();
    });
    socket.on('error', reject);
  });
  return [
    { profile: 'instance-ca', key: 'P-256', ...pathOf([], root) },
    { profile: 'api-server', key: 'P-256', ...pathOf([toPem('CERTIFICATE', shown)], root) },
  ];
}

/** Another root, certified by the authority where that is a V2G root. */
async function crossTypes(
  evpki: TestApp,
  bench: Workbench,
  { id, profile, keyAlgorithm: key }: DeclaredAuthority,
  root: string,
): Promise<IssuedType[]> {
  const crossProfile = [...profiles.values()].find(
    ({ kind, issuedBy }) => kind === 'cross-ca' && issuedBy.includes(profile.name),
  );
  if (!crossProfile) return [];
  const certificate = opensslRoot(bench, `${evpki.app.hierarchy.id}-${id}-other-root`, { key });
  const answer = await crossCertifyAsTwo(
    [await newCaller(evpki), await newCaller(evpki)],
    id,
    certificate,
  );
  if (answer.status !== 200) throw new Error(`${crossProfile.name}: ${answer.text}`);
  const chain = certificatesIn(answer.json.certificateChain);
  return [{ profile: crossProfile.name, key, ...pathOf(chain, root) }];
}

/** The authority whose key is handed out, below a root that may have one. */
async function exportedTypes(
  evpki: TestApp,
  { id, profile, keyAlgorithm: key }: DeclaredAuthority,
  root: string,
): Promise<IssuedType[]> {
  const exported = [...profiles.values()].find(
    (each) => each.exported && each.issuedBy.includes(profile.name) && each.keys.includes(key),
  );
  if (!exported) return [];
  const { certificateChain } = await exportAsTwo(evpki, `${id}-exported`, { above: id, key });
  const [certificate = ''] = certificatesIn(certificateChain);
  return [{ profile: exported.name, key, ...pathOf([certificate], root) }];
}

/** From a chain without its root; that of a root is empty. */
function pathOf([first, ...issuers]: readonly string[], root: string): Path {
  return { certificate: first ?? root, issuers, root };
}

const certificatesIn = (pem: string): string[] =>
  readPemBlocks(pem).map(({ label, der }) => toPem(label, der));
