/** Who speaks OPNC in a demo, and what they ask. */

import { afterAll, beforeAll, expect } from 'vitest';
import type { RootCertificateId } from '../../src/iso15118/exi/iso2-messages.ts';
import { toPem } from '../../src/pki/pem.ts';
import { type Answer, startTestApp, type TestApp } from './app.ts';
import { askOcsp, ocspQuestion } from './ask-ocsp.ts';
import { askEst, bearer, certificatesIn, type EstApplication } from './est.ts';
import type { RawAnswer } from './raw-https.ts';
import { rootIdOf, rootOf, sent } from './vehicles.ts';

export const ISO2 = 'urn:iso:15118:2:2013:MsgDef';
const DAY = 86_400_000;
export const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString();

export const messagesOf = ({ json, headers }: Answer): string[] => {
  expect(json.traceId).toBe(headers['x-request-id']);
  expect(json.errorMessages.length).toBeGreaterThan(0);
  return json.errorMessages;
};

/** Up to the domain, which follows. */
export const QUERY = 'iso15118Version=ISO15118-2&caDomain=';

const who = {
  cpo: ['demo-cpo', 'cpo-operator'],
  csms: ['demo-cpo', 'csms'],
  officer: ['demo-cpo', 'pki-officer'],
  mo: ['demo-mo', 'emsp-operator'],
  oem: ['demo-oem', 'oem'],
  otherCpo: ['other-cpo', 'cpo-operator'],
  otherMo: ['other-mo', 'emsp-operator'],
  v2gOfficer: ['demo-v2g', 'pki-officer'],
} as const;
export type Who = keyof typeof who;

/** Starts evpki for the calling `describe`, and gives what everybody in it can ask for by OPNC. */
export function opncParties() {
  let evpki: TestApp;
  const tokens = new Map<string, string>();
  let roots: RootCertificateId[];
  let emaids = 0;
  const newEmaid = () => `DE8EVC${String(++emaids).padStart(8, '0')}`;

  beforeAll(async () => {
    evpki = await startTestApp();
    const others = [
      { id: 'other-cpo', name: 'Other CPO', roles: ['cpo'], operators: ['DEOTH'] },
      { id: 'other-mo', name: 'Other MO', roles: ['mo'], providers: ['DE9XY'] },
    ];
    for (const body of others) sent(await evpki.call('POST', '/v1/organizations', body), 201);
    for (const [name, [organization, role]] of Object.entries(who)) {
      tokens.set(name, await evpki.tokenOf(organization, [role]));
    }
    roots = [rootIdOf(await rootOf(evpki, 'v2g-root'))];
  });
  afterAll(() => evpki?.close());

  const as = (name: Who) => ({ authorization: `Bearer ${tokens.get(name)}` });
  const call = (
    name: Who,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => evpki.call(method, `/opnc/v1/${path}`, body, { ...as(name), ...headers });

  const est = (
    name: Who | undefined,
    target: string,
    body?: string | Uint8Array,
    headers: readonly (readonly [string, string])[] = [],
  ): Promise<RawAnswer> =>
    askEst(evpki, {
      target: `/opnc/v1/pki/est/${target}`,
      headers: [
        ...(name === undefined ? [] : [bearer(tokens.get(name) ?? '')]),
        ['User-Agent', 'test'],
        ...headers,
      ],
      ...(body === undefined ? {} : { body }),
    });
  /** PEM, leaf first, up to the issuing authorities and the root. */
  const enrolled = async (name: Who, domain: string, applied: EstApplication) => {
    const [leaf] = certificatesIn(await est(name, `simpleenroll?${QUERY}${domain}`, applied.body));
    const above = certificatesIn(await est(name, `cacerts?${QUERY}${domain}`));
    if (!leaf) throw new Error('no leaf');
    return {
      leaf,
      above,
      pem: [leaf, ...above].map(({ der }) => toPem('CERTIFICATE', der)).join(''),
    };
  };
  const statusOf = async (chain: string) =>
    (await askOcsp(evpki.app.publicUrl, ocspQuestion(chain))).status;
  const revoke = (name: Who, certificate: string, revocationReason: string) =>
    call(name, 'POST', 'pki/pki/revokeCertificate', { certificate, revocationReason });

  const generate = (pcid: string, emaid: string, name: Who = 'mo', more = {}) =>
    call(name, 'PUT', 'cps/contractData/generateandsign', {
      ...{ contractBegins: inDays(-1), contractEnds: inDays(400), pcid, emaid },
      ...{ xsdMsgDefNamespace: ISO2, ...more },
    });
  const ask = (exi: Uint8Array, headers: Record<string, string> = {}) =>
    call(
      'csms',
      'POST',
      'ccp/signedcontractdata',
      { certificateInstallationReq: base64(exi), xsdMsgDefNamespace: ISO2 },
      headers,
    );
  const auditOf = async (organization: string): Promise<Record<string, string>[]> =>
    sent(await evpki.call('GET', `/v1/audit?organization=${organization}&limit=200`), 200).items;

  return {
    evpki: () => evpki,
    /** What vehicles name: the demo's V2G root. */
    roots: () => roots,
    ...{ newEmaid, as, call, est, enrolled, statusOf, revoke, generate, ask, auditOf },
  };
}
