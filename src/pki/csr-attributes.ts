/**
 * What a profile's requests should look like, as EST tells it to clients that ask (RFC 7030 4.5.2
 * in the syntax of RFC 8951 4, read as RFC 9908 3.2 does). It is advice: policy judges the request.
 */

import { DerReader } from './der.ts';
import { tags } from './der-element.ts';
import { integer, oid, sequence, set } from './der-writer.ts';
import { writeExtensions } from './extensions/write.ts';
import { algorithms, namedCurves, requestAttributes } from './oids.ts';
import { grantedKeyUsages, type Profile } from './profile.ts';
import type { KeyAlgorithm } from './public-key.ts';
import { algorithmIdentifier, signatureAlgorithmFor } from './signature-algorithm.ts';
import type { ExtensionSet } from './template.ts';

/**
 * CsrAttrs, DER: the kind of key, the extensions that a request may name with the values that the
 * profile gives them, and the algorithm to sign with.
 *
 * A request has one key, and RFC 9908 lets a key type have one curve or size: of several kinds it
 * is the profile's first. The subject and alternative names are not in it, as those have values
 * that only the client knows. Nor is challengePassword: it would demand that requests are bound to
 * their connection (RFC 7030 3.5), which TLS 1.3 cannot do.
 */
export function csrAttributes(profile: Profile): Uint8Array {
  const [key] = profile.keys;
  const extensions = key === undefined ? {} : advisedExtensions(profile, key);
  return sequence(
    ...(key === undefined ? [] : keyParts(key)),
    ...(Object.keys(extensions).length === 0
      ? []
      : [attribute(requestAttributes.extensionRequest, writeExtensions(extensions))]),
  );
}

/** The kind of key and its signature algorithm, which are one identifier for Edwards curves. */
function keyParts(key: KeyAlgorithm): Uint8Array[] {
  switch (key) {
    case 'P-256':
    case 'P-384':
    case 'P-521':
      return [attribute(algorithms.ecPublicKey, oid(namedCurves[key])), signatureOid(key)];
    case 'Ed25519':
    case 'Ed448':
      return [signatureOid(key)];
    default: {
      const bits = Number(key.slice('RSA-'.length));
      return [attribute(algorithms.rsaEncryption, integer(bits)), signatureOid(key)];
    }
  }
}

/** Only the identifier: CsrAttrs has no place for parameters. */
const signatureOid = (key: KeyAlgorithm): Uint8Array => {
  const identifier = algorithmIdentifier(signatureAlgorithmFor(key));
  return DerReader.over(identifier, identifier.length).sequence().read(tags.oid).raw;
};

/** Of the extensions that a request may have, those whose value is the same for every request. */
function advisedExtensions(profile: Profile, key: KeyAlgorithm): ExtensionSet {
  const allowed = (name: string): boolean => profile.request.allowedExtensions.includes(name);
  const { basicConstraints, keyUsage, extendedKeyUsage } = profile.extensions;
  return {
    ...(basicConstraints && allowed('basicConstraints') ? { basicConstraints } : {}),
    ...(allowed('keyUsage')
      ? { keyUsage: { critical: keyUsage.critical, usages: grantedKeyUsages(profile, key) } }
      : {}),
    ...(extendedKeyUsage && allowed('extendedKeyUsage') ? { extendedKeyUsage } : {}),
  };
}

/** Attribute with one value (RFC 2986 4.1). */
const attribute = (type: string, value: Uint8Array): Uint8Array => sequence(oid(type), set(value));
