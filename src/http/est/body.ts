/** Bodies of EST: a certification request, never compressed, of the size that one can have. */

import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../../services/errors.ts';

/** Octets; a request of 8 KiB in base64 or PEM is less than half of it. */
const MAX_BODY = 32 * 1024;
const ABORTED = 'the caller has gone away';

/**
 * Reads a body. What it is called decides nothing (RFC 8951 3): clients name odd types and
 * encodings.
 * @throws ServiceError `media-type-unsupported` when it is compressed, `body-too-large` without
 *   reading on
 */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const { 'content-encoding': encoding = 'identity', 'content-length': length } = request.headers;
  if (encoding.toLowerCase() !== 'identity') {
    throw new ServiceError('media-type-unsupported', 'compressed bodies are not read');
  }
  if (Number(length ?? 0) > MAX_BODY) throw tooLarge();
  // Somebody may have left while it was found out who they are.
  if (request.destroyed) throw new Error(ABORTED);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let octets = 0;
    const take = (chunk: Buffer) => {
      octets += chunk.length;
      if (octets <= MAX_BODY) {
        chunks.push(chunk);
        return;
      }
      request.off('data', take);
      request.pause();
      reject(tooLarge());
    };
    request.on('data', take);
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => reject(new Error(ABORTED)));
  });
}

/** Whether more of a body may be left unread than is read of any: nobody waits for the rest then. */
export const mayBeLong = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > MAX_BODY;

const tooLarge = (): ServiceError =>
  new ServiceError('body-too-large', `a body has at most ${MAX_BODY} octets`);
