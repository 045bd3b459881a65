/** A station of which the enrolment is refused, by those who do not name it. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { enrol } from '../../src/services/enrolment.ts';
import { estReenrol } from '../../src/services/est.ts';
import {
  administrator,
  csrOf,
  type EstHouse,
  openEstHouse,
  question,
  refused,
} from '../support/est-house.ts';

let house: EstHouse;
beforeAll(async () => {
  house = await openEstHouse();
});
afterAll(() => house?.close());

/** Without a station, as somebody who answers for the name. */
const vouched = (commonName: string) =>
  enrol(house.services, {
    ...{ principal: administrator, action: 'certificates:issue', channel: 'rest' },
    csr: { ok: true, value: csrOf(`CN=${commonName}`) },
    ...{ profile: 'ocpp-station', authority: 'ocpp-station-ca' },
  });

test('C7 gets nothing under any of its names, nor for what it had before it was registered', async () => {
  const before = await vouched('SN-STOLEN');
  if (before.outcome !== 'issued') throw new Error(before.outcome);
  await house.station('CP-STOLEN', { serialNumber: 'SN-STOLEN', enrolment: 'refused' });
  const asked = {
    ...question({ clientCertificate: [before.certificate.der] }, csrOf('CN=SN-STOLEN')),
    label: 'cso',
  };
  for (const tried of [vouched('sn-stolen'), estReenrol(house.services, asked)]) {
    const { violations } = await refused(tried, 'csr-refused');
    expect(violations).toMatchObject([{ code: 'station-refused' }]);
  }
  await house.station('CP-STOLEN', { serialNumber: 'SN-STOLEN', enrolment: 'allowed' });
  expect(await estReenrol(house.services, asked)).toMatchObject({ outcome: 'issued' });
});
