/** The documentation on the API listener: for anybody, without a script and without other hosts. */

import type { Express, RequestHandler } from 'express';
import type { AccessPolicy } from '../../../services/access-policy.ts';
import type { OpenApi } from './document.ts';
import { errorsPage } from './errors-page.ts';
import { operationsPage } from './operations-page.ts';
import { STYLE_PATH } from './page.ts';
import { style } from './style.ts';

/** Nothing but this listener's own style sheet is loaded, whatever a page says. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** @param text openapi.yaml as it is written */
export function serveDocs(
  app: Express,
  document: OpenApi,
  text: string,
  access: AccessPolicy,
): void {
  const pages: Readonly<Record<string, readonly [type: string, body: string]>> = {
    '/docs': ['text/html', operationsPage(document, access)],
    '/docs/errors': ['text/html', errorsPage(document.info.title)],
    [STYLE_PATH]: ['text/css', style],
    '/openapi.yaml': ['application/yaml', text],
    '/openapi.json': ['application/json', JSON.stringify(document)],
  };
  for (const [path, [type, body]] of Object.entries(pages)) {
    const octets = Buffer.from(body);
    const send: RequestHandler = (_request, response) => {
      response.set({
        'Cache-Control': 'public, max-age=300',
        'Content-Security-Policy': POLICY,
        'Content-Type': `${type}; charset=utf-8`,
        'Referrer-Policy': 'no-referrer',
      });
      response.send(octets);
    };
    app.get(path, send);
  }
}
