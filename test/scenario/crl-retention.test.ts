/** How long a revoked certificate stays in the CRLs of its issuer. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCrl } from '../../src/pki/crl/read.ts';
import { buildCrl } from '../../src/services/crls.ts';
import { revoke } from '../../src/services/revocation.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { type Services, servicesOver, start } from '../support/services.ts';
import { demoCpo, enrolStation, stationRequest } from '../support/stations.ts';

const DAY = 86_400_000;

describe.each(preparedBackends)('on $name', (backend) => {
  let prepared: PreparedDatabase;
  let database: Database;
  let services: Services;
  let now = new Date('2026-11-22T10:00:00Z');

  beforeAll(async () => {
    prepared = await backend.empty();
    const clock = () => now;
    const processId = 'retention';
    database = await openDatabase(prepared.url, { clock, processId });
    services = await servicesOver(database, {
      declarations: demoDeclarations(),
      dataDir: prepared.dataDir,
      vault: 'known',
      processId,
      clock,
    });
    await start(services);
  });
  afterAll(async () => {
    await database?.close();
    await prepared?.remove();
  });

  async function listed(issuerId: string): Promise<number> {
    await buildCrl(services, issuerId);
    const crl = await services.crls.findCrl(issuerId);
    const chunk = crl && (await services.crls.readChunk(issuerId, crl.number, 0));
    if (!chunk) throw new Error('there is no CRL');
    return [...readCrl(chunk, { maxBytes: 1_000_000 }).entries()].length;
  }

  test('R5 RFC 5280 3.3: until one CRL after its end', async () => {
    const { certificateId, certificate } = await enrolStation(services, stationRequest('SN-1'));
    const { issuerId } = await revoke(services, demoCpo, certificateId, 'superseded');
    expect(await listed(issuerId)).toBe(1);

    now = certificate.notAfter;
    expect(await listed(issuerId)).toBe(1);
    // The first one after the end, days later, has it still: whoever reads only that one is told.
    now = new Date(certificate.notAfter.getTime() + 3 * DAY);
    expect(await listed(issuerId)).toBe(1);
    now = new Date(now.getTime() + DAY);
    expect(await listed(issuerId)).toBe(0);
  });
});
