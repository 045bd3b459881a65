import { toPem } from '../../pki/pem.ts';
import { instantOf } from '../../services/instants.ts';
import {
  deleteProvisioning,
  findProvisioning,
  listProvisioning,
  type ProvisioningParts,
} from '../../services/provisioning.ts';
import type { Registration } from '../../services/provisioning-checks.ts';
import type { ProvisioningRecord } from '../../services/provisioning-records.ts';
import {
  type RegistrationParts,
  registerProvisioning,
} from '../../services/provisioning-registration.ts';
import { type LookupParts, lookUpVehicle } from '../../services/vehicle-lookup.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import type {
  NewProvisioningCertificate,
  ProvisioningCertificate,
  ProvisioningCertificateWithChain,
  ProvisioningStandard,
  ProvisioningState,
  Vehicle,
} from './types.ts';

export const provisioningHandlers = (parts: ProvisioningParts & RegistrationParts & LookupParts) =>
  ({
    async registerProvisioningCertificate(request, response, principal) {
      const body: Registration = request.body as NewProvisioningCertificate;
      const { organization } = request.query as Record<string, string | undefined>;
      const result = await registerProvisioning(parts, principal, body, organization);
      const { record, outcome } = result;
      response
        .status(outcome === 'unchanged' ? 200 : 201)
        .location(`/v1/provisioning-certificates/${record.id}`)
        .json(bodyWithChain(record));
    },

    async listProvisioningCertificates(request, response, principal) {
      const { organization, pcid, standard, state, expiresBefore, limit, cursor } =
        request.query as Record<string, string | undefined>;
      const page = await listProvisioning(parts, principal, {
        ...(organization === undefined ? {} : { organization }),
        ...(pcid === undefined ? {} : { pcid }),
        ...(standard === undefined ? {} : { standard: standard as ProvisioningStandard }),
        state: (state ?? 'registered') as ProvisioningState,
        ...(expiresBefore === undefined
          ? {}
          : { expiresBefore: instantOf(expiresBefore, 'query.expiresBefore') }),
        ...pageWanted({ limit, cursor }),
      });
      response.json(pageBody(page, bodyOf));
    },

    async getProvisioningCertificate(request, response, principal) {
      const { id } = request.params as { id: string };
      response.json(bodyWithChain(await findProvisioning(parts, principal, id)));
    },

    async deleteProvisioningCertificate(request, response, principal) {
      const { id } = request.params as { id: string };
      response.json(bodyWithChain(await deleteProvisioning(parts, principal, id)));
    },

    async lookUpVehicle(request, response, principal) {
      const text = String(request.params.pcid);
      const { pcid, recipients } = await lookUpVehicle(parts, principal, text);
      const vehicle: Vehicle = {
        pcid,
        keys: recipients.map(({ standard, spki, x448PublicKey }) => ({
          standard,
          publicKey: toPem('PUBLIC KEY', spki),
          ...(x448PublicKey ? { x448PublicKey: base64(x448PublicKey) } : {}),
        })),
      };
      response.json(vehicle);
    },
  }) satisfies Handlers;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const bodyOf = (record: ProvisioningRecord): ProvisioningCertificate => ({
  id: record.id,
  organization: record.organizationId,
  pcid: record.pcid,
  standard: record.standard,
  state: record.state,
  sha256: record.sha256,
  ...(record.x448PublicKey ? { x448PublicKey: base64(record.x448PublicKey) } : {}),
  notBefore: record.notBefore.toISOString(),
  notAfter: record.notAfter.toISOString(),
  registeredAt: record.registeredAt.toISOString(),
  ...(record.replaces === undefined ? {} : { replaces: record.replaces }),
  ...(record.endedAt === undefined ? {} : { endedAt: record.endedAt.toISOString() }),
});

const bodyWithChain = (record: ProvisioningRecord): ProvisioningCertificateWithChain => ({
  ...bodyOf(record),
  certificateChain: [record.certificate, ...record.subCertificates]
    .map((der) => toPem('CERTIFICATE', der))
    .join(''),
});
