/** Two people who have something take effect that waits for the second one. */

import type { Answer, TestApp } from './app.ts';

type Caller = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** Calls as a new client with these roles; as one that may do everything by default. */
export async function newCaller(
  evpki: Pick<TestApp, 'call' | 'tokenOf'>,
  organization = 'instance',
  role = 'super',
): Promise<Caller> {
  const headers = { authorization: `Bearer ${await evpki.tokenOf(organization, [role])}` };
  return (method, path, body) => evpki.call(method, path, body, headers);
}

/** Has the first one say what a trust anchor is for, and the second one agree. */
export async function trustAsTwo(
  [first, second]: readonly [Caller, Caller],
  id: string,
  purposes: readonly string[],
): Promise<void> {
  const proposed = await first('PUT', `/v1/trust-anchors/${id}/purposes`, { purposes });
  if (proposed.status !== 202) throw new Error(proposed.text);
  const { sha256 } = proposed.json;
  const approved = await second('POST', `${proposed.headers.location}/approval`, { sha256 });
  if (approved.status !== 200) throw new Error(approved.text);
}
