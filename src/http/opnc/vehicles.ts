import { serialHex } from '../../pki/certificate.ts';
import type { ProvisioningParts } from '../../services/provisioning.ts';
import {
  type RegistrationParts,
  registerProvisioning,
} from '../../services/provisioning-registration.ts';
import {
  deleteVehicle,
  trustedVehicle,
  type VehicleCertificate,
  type VehicleCertificateParts,
  vehicleCertificate,
} from '../../services/vehicle-certificates.ts';
import { type LookupParts, lookUpVehicle } from '../../services/vehicle-lookup.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { colonHex } from '../pnc/hex.ts';
import { standardAsked, standardNamed } from '../pnc/namespaces.ts';
import { chainOf } from './chain.ts';
import { namespaceOf } from './namespaces.ts';
import type { OpncNewProvisioningCertificate, OpncProvisioningResponse } from './types.ts';

export type VehicleParts = ProvisioningParts &
  RegistrationParts &
  VehicleCertificateParts &
  LookupParts;

/** The provisioning certificate pool. */
export const vehicleHandlers = (parts: VehicleParts) =>
  ({
    async opncAddProvisioningCertificate(request, response, principal) {
      const { provisioningCertificateChain: chain, xsdMsgDefNamespace } =
        request.body as OpncNewProvisioningCertificate;
      const { certificate, ...above } = chain;
      const subCa2 = above.subCa2Certificate || above.subCA2Certificate;
      const subCa1 = above.subCa1Certificate || above.subCA1Certificate;
      const { record } = await registerProvisioning(parts, principal, {
        certificate,
        // Where there is one sub-CA only, clients send the other as an empty text.
        chain: [subCa2, subCa1].filter((text) => text !== undefined && text !== '') as string[],
        ...(xsdMsgDefNamespace === undefined
          ? {}
          : { standard: standardNamed(xsdMsgDefNamespace, 'body.xsdMsgDefNamespace') }),
      });
      response.json(responseOf(await trustedVehicle(parts, record)));
    },

    async opncGetProvisioningCertificate(request, response, principal) {
      const pcid = String(request.params.pcid);
      const standard = standardAsked(request.query);
      response.json(responseOf(await vehicleCertificate(parts, principal, pcid, standard)));
    },

    async opncDeleteProvisioningCertificate(request, response, principal) {
      const pcid = String(request.params.pcid);
      await deleteVehicle(parts, principal, pcid, standardAsked(request.query));
      response.end();
    },

    async opncLookUpVehicle(request, response, principal) {
      await lookUpVehicle(parts, principal, String(request.params.pcid));
      response.end();
    },
  }) satisfies PncHandlers;

function responseOf({ car, root }: VehicleCertificate): OpncProvisioningResponse {
  const keyIdentifier = root.extensions.subjectKeyIdentifier?.value;
  return {
    provisioningCertificate: {
      provisioningCertificateChain: chainOf(car.certificate, car.subCertificates),
      xsdMsgDefNamespace: namespaceOf[car.standard],
      rootIssuerSerialNumber: serialHex(root),
      ...(keyIdentifier ? { rootAuthorityKeyIdentifier: colonHex(keyIdentifier) } : {}),
      fingerprint: car.sha256,
    },
  };
}
