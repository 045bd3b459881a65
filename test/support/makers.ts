/** Makers of vehicles with authorities of their own, and the certificates that leave the factory. */

import type { Certificate } from '../../src/pki/certificate.ts';
import { type DistinguishedName, writeName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import type { CertificateTemplate, ExtensionSet } from '../../src/pki/template.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  leafExtensions,
  type TestKey,
  templateFor,
} from './issuing.ts';

export interface Maker {
  readonly root: Certificate;
  /** Below the root, that of vehicles first. */
  readonly subCas: readonly Certificate[];
  /** A certificate of a vehicle; `changes` may spoil it. */
  vehicle(pcid: string, changes?: VehicleChanges): Certificate;
}

export interface VehicleChanges extends Partial<Omit<CertificateTemplate, 'extensions'>> {
  readonly key?: TestKey;
  readonly algorithm?: KeyAlgorithm;
  /** Undefined takes one away. */
  readonly extensions?: { readonly [Name in keyof ExtensionSet]?: ExtensionSet[Name] | undefined };
}

/** @param options.subCas how many authorities there are between root and vehicles */
export function newMaker({
  algorithm = 'P-256',
  subCas = 2,
}: {
  algorithm?: KeyAlgorithm;
  subCas?: number;
} = {}): Maker {
  // Every maker is another one, whatever the keys: names tell roots apart.
  const name = `Maker ${++makers}`;
  const rootKey = generateKey(algorithm);
  const rootName = commonName(`${name} Root`);
  const root = issue(
    templateFor(rootKey, rootKey, {
      ...{ subject: rootName, issuerName: writeName(rootName) },
      extensions: authorityExtensions(rootKey, rootKey),
    }),
    rootKey,
  );
  let above: { name: DistinguishedName; key: TestKey } = { name: rootName, key: rootKey };
  const chain: Certificate[] = [];
  for (let level = 1; level <= subCas; level++) {
    const key = generateKey(algorithm);
    const subject = commonName(`${name} Sub-CA ${level}`);
    const template = templateFor(key, above.key, {
      ...{ subject, issuerName: writeName(above.name) },
      extensions: authorityExtensions(key, above.key),
    });
    chain.unshift(issue(template, above.key));
    above = { name: subject, key };
  }
  const issuer = above;
  return {
    root,
    subCas: chain,
    vehicle(pcid, changes = {}) {
      const { extensions = {}, algorithm: leafAlgorithm = algorithm, ...rest } = changes;
      const { key = generateKey(leafAlgorithm), ...template } = rest;
      const wanted = { ...leafExtensions(key, issuer.key), ...bothUsages, ...extensions };
      return issue(
        templateFor(key, issuer.key, {
          ...{ subject: commonName(pcid), issuerName: writeName(issuer.name) },
          ...template,
          extensions: Object.fromEntries(
            Object.entries(wanted).filter(([, extension]) => extension !== undefined),
          ) as ExtensionSet,
        }),
        issuer.key,
      );
    },
  };
}

let makers = 0;

const bothUsages: ExtensionSet = {
  keyUsage: { critical: true, usages: ['digitalSignature', 'keyAgreement'] },
};

export const pemOf = (...certificates: readonly Certificate[]): string =>
  certificates.map(({ der }) => toPem('CERTIFICATE', der)).join('');
