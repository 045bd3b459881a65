import { describe, expect, test } from 'vitest';
import { type JobHandler, runDueJobs } from '../../src/jobs/runner.ts';
import type { Lease } from '../../src/services/certificate-records.ts';
import type { JobStore } from '../../src/services/revocation-records.ts';
import { capture } from '../support/captured-log.ts';
import { gate } from '../support/responder.ts';

const start = new Date('2026-11-22T10:00:00.000Z');
const later = (milliseconds: number) => new Date(start.getTime() + milliseconds);

/** Jobs that are due, and what happens to them. */
function jobs(names: readonly string[], handlers: Readonly<Record<string, JobHandler>>) {
  const due = [...names];
  const leases: Lease[] = [];
  const released: { name: string; owner: string; at: Date }[] = [];
  const log = capture('debug');
  const store: JobStore = {
    schedule: async () => undefined,
    claim: async (_now, lease, limit) => {
      leases.push(lease);
      return due.splice(0, limit).map((name) => ({ name, dueAt: start }));
    },
    release: async (name, owner, at) => {
      released.push({ name, owner, at });
    },
  };
  const parts = { store, handlers, clock: () => start, processId: 'p', logger: log.logger };
  return { parts, store, leases, released, log: log.lines };
}

describe('running jobs', () => {
  test('each due job is done with its subject, and given back until it is due again', async () => {
    const seen: string[] = [];
    const { parts, released } = jobs(['crl:a', 'ocsp-signer:b'], {
      crl: async (subject) => {
        seen.push(`crl of ${subject}`);
        return later(5_000);
      },
      'ocsp-signer': async (subject) => {
        seen.push(`signer of ${subject}`);
        return later(9_000);
      },
    });
    expect(await runDueJobs(parts)).toBe(2);
    expect(seen).toEqual(['crl of a', 'signer of b']);
    expect(released.map(({ name, at }) => [name, at])).toEqual([
      ['crl:a', later(5_000)],
      ['ocsp-signer:b', later(9_000)],
    ]);
    expect(await runDueJobs(parts)).toBe(0);
  });

  test('a job is taken for two minutes, under a name that no other round has', async () => {
    const { parts, leases, released } = jobs(['crl:a'], { crl: async () => later(1_000) });
    await runDueJobs(parts);
    await runDueJobs(parts);
    expect(leases.map(({ until }) => until)).toEqual([later(120_000), later(120_000)]);
    expect(new Set(leases.map(({ owner }) => owner)).size).toBe(2);
    expect(released[0]?.owner).toBe(leases[0]?.owner);
    expect(leases[0]?.owner).toMatch(/^p\//);
  });

  test('a job that fails is logged and tried again in ten seconds; others are done', async () => {
    const { parts, released, log } = jobs(['crl:bad', 'crl:good'], {
      crl: async (subject) => {
        if (subject === 'bad') throw new Error('no such luck');
        return later(60_000);
      },
    });
    expect(await runDueJobs(parts)).toBe(2);
    expect(Object.fromEntries(released.map(({ name, at }) => [name, at]))).toEqual({
      'crl:bad': later(10_000),
      'crl:good': later(60_000),
    });
    expect(log.join('')).toMatch(/job-failed.*no such luck/);
  });

  test('a job of a kind that this version does not know is left for later', async () => {
    const { parts, released, log } = jobs(['future:x'], {});
    await runDueJobs(parts);
    expect(released[0]?.at).toEqual(later(10_000));
    expect(log.join('')).toContain('no handler');
  });

  test('a handler that asks for the past does not keep the runner busy for ever', async () => {
    const { parts, released } = jobs(['crl:a'], { crl: async () => later(-60_000) });
    await runDueJobs(parts);
    expect(released[0]?.at.getTime()).toBeGreaterThan(start.getTime());
  });

  test('a job that cannot be given back does not end the round of the others', async () => {
    const held = gate();
    const { parts, store, released } = jobs(['crl:lost', 'crl:slow'], {
      crl: async (subject) => {
        if (subject === 'slow') await held.pass();
        return later(1_000);
      },
    });
    const release = store.release;
    store.release = async (name, ...rest) => {
      if (name === 'crl:lost') throw new Error('the database is gone');
      return release(name, ...rest);
    };
    const slow = held.close();
    let ended = false;
    const round = runDueJobs(parts).finally(() => {
      ended = true;
    });
    round.catch(() => undefined);
    await slow.arrived;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended, 'the database would be closed under the slow one').toBe(false);
    slow.open();
    await expect(round).rejects.toThrow('gone');
    expect(released.map(({ name }) => name)).toEqual(['crl:slow']);
  });
});
