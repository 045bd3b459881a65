/**
 * Answers of EST. Names of headers are in Title-Case and answers have a Content-Length, not chunks:
 * Cisco's libest and strongSwan read nothing else. libest reads 16 headers at most.
 */

import type { ServerResponse } from 'node:http';
import { certsOnly } from '../../pki/cms/certs-only.ts';
import { keyAndCertificate, multipartType } from './multipart.ts';

/** How an answer's base64 is laid out: in lines of 64 columns, or in one without an end. */
export type Layout = 'wrapped' | 'single';

const CERTIFICATES = 'application/pkcs7-mime; smime-type=certs-only';
const BOUNDARY = 'evpki-key-and-certificate';
const COLUMNS = /.{1,64}/g;
/** What somebody has to decide is not decided within seconds. */
const PENDING_SECONDS = 300;

/** RFC 7030 4.1.3 and 4.2.3, RFC 8951 3. */
export function sendCertificates(
  response: ServerResponse,
  certificates: readonly Uint8Array[],
  layout: Layout,
): void {
  sendBase64(response, CERTIFICATES, certsOnly(certificates), layout);
}

/** RFC 7030 4.5.2; without attributes there is nothing to say, and nothing wrong. */
export function sendCsrAttributes(
  response: ServerResponse,
  attributes: Uint8Array | undefined,
  layout: Layout,
): void {
  if (attributes) {
    sendBase64(response, 'application/csrattrs', attributes, layout);
    return;
  }
  response.statusCode = 204;
  response.end();
}

/** RFC 7030 4.4.2. The key is overwritten as soon as it has been handed on, or cannot be. */
export function sendKey(
  response: ServerResponse,
  privateKey: Uint8Array,
  certificate: Uint8Array,
): void {
  const body = keyAndCertificate(BOUNDARY, privateKey, certsOnly([certificate]));
  privateKey.fill(0);
  const wipe = () => body.fill(0);
  if (response.destroyed) wipe();
  else response.once('close', wipe);
  response.setHeader('Content-Type', multipartType(BOUNDARY));
  response.setHeader('Content-Length', body.length);
  response.end(body);
}

/** RFC 7030 4.2.3: the same request again later. */
export function sendPending(response: ServerResponse, requestId: string): void {
  response.statusCode = 202;
  response.setHeader('Retry-After', String(PENDING_SECONDS));
  sendText(response, `waiting: the request ${requestId} waits for approval\n`);
}

export function sendText(response: ServerResponse, text: string): void {
  send(response, 'text/plain; charset=utf-8', text);
}

/** Errors of OPNC. */
export function sendJson(response: ServerResponse, body: unknown): void {
  send(response, 'application/json; charset=utf-8', JSON.stringify(body));
}

function send(response: ServerResponse, contentType: string, text: string): void {
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}

function sendBase64(
  response: ServerResponse,
  contentType: string,
  der: Uint8Array,
  layout: Layout,
): void {
  const text = base64(der, layout);
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Transfer-Encoding', 'base64');
  response.setHeader('Content-Length', text.length);
  // As text, head and body leave in one piece: strongSwan reads twice and then gives up.
  response.end(text, 'latin1');
}

function base64(der: Uint8Array, layout: Layout): string {
  const text = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64');
  return layout === 'single' ? text : text.replace(COLUMNS, '$&\n');
}
