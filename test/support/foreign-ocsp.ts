/** Somebody else's OCSP responder: answers written by hand, and a server on this machine. */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Certificate, serialHex } from '../../src/pki/certificate.ts';
import { explicit, generalizedTime, octetString, sequence } from '../../src/pki/der-writer.ts';
import { keyIdentifier } from '../../src/pki/key-identifier.ts';
import { assembleOcspResponse } from '../../src/pki/ocsp/build-response.ts';
import { writeCertId } from '../../src/pki/ocsp/cert-id.ts';
import {
  type CertificateStatus,
  writeCertificateStatus,
} from '../../src/pki/ocsp/certificate-status.ts';
import { issuerHashes } from '../../src/pki/ocsp/hashes.ts';
import { type OcspRequest, readOcspRequest } from '../../src/pki/ocsp/request.ts';
import { signatureAlgorithmFor } from '../../src/pki/signature-algorithm.ts';
import { signWith, type TestKey } from './issuing.ts';
import { hex } from './ocsp.ts';

const DAY = 86_400_000;

export const byKey = (key: TestKey): Uint8Array =>
  explicit(2, octetString(keyIdentifier(key.publicKey, 20)));
export const byName = (subjectDer: Uint8Array): Uint8Array => explicit(1, subjectDer);

export interface ForeignSingle {
  readonly certId: Uint8Array;
  readonly status?: CertificateStatus;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date | 'none';
  /** DER of each Extension. */
  readonly extensions?: readonly Uint8Array[];
}

export interface ForeignResponse {
  readonly key: TestKey;
  readonly id?: Uint8Array;
  readonly producedAt?: Date;
  readonly certificates?: readonly Uint8Array[];
  readonly extensions?: readonly Uint8Array[];
}

/** An OCSPResponse of now, good for a day, unless something else is wanted. */
export function foreignResponse(
  singles: readonly ForeignSingle[],
  { key, id = byKey(key), producedAt, certificates = [], extensions = [] }: ForeignResponse,
  now = new Date(),
): Uint8Array {
  const at = new Date(Math.floor(now.getTime() / 1000) * 1000);
  const data = sequence(
    id,
    generalizedTime(producedAt ?? at),
    sequence(...singles.map((single) => singleDer(single, at))),
    ...(extensions.length > 0 ? [explicit(1, sequence(...extensions))] : []),
  );
  const algorithm = signatureAlgorithmFor(key.publicKey.algorithm);
  return assembleOcspResponse(data, algorithm, signWith(key, data), certificates);
}

function singleDer(single: ForeignSingle, at: Date): Uint8Array {
  const { certId, status = { kind: 'good' }, thisUpdate = at, extensions = [] } = single;
  const { nextUpdate = new Date(at.getTime() + DAY) } = single;
  return sequence(
    certId,
    writeCertificateStatus(status),
    generalizedTime(thisUpdate),
    ...(nextUpdate === 'none' ? [] : [explicit(0, generalizedTime(nextUpdate))]),
    ...(extensions.length > 0 ? [explicit(1, sequence(...extensions))] : []),
  );
}

/** The CertID of a certificate by SHA-256. */
export function certIdBy(certificate: Certificate, issuer: Certificate): Uint8Array {
  const { publicKey } = issuer;
  if (!publicKey) throw new Error('the issuer has no key');
  const { nameHash, keyHash } = issuerHashes(certificate.issuerDer, publicKey.bits).sha256;
  return writeCertId({
    hashAlgorithm: 'sha256',
    issuerNameHash: Buffer.from(nameHash, 'hex'),
    issuerKeyHash: Buffer.from(keyHash, 'hex'),
    serialNumber: certificate.serialNumber,
  });
}

export interface ForeignResponder {
  readonly port: number;
  readonly url: string;
  /** What it was asked, in this order. */
  readonly asked: OcspRequest[];
  /** Statuses that are not `good`, by serial number in hex. */
  readonly statuses: Map<string, CertificateStatus>;
  /** Signs for an issuer with its own key. */
  serve(issuer: Certificate, key: TestKey): void;
  /** What it does instead, until that is taken away. */
  instead: ((response: ServerResponse, request: OcspRequest) => void) | undefined;
  /** Answers to which something is done before they are signed. */
  change: (single: ForeignSingle) => ForeignSingle;
  close(): Promise<void>;
}

/** On 127.0.0.1 and a free port. */
export async function startForeignResponder(): Promise<ForeignResponder> {
  const keys = new Map<string, TestKey>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const read = readOcspRequest(Buffer.concat(chunks));
    if ('fault' in read) return void response.writeHead(400).end(read.message);
    responder.asked.push(read);
    if (responder.instead) return responder.instead(response, read);
    const [certId] = read.certIds;
    const key = keys.get(hex(certId?.issuerKeyHash ?? new Uint8Array()));
    if (!certId || !key) return void response.end(Buffer.from('30030a0106', 'hex'));
    const status = responder.statuses.get(serialHex(certId.serialNumber));
    const single = { certId: certId.certIdDer, ...(status ? { status } : {}) };
    response.setHeader('Content-Type', 'application/ocsp-response');
    response.end(foreignResponse([responder.change(single)], { key }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const responder: ForeignResponder = {
    ...{ port, url: `http://127.0.0.1:${port}/ocsp`, asked: [], statuses: new Map() },
    instead: undefined,
    change: (single) => single,
    serve({ publicKey, subjectDer }, key) {
      const hashes = issuerHashes(subjectDer, publicKey?.bits ?? new Uint8Array());
      for (const { keyHash } of Object.values(hashes)) keys.set(keyHash, key);
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return responder;
}
