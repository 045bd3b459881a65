import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/observe/metrics.ts';
import { metricsHandler } from '../../src/observe/metrics-endpoint.ts';
import type { Observation } from '../../src/services/observations.ts';
import { capture } from '../support/captured-log.ts';
import { readRepositoryFile } from '../support/repository.ts';

const now = new Date('2026-11-22T10:00:00Z');
const after = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const clock = () => now;

const crl = (issuerId: string) => ({
  issuerId,
  number: 3,
  thisUpdate: after(-60),
  nextUpdate: after(3600),
});

test('docs/monitoring.md lists every metric of evpki, and no other', async () => {
  const empty = { pendingCertificates: 0, crls: [] };
  const text = await createMetrics(async () => empty, clock).text();
  const there = [...text.matchAll(/^# TYPE (evpki_\w+)/gm)].map(([, name]) => name);
  const listed = readRepositoryFile('docs/monitoring.md')
    .split('\n')
    .filter((line) => line.startsWith('| `evpki_'))
    .flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/evpki_\w+/g)].map(([name]) => name),
    );
  expect(listed.sort()).toEqual(there.sort());
});

describe('metrics', () => {
  test('say what is in the database, as of now', async () => {
    const observation = { pendingCertificates: 2, crls: [crl('a')], firstIssuerEnd: after(43_200) };
    const text = await createMetrics(async () => observation, clock).text();
    for (const line of [
      'evpki_database_up 1',
      'evpki_certificates_pending 2',
      'evpki_crl_number{issuer="a"} 3',
      'evpki_crl_age_seconds{issuer="a"} 60',
      'evpki_crl_left_seconds{issuer="a"} 3600',
      'evpki_first_issuer_end_days 0.5',
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
  });

  test('an issuer that is not there any more has no series any more', async () => {
    const observations: Observation[] = [
      { pendingCertificates: 0, crls: [crl('a'), crl('b')] },
      { pendingCertificates: 0, crls: [crl('b')] },
    ];
    const metrics = createMetrics(async () => observations.shift() as Observation, clock);
    expect(await metrics.text()).toContain('issuer="a"');
    const text = await metrics.text();
    expect(text).not.toContain('issuer="a"');
    expect(text).toContain('issuer="b"');
  });

  test('without the database the rest is there, and the database said to be gone', async () => {
    const metrics = createMetrics(async () => {
      throw new Error('postgres://user:canary@db is gone');
    }, clock);
    metrics.job('crl', 'failed');
    const text = await metrics.text();
    expect(text).toContain('\nevpki_database_up 0\n');
    expect(text).toContain('evpki_jobs_total{kind="crl",outcome="failed"} 1');
    expect(text).not.toMatch(/evpki_crl_number\{|canary/);
  });

  test('a failure is a 500 without a word, and in the log', async () => {
    const log = capture();
    const metrics = {
      contentType: 'text/plain; version=0.0.4; charset=utf-8' as const,
      text: () => Promise.reject(new Error('canary')),
    };
    const server = createServer(metricsHandler(metrics, log.logger));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect([answer.status, await answer.text()]).toEqual([500, '']);
    server.close();
    expect(JSON.stringify(log.lines)).toContain('metrics-failed');
  });
});
