/** A certificate told to people. */

import type { Certificate } from './api-bodies.ts';
import type { Io } from './io.ts';
import { fields, moment } from './table.ts';

export const certificateFields = (
  certificate: Certificate,
  io: Io,
  more: readonly (readonly [string, string | undefined])[],
): string =>
  fields([
    ['subject', certificate.subject || '(empty)'],
    ['state', stateOf(certificate)],
    ['reason', certificate.revocationReason],
    ['since', certificate.revokedAt && moment(certificate.revokedAt, io)],
    ['from', moment(certificate.notBefore, io)],
    ['until', moment(certificate.notAfter, io)],
    ['profile', certificate.profile],
    ['of', certificate.organization],
    ['issuer', certificate.issuer],
    ['serial', certificate.serialNumber],
    ['id', certificate.id],
    ['renews', certificate.renews],
    ['renewed by', certificate.renewedBy],
    ...more,
  ]);

export const stateOf = ({ state, expired }: Certificate): string =>
  expired && state === 'issued' ? 'expired' : state;
