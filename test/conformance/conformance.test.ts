/** What every database has to do alike: the same suites against each that this machine has. */

import { describe } from 'vitest';
import { testBackends } from '../support/databases.ts';
import { testPostgresRequirement } from '../support/postgres.ts';
import { accessConforms } from './access.ts';
import { auditConforms } from './audit.ts';
import { authoritiesConform } from './authorities.ts';
import { certificatesConform } from './certificates.ts';
import { claimsConform } from './claims.ts';
import { clockMarkConforms } from './clock-mark.ts';
import { crlsConform } from './crls.ts';
import { issuanceConforms } from './issuance.ts';
import { jobsConform } from './jobs.ts';
import { ocspSignersConform } from './ocsp-signers.ts';
import { organizationsConform } from './organizations.ts';
import { revocationsConform } from './revocations.ts';
import { stationsConform } from './stations.ts';
import { statusesConform } from './statuses.ts';
import { vaultConforms } from './vault.ts';
import { writingConforms } from './writing.ts';

for (const { name, open } of testBackends) {
  describe(name, () => {
    organizationsConform(name, open);
    authoritiesConform(name, open);
    issuanceConforms(name, open);
    claimsConform(name, open);
    certificatesConform(name, open);
    revocationsConform(name, open);
    statusesConform(name, open);
    ocspSignersConform(name, open);
    crlsConform(name, open);
    jobsConform(name, open);
    accessConforms(name, open);
    auditConforms(name, open);
    stationsConform(name, open);
    vaultConforms(name, open);
    clockMarkConforms(name, open);
    writingConforms(name, open);
  });
}

testPostgresRequirement();
