/**
 * Requests of web pages. A browser presents the certificate of its reader to whoever a page makes it
 * call, and asks nobody before it sends a form (Fetch 4.1): what a page cannot read is done all the
 * same. Programs say nothing of where they come from.
 */

import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../services/errors.ts';

/** What changes nothing may come from anywhere: no page is let read the answer. */
const reading: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/**
 * @throws ServiceError `web-page-refused` for what a page would have changed, which it betrays by its
 *   origin, `null` included, or by how far away it is (Fetch Metadata 2.4; `none`: its reader's doing)
 */
export function refusePages({
  method = '',
  headers: { origin, 'sec-fetch-site': site = 'none' },
}: Pick<IncomingMessage, 'method' | 'headers'>): void {
  if (reading.has(method) || (origin === undefined && site === 'none')) return;
  throw new ServiceError('web-page-refused', 'requests of web pages are not taken here');
}
