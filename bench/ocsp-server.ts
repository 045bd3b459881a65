/**
 * A process of its own that answers OCSP over HTTP, as evpki's public listener does or as nobody
 * can cheaper: `evpki` or `bare`. It sends its port and the request to ask, then its CPU time
 * (microseconds since it started) whenever it is asked for it.
 */

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type PublicParts, publicHandler } from '../src/http/public/server.ts';
import { requestFor } from '../test/support/ocsp.ts';
import { certIdOf, madeUpResponder } from '../test/support/responder.ts';

const { responder, now } = madeUpResponder();
const question = requestFor([certIdOf('11aa')]);
const ready = await responder.answer(question);

const nothing = () => undefined;
const silent = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silent,
};
const parts: PublicParts = {
  answer: (request) => responder.answer(request),
  clock: now,
  findCrl: async () => undefined,
  readChunk: async () => undefined,
  isIssuer: async () => false,
  issuerCertificate: async () => undefined,
  trouble: async () => undefined,
  hexRequests: true,
};

/** Reads what it is sent, and sends the same bytes as evpki. */
const bare: RequestListener = (request, response) => {
  request.on('data', nothing);
  request.on('end', () => {
    response.writeHead(200, {
      'Content-Type': 'application/ocsp-response',
      'Content-Length': ready.der.length,
    });
    response.end(ready.der);
  });
};

const handler = process.argv[2] === 'bare' ? bare : publicHandler(() => parts, silent);
const server = createServer(handler);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ port, question: Buffer.from(question).toString('base64') });
});
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system });
});
process.on('disconnect', () => process.exit(0));
