/**
 * The rows of the role matrix: how each operation of openapi.yaml is asked. A new operation needs
 * at least one row here.
 */

import { toPem } from '../../src/pki/pem.ts';
import { loginCertificate } from './client-certificates.ts';
import { foreignRoot } from './foreign-roots.ts';
import type { Call, Row, Side } from './role-matrix.ts';
import { stationRequest } from './stations.ts';

const csr = (commonName: string): string =>
  toPem('CERTIFICATE REQUEST', stationRequest(commonName));

/** Certificates of these kinds are issued in the matrix; each organization can issue all of them. */
export const leaves = [
  { kind: 'station', profile: 'ocpp-station', under: 'ocpp-station-ca', name: 'CS-1' },
  { kind: 'csms-server', profile: 'ocpp-csms-server', under: 'ocpp-server-ca', name: 'a.example' },
  { kind: 'contract', profile: 'iso15118-2-contract', under: 'mo-2', name: 'DEDMOC12345678R' },
  {
    kind: 'oem-provisioning',
    profile: 'iso15118-2-oem-provisioning',
    under: 'oem-2',
    name: 'TSTP1234567890123',
  },
] as const;

/** Its common name; vehicles of two organizations are two vehicles. */
const nameOf = (
  { kind, name }: (typeof leaves)[number],
  { organization }: Pick<Side, 'organization'>,
) => (kind === 'oem-provisioning' ? pcidOf(organization) : name);

export const pcidOf = (organization: string): string =>
  `TSTP12345678${organization.toUpperCase()}`.padEnd(17, '0');

/** The body of `POST /v1/certificates` for a new key. */
export const newCertificate = (
  { organization, station }: Pick<Side, 'organization' | 'station'>,
  leaf: (typeof leaves)[number],
) => ({
  profile: leaf.profile,
  csr: csr(nameOf(leaf, { organization })),
  authority: `${organization}-${leaf.under}`,
  ...(leaf.kind === 'station' ? { station } : {}),
});

const GARBAGE_CHAIN = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

/** A root of somebody else, imported for the side's organization. */
const imported = async ({ organization }: Side, administrator: Call): Promise<string> => {
  const body = { certificate: foreignRoot().pem, organization };
  return (await administrator('POST', '/v1/trust-anchors', body)).json.id;
};

const overAnchor = (success: readonly number[], body?: unknown): Row => ({
  kind: 'root-ca',
  ask: async (side, administrator) => ({
    params: { id: await imported(side, administrator) },
    ...(body === undefined ? {} : { body }),
  }),
  success,
});

/** By the anchor that they are about. */
const proposals = new Map<string, string>();

/** What the administrator proposes of an anchor: the same while it waits. */
async function proposed(side: Side, administrator: Call, anchor?: string) {
  const id = anchor ?? (await imported(side, administrator));
  const path = `/v1/trust-anchors/${id}/purposes`;
  const { json } = await administrator('PUT', path, { purposes: ['oem-provisioning'] });
  proposals.set(id, json.id);
  return json as { readonly id: string; readonly sha256: string };
}

const overProposal = (
  success: readonly number[],
  body?: (proposal: { readonly sha256?: string }) => unknown,
): Row => ({
  ask: async (side, administrator) => {
    const proposal = await proposed(side, administrator);
    return { params: { id: proposal.id }, ...(body ? { body: body(proposal) } : {}) };
  },
  success,
});

const overCertificate = (
  row: Omit<Row, 'ask'> & { readonly kind: string },
  body: unknown,
  prepare?: unknown,
): Row => ({
  about: row.kind,
  ...row,
  ask: async ({ certificates }, administrator) => {
    const id = certificates[row.kind] ?? '';
    if (prepare) await administrator('POST', `/v1/certificates/${id}/revocation`, prepare);
    return { params: { id }, ...(body === undefined ? {} : { body }) };
  },
});

/** A new certificate of the organization's vehicle; the one that rows share may be on hold. */
export const newVehicle = async (side: Side, administrator: Call) => {
  const leaf = leaves.find(({ kind }) => kind === 'oem-provisioning') ?? leaves[0];
  const { json } = await administrator('POST', '/v1/certificates', newCertificate(side, leaf));
  const [certificate = 'x'] = String(json.certificateChain).split(/(?<=END CERTIFICATE-----\n)/);
  return { certificate };
};

export const registered = async (side: Side, administrator: Call): Promise<string> => {
  const path = `/v1/provisioning-certificates?organization=${side.organization}`;
  return (await administrator('POST', path, await newVehicle(side, administrator))).json.id;
};

let emaids = 0;
/** The body of `POST /v1/contracts`; every contract has an EMAID of its own. */
export const newContract = ({ organization }: Side) => ({
  emaid: `DE8EVC${String(++emaids).padStart(8, '0')}`,
  pcid: pcidOf(organization),
});

/** The latest contract that was made of each organization. */
const contracts = new Map<string, string>();

/** A vehicle has not any number of them, and rows make one more as a rule. */
async function endContractsOf({ organization }: Side, administrator: Call): Promise<void> {
  for (const state of ['active', 'suspended']) {
    const path = `/v1/contracts?organization=${organization}&state=${state}&limit=200`;
    const { items = [] } = (await administrator('GET', path)).json;
    for (const { id } of items) await administrator('POST', `/v1/contracts/${id}/end`, {});
  }
}

export const contractOf = async (side: Side, administrator: Call): Promise<string> => {
  if (emaids % 3 === 0) await endContractsOf(side, administrator);
  const path = `/v1/contracts?organization=${side.organization}`;
  const make = () => administrator('POST', path, newContract(side));
  let made = await make();
  if (made.status === 422) {
    await registered(side, administrator);
    made = await make();
  }
  contracts.set(side.organization, made.json.id);
  return made.json.id;
};

const overContract = (row: Partial<Row> & Pick<Row, 'success'>, body?: unknown): Row => ({
  ...row,
  ask: async (side, administrator) => ({
    params: { id: await contractOf(side, administrator) },
    ...(body === undefined ? {} : { body }),
  }),
});

/** A request that waits, since its profile wants a second person for every one. */
const overWaiting = (success: readonly number[], body?: unknown): Row => ({
  kind: 'firmware-signing',
  ask: async ({ organization }, administrator) => {
    const asked = await administrator('POST', '/v1/certificates', {
      ...{ profile: 'ocpp-firmware-signing', authority: `${organization}-maker-root` },
      csr: csr('Firmware'),
    });
    return { params: { id: asked.json.id }, ...(body === undefined ? {} : { body }) };
  },
  success,
});

const newAuthority = (organization: string) => ({
  ...{ id: `${organization}-new`, title: `New of ${organization}`, organization },
  ...{ profile: 'ocpp-station-ca', key: 'P-256', under: `${organization}-ocpp-root` },
});

/** The other organization. */
const granteeOf = ({ organization }: Side) => ({
  organization: organization === 'alpha' ? 'beta' : 'alpha',
});

const newClient = (organization: string) => ({
  ...{ name: 'matrix', organization, roles: ['read-only'] },
});

/** By operationId. Operations that need no credentials have no row. */
export const rows: Readonly<Record<string, readonly Row[]>> = {
  createApiClient: [
    {
      granting: 'read-only',
      ask: ({ organization }) => ({ body: newClient(organization) }),
      success: [201],
      foreign: [400],
    },
  ],
  listApiClients: [
    { ask: () => ({ query: 'limit=200' }), success: [200], listed: ({ client }) => client },
    {
      about: 'of an organization',
      ask: ({ organization }) => ({ query: `organization=${organization}` }),
      success: [200],
    },
  ],
  getApiClient: [{ ask: ({ client }) => ({ params: { id: client } }), success: [200] }],
  rotateApiClientSecret: [
    {
      granting: 'read-only',
      ask: ({ client }) => ({ params: { id: client }, body: { overlapSeconds: 0 } }),
      success: [201],
    },
  ],
  addApiClientCertificate: [
    {
      granting: 'read-only',
      ask: ({ client }) => ({
        params: { id: client },
        body: { certificate: loginCertificate().cert },
      }),
      success: [201],
    },
  ],
  listApiClientCertificates: [
    { ask: ({ client }) => ({ params: { id: client } }), success: [200] },
  ],
  removeApiClientCertificate: [
    {
      granting: 'read-only',
      ask: async ({ client }, administrator) => {
        const { cert: certificate, sha256 } = loginCertificate();
        await administrator('POST', `/v1/api-clients/${client}/certificates`, { certificate });
        return { params: { id: client, sha256 } };
      },
      success: [204],
    },
  ],
  disableApiClient: [
    {
      granting: 'read-only',
      ask: async ({ organization }, administrator) => {
        const made = await administrator('POST', '/v1/api-clients', newClient(organization));
        return { params: { id: made.json.clientId } };
      },
      success: [200],
    },
  ],

  issueCertificate: leaves.map((leaf) => ({
    about: leaf.kind,
    kind: leaf.kind,
    kindFirst: true,
    ...(leaf.kind === 'station' ? {} : { waitsWithout: 'certificates:vouch' }),
    ask: (side) => ({ body: newCertificate(side, leaf) }),
    success: [201],
    foreign: [422],
  })),
  listCertificates: [
    {
      ask: () => ({ query: 'limit=200' }),
      success: [200],
      listed: ({ certificates }) => certificates.contract ?? '',
    },
    {
      about: 'of an authority',
      ask: ({ authority }) => ({ query: `authority=${authority}` }),
      success: [200],
    },
  ],
  getCertificate: leaves.map(({ kind }) => ({
    about: kind,
    ask: ({ certificates }) => ({ params: { id: certificates[kind] ?? '' } }),
    success: [200],
  })),
  renewCertificate: leaves.map((leaf) => ({
    about: leaf.kind,
    kind: leaf.kind,
    ask: ({ certificates, organization }) => ({
      params: { id: certificates[leaf.kind] ?? '' },
      body: { csr: csr(nameOf(leaf, { organization })) },
    }),
    success: [201],
  })),
  revokeCertificate: [
    ...leaves.map(({ kind }) =>
      overCertificate({ kind, success: [200] }, { reason: 'certificateHold' }),
    ),
    // Authorities cannot be put on hold: those who may revoke them hear that.
    overCertificate(
      { kind: 'sub-ca', further: ['authorities:revoke'], success: [422] },
      { reason: 'certificateHold' },
    ),
  ],
  releaseCertificate: leaves.map(({ kind }) =>
    overCertificate({ kind, success: [200] }, undefined, { reason: 'certificateHold' }),
  ),

  listRequests: [
    { ask: () => ({ query: 'limit=200' }), success: [200], listed: ({ request }) => request },
    {
      about: 'for an authority',
      ask: ({ authority }) => ({ query: `authority=${authority}` }),
      success: [200],
    },
  ],
  getRequest: [{ ask: ({ request }) => ({ params: { id: request } }), success: [200] }],
  approveRequest: [overWaiting([201])],
  rejectRequest: [overWaiting([200], { reason: 'matrix' })],
  withdrawRequest: [
    // It is nobody's to take back any more: those who may withdraw theirs hear that.
    { ask: ({ request }) => ({ params: { id: request } }), success: [409] },
  ],

  listProposals: [
    {
      ask: async (side, administrator) => {
        await proposed(side, administrator, side.anchor);
        return { query: 'limit=200' };
      },
      success: [200],
      listed: ({ anchor }) => proposals.get(anchor) ?? '',
    },
  ],
  getProposal: [overProposal([200])],
  approveProposal: [
    { kind: 'root-ca', ...overProposal([200], ({ sha256 = '0'.repeat(64) }) => ({ sha256 })) },
  ],
  rejectProposal: [{ kind: 'root-ca', ...overProposal([200], () => ({ reason: 'matrix' })) }],
  withdrawProposal: [
    // It is nobody's to take back any more: those who may withdraw theirs hear that.
    {
      ask: async (side, administrator) => {
        const { id } = await proposed(side, administrator);
        await administrator('POST', `/v1/proposals/${id}/rejection`, { reason: 'matrix' });
        return { params: { id } };
      },
      success: [409],
    },
  ],

  listAuthorities: [{ ask: () => ({}), success: [200], listed: ({ authority }) => authority }],
  getAuthority: [{ ask: ({ authority }) => ({ params: { id: authority } }), success: [200] }],
  getAuthorityRequest: [{ ask: ({ awaiting }) => ({ params: { id: awaiting } }), success: [200] }],
  activateAuthority: [
    {
      kind: 'sub-ca',
      ask: ({ awaiting }) => ({
        params: { id: awaiting },
        body: { certificateChain: GARBAGE_CHAIN },
      }),
      success: [422],
    },
  ],
  createAuthority: [
    {
      ask: ({ organization }) => ({ body: newAuthority(organization) }),
      success: [200, 201],
      foreign: [422],
    },
  ],
  crossCertify: [
    {
      kind: 'cross-ca',
      ask: ({ organization }) => ({
        params: { id: `${organization}-v2g-root` },
        body: { certificate: foreignRoot().pem },
      }),
      // It waits for a second person, as policies/access.yaml is delivered.
      success: [202],
    },
  ],
  rollOverAuthority: [
    {
      kind: 'sub-ca',
      ask: ({ authority }) => ({ params: { id: authority } }),
      success: [201],
    },
  ],

  proposeExport: [
    {
      kind: 'sub-ca',
      ask: ({ organization }) => ({
        params: { id: `${organization}-ocpp-root` },
        body: { id: `${organization}-exported`, title: 'Exported', key: 'P-256' },
      }),
      success: [202],
    },
  ],
  collectExport: [
    {
      about: 'nobody has agreed to it',
      kind: 'sub-ca',
      ask: async ({ organization }, administrator) => {
        const id = `${organization}-ocpp-root`;
        const body = { id: `${organization}-collected`, title: 'Collected', key: 'P-256' };
        const { json } = await administrator('POST', `/v1/authorities/${id}/exports`, body);
        const passphrase = 'nobody gets to use this';
        return { params: { id, proposal: String(json.id) }, body: { passphrase } };
      },
      success: [409],
    },
  ],
  importCertificates: [
    {
      about: 'of one that was exported',
      kind: 'station',
      ask: ({ exported }) => ({ params: { id: exported }, body: { certificates: GARBAGE_CHAIN } }),
      success: [422],
    },
  ],
  revokeSerialNumber: [
    {
      about: 'that nobody has seen',
      kind: 'station',
      ask: ({ exported }) => ({
        params: { id: exported },
        body: { serialNumber: '4711', reason: 'superseded' },
      }),
      success: [200],
    },
    {
      about: 'of an authority',
      kind: 'sub-ca',
      further: ['authorities:revoke'],
      ask: async ({ organization, certificates }, administrator) => {
        const path = `/v1/certificates/${certificates['sub-ca']}`;
        const { serialNumber } = (await administrator('GET', path)).json;
        const body = { serialNumber: serialNumber ?? '1', reason: 'certificateHold' };
        return { params: { id: `${organization}-ocpp-root` }, body };
      },
      success: [422],
    },
  ],

  listAuthorityGrants: [
    { ask: ({ authority }) => ({ params: { id: authority } }), success: [200] },
  ],
  grantAuthority: [
    {
      kind: 'sub-ca',
      ask: (side) => ({ params: { id: side.authority, ...granteeOf(side) } }),
      success: [200, 201],
    },
  ],
  withdrawAuthorityGrant: [
    {
      kind: 'sub-ca',
      ask: async (side, administrator) => {
        const params = { id: side.authority, ...granteeOf(side) };
        await administrator('PUT', `/v1/authorities/${params.id}/grants/${params.organization}`);
        return { params };
      },
      success: [204],
    },
  ],
  applyHierarchy: [
    {
      about: 'dry run',
      ask: ({ organization }) => {
        const { id, ...authority } = newAuthority(organization);
        const authorities = { [id]: authority };
        const body = { hierarchy: 'matrix', demo: true, organizations: {}, authorities };
        return { query: 'dryRun=true', body };
      },
      success: [200],
      foreign: [422],
    },
  ],

  listOrganizations: [
    { ask: () => ({}), success: [200], listed: ({ organization }) => organization },
  ],
  createOrganization: [
    {
      everywhere: true,
      foreign: 'same',
      ask: () => ({ body: { id: 'gamma', name: 'Gamma', roles: ['cpo'] } }),
      success: [200, 201],
    },
  ],
  getOrganization: [
    { ask: ({ organization }) => ({ params: { id: organization } }), success: [200] },
  ],
  changeOrganization: [
    {
      everywhere: true,
      ask: ({ organization }) => ({
        params: { id: organization },
        body: { roles: ['cpo', 'mo', 'oem'] },
      }),
      success: [200],
    },
  ],
  listReceivedGrants: [
    { ask: ({ organization }) => ({ params: { id: organization } }), success: [200] },
  ],

  listAuditEntries: [
    { ask: ({ organization }) => ({ query: `organization=${organization}` }), success: [200] },
  ],
  takeAuditCheckpoint: [
    { everywhere: true, foreign: 'same', ask: () => ({}), success: [200, 201] },
  ],
  getLatestAuditCheckpoint: [
    { everywhere: true, foreign: 'same', ask: () => ({}), success: [200] },
  ],
  verifyAudit: [{ everywhere: true, foreign: 'same', ask: () => ({ body: {} }), success: [200] }],

  listProfiles: [{ ask: () => ({}), success: [200], foreign: 'same' }],

  listStations: [
    {
      ask: () => ({ query: 'limit=200' }),
      success: [200],
      listed: ({ station }) => station,
    },
    {
      about: 'of an organization',
      ask: ({ organization }) => ({ query: `organization=${organization}` }),
      success: [200],
    },
  ],
  getStation: [
    {
      ask: ({ station, organization }) => ({
        params: { id: station },
        query: `organization=${organization}`,
      }),
      success: [200],
    },
  ],
  getStationTruststore: [
    {
      ask: ({ station, organization }) => ({
        params: { id: station },
        query: `organization=${organization}`,
      }),
      success: [200],
    },
  ],
  putStation: [
    {
      ask: ({ station, organization }) => ({
        params: { id: station },
        query: `organization=${organization}`,
        body: { serialNumber: 'CS-1' },
      }),
      success: [200],
    },
  ],

  createEnrolmentSecret: [
    {
      kind: 'station',
      ask: ({ station, organization }) => ({
        query: `organization=${organization}`,
        body: { label: 'cso', commonName: station },
      }),
      success: [201],
    },
  ],
  listEnrolmentSecrets: [
    {
      ask: ({ organization }) => ({ query: `organization=${organization}` }),
      success: [200],
    },
  ],
  withdrawEnrolmentSecret: [
    {
      ask: async ({ station, organization }, administrator) => {
        const path = `/v1/enrolment-secrets?organization=${organization}`;
        const body = { label: 'cso', commonName: station };
        return { params: { id: (await administrator('POST', path, body)).json.id } };
      },
      success: [200],
    },
  ],

  registerProvisioningCertificate: [
    {
      kind: 'oem-provisioning',
      ask: async (side, administrator) => ({
        query: `organization=${side.organization}`,
        body: await newVehicle(side, administrator),
      }),
      success: [200, 201],
    },
  ],
  listProvisioningCertificates: [
    {
      about: 'of an organization',
      ask: ({ organization }) => ({ query: `organization=${organization}` }),
      success: [200],
    },
  ],
  getProvisioningCertificate: [
    {
      ask: async (side, administrator) => ({
        params: { id: await registered(side, administrator) },
      }),
      success: [200],
    },
  ],
  deleteProvisioningCertificate: [
    {
      kind: 'oem-provisioning',
      ask: async (side, administrator) => ({
        params: { id: await registered(side, administrator) },
      }),
      success: [200],
    },
  ],
  lookUpVehicle: [
    {
      // Whose it is does not matter; that it is there may be known.
      foreign: [200],
      ask: async (side, administrator) => {
        await registered(side, administrator);
        return { params: { pcid: pcidOf(side.organization) } };
      },
      success: [200],
    },
  ],

  createContract: [
    {
      kind: 'contract',
      ask: async (side, administrator) => {
        await contractOf(side, administrator);
        return { query: `organization=${side.organization}`, body: newContract(side) };
      },
      success: [201],
    },
  ],
  listContracts: [
    {
      ask: async (side, administrator) => {
        await contractOf(side, administrator);
        return { query: 'limit=200' };
      },
      success: [200],
      listed: ({ organization }) => contracts.get(organization) ?? '',
    },
    {
      about: 'of an organization',
      ask: ({ organization }) => ({ query: `organization=${organization}` }),
      success: [200],
    },
  ],
  getContract: [overContract({ success: [200] })],
  rankContract: [overContract({ kind: 'contract', success: [200] }, { default: true })],
  renewContract: [overContract({ kind: 'contract', success: [201] })],
  suspendContract: [overContract({ kind: 'contract', success: [200] })],
  resumeContract: [overContract({ kind: 'contract', success: [200] })],
  endContract: [overContract({ kind: 'contract', success: [200] })],

  importTrustAnchor: [
    {
      kind: 'root-ca',
      ask: ({ organization }) => ({ body: { certificate: foreignRoot().pem, organization } }),
      success: [201],
    },
  ],
  listTrustAnchors: [
    {
      ask: () => ({ query: 'limit=200' }),
      success: [200],
      listed: ({ anchor }) => anchor,
    },
    {
      about: 'of an organization',
      ask: ({ organization }) => ({ query: `organization=${organization}` }),
      success: [200],
    },
  ],
  getTrustAnchor: [{ ask: ({ anchor }) => ({ params: { id: anchor } }), success: [200] }],
  setTrustAnchorPurposes: [
    overAnchor([202], { purposes: ['oem-provisioning'] }),
    { about: 'to hand it on', ...overAnchor([200], { purposes: ['distribute'] }) },
  ],
  removeTrustAnchor: [overAnchor([204])],

  signCertificate: [
    {
      kind: 'station',
      ask: ({ organization, station }) => ({
        body: {
          ...{ organization, stationId: station, csr: csr('CS-1'), ocppVersion: '2.0.1' },
          certificateType: 'ChargingStationCertificate',
        },
      }),
      success: [200],
    },
  ],
  contractCertificate: [
    {
      // What no car has sent is answered for no organization.
      foreign: 'same',
      ask: () => ({
        body: {
          iso15118SchemaVersion: 'urn:iso:15118:2:2013:MsgDef',
          action: 'Install',
          exiRequest: 'gJg=',
        },
      }),
      success: [200],
    },
  ],
  authorizeContract: [
    {
      foreign: 'same',
      ask: () => ({ body: { idToken: 'DE8EVC00000000', certificate: '' } }),
      success: [200],
    },
  ],
  certificateChainStatus: [
    {
      // What OCSP says to everybody.
      foreign: 'same',
      ask: () => ({
        body: {
          certificateStatusRequests: [
            {
              ...{ source: 'OCSP', urls: ['http://pki.example/ocsp'] },
              certificateHashData: {
                hashAlgorithm: 'SHA256',
                issuerNameHash: '0'.repeat(64),
                issuerKeyHash: '0'.repeat(64),
                serialNumber: '1',
              },
            },
          ],
        },
      }),
      success: [200],
    },
  ],
  certificateStatus: [
    {
      // What OCSP says to everybody.
      foreign: 'same',
      ask: () => ({
        body: {
          ocspRequestData: {
            hashAlgorithm: 'SHA256',
            issuerNameHash: '0'.repeat(64),
            issuerKeyHash: '0'.repeat(64),
            serialNumber: '1',
            responderURL: 'http://pki.example/ocsp',
          },
        },
      }),
      success: [200],
    },
  ],
};
