/** Authorities that are exported by two people, and a CSMS that signs with what it is handed. */

import type { Answer, TestApp } from './app.ts';
import { newCaller } from './second-person.ts';

type Caller = (method: string, path: string, body?: unknown) => Promise<Answer>;

export const EXPORT_PASSPHRASE = 'canary passphrase of an export 4711';

function sent({ status, json, text }: Answer, wanted: number) {
  if (status !== wanted) throw new Error(`${status}: ${text}`);
  return json;
}

/** What is handed out. */
export interface HandedOut {
  readonly authority: string;
  readonly issuer: string;
  readonly certificate: string;
  readonly certificateChain: string;
  readonly ocsp: string;
  readonly crl: string;
  readonly encryptedKey: string;
}

/** Has the first one propose an export and the second one agree; the id of the proposal. */
async function agreedExport(
  [first, second]: readonly [Caller, Caller],
  id: string,
  { above = 'ocpp-root', key = 'P-256' } = {},
): Promise<string> {
  const wish = { id, title: `Demo ${id}`, key };
  const proposal = sent(await first('POST', `/v1/authorities/${above}/exports`, wish), 202);
  const { sha256 } = proposal;
  sent(await second('POST', `/v1/proposals/${proposal.id}/approval`, { sha256 }), 200);
  return proposal.id;
}

/** Has an authority exported by two administrators. */
export async function exportAsTwo(
  evpki: Pick<TestApp, 'call' | 'tokenOf'>,
  id: string,
  { above = 'ocpp-root', key = 'P-256' } = {},
): Promise<HandedOut> {
  const first = await newCaller(evpki);
  const proposal = await agreedExport([first, await newCaller(evpki)], id, { above, key });
  const path = `/v1/authorities/${above}/exports/${proposal}`;
  return sent(await first('POST', path, { passphrase: EXPORT_PASSPHRASE }), 201);
}
