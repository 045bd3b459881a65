/** OCSP over HTTP (RFC 6960 appendix A): GET with the request in the path, POST with it as body. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { ocspError } from '../../pki/ocsp/build-response.ts';
import { fromHex, toHex } from '../../pki/ocsp/hex.ts';
import { decodeGetPath, ocspCacheHeaders, ocspEtag } from '../../pki/ocsp/http.ts';
import { MAX_OCSP_REQUEST_BYTES } from '../../pki/ocsp/request.ts';
import type { Clock } from '../../services/clock.ts';
import type { OcspReply } from '../../services/ocsp-responder.ts';

export interface OcspDoor {
  readonly answer: (request: Uint8Array) => OcspReply | Promise<OcspReply>;
  readonly clock: Clock;
  /** Whether requests in ASCII hex are answered, in hex as well. */
  readonly hexRequests: boolean;
}

const CONTENT_TYPE = 'application/ocsp-response';

/**
 * Answers without promises whenever the answer is ready: they would cost more than it does.
 * @param failed hears of whatever goes wrong, now or later
 */
export function serveOcsp(
  door: OcspDoor,
  request: IncomingMessage,
  response: ServerResponse,
  /** What follows `/ocsp` in the path. */
  rest: string,
  failed: (error: unknown) => void,
): void {
  if (request.method === 'POST') {
    readBody(request, failed, (body) => {
      const der = body !== 'too-large' && door.hexRequests ? fromHex(body) : undefined;
      if (body === 'too-large' || (der ?? body).length > MAX_OCSP_REQUEST_BYTES) {
        sendTooLarge(response);
      } else if (der) answerHex(door, response, der, failed);
      else answer(door, request, response, body, failed);
    });
  } else if (request.method === 'GET' || request.method === 'HEAD') {
    const der = decodeGetPath(rest.replace(/^\//, ''));
    if (der === undefined) sendError(response, ocspError('malformedRequest'));
    else answer(door, request, response, der, failed);
  } else {
    response.writeHead(405, { Allow: 'GET, HEAD, POST', 'Cache-Control': 'no-store' });
    response.end();
  }
}

/** Not to be kept by anybody: who else asks for the same asks in DER. */
function answerHex(
  door: OcspDoor,
  response: ServerResponse,
  request: Uint8Array,
  failed: (error: unknown) => void,
): void {
  const reply = async () => toHex((await door.answer(request)).der);
  reply()
    .then((hex) => sendDer(response, [...contentHeaders(hex), 'Cache-Control', 'no-store'], hex))
    .catch(failed);
}

function answer(
  door: OcspDoor,
  request: IncomingMessage,
  response: ServerResponse,
  der: Uint8Array,
  failed: (error: unknown) => void,
): void {
  try {
    const reply = door.answer(der);
    if ('then' in reply) {
      reply.then((later) => send(door, request, response, later)).catch(failed);
    } else send(door, request, response, reply);
  } catch (error) {
    failed(error);
  }
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
  const { der, shareable } = reply;
  if (!shareable) {
    // What was made for one asker (a nonce, several certificates) is for nobody else.
    sendDer(response, [...contentHeaders(der), 'Cache-Control', 'no-store'], der);
  } else if (request.method !== 'POST' && request.headers['if-none-match'] === ocspEtag(der)) {
    response.writeHead(304, { ...cacheHeaders(reply, door.clock()) });
    response.end();
  } else {
    sendDer(response, shareableHeaders(reply, door.clock()), der);
  }
}

type Answer = Extract<OcspReply, { readonly kind: 'answer' }>;

const cacheHeaders = ({ der, thisUpdate, nextUpdate }: Answer, now: Date) =>
  ocspCacheHeaders({ etag: ocspEtag(der), thisUpdate, nextUpdate }, now);

const contentHeaders = (der: Uint8Array): string[] => [
  'Content-Type',
  CONTENT_TYPE,
  'Content-Length',
  String(der.length),
];

// Until the last minute of an answer its headers are the same.
const headersByDer = new WeakMap<Uint8Array, string[]>();
const LAST_MILLISECONDS = 60_000;

/** Names and values in turn, as `writeHead` takes them. */
function shareableHeaders(reply: Answer, now: Date): string[] {
  const isLast = now.getTime() > reply.nextUpdate.getTime() - LAST_MILLISECONDS;
  const known = isLast ? undefined : headersByDer.get(reply.der);
  if (known !== undefined) return known;
  const made = [...contentHeaders(reply.der), ...Object.entries(cacheHeaders(reply, now)).flat()];
  if (!isLast) headersByDer.set(reply.der, made);
  return made;
}

/** As text of one octet a character node:http sends head and body in one piece. */
function sendDer(response: ServerResponse, headers: string[], der: Uint8Array): void {
  response.writeHead(200, headers);
  response.end(Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1'), 'latin1');
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

/** Room for a request in hex and a line break. */
const MAX_BODY = 2 * MAX_OCSP_REQUEST_BYTES + 2;

/** Calls `done` once, unless the request fails before its end. */
function readBody(
  request: IncomingMessage,
  failed: (error: unknown) => void,
  done: (body: Uint8Array | 'too-large') => void,
): void {
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    const before = length;
    length += chunk.length;
    if (length > MAX_BODY) {
      request.pause();
      if (before <= MAX_BODY) done('too-large');
    } else if (first === undefined) first = chunk;
    else {
      more ??= [first];
      more.push(chunk);
    }
  });
  request.on('end', () => {
    if (length > MAX_BODY) return;
    // One chunk is the rule, and needs no copy.
    done(more ? Buffer.concat(more) : (first ?? Buffer.alloc(0)));
  });
  request.on('error', failed);
}
