/** What answers at each door, made from the parts. */

import { removeBootstrapSecret } from '../bootstrap-secret.ts';
import { accessHandlers } from '../http/api/access.ts';
import { clientCertificateHandlers } from '../http/api/api-client-certificates.ts';
import { auditHandlers } from '../http/api/audit.ts';
import { authorityHandlers } from '../http/api/authorities.ts';
import { certificateHandlers } from '../http/api/certificates.ts';
import { contractHandlers } from '../http/api/contracts.ts';
import { enrolmentSecretHandlers } from '../http/api/enrolment-secrets.ts';
import { exportHandlers } from '../http/api/exports.ts';
import { grantHandlers } from '../http/api/grants.ts';
import { hierarchyHandlers } from '../http/api/hierarchies.ts';
import {
  authorizeHandlers,
  certificateStatusHandlers,
  contractCertificateHandlers,
  ocppSigningHandlers,
} from '../http/api/ocpp.ts';
import type { Handlers } from '../http/api/operations.ts';
import { organizationHandlers } from '../http/api/organizations.ts';
import { profileHandlers } from '../http/api/profiles.ts';
import { proposalHandlers } from '../http/api/proposals.ts';
import { provisioningHandlers } from '../http/api/provisioning-certificates.ts';
import { requestHandlers } from '../http/api/requests.ts';
import { stationHandlers, truststoreHandlers } from '../http/api/stations.ts';
import { trustAnchorHandlers } from '../http/api/trust-anchors.ts';
import { contractDataHandlers } from '../http/opcp/contract-data.ts';
import { contractHandlers as opcpContractHandlers } from '../http/opcp/contracts.ts';
import { endEntityHandlers } from '../http/opcp/end-entities.ts';
import { installationHandlers } from '../http/opcp/installation.ts';
import { rootHandlers } from '../http/opcp/roots.ts';
import { signedContractDataHandlers } from '../http/opcp/signed-contract-data.ts';
import { vehicleHandlers } from '../http/opcp/vehicles.ts';
import { webhookHandlers } from '../http/opcp/webhooks.ts';
import { opncHandlers } from '../http/opnc/handlers.ts';
import type { PublicParts } from '../http/public/server.ts';
import type { InstancePurpose } from '../services/hierarchy-requests.ts';
import type { Parts } from './parts.ts';

/** The operations of openapi.yaml by their ids, but for those that need no credentials. */
export const handlersOf = (parts: Parts, dataDir: string, instance: InstancePurpose): Handlers => ({
  ...accessHandlers(parts.accessParts, parts, () => removeBootstrapSecret(dataDir)),
  ...clientCertificateHandlers(parts),
  ...auditHandlers(parts),
  ...certificateHandlers(parts),
  ...requestHandlers(parts),
  ...authorityHandlers({ ...parts, instance }),
  ...exportHandlers(parts),
  ...grantHandlers(parts),
  ...hierarchyHandlers({ ...parts, instance }),
  ...organizationHandlers(parts),
  ...profileHandlers(parts.profiles),
  ...stationHandlers(parts),
  ...truststoreHandlers(parts),
  ...enrolmentSecretHandlers(parts),
  ...provisioningHandlers(parts),
  ...contractHandlers(parts),
  ...trustAnchorHandlers(parts),
  ...proposalHandlers(parts),
  ...ocppSigningHandlers(parts),
  ...certificateStatusHandlers(parts),
  ...contractCertificateHandlers(parts),
  ...authorizeHandlers({ ...parts.installation, askForeignStatus: parts.askForeignStatus }),
  ...installationHandlers(parts),
  ...vehicleHandlers(parts),
  ...opcpContractHandlers(parts),
  ...webhookHandlers(parts),
  ...contractDataHandlers(parts),
  ...signedContractDataHandlers(parts),
  ...rootHandlers(parts),
  ...endEntityHandlers(parts),
  ...opncHandlers(parts),
});

/** What the public listener answers with. */
export const publicParts = (parts: Parts): Omit<PublicParts, 'trouble' | 'hexRequests'> => ({
  answer: (request) => parts.ocsp.answer(request),
  findCrl: (issuerId) => parts.crls.findCrl(issuerId),
  readChunk: (issuerId, number, chunk) => parts.crls.readChunk(issuerId, number, chunk),
  isIssuer: async (issuerId) => (await parts.authorities.findIssuer(issuerId)) !== undefined,
  issuerCertificate: async (issuerId) =>
    (await parts.authorities.findIssuer(issuerId))?.certificate,
  clock: parts.clock,
});
