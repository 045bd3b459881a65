/** All migrations in order. */

import { foundation } from './001-foundation.ts';
import { revocation } from './002-revocation.ts';
import { stations } from './003-stations.ts';
import { keyClaims } from './004-key-claims.ts';
import { approval } from './005-approval.ts';
import { auditCheckpoints } from './006-audit-checkpoints.ts';
import { grants } from './007-grants.ts';
import { apiClientLife } from './008-api-client-life.ts';
import { idempotencyKeys } from './009-idempotency-keys.ts';
import { clockMark } from './010-clock-mark.ts';
import { certifiedNames } from './011-certified-names.ts';
import { provisioning } from './012-provisioning.ts';
import { contracts } from './013-contracts.ts';
import { trustAnchors } from './014-trust-anchors.ts';
import { cpsSigners } from './015-cps-signers.ts';
import { installationSessions } from './016-installation-sessions.ts';
import { est } from './017-est.ts';
import { clientCertificates } from './018-client-certificates.ts';
import { tokenKeys } from './019-token-keys.ts';
import { rootTypes } from './020-root-types.ts';
import { webhooks } from './021-webhooks.ts';
import { stationChains } from './022-station-chains.ts';
import { proposals } from './023-proposals.ts';
import { exportedAuthorities } from './024-exported-authorities.ts';
import { proposedCertificates } from './025-proposed-certificates.ts';
import { stationEnrolment } from './026-station-enrolment.ts';
import { rootEnds } from './027-root-ends.ts';
import { rootClaims } from './028-root-claims.ts';
import { clientMakers } from './029-client-makers.ts';
import type { Migration } from './migration.ts';

export const migrations: readonly Migration[] = [
  foundation,
  revocation,
  stations,
  keyClaims,
  approval,
  auditCheckpoints,
  grants,
  apiClientLife,
  idempotencyKeys,
  clockMark,
  certifiedNames,
  provisioning,
  contracts,
  trustAnchors,
  cpsSigners,
  installationSessions,
  est,
  clientCertificates,
  tokenKeys,
  rootTypes,
  webhooks,
  stationChains,
  proposals,
  exportedAuthorities,
  proposedCertificates,
  stationEnrolment,
  rootEnds,
  rootClaims,
  clientMakers,
];
