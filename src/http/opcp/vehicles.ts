import { serialHex } from '../../pki/certificate.ts';
import { nameText } from '../../pki/names.ts';
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
import { base64 } from '../pnc/base64.ts';
import { subCasOf } from '../pnc/chains.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { colonHex } from '../pnc/hex.ts';
import { namespaceOf, standardAsked, standardNamed } from '../pnc/namespaces.ts';
import type {
  OpcpNewProvisioningCertificate,
  OpcpOemMessage,
  OpcpProvisioningCertificate,
} from './types.ts';

type Parts = ProvisioningParts & RegistrationParts & VehicleCertificateParts & LookupParts;

/** A key of this curve is one of this standard. */
const standardOfCurve = {
  secp256r1: 'iso15118-2',
  secp521r1: 'iso15118-20',
  ed448: 'iso15118-20',
} as const;

/** The provisioning certificate pool. */
export const vehicleHandlers = (parts: Parts) =>
  ({
    async opcpAddProvisioningCertificate(request, response, principal) {
      const body = request.body as OpcpNewProvisioningCertificate;
      const { xsdMsgDefNamespace, vehicleCertificate: certificate } = body;
      const above = [body.subCA2Certificate, body.subCA1Certificate];
      const { record } = await registerProvisioning(parts, principal, {
        certificate,
        // Where there is one sub-CA only, clients send the other as an empty text.
        chain: above.filter((text) => text !== undefined && text !== '') as string[],
        ...(xsdMsgDefNamespace === undefined
          ? {}
          : { standard: standardNamed(xsdMsgDefNamespace, 'body.xsdMsgDefNamespace') }),
      });
      response.json(bodyOf(await trustedVehicle(parts, record)));
    },

    async opcpGetProvisioningCertificate(request, response, principal) {
      const { signatureAlgorithm } = request.query as {
        signatureAlgorithm?: keyof typeof standardOfCurve;
      };
      const standard =
        standardAsked(request.query) ??
        (signatureAlgorithm === undefined ? undefined : standardOfCurve[signatureAlgorithm]);
      const pcid = String(request.params.pcid);
      const message: OpcpOemMessage = {
        OEMMessage: bodyOf(await vehicleCertificate(parts, principal, pcid, standard)),
      };
      response.json(message);
    },

    async opcpDeleteProvisioningCertificate(request, response, principal) {
      const pcid = String(request.params.pcid);
      await deleteVehicle(parts, principal, pcid, standardAsked(request.query));
      response.end();
    },

    async opcpLookUpVehicle(request, response, principal) {
      await lookUpVehicle(parts, principal, String(request.params.pcid));
      response.end();
    },
  }) satisfies PncHandlers;

function bodyOf({ car, root }: VehicleCertificate): OpcpProvisioningCertificate {
  const { subCa1, subCa2 } = subCasOf(car.subCertificates);
  const keyIdentifier = root.extensions.subjectKeyIdentifier?.value;
  return {
    ...(subCa1 ? { subCA1Certificate: subCa1 } : {}),
    ...(subCa2 ? { subCA2Certificate: subCa2 } : {}),
    vehicleCertificate: base64(car.certificate),
    xsdMsgDefNamespace: namespaceOf[car.standard],
    rootIssuerDistinguishedName: nameText(root.issuer),
    rootIssuerSerialNumber: serialHex(root),
    ...(keyIdentifier ? { rootAuthorityKeyIdentifier: colonHex(keyIdentifier) } : {}),
    fingerprint: car.sha256,
  };
}
