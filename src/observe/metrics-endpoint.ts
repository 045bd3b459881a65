/** `GET /metrics` for Prometheus, on a listener that only this machine reaches. */

import type { RequestListener } from 'node:http';
import type { Logger } from '../services/logger.ts';
import type { Metrics } from './metrics.ts';

export function metricsHandler(
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  logger: Logger,
): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end();
      return;
    }
    metrics.text().then(
      (text) => {
        response.writeHead(200, {
          'Content-Type': metrics.contentType,
          'Cache-Control': 'no-store',
          'Content-Length': Buffer.byteLength(text),
        });
        response.end(request.method === 'HEAD' ? undefined : text);
      },
      (error: unknown) => {
        logger.error('metrics-failed', { error });
        response.writeHead(500).end();
      },
    );
  };
}
