/** Stations that nothing is certified for. */

import type { Migration } from './migration.ts';

export const stationEnrolment: Migration = {
  version: 26,
  name: 'station-enrolment',
  statements: ({ text }) => [
    `ALTER TABLE stations ADD COLUMN enrolment ${text} NOT NULL DEFAULT 'allowed'
      CHECK (enrolment IN ('allowed', 'refused'))`,
  ],
};
