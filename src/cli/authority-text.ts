/** Authorities as people read them. */

import type { AuthorityWithIssuers, Issuer } from './api-bodies.ts';
import { readChain } from './chain-file.ts';
import { type Io, printable } from './io.ts';
import { fields, moment } from './table.ts';

/** An authority and its issuers as people read them. */
export function authorityText(authority: AuthorityWithIssuers, io: Io): string {
  const issuers = authority.issuers.map((issuer) => `\n${issuerText(issuer, io)}`);
  return `${printable(authority.title)}\n${fields([
    ['id', authority.id],
    ['state', authority.state],
    ['under', authority.under],
    ['profile', authority.profile],
    ['key', authority.exported ? `${authority.key}, handed out` : authority.key],
    ['of', authority.organization],
  ])}${issuers.join('')}`;
}

const issuerText = (issuer: Issuer, io: Io): string =>
  `Issuer, generation ${issuer.generation}\n${fields([
    ['id', issuer.id],
    ['state', issuer.state],
    ['subject', issuer.subject],
    ['from', issuer.notBefore && moment(issuer.notBefore, io)],
    ['until', issuer.notAfter && moment(issuer.notAfter, io)],
    ['sha-256', issuer.certificateChain && readChain(issuer.certificateChain).fingerprint],
  ])}`;
