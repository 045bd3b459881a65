/** What relying parties are told of certificates: by CRL and by OCSP, as the listeners send it. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { readCrl } from '../../src/pki/crl/read.ts';
import { writeCertId } from '../../src/pki/ocsp/cert-id.ts';
import { issuerHashes } from '../../src/pki/ocsp/hashes.ts';
import { readOcspResponse } from '../../src/pki/ocsp/read-response.ts';
import { MAX_CERT_IDS } from '../../src/pki/ocsp/request.ts';
import { writeOcspRequest } from '../../src/pki/ocsp/write-request.ts';
import { toPem } from '../../src/pki/pem.ts';
import { workbench } from './openssl.ts';
import { noOpenssl } from './other-tools.ts';
import type { Services } from './services.ts';

export interface ServedCrl {
  readonly number: number;
  readonly der: Buffer;
  readonly serials: readonly string[];
}

/** The CRL as the public listener sends it: by its announced length, chunk by chunk. */
export async function servedCrl(
  { crls }: Services,
  issuerId: string,
  when: string,
): Promise<ServedCrl | undefined> {
  const crl = await crls.findCrl(issuerId);
  if (!crl) return undefined;
  const chunks: Uint8Array[] = [];
  for (let chunk = 0; chunk < crl.chunks; chunk++) {
    const bytes = await crls.readChunk(issuerId, crl.number, chunk);
    if (!bytes) throw new Error(`${when}: chunk ${chunk} of CRL ${crl.number} is missing`);
    chunks.push(bytes);
  }
  const der = Buffer.concat(chunks);
  expect(der.length, when).toBe(crl.length);
  const read = readCrl(der, { maxBytes: 1_000_000 });
  expect(Number(read.extensions.crlNumber?.value), when).toBe(crl.number);
  const serials = [...read.entries()].map(({ serialNumber }) => hexOf(serialNumber));
  return { number: crl.number, der, serials };
}

const hexOf = (serialNumber: Uint8Array): string =>
  Buffer.from(serialNumber).toString('hex').replace(/^0+/, '');

/** OCSP statuses of an issuer's serial numbers, in their order: `good`, or with the reason. */
export async function ocspStatuses(
  services: Services,
  issuerDer: Uint8Array,
  serials: readonly string[],
): Promise<string[]> {
  const issuer = readCertificate(issuerDer);
  if (!issuer.publicKey) throw new Error('the issuer has an unusable key');
  const { nameHash, keyHash } = issuerHashes(issuer.subjectDer, issuer.publicKey.bits).sha256;
  const certIds = serials.map((serial) =>
    writeCertId({
      hashAlgorithm: 'sha256',
      issuerNameHash: Buffer.from(nameHash, 'hex'),
      issuerKeyHash: Buffer.from(keyHash, 'hex'),
      serialNumber: Buffer.from(serial.length % 2 ? `0${serial}` : serial, 'hex'),
    }),
  );
  const statuses: string[] = [];
  // Asked for one by one, more of them than a second allows would be put off.
  while (certIds.length > 0) {
    statuses.push(...(await ask(services, writeOcspRequest(certIds.splice(0, MAX_CERT_IDS)))));
  }
  return statuses;
}

async function ask(services: Services, request: Uint8Array): Promise<string[]> {
  const response = readOcspResponse((await services.ocsp.answer(request)).der);
  if (response.status === 'tryLater') {
    await wait(200);
    return ask(services, request);
  }
  if (response.status !== 'successful') return [response.status];
  return response.data.responses.map(({ status }) =>
    status.kind === 'revoked' ? `revoked ${status.reason ?? 'unspecified'}` : status.kind,
  );
}

/** Leaves it out where `noOpenssl` says so. */
export function expectOpensslAcceptsCrl(der: Buffer, issuer: Uint8Array, when: string): void {
  if (noOpenssl) return;
  const bench = workbench();
  try {
    writeFileSync(join(bench.folder, 'list.crl'), der);
    bench.write('ca.pem', toPem('CERTIFICATE', issuer));
    const command = 'openssl crl -in list.crl -inform der -CAfile ca.pem -noout 2>&1';
    const said = execFileSync('sh', ['-c', command], { cwd: bench.folder, encoding: 'utf8' });
    expect(said, when).toContain('verify OK');
  } finally {
    bench.remove();
  }
}
