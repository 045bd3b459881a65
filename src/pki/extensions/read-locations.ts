/** Reading where a certificate says that its status and its issuer are to be found (RFC 5280 4.2). */

import { bitStringOf, type DerReader } from '../der.ts';
import { contextConstructed, contextPrimitive, DerError } from '../der-element.ts';
import { accessMethods } from '../oids.ts';
import { requireDer } from '../require-der.ts';
import {
  type AnyGeneralName,
  readGeneralName,
  readGeneralNames,
  requireFilled,
} from './general-names.ts';

/**
 * RFC 5280 4.2.1.13. Only the URLs of points that serve whole CRLs of the issuer itself: points
 * for some reasons only, or of another CRL issuer, do not tell whether a certificate holds.
 */
export function readCrlDistributionPoints(value: DerReader): { urls: readonly string[] } {
  const points = value.sequence();
  requireFilled(points, 'distribution points');
  const urls: string[] = [];
  while (!points.atEnd) urls.push(...readDistributionPoint(points.sequence()));
  return { urls };
}

function readDistributionPoint(point: DerReader): readonly string[] {
  const { offset } = point;
  const named = point.has(contextConstructed(0));
  const urls = named ? readDistributionPointUrls(point) : [];
  const someReasons = point.has(contextPrimitive(1));
  if (someReasons) bitStringOf(point.read().content, point.offset);
  const otherIssuer = point.has(contextConstructed(2));
  if (otherIssuer) readGeneralNames(point.enter(contextConstructed(2)));
  point.end();
  if (!named && !otherIssuer) {
    throw new DerError('a distribution point names neither a place nor an issuer', offset);
  }
  return someReasons || otherIssuer ? [] : urls;
}

/**
 * The URLs in the field distributionPoint of certificates and CRLs (RFC 5280 4.2.1.13, 5.2.5).
 * Other kinds of names are passed over.
 * @param point stands before the field, and is left after it
 */
export function readDistributionPointUrls(point: DerReader): readonly string[] {
  const choice = point.enter(contextConstructed(0));
  let names: readonly AnyGeneralName[] = [];
  if (choice.has(contextConstructed(0))) {
    names = readGeneralNames(choice.enter(contextConstructed(0)));
  } else {
    requireDer(choice.enter(contextConstructed(1)));
  }
  choice.end();
  return uris(names);
}

/** RFC 5280 4.2.2.1. Other access methods, and locations that are no URIs, are passed over. */
export function readAuthorityInfoAccess(value: DerReader): {
  ocsp: readonly string[];
  caIssuers: readonly string[];
} {
  const list = value.sequence();
  requireFilled(list, 'access descriptions');
  const ocsp: string[] = [];
  const caIssuers: string[] = [];
  while (!list.atEnd) {
    const description = list.sequence();
    const method = description.oid();
    const location = readGeneralName(description);
    description.end();
    if (location.kind !== 'uri') continue;
    if (method === accessMethods.ocsp) ocsp.push(location.value);
    else if (method === accessMethods.caIssuers) caIssuers.push(location.value);
  }
  return { ocsp, caIssuers };
}

const uris = (names: readonly AnyGeneralName[]): string[] =>
  names.flatMap((name) => (name.kind === 'uri' ? [name.value] : []));
