/** The rows of the role matrix that are asked in OPCP. */

import { rootId } from '../../src/services/root-pool.ts';
import { foreignRoot } from './foreign-roots.ts';
import type { Ask, Call, Row, Side } from './role-matrix.ts';
import { contractOf, newContract, newVehicle, pcidOf, registered } from './role-matrix-rows.ts';

const xsdMsgDefNamespace = 'urn:iso:15118:2:2013:MsgDef';
const DAY = 86_400_000;

/** The names of a contract of the side's. */
const namesOf = async (side: Side, administrator: Call) => {
  const id = await contractOf(side, administrator);
  const { json } = await administrator('GET', `/v1/contracts/${id}`);
  return { emaid: String(json.emaid), pcid: pcidOf(side.organization) };
};

/** The body for a contract that there is not yet, for a vehicle that there is. */
export const newNames = async (side: Side, administrator: Call) => {
  await contractOf(side, administrator);
  return { ...newContract(side), xsdMsgDefNamespace };
};

export const overNames = (row: Omit<Row, 'ask'>, params: (names: Names) => Ask['params']): Row => ({
  ...row,
  ask: async (side, administrator) => {
    const asked = params(await namesOf(side, administrator));
    return asked === undefined ? {} : { params: asked };
  },
});
type Names = Awaited<ReturnType<typeof namesOf>>;

export const overVehicle = (row: Omit<Row, 'ask'>): Row => ({
  ...row,
  ask: async (side, administrator) => {
    await registered(side, administrator);
    return { params: { pcid: pcidOf(side.organization) } };
  },
});

const ENDPOINT = { url: 'https://hooks.example.org/evpki' };

/** One that there is, since an organization has not any number of them. */
const endpointOf = async ({ organization }: Side, administrator: Call): Promise<string> => {
  const { items = [] } = (await administrator('GET', '/v1/webhook/endpoints')).json;
  const own = items.find((item: { organization: string }) => item.organization === organization);
  if (own) return own.id;
  const body = { ...ENDPOINT, organization };
  return (await administrator('POST', '/v1/webhook/endpoints', body)).json.id;
};

const overEndpoint = (success: readonly number[], body?: unknown): Row => ({
  ask: async (side, administrator) => ({
    params: { id: await endpointOf(side, administrator) },
    ...(body === undefined ? {} : { body }),
  }),
  success,
});

/** A root of somebody else in the pool of the side's organization. */
export const overRoot = (row: Omit<Row, 'ask' | 'ownOnly'>): Row => ({
  ...row,
  ownOnly: true,
  ask: async ({ organization }, administrator) => {
    const { pem, certificate } = foreignRoot();
    const body = { certificate: pem, organization, rootType: 'MO' };
    await administrator('POST', '/v1/trust-anchors', body);
    return { params: { id: rootId(certificate.der) } };
  },
});

/** Of the caller's organization, and no contract data: that is heard by who may bring some. */
const contractDataRow: Row = {
  kind: 'contract',
  foreign: 'same',
  ask: async (side, administrator) => ({
    body: {
      ...(await newNames(side, administrator)),
      contractData: {
        ...{ contractCertificate: 'AAAA', contractSubCa1Certificate: 'AAAA' },
        ...{ contractSignatureEncryptedPrivateKey: 'AAAA', dHpublickey: 'AAAA' },
      },
    },
  }),
  success: [400],
};

export const opcpRows: Readonly<Record<string, readonly Row[]>> = {
  opcpGetSignedContractData: [
    {
      // Whose the car is, its signature says, and this has none.
      foreign: 'same',
      ask: () => ({ body: { certificateInstallationReq: 'AAAA', xsdMsgDefNamespace } }),
      success: [400],
    },
  ],
  opcpGetContracts: [overNames({ success: [200] }, ({ pcid }) => ({ identifier: pcid }))],
  opcpDeleteSignedContractData: [
    overNames({ kind: 'contract', success: [200] }, ({ emaid }) => ({ identifier: emaid })),
  ],
  opcpSetDefaultContract: [overNames({ kind: 'contract', success: [200] }, (names) => names)],
  opcpPostDefaultContract: [overNames({ kind: 'contract', success: [200] }, (names) => names)],
  opcpProvideSignedContractData: [overNames({ success: [200] }, (names) => names)],
  opcpLookUpContract: [overNames({ success: [200] }, ({ emaid }) => ({ emaid }))],

  opcpAddProvisioningCertificate: [
    {
      kind: 'oem-provisioning',
      // It is always the caller's organization that registers.
      foreign: 'same',
      ask: async (side, administrator) => {
        const { certificate } = await newVehicle(side, administrator);
        return { body: { vehicleCertificate: certificate } };
      },
      success: [200],
    },
  ],
  opcpGetProvisioningCertificate: [
    overVehicle({ foreignWith: 'provisioning-certificates:lookup', success: [200] }),
  ],
  opcpDeleteProvisioningCertificate: [overVehicle({ kind: 'oem-provisioning', success: [200] })],
  // That it is there may be known.
  opcpLookUpVehicle: [overVehicle({ foreign: [200], success: [200] })],

  opcpGenerateSignedContractData: [
    {
      kind: 'contract',
      // It is always the caller's organization that makes a contract.
      foreign: 'same',
      ask: async (side, administrator) => ({
        body: {
          ...(await newNames(side, administrator)),
          contractBegins: new Date().toISOString(),
          contractEnds: new Date(Date.now() + 100 * DAY).toISOString(),
        },
      }),
      success: [201],
    },
  ],
  opcpSignContractData: [contractDataRow],
  opcpCreateSignedContractData: [contractDataRow],
  opcpForwardSignedContractData: [contractDataRow],
  opcpAddSignedContractData: [
    {
      kind: 'contract',
      foreign: 'same',
      ask: async (side, administrator) => ({
        body: { ...(await newNames(side, administrator)), signedContractDataXML: 'AAAA' },
      }),
      success: [400],
    },
  ],
  opcpCreateWebhookEndpoint: [
    {
      ask: ({ organization }) => ({ body: { ...ENDPOINT, organization } }),
      success: [201],
    },
  ],
  // Whose they are is in the tests of the endpoints.
  opcpListWebhookEndpoints: [{ foreign: 'same', ask: () => ({}), success: [200] }],
  opcpGetWebhookEndpoint: [overEndpoint([200])],
  opcpChangeWebhookEndpoint: [overEndpoint([200], ENDPOINT)],
  opcpDeleteWebhookEndpoint: [overEndpoint([204])],
  opcpListCpsSigners: [{ foreign: 'same', ask: () => ({}), success: [200] }],

  // Whose pool it is, nobody can say: it is always that of the caller's organization.
  opcpListRoots: [{ foreign: 'same', ask: () => ({}), success: [200] }],
  opcpGetTrustList: [{ foreign: 'same', ask: () => ({}), success: [200] }],
  opcpGetRoot: [overRoot({ success: [200] })],
  opcpAddRoot: [
    {
      kind: 'root-ca',
      foreign: 'same',
      ask: () => ({ body: { caCertificate: foreignRoot().pem, rootType: 'oem' } }),
      success: [200],
    },
  ],
  opcpDeleteRoot: [overRoot({ kind: 'root-ca', success: [200] })],

  opcpListEndEntities: [{ foreign: 'same', ask: () => ({}), success: [200] }],
  opcpPutEndEntity: [
    {
      foreign: 'same',
      ask: ({ organization }) => ({ body: { commonName: `DE*ICE*E${organization}` } }),
      success: [200],
    },
  ],
};
