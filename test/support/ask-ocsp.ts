/** OCSP as a client asks it over HTTP, without a nonce. */

import { X509Certificate } from 'node:crypto';
import { readCertificate } from '../../src/pki/certificate.ts';
import { writeCertId } from '../../src/pki/ocsp/cert-id.ts';
import { issuerHashes } from '../../src/pki/ocsp/hashes.ts';
import { readOcspResponse } from '../../src/pki/ocsp/read-response.ts';
import { writeOcspRequest } from '../../src/pki/ocsp/write-request.ts';

/** @param chain PEM, leaf first, with its issuer behind it */
export function ocspQuestion(chain: string): Uint8Array {
  const [leaf, issuer] = chain
    .split(/(?<=END CERTIFICATE-----\n)/)
    .map((pem) => readCertificate(new X509Certificate(pem).raw));
  if (!leaf || !issuer?.publicKey) throw new Error('a chain without an issuer');
  const { nameHash, keyHash } = issuerHashes(issuer.subjectDer, issuer.publicKey.bits).sha256;
  const certId = writeCertId({
    hashAlgorithm: 'sha256',
    issuerNameHash: Buffer.from(nameHash, 'hex'),
    issuerKeyHash: Buffer.from(keyHash, 'hex'),
    serialNumber: leaf.serialNumber,
  });
  return writeOcspRequest([certId]);
}

export interface OcspHeard {
  /** The status of the certificate, or of the response where that is an error. */
  readonly status: string;
  readonly thisUpdate: Date;
  /** Base64. */
  readonly der: string;
}

export async function askOcsp(publicUrl: string, question: Uint8Array): Promise<OcspHeard> {
  const answer = await fetch(`${publicUrl}/ocsp`, {
    method: 'POST',
    body: question,
    signal: AbortSignal.timeout(20_000),
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const der = Buffer.from(bytes).toString('base64');
  const response = readOcspResponse(bytes);
  if (response.status !== 'successful') {
    return { status: response.status, thisUpdate: new Date(0), der };
  }
  const [single] = response.data.responses;
  if (!single) throw new Error('an answer without a status');
  return { status: single.status.kind, thisUpdate: single.thisUpdate, der };
}
