/**
 * The public listener: what anybody may ask, over plain HTTP, on bare node:http because these
 * answers have to be cheap: OCSP, CRLs, issuer certificates, health.
 */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from '../../services/logger.ts';
import { type CrlDoor, serveCrl } from './crl.ts';
import { type OcspDoor, serveOcsp } from './ocsp.ts';

export interface PublicParts extends OcspDoor, CrlDoor {
  /** DER of the certificate of an issuer that is not awaiting one. */
  readonly issuerCertificate: (issuerId: string) => Promise<Uint8Array | undefined>;
  /** Why the service cannot do its work at the moment; undefined when it can. */
  readonly trouble: () => Promise<string | undefined>;
}

const ISSUER_PATH = /^\/ca\/([0-9a-z]{1,20})\.cer$/;
const CRL_PATH = /^\/crl\/([0-9a-z]{1,20})\.crl$/;

/** @param ready the parts, once the service is ready and until it stops */
export function publicHandler(
  ready: () => PublicParts | undefined,
  logger: Logger,
): RequestListener {
  return (request, response) => {
    const failed = (error: unknown) => {
      // A client that hangs up in the middle is nothing to report.
      if (request.destroyed) return;
      logger.error('public-request-failed', { path: request.url, error });
      if (!response.headersSent) sendText(response, 500, 'internal error\n');
      else response.destroy();
    };
    const path = pathOf(request);
    const parts = ready();
    if (parts && (path === '/ocsp' || path.startsWith('/ocsp/'))) {
      serveOcsp(parts, request, response, path.slice('/ocsp'.length), failed);
    } else route(parts, path, request, response).catch(failed);
  };
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** Everything but OCSP. */
async function route(
  parts: PublicParts | undefined,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (path === '/health/live') return sendHealth(response, 200, { status: 'live' });
  if (!parts) {
    return sendHealth(response, 503, { status: 'not-ready', reason: 'starting or stopping' });
  }
  const issuerId = ISSUER_PATH.exec(path)?.[1];
  const listedId = CRL_PATH.exec(path)?.[1];
  const isHealth = path === '/health/ready';
  if (issuerId === undefined && listedId === undefined && !isHealth) {
    return sendText(response, 404, 'not found\n');
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return sendText(response, 405, 'method not allowed\n');
  }
  if (listedId !== undefined) return serveCrl(parts, request, response, listedId);
  if (issuerId !== undefined) return sendIssuer(parts, issuerId, response);
  const reason = await parts.trouble();
  return reason === undefined
    ? sendHealth(response, 200, { status: 'ready' })
    : sendHealth(response, 503, { status: 'not-ready', reason });
}

/** RFC 5280 4.2.2.1: a single certificate in DER. It never changes once it is there. */
async function sendIssuer(
  parts: PublicParts,
  issuerId: string,
  response: ServerResponse,
): Promise<void> {
  const der = await parts.issuerCertificate(issuerId);
  if (!der) return sendText(response, 404, 'not found\n');
  response.writeHead(200, {
    'Content-Type': 'application/pkix-cert',
    'Content-Length': der.length,
    'Cache-Control': 'public, max-age=86400, immutable',
  });
  response.end(der);
}

function sendHealth(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' });
  response.end(text);
}
