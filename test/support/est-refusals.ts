/** A whole evpki whose door of EST refuses, and what it says and writes down about that. */

import { expect } from 'vitest';
import type { Certificate } from '../../src/pki/certificate.ts';
import { toPem } from '../../src/pki/pem.ts';
import { type Answer, startTestApp, type TestApp } from './app.ts';
import { application, askEst, bearer, certificatesIn, type EstRequest } from './est.ts';
import { headerOf, type RawAnswer } from './raw-https.ts';
import { sent } from './vehicles.ts';

export const ENROL = '/cpo/simpleenroll';
export const REENROL = '/cpo/simplereenroll';

/** A station with a certificate of ours and its key. */
export interface EnrolledStation {
  readonly name: string;
  /** Of the certificate in evpki. */
  readonly id: string;
  readonly leaf: Certificate;
  readonly presented: { readonly cert: string; readonly key: string };
}

export interface RefusingHouse {
  readonly evpki: TestApp;
  /** A token of the operator's CSMS, as long as time does not pass. */
  readonly csms: string;
  readonly now: () => number;
  /** Time passes only by this, beside the clock on the wall; it never goes back. */
  pass(milliseconds: number): void;
  /** Calls the API as an administrator, whatever time it is. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  est(request: EstRequest): Promise<RawAnswer>;
  /** Registers a station; the common name of its certificate towards vehicles. */
  newStation(): Promise<string>;
  newSecret(name: string): Promise<{ readonly id: string; readonly enrolmentSecret: string }>;
  enrolled(): Promise<EnrolledStation>;
  /** Entries of the audit log, newest first. */
  audited(action: string): Promise<readonly Entry[]>;
  /** Expects the last entry about somebody who was known; a client unless said otherwise. */
  expectOnRecord(details: object, actor?: unknown): Promise<void>;
  /** Expects an entry about those who were turned away for this reason. */
  expectCounted(reason: string, entry?: object): Promise<void>;
}

interface Entry {
  readonly actor: string;
  readonly organization: string;
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export async function openRefusingHouse(): Promise<RefusingHouse> {
  let ahead = 0;
  let stations = 0;
  const now = () => Date.now() + ahead;
  const evpki = await startTestApp({ clock: () => new Date(now()) });
  const client = { name: 'root', organization: 'instance', roles: ['super'] };
  const administrator = sent(await evpki.call('POST', '/v1/api-clients', client), 201);
  const csms = await evpki.tokenOf('demo-cpo', ['csms']);

  const call: RefusingHouse['call'] = async (method, path, body) => {
    const authorization = `Bearer ${await evpki.renewedToken(administrator)}`;
    return evpki.call(method, path, body, { authorization });
  };
  const audited: RefusingHouse['audited'] = async (action) =>
    sent(await call('GET', `/v1/audit?action=${action}&limit=200`), 200).items;
  const newStation = async (): Promise<string> => {
    const name = `DE*DEM*E${++stations}`;
    const path = `/v1/stations/CS-REFUSED-${stations}?organization=demo-cpo`;
    sent(await call('PUT', path, { evseIds: [name] }), 201);
    return name;
  };
  return {
    ...{ evpki, csms, now, call, audited, newStation },
    pass(milliseconds) {
      ahead += milliseconds;
    },
    est: (request) => askEst(evpki, request),
    async newSecret(commonName) {
      const path = '/v1/enrolment-secrets?organization=demo-cpo';
      return sent(await call('POST', path, { label: 'cpo', commonName }), 201);
    },
    async enrolled() {
      const name = await newStation();
      const made = application(`CN=${name}`);
      const request = { target: ENROL, headers: [bearer(csms)], body: made.body };
      const [leaf] = certificatesIn(await askEst(evpki, request));
      if (!leaf) throw new Error('no certificate');
      const serial = Buffer.from(leaf.serialNumber).toString('hex');
      const found = await call('GET', `/v1/certificates?serialNumber=${serial}`);
      const [{ id }] = sent(found, 200).items;
      const presented = { key: made.key, cert: toPem('CERTIFICATE', leaf.der) };
      return { name, id, leaf, presented };
    },
    async expectOnRecord(details, actor = expect.stringMatching(/^client:/)) {
      const [entry] = await audited('request.refused');
      expect(entry).toMatchObject({ actor, organization: 'demo-cpo', details });
    },
    async expectCounted(reason, entry = {}) {
      const found = async () =>
        (await audited('access.refused')).filter(({ details }) => details.reason === reason);
      await expect.poll(found).toContainEqual(expect.objectContaining(entry));
    },
  };
}

/** Expects a refusal with these lines, of which the last says what to do. */
export function expectRefused(
  answer: RawAnswer,
  status: number,
  ...lines: readonly (string | RegExp)[]
): void {
  expect(answer.status, answer.body).toBe(status);
  expect(headerOf(answer, 'Content-Type')).toBe('text/plain; charset=utf-8');
  expect(answer.body.split('\n')).toEqual([
    ...lines.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))),
    expect.stringMatching(/^request-id: [0-9a-f-]{36}$/),
    '',
  ]);
}

/** What everybody hears alike. */
export const withoutRequestId = ({ body }: RawAnswer): string => body.replace(/request-id: .*/, '');
