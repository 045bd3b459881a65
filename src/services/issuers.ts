/**
 * Issuers ready to sign. Opening one costs a key derivation and a few parses, so it is kept; what
 * is kept never changes (key, certificate, addresses). Whether the issuer may still sign is asked
 * of the database each time, when the pending row is written.
 */

import type { KeyObject } from 'node:crypto';
import { type Certificate, readCertificate } from '../pki/certificate.ts';
import { keyIdentifier } from '../pki/key-identifier.ts';
import type { LintIssuer } from '../pki/lint/rule.ts';
import type { IssuerFacts } from '../pki/policy.ts';
import type { Profile } from '../pki/profile.ts';
import { importPublicKey, readPublicKey } from '../pki/public-key.ts';
import type { Signer } from '../pki/signer.ts';
import type { Authority, AuthorityStore, Issuer } from './authority-records.ts';
import { issuerChain } from './chains.ts';
import type { Keyring } from './keyring.ts';

/** An issuer with its certificate, opened for signing. */
export interface ReadyIssuer {
  readonly authority: Authority;
  readonly issuer: Issuer;
  readonly certificate: Certificate;
  /** What goes out with its certificates: its own and those above, nearest first, no root. */
  readonly chain: readonly Uint8Array[];
  readonly facts: IssuerFacts;
  readonly lint: LintIssuer;
  readonly signer: Signer;
  readonly verificationKey: KeyObject;
}

export interface Issuers {
  /**
   * The newest active issuer of an authority, opened.
   * @returns undefined when it has none, or its key was handed out: others sign with that
   */
  current(authority: Authority): Promise<ReadyIssuer | undefined>;
  /**
   * An issuer that is certified, whether or not it still signs certificates: retired ones answer
   * for those that they signed.
   * @returns undefined when there is none, or it awaits its certificate
   */
  byId(issuerId: string): Promise<ReadyIssuer | undefined>;
}

/** Where clients find what an issuer says about its certificates. */
export const issuerUrls = ({ publicUrl, id }: Pick<Issuer, 'publicUrl' | 'id'>) => ({
  ocsp: `${publicUrl}/ocsp`,
  crl: `${publicUrl}/crl/${id}.crl`,
  caIssuers: `${publicUrl}/ca/${id}.cer`,
});

export function createIssuers(
  store: AuthorityStore,
  keyring: Keyring,
  profiles: ReadonlyMap<string, Profile>,
): Issuers {
  const ready = new Map<string, Promise<ReadyIssuer>>();

  const opened = (authority: Authority, issuer: Issuer): Promise<ReadyIssuer> => {
    const key = `${issuer.id}/${issuer.state}`;
    const known = ready.get(key);
    if (known) return known;
    const opening = open(authority, issuer, store, keyring, profiles);
    ready.set(key, opening);
    // A failure is not kept: the next caller tries again.
    opening.catch(() => ready.delete(key));
    return opening;
  };

  return {
    async current(authority) {
      if (authority.exportedBy !== undefined) return undefined;
      const generations = await store.listIssuers(authority.id);
      const issuer = generations.find(({ state }) => state === 'active');
      if (!issuer) return undefined;
      return opened(authority, issuer);
    },

    async byId(issuerId) {
      const issuer = await store.findIssuer(issuerId);
      if (!issuer?.certificate) return undefined;
      const authority = await store.findAuthority(issuer.authorityId);
      return authority && opened(authority, issuer);
    },
  };
}

async function open(
  authority: Authority,
  issuer: Issuer,
  store: AuthorityStore,
  keyring: Keyring,
  profiles: ReadonlyMap<string, Profile>,
): Promise<ReadyIssuer> {
  const envelope = await store.findEnvelope(issuer.keyId);
  if (!envelope || !issuer.certificate) {
    throw new Error(`issuer ${issuer.id} has no key or no certificate`);
  }
  const certificate = readCertificate(issuer.certificate);
  const signer = await keyring.open(envelope, issuer.keyAlgorithm, issuer.spki);
  const facts = issuerFacts(authority, issuer, certificate, profiles);
  return {
    authority,
    issuer,
    certificate,
    chain: await issuerChain(store, issuer),
    facts,
    lint: {
      subjectDer: facts.subjectDer,
      keyIdentifier: facts.keyIdentifier,
      notBefore: facts.notBefore,
      notAfter: facts.notAfter,
      ...(facts.pathLength === undefined ? {} : { pathLength: facts.pathLength }),
    },
    signer,
    verificationKey: importPublicKey(facts.publicKey),
  };
}

/** What policy needs to know of the issuer, read from its own certificate. */
function issuerFacts(
  authority: Authority,
  issuer: Issuer,
  certificate: Certificate,
  profiles: ReadonlyMap<string, Profile>,
): IssuerFacts {
  const key = readPublicKey(issuer.spki);
  if (!key.ok) throw new Error(`issuer ${issuer.id} has an unusable public key`);
  const { basicConstraints, subjectKeyIdentifier, extendedKeyUsage, nameConstraints } =
    certificate.extensions;
  const octets = profiles.get(authority.profile)?.extensions.subjectKeyIdentifier?.octets ?? 20;
  return {
    subject: certificate.subject,
    subjectDer: certificate.subjectDer,
    publicKey: key.value,
    keyIdentifier: subjectKeyIdentifier?.value ?? keyIdentifier(key.value, octets),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    profile: authority.profile,
    state: issuer.state,
    urls: issuerUrls(issuer),
    ...(basicConstraints?.pathLength === undefined
      ? {}
      : { pathLength: basicConstraints.pathLength }),
    ...(extendedKeyUsage ? { extendedKeyUsage } : {}),
    ...(nameConstraints ? { nameConstraints } : {}),
  };
}
