/**
 * A process that changes statuses, publishes CRLs and certifies OCSP responders is killed: what was
 * revoked, held or released for somebody is so everywhere, numbers go on, and no CRL is served in
 * half.
 */

import { expect, test } from 'vitest';
import type { AuditEntryRow } from '../../src/storage/rows/audit.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { drawing, historiesAtRandom, kills, killsInARow } from '../support/chance.ts';
import { type History, killing, newHistory } from '../support/kill-histories.ts';
import type { Change, Ending, Moment } from '../support/killed-process.ts';
import { inside } from '../support/next-process.ts';
import type { PreparedDatabase } from '../support/prepared-databases.ts';
import { expectOpensslAcceptsCrl, servedCrl } from '../support/served-status.ts';
import { doJobs, type Services, start } from '../support/services.ts';
import { expectKeysBlocked, expectStatuses } from '../support/status-promises.ts';

/** With how often a process passes each at least. */
const points: [string, number][] = [
  ['status-statement:before', 60],
  ['status-work:after', 12],
  ['status-COMMIT:before', 3],
  ['status-COMMIT:sent', 3],
  ['recordStatusChange:after', 12],
  ['reserveNumber:after', 3],
  ['putSegment:after', 3],
  ['publish:before', 3],
  ['publish:after', 3],
  ['crl-statement:before', 30],
  ['crl-COMMIT:before', 6],
  ['crl-COMMIT:sent', 6],
  ['createSigner:after', 3],
  ['activateSigner:before', 3],
  ['activateSigner:after', 3],
  ['release:before', 3],
];

/** Leases of jobs last two minutes. */
const AFTER_THE_LEASES = 300_000;

interface RevokingHistory extends History {
  /** Of statuses, begun and acknowledged. */
  readonly changes: Change[];
  /** The highest CRL number that anybody saw. */
  number: number;
}

const revoking = {
  task: 'revoke',
  batch: { callers: 6, requestsEach: 6 },
  prepare: async (services: Services) => {
    await start(services);
    // Of the many issuers of the demo a few are enough.
    const jobs = services.database.reader('jobs').orderBy('name').pluck('name');
    const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
    const own = [`crl:${issuer?.id}`, `ocsp-signer:${issuer?.id}`];
    const others = (await jobs).filter((name: string) => !own.includes(name)).slice(0, -4);
    await services.database.write(({ knex }) =>
      knex('jobs').whereIn('name', others).update({ due_at: '2100-01-01T00:00:00.000Z' }),
    );
  },
  begin: (database: PreparedDatabase) => ({ ...newHistory(database), changes: [], number: 0 }),
  examine,
} as const;

killing('revoking', revoking, ({ backend, withHistory, killAt, killAfter }) => {
  test.each(points)('O5 O7 killed at %s', { timeout: 300_000 }, async (point, most) => {
    const draw = drawing(`${backend} revoking ${point}`);
    // A responder is certified once and its job is leased by whoever was killed: after one kill
    // there is nothing left to be killed at.
    const killsEach = point.includes('Signer') ? 1 : kills;
    for (let history = 0; history < kills / killsEach; history += 1) {
      await withHistory(async (same) => {
        for (let count = 0; count < killsEach; count += 1) {
          await killAt(same, { point, passing: draw(most) });
        }
      });
    }
  });

  const title = 'O5 O7 killed at random moments, history %i';
  test.each(historiesAtRandom)(title, { timeout: 900_000 }, async (number) => {
    const draw = drawing(`${backend} revoking ${number}`);
    const atOnce = backend === 'PostgreSQL' ? 2 : 1;
    await withHistory(async (history) => {
      for (let kill = 0; kill < killsInARow; kill += atOnce) {
        const moments = Array.from(
          { length: atOnce },
          // Long enough for something to be revoked on a busy machine, too.
          (): Moment => ({ after: 'handed-out', milliseconds: draw(1_000) }),
        );
        await killAfter(history, ...moments);
      }
      expect(history.changes.length).toBeGreaterThan(0);
    });
  });
});

async function examine(
  history: RevokingHistory,
  endings: readonly Ending[],
  when: string,
): Promise<void> {
  for (const { changes, published } of endings) {
    history.changes.push(...changes);
    expect(published, `${when}: numbers go back`).toEqual([...published].sort((a, b) => a - b));
    history.number = Math.max(history.number, ...published);
  }
  // Whoever comes later must not have an earlier time (O6).
  history.ahead += AFTER_THE_LEASES;
  const clock = () => new Date(Date.now() + history.ahead);
  await inside(history.database, { clock }, async (services) => {
    await services.store.abandonExpired(services.clock());
    const { handedOut } = history;
    expect(await brokenPromises(services.database, { handedOut }), when).toEqual([]);
    await expectKeysBlocked(services, when);

    const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
    const { certificate } = issuer ?? {};
    if (!issuer || !certificate) throw new Error('the station CA has no certificate');
    // What the dead process left is whole, before anything is repaired.
    const left = await servedCrl(services, issuer.id, when);
    if (left) expect(left.number, when).toBeGreaterThanOrEqual(history.number);
    else expect(history.number, when).toBe(0);

    // What was interrupted runs again.
    await services.jobs.schedule(`crl:${issuer.id}`, new Date(0));
    while ((await doJobs(services)) > 0);
    const crl = await servedCrl(services, issuer.id, when);
    if (!crl) throw new Error(`${when}: no CRL comes`);
    expect(crl.number, when).toBeGreaterThan(left?.number ?? 0);
    history.number = crl.number;
    await expectNumbersOnce(services, issuer.id, when);
    await expectStatuses(services, { id: issuer.id, certificate }, history.changes, crl, when);
    expectOpensslAcceptsCrl(crl.der, certificate, when);
  });
}

/** No CRL number was given to two lists. */
async function expectNumbersOnce(
  { database: { reader } }: Services,
  issuerId: string,
  when: string,
): Promise<void> {
  const details: string[] = await reader<AuditEntryRow>('audit_entries')
    .where({ action: 'crl.published', subject: issuerId })
    .pluck('details');
  const numbers = details.map((text) => (JSON.parse(text) as { number: number }).number);
  expect(new Set(numbers).size, when).toBe(numbers.length);
}
