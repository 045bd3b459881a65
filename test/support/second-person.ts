/** Two people who have something take effect that waits for the second one. */

import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import type { Answer, TestApp } from './app.ts';
import type { CliService } from './cli-service.ts';

/** A copy of `policies/` in a temporary folder, with these actions as `secondPerson`. */
export function policiesListing(...secondPerson: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'evpki-policies-'));
  cpSync(fileURLToPath(new URL('../../policies', import.meta.url)), folder, { recursive: true });
  const file = join(folder, 'access.yaml');
  const declared = parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, stringify({ ...declared, secondPerson }));
  return folder;
}

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
  await agree(second, await first('PUT', `/v1/trust-anchors/${id}/purposes`, { purposes }));
}

/**
 * Agrees to what somebody else was answered to be waiting.
 * @returns the proposal as it is then
 */
export async function agree(second: Caller, proposed: Answer): Promise<Answer['json']> {
  if (proposed.status !== 202) throw new Error(proposed.text);
  const { sha256 } = proposed.json;
  const approved = await second('POST', `${proposed.headers.location}/approval`, { sha256 });
  if (approved.status !== 200) throw new Error(approved.text);
  return approved.json;
}

/** Has another root certified by the first one, to which the second one agrees. */
export async function crossCertifyAsTwo(
  [first, second]: readonly [Caller, Caller],
  authority: string,
  certificate: string,
): Promise<Answer> {
  const path = `/v1/authorities/${authority}/cross-certificates`;
  const { certificate: id } = await agree(second, await first('POST', path, { certificate }));
  return first('GET', `/v1/certificates/${id}`);
}

/**
 * Leaves the command line to an administrator whom the first one makes: who made everybody has
 * nobody to agree with.
 */
export async function leaveToAnother(service: CliService): Promise<void> {
  cpSync(service.credentialsFile, firstOf(service));
  writeFileSync(service.credentialsFile, await madeByFirst(service), { mode: 0o600 });
}

/** The `evpki proposal` of another administrator, whom the first one has made, too. */
export async function secondAtCommandLine(service: CliService) {
  const config = join(dirname(service.credentialsFile), 'second.json');
  writeFileSync(config, await madeByFirst(service), { mode: 0o600 });
  return (...argv: string[]) =>
    service.evpki(['proposal', ...argv], { env: { EVPKI_CLIENT_CONFIG: config } });
}

const firstOf = ({ credentialsFile }: CliService) => join(dirname(credentialsFile), 'first.json');

/** The credentials of a further administrator, as the command line keeps them. */
async function madeByFirst(service: CliService): Promise<string> {
  const argv = [
    ...['client', 'create', '--name', 'another', '--organization', 'instance'],
    ...['--role', 'super', '--json'],
  ];
  const made = await service.evpki(argv, { env: { EVPKI_CLIENT_CONFIG: firstOf(service) } });
  if (made.status !== 0) throw new Error(made.stderr);
  const stored = JSON.parse(readFileSync(firstOf(service), 'utf8'));
  return JSON.stringify({ ...stored, ...JSON.parse(made.stdout) });
}

/** Has the administrator at the command line say what a trust anchor is for, and another one agree. */
export async function trustAtCommandLine(
  service: CliService,
  id: string,
  purpose: string,
): Promise<void> {
  const { stderr } = await service.evpki(['trust-anchor', 'trust', id, '--purpose', purpose]);
  const [, proposal = ''] = /proposal (prp_\w+) waits/.exec(stderr) ?? [];
  const second = await secondAtCommandLine(service);
  const { stdout } = await second('show', proposal);
  const sha256 = /SHA-256 +([0-9a-f]{64})\n/.exec(stdout)?.[1] ?? '';
  const approved = await second('approve', proposal, '--sha256', sha256);
  if (approved.status !== 0) throw new Error(`${stderr}${approved.stderr}`);
}
