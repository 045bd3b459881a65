/** EST and REST on one listener: each request goes to the door that its path is for. */

import { type EstDoor, estDoor } from '../http/est/door.ts';
import type { ListenOptions } from '../http/listener.ts';
import { withPool } from '../http/opnc/paths.ts';
import { authenticateCertificate } from '../services/certificate-login.ts';
import {
  estCaCertificates,
  estCsrAttributes,
  estEnrol,
  estReenrol,
  estServerKeygen,
  estUnread,
} from '../services/est.ts';
import { estLabel } from '../services/est-labels.ts';
import { requireOwnParty } from '../services/parties.ts';
import type { Parts } from './parts.ts';

/** What the door shares with that of REST. */
type Shared = Pick<EstDoor, 'authenticate' | 'clientCertificate' | 'limits' | 'measure'>;

/** @param rest answers what is not for EST */
export function estBefore(
  parts: Parts,
  shared: Shared,
  rest: ListenOptions['handle'],
): ListenOptions['handle'] {
  const { accessParts, paths, parsed, certificates } = parts;
  const door = estDoor({
    ...shared,
    authenticateCertificate: (chain) =>
      authenticateCertificate({ ...accessParts, paths, parsed, certificates }, chain),
    service: {
      label: (question) => estLabel(parts, question),
      caCertificates: (question) => estCaCertificates(parts, question),
      enrol: (asked) => estEnrol(parts, asked),
      reenrol: (asked) => estReenrol(parts, asked),
      serverKeygen: (asked) => estServerKeygen(parts, asked),
      csrAttributes: (question) => estCsrAttributes(parts, question),
      unread: (question, error) => estUnread(parts, question, error),
    },
    isLabel: (name) => parts.est.labels.has(name),
    requireOwnParty: (principal, party) => requireOwnParty(parts, principal, party),
    access: parts.access,
    refusals: parts.refusals,
    logger: parts.logger,
  });
  return (request, response) => {
    if (door(request, response)) return;
    request.url = withPool(request.url ?? '');
    rest(request, response);
  };
}
