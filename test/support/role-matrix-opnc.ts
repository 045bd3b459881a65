/** The rows of the role matrix that are asked in OPNC. */

import { foreignRoot } from './foreign-roots.ts';
import type { Call, Row, Side } from './role-matrix.ts';
import { newNames, overNames, overRoot, overVehicle } from './role-matrix-opcp.ts';
import { leaves, newCertificate, newVehicle } from './role-matrix-rows.ts';

const xsdMsgDefNamespace = 'urn:iso:15118:2:2013:MsgDef';
const DAY = 86_400_000;

/** The first certificate of what the API answers. */
const leafIn = (json: { readonly certificateChain?: string }): string =>
  String(json?.certificateChain).split(/(?<=END CERTIFICATE-----\n)/)[0] ?? '';

const overCertificate = (
  row: Omit<Row, 'ask'> & { readonly kind: string },
  revocationReason: string,
): Row => ({
  about: row.kind,
  ...row,
  ask: async ({ certificates }: Side, administrator: Call) => {
    const { json } = await administrator('GET', `/v1/certificates/${certificates[row.kind]}`);
    return { body: { certificate: leafIn(json), revocationReason } };
  },
});

export const opncRows: Readonly<Record<string, readonly Row[]>> = {
  opncRevokeCertificate: [
    // A reason for which nothing is revoked: those who may revoke hear that, and rows share these.
    ...leaves.map(({ kind }) => overCertificate({ kind, success: [400] }, 'aACompromise')),
    // Those of authorities are not revoked here, which those hear who may revoke them.
    overCertificate(
      { kind: 'sub-ca', further: ['authorities:revoke'], success: [400] },
      'cessationOfOperation',
    ),
    ...leaves.slice(0, 1).map(
      (leaf): Row => ({
        about: `a new one, ${leaf.kind}`,
        kind: leaf.kind,
        ask: async (side, administrator) => {
          const body = newCertificate(side, leaf);
          const { json } = await administrator('POST', '/v1/certificates', body);
          return { body: { certificate: leafIn(json), revocationReason: 'superseded' } };
        },
        success: [200],
      }),
    ),
  ],

  // Whose pool it is, nobody can say: it is always that of the caller's organization.
  opncListRoots: [{ foreign: 'same', ask: () => ({}), success: [200] }],
  opncGetRoot: [overRoot({ success: [200] })],
  opncAddRoot: [
    {
      kind: 'root-ca',
      foreign: 'same',
      ask: () => ({ body: { caCertificate: foreignRoot().pem, rootTypeList: ['oem'] } }),
      success: [200],
    },
  ],
  opncDeleteRoot: [overRoot({ kind: 'root-ca', success: [200] })],

  opncAddProvisioningCertificate: [
    {
      kind: 'oem-provisioning',
      // It is always the caller's organization that registers.
      foreign: 'same',
      ask: async (side, administrator) => ({
        body: { provisioningCertificateChain: await newVehicle(side, administrator) },
      }),
      success: [200],
    },
  ],
  opncGetProvisioningCertificate: [
    overVehicle({ foreignWith: 'provisioning-certificates:lookup', success: [200] }),
  ],
  opncDeleteProvisioningCertificate: [overVehicle({ kind: 'oem-provisioning', success: [200] })],
  // That it is there may be known.
  opncLookUpVehicle: [overVehicle({ foreign: [200], success: [200] })],

  opncGetSignedContractData: [
    {
      // Whose the car is, its signature says, and this has none.
      foreign: 'same',
      ask: () => ({ body: { certificateInstallationReq: 'AAAA', xsdMsgDefNamespace } }),
      success: [400],
    },
  ],
  opncDeleteSignedContractData: [
    overNames({ kind: 'contract', success: [200] }, ({ emaid }) => ({ emaid })),
  ],
  opncProvideSignedContractData: [overNames({ success: [200] }, (names) => names)],
  opncSetDefaultContract: [overNames({ kind: 'contract', success: [200] }, (names) => names)],
  opncGetContractsByEmaid: [overNames({ success: [200] }, ({ emaid }) => ({ emaid }))],
  opncGetContractsByPcid: [overNames({ success: [200] }, ({ pcid }) => ({ pcid }))],

  opncGenerateContractData: [
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
  opncSignContractData: [
    {
      kind: 'contract',
      foreign: 'same',
      ask: async (side, administrator) => {
        const { emaid, pcid } = await newNames(side, administrator);
        return {
          body: {
            contractCertificateBundle: {
              ...{ emaid, pcid, contractCertificateChain: { certificate: 'AAAA' } },
              ...{ contractSignatureEncryptedPrivateKey: 'AAAA', dHpublickey: 'AAAA' },
            },
            xsdMsgDefNamespace,
          },
        };
      },
      success: [400],
    },
  ],
  opncListCpsSigners: [{ foreign: 'same', ask: () => ({}), success: [200] }],
};
