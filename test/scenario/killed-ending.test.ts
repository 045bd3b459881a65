/**
 * A process that revokes the certificate of an authority is killed while others get certificates
 * from it: the authority has ended with everything that belongs to its end, or not at all.
 */

import { expect, test } from 'vitest';
import { revoke } from '../../src/services/revocation.ts';
import type { AuditEntryRow } from '../../src/storage/rows/audit.ts';
import type { CertificateRow } from '../../src/storage/rows.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { drawing, kills } from '../support/chance.ts';
import { ENDLESS, type History, killing, newHistory } from '../support/kill-histories.ts';
import type { Ending } from '../support/killed-process.ts';
import { inside } from '../support/next-process.ts';
import { expectOpensslAcceptsCrl, ocspStatuses, servedCrl } from '../support/served-status.ts';
import { doJobs, type Services, start } from '../support/services.ts';
import { demoCpo, enrolStation, stationRequest } from '../support/stations.ts';
import { expectKeysBlocked, expectStatuses } from '../support/status-promises.ts';

/** With how often the end of the authority passes each at least. */
const points: [string, number][] = [
  ['recordStatusChange:before', 1],
  ['status-statement:before', 15],
  ['status-work:after', 1],
  ['status-COMMIT:before', 1],
  ['status-COMMIT:sent', 1],
  ['recordStatusChange:after', 1],
];

/** Leases of jobs last two minutes. */
const later = () => new Date(Date.now() + 300_000);

const endingAuthority = {
  task: 'end-authority',
  batch: { callers: 6, requestsEach: ENDLESS },
  prepare: async (services: Services) => {
    await start(services);
    // Of the many issuers of the demo the one above is enough.
    const [root] = await services.authorities.listIssuers('ocpp-root');
    await services.database.write(({ knex }) =>
      knex('jobs')
        .whereNotIn('name', [`crl:${root?.id}`, `ocsp-signer:${root?.id}`])
        .update({ due_at: '2100-01-01T00:00:00.000Z' }),
    );
  },
  begin: newHistory,
  examine,
} as const;

killing('ending an authority', endingAuthority, ({ backend, withHistory, killAt }) => {
  test.each(points)('killed at %s', { timeout: 300_000 }, async (point, most) => {
    const draw = drawing(`${backend} ending ${point}`);
    for (let kill = 0; kill < kills; kill += 1) {
      // An authority ends once.
      await withHistory((history) => killAt(history, { point, passing: draw(most) }));
    }
  });
});

async function examine(
  { database, handedOut, signed }: History,
  endings: readonly Ending[],
  when: string,
): Promise<void> {
  const changes = endings.flatMap((ending) => ending.changes);
  expect(handedOut.length, when).toBeGreaterThan(0);
  await inside(database, { clock: later }, async (services) => {
    // Before the leases are looked at: whatever the end abandons, it has abandoned itself.
    const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
    if (!issuer?.certificateId) throw new Error(`${when}: the station CA has no certificate`);
    const hasEnded = issuer.state === 'revoked';
    if (hasEnded) expect(await pendingOf(services, issuer.id), when).toEqual([]);
    if (changes.some(({ event }) => event === 'changed')) expect(hasEnded, when).toBe(true);

    await services.store.abandonExpired(services.clock());
    expect(await brokenPromises(services.database, { handedOut, signed }), when).toEqual([]);
    const authority = await services.authorities.findAuthority('ocpp-station-ca');
    expect(authority?.state, when).toBe(hasEnded ? 'revoked' : 'active');
    await expectKeysBlocked(services, when);
    await expectTold(services, changes, hasEnded, when);

    const enrolling = enrolStation(services, stationRequest('SN-AFTER'));
    if (hasEnded) {
      await expect(enrolling, when).rejects.toMatchObject({ code: 'authority-not-active' });
      return;
    }
    const { certificateId, certificate } = await enrolling;
    // What did not happen can still be done, as if nobody had tried.
    await revoke(services, demoCpo, issuer.certificateId, 'cACompromise');
    const known = { handedOut: [...handedOut, { certificateId, der: certificate.der }], signed };
    expect(await brokenPromises(services.database, known), when).toEqual([]);
    expect((await services.authorities.listIssuers('ocpp-station-ca'))[0]?.state).toBe('revoked');
    await expectKeysBlocked(services, when);
  });
}

const pendingOf = ({ database }: Services, issuerId: string): Promise<string[]> =>
  database
    .reader<CertificateRow>('certificates')
    .where({ issuer_id: issuerId, state: 'pending' })
    .pluck('id');

/** Log, CRL and OCSP of the authority above say that this one has ended, or that it has not. */
async function expectTold(
  services: Services,
  changes: Ending['changes'],
  hasEnded: boolean,
  when: string,
): Promise<void> {
  const [root] = await services.authorities.listIssuers('ocpp-root');
  const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
  if (!root?.certificate || !issuer?.certificateId) throw new Error(`${when}: no certificates`);
  const entries: string[] = await services.database
    .reader<AuditEntryRow>('audit_entries')
    .where({ action: 'certificate.revoked' })
    .pluck('details');
  const ended = entries.map((text) => (JSON.parse(text) as { ofIssuer?: string }).ofIssuer);
  expect(ended, when).toEqual(hasEnded ? [issuer.id] : []);

  await services.jobs.schedule(`crl:${root.id}`, new Date(0));
  await services.jobs.schedule(`ocsp-signer:${root.id}`, new Date(0));
  while ((await doJobs(services)) > 0);
  const crl = await servedCrl(services, root.id, when);
  if (!crl) throw new Error(`${when}: no CRL comes`);
  const { certificate } = root;
  await expectStatuses(services, { id: root.id, certificate }, changes, crl, when);
  expectOpensslAcceptsCrl(crl.der, root.certificate, when);
  const row = await services.database
    .reader<CertificateRow>('certificates')
    .where({ id: issuer.certificateId })
    .first('serial');
  expect(await ocspStatuses(services, root.certificate, [row?.serial ?? '']), when).toEqual([
    hasEnded ? 'revoked cACompromise' : 'good',
  ]);
}
