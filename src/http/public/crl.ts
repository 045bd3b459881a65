/** CRLs over HTTP, as a stream: a list of a million entries is 50 MB. */

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PublishedCrl } from '../../services/revocation-records.ts';

export interface CrlDoor {
  readonly findCrl: (issuerId: string) => Promise<PublishedCrl | undefined>;
  readonly readChunk: (
    issuerId: string,
    number: number,
    chunk: number,
  ) => Promise<Uint8Array | undefined>;
  readonly isIssuer: (issuerId: string) => Promise<boolean>;
}

/** How long caches may keep a list; a revocation shows in the next one within seconds. */
const MAX_AGE_SECONDS = 60;
/** A client that takes nothing for so long is let go: what it waits for is held in memory. */
const READER_MILLISECONDS = 30_000;

export async function serveCrl(
  door: CrlDoor,
  request: IncomingMessage,
  response: ServerResponse,
  issuerId: string,
): Promise<void> {
  const crl = await door.findCrl(issuerId);
  if (!crl) {
    // Right after its creation an issuer's first list is still being made.
    const coming = await door.isIssuer(issuerId);
    response.writeHead(coming ? 503 : 404, {
      'Cache-Control': 'no-store',
      ...(coming ? { 'Retry-After': '5' } : {}),
    });
    response.end();
    return;
  }
  const etag = `"${issuerId}-${crl.number}"`;
  const caching = {
    ETag: etag,
    'Last-Modified': crl.thisUpdate.toUTCString(),
    'Cache-Control': `max-age=${MAX_AGE_SECONDS}, public, no-transform, must-revalidate`,
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, caching);
    response.end();
    return;
  }
  response.writeHead(200, {
    'Content-Type': 'application/pkix-crl',
    'Content-Length': crl.length,
    ...caching,
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  for (let chunk = 0; chunk < crl.chunks && !response.destroyed; chunk++) {
    const bytes = await door.readChunk(issuerId, crl.number, chunk);
    // Replaced twice while a slow client was reading: a cut-off list is refused by its length.
    if (!bytes || !(await written(response, bytes))) {
      response.destroy();
      return;
    }
  }
  response.end();
}

/** @returns whether the client took the bytes in time */
async function written(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  if (response.write(bytes)) return true;
  const patience = AbortSignal.timeout(READER_MILLISECONDS);
  return once(response, 'drain', { signal: patience }).then(
    () => true,
    () => false,
  );
}
