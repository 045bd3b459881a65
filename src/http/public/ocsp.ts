/** OCSP over HTTP (RFC 6960 appendix A): GET with the request in the path, POST with it as body. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { ocspError } from '../../pki/ocsp/build-response.ts';
import { decodeGetPath, ocspCacheHeaders, ocspEtag } from '../../pki/ocsp/http.ts';
import { MAX_OCSP_REQUEST_BYTES } from '../../pki/ocsp/request.ts';
import type { Clock } from '../../services/clock.ts';
import type { OcspReply } from '../../services/ocsp-responder.ts';

export interface OcspDoor {
  readonly answer: (request: Uint8Array) => Promise<OcspReply>;
  readonly clock: Clock;
}

const CONTENT_TYPE = 'application/ocsp-response';

export async function serveOcsp(
  door: OcspDoor,
  request: IncomingMessage,
  response: ServerResponse,
  /** What follows `/ocsp` in the path. */
  rest: string,
): Promise<void> {
  if (request.method === 'POST') {
    const body = await readBody(request);
    if (body === 'too-large') return sendTooLarge(response);
    return send(door, request, response, await door.answer(body));
  }
  if (request.method === 'GET' || request.method === 'HEAD') {
    const der = decodeGetPath(rest.replace(/^\//, ''));
    if (der === undefined) return sendError(response, ocspError('malformedRequest'));
    return send(door, request, response, await door.answer(der));
  }
  response.writeHead(405, { Allow: 'GET, HEAD, POST', 'Cache-Control': 'no-store' });
  response.end();
}

function send(
  door: OcspDoor,
  request: IncomingMessage,
  response: ServerResponse,
  reply: OcspReply,
): void {
  if (reply.kind === 'error') {
    sendError(response, reply.der);
    return;
  }
  const { der, thisUpdate, nextUpdate, shareable } = reply;
  const etag = ocspEtag(der);
  // What was made for one asker (a nonce, several certificates) is for nobody else.
  const caching = shareable
    ? ocspCacheHeaders({ etag, thisUpdate, nextUpdate }, door.clock())
    : { 'Cache-Control': 'no-store' };
  if (shareable && request.method !== 'POST' && request.headers['if-none-match'] === etag) {
    response.writeHead(304, caching);
    response.end();
    return;
  }
  response.writeHead(200, {
    'Content-Type': CONTENT_TYPE,
    'Content-Length': der.length,
    ...caching,
  });
  response.end(der);
}

/** OCSP has errors of its own; HTTP has none to report (RFC 6960 4.2.1). */
function sendError(response: ServerResponse, der: Uint8Array): void {
  response.writeHead(200, {
    'Content-Type': CONTENT_TYPE,
    'Content-Length': der.length,
    'Cache-Control': 'no-store',
  });
  response.end(der);
}

function sendTooLarge(response: ServerResponse): void {
  response.writeHead(413, { Connection: 'close', 'Cache-Control': 'no-store' });
  response.end();
}

function readBody(request: IncomingMessage): Promise<Uint8Array | 'too-large'> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_OCSP_REQUEST_BYTES) {
        request.pause();
        resolve('too-large');
      } else chunks.push(chunk);
    });
    request.on('end', () => {
      // One chunk is the rule, and needs no copy.
      const [first] = chunks;
      resolve(first && chunks.length === 1 ? first : Buffer.concat(chunks));
    });
    request.on('error', reject);
  });
}
