/** What every database has to do alike: the same suites against each that this machine has. */

import { describe } from 'vitest';
import { testBackends } from '../support/databases.ts';
import { testPostgresRequirement } from '../support/postgres.ts';
import { accessConforms } from './access.ts';
import { activeDeclarationsConform } from './active-declarations.ts';
import { auditConforms } from './audit.ts';
import { checkpointsConform } from './audit-checkpoints.ts';
import { authoritiesConform } from './authorities.ts';
import { authorityGrantsConform } from './authority-grants.ts';
import { certificatesConform } from './certificates.ts';
import { claimsConform } from './claims.ts';
import { clientCertificatesConform } from './client-certificates.ts';
import { clockMarkConforms } from './clock-mark.ts';
import { contractsConform } from './contracts.ts';
import { cpsSignersConform } from './cps-signers.ts';
import { crlsConform } from './crls.ts';
import { enrolmentSecretsConform } from './enrolment-secrets.ts';
import { idempotencyConforms } from './idempotency.ts';
import { issuanceConforms } from './issuance.ts';
import { issuerEndsConform } from './issuer-ends.ts';
import { jobsConform } from './jobs.ts';
import { observationsConform } from './observations.ts';
import { ocspSignersConform } from './ocsp-signers.ts';
import { organizationsConform } from './organizations.ts';
import { pathFactsConform } from './path-facts.ts';
import { provisioningConforms } from './provisioning.ts';
import { requestsConform } from './requests.ts';
import { revocationsConform } from './revocations.ts';
import { stationsConform } from './stations.ts';
import { statusesConform } from './statuses.ts';
import { tokenKeysConform } from './token-keys.ts';
import { trustAnchorsConform } from './trust-anchors.ts';
import { vaultConforms } from './vault.ts';
import { writingConforms } from './writing.ts';

for (const { name, open } of testBackends) {
  describe(name, () => {
    organizationsConform(name, open);
    authoritiesConform(name, open);
    authorityGrantsConform(name, open);
    activeDeclarationsConform(name, open);
    issuanceConforms(name, open);
    claimsConform(name, open);
    certificatesConform(name, open);
    requestsConform(name, open);
    revocationsConform(name, open);
    statusesConform(name, open);
    ocspSignersConform(name, open);
    cpsSignersConform(name, open);
    contractsConform(name, open);
    crlsConform(name, open);
    issuerEndsConform(name, open);
    jobsConform(name, open);
    observationsConform(name, open);
    accessConforms(name, open);
    tokenKeysConform(name, open);
    clientCertificatesConform(name, open);
    idempotencyConforms(name, open);
    auditConforms(name, open);
    checkpointsConform(name, open);
    stationsConform(name, open);
    enrolmentSecretsConform(name, open);
    provisioningConforms(name, open);
    trustAnchorsConform(name, open);
    pathFactsConform(name, open);
    vaultConforms(name, open);
    clockMarkConforms(name, open);
    writingConforms(name, open);
  });
}

testPostgresRequirement();
