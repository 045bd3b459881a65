import { createHash } from 'node:crypto';
import { fingerprint, serialHex } from '../../pki/certificate.ts';
import { attributeValue, nameText } from '../../pki/names.ts';
import type { RootType } from '../../pki/profile.ts';
import type { KeyAlgorithm } from '../../pki/public-key.ts';
import {
  findRoot,
  type ListedRoot,
  listRoots,
  type RootPoolParts,
  removeRoot,
} from '../../services/root-pool.ts';
import { base64 } from '../pnc/base64.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { namespaceOf } from '../pnc/namespaces.ts';
import { importRoot } from '../pnc/roots.ts';
import { wholeSeconds } from './instants.ts';
import type {
  OpcpNewRoot,
  OpcpRoot,
  OpcpRootCollection,
  OpcpRootResponse,
  OpcpTrustList,
} from './types.ts';

/** What clients call the algorithm of a root's key, and whose standard has roots of it. */
const algorithmsOf: Partial<
  Record<KeyAlgorithm, Pick<OpcpRoot, 'signatureAlgorithm' | 'xsdMsgDefNamespace'>>
> = {
  'P-256': { signatureAlgorithm: 'secp256r1', xsdMsgDefNamespace: namespaceOf['iso15118-2'] },
  'P-384': { signatureAlgorithm: 'secp384r1' },
  'P-521': { signatureAlgorithm: 'secp521r1', xsdMsgDefNamespace: namespaceOf['iso15118-20'] },
  Ed448: { signatureAlgorithm: 'ed448', xsdMsgDefNamespace: namespaceOf['iso15118-20'] },
};

/** The root certificate pool. */
export const rootHandlers = (parts: RootPoolParts) =>
  ({
    async opcpListRoots(request, response, principal) {
      const { rootType } = request.query as { rootType?: string };
      const wanted = rootType === undefined ? undefined : typeNamed(rootType);
      const roots = await listRoots(parts, principal, wanted);
      const body: OpcpRootCollection = {
        RootCertificateCollection: { rootCertificates: roots.map(rootOf) },
      };
      response.json(body);
    },

    async opcpGetRoot(request, response, principal) {
      const root = await findRoot(parts, principal, String(request.params.id));
      response.json(responseOf(root));
    },

    async opcpAddRoot(request, response, principal) {
      const { caCertificate, rootType } = request.body as OpcpNewRoot;
      const root = await importRoot(parts, principal, caCertificate, typeNamed(rootType));
      response.json(responseOf(root));
    },

    async opcpDeleteRoot(request, response, principal) {
      await removeRoot(parts, principal, String(request.params.id));
      response.end();
    },

    async opcpGetTrustList(_request, response, principal) {
      response.json(trustListOf(await listRoots(parts, principal)));
    },
  }) satisfies PncHandlers;

/** openapi.yaml lets no others through. */
const typeNamed = (text: string): RootType => text.toUpperCase() as RootType;

const responseOf = (root: ListedRoot): OpcpRootResponse => ({ RootResponse: rootOf(root) });

/** Everything is text: some clients know no other values. */
function rootOf({ id, rootType, certificate, addresses }: ListedRoot): OpcpRoot {
  const { subject, der, extensions, publicKey } = certificate;
  const keyIdentifier = extensions.subjectKeyIdentifier?.value;
  return {
    rootCertificateId: id,
    distinguishedName: nameText(subject),
    rootType,
    caCertificate: base64(der),
    commonName: attributeValue(subject, 'CN') ?? '',
    ...(keyIdentifier
      ? {
          rootAuthorityKeyIdentifier: base64(keyIdentifier),
          rootAuthorityKeyIdentifierHex: Buffer.from(keyIdentifier).toString('hex'),
        }
      : {}),
    rootIssuerSerialNumber: serialHex(certificate),
    validFrom: wholeSeconds(certificate.notBefore),
    validTo: wholeSeconds(certificate.notAfter),
    organizationName: attributeValue(subject, 'O') ?? '',
    ...(addresses
      ? { certificateRevocationList: addresses.crl, labeledUri: addresses.certificate }
      : {}),
    fingerprint: fingerprint(der),
    fingerprintSha1: sha1(der),
    ...(publicKey ? algorithmsOf[publicKey.algorithm] : {}),
  };
}

/** The same list for the same roots, so that its digest tells whether anything has changed. */
function trustListOf(roots: readonly ListedRoot[]): OpcpTrustList {
  const entries = roots.map(({ id, rootType, certificate }) => ({
    rootCertificateId: id,
    rootType,
    distinguishedName: nameText(certificate.subject),
    fingerprint: fingerprint(certificate.der),
    validTo: wholeSeconds(certificate.notAfter),
  }));
  const lines = entries.map(({ rootType, fingerprint: sha256 }) => `${rootType} ${sha256}\n`);
  const digest = createHash('sha256').update(lines.sort().join('')).digest('hex');
  return { CertificateTrustList: { digest, entries } };
}

const sha1 = (der: Uint8Array): string => createHash('sha1').update(der).digest('hex');
